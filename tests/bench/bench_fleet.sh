# bench_fleet.sh - a fleet's year in a real PostgreSQL of its own: how fast the hub takes lines in, and how long a fleet's sums take.
# FLEET_HOSTS=10000 FLEET_DAYS=180 FLEET_ROWS=5 (keys a host and day); the lines of FLEET_LINES hosts go through 'cordon hub --from DIR'.
: "${FLEET_HOSTS:=10000}" "${FLEET_DAYS:=180}" "${FLEET_ROWS:=5}" "${FLEET_LINES:=100}"
PGBIN=/usr/lib/postgresql/15/bin
pgdata=$TMPDIR/fleet.pg
user=postgres
id -u $user >/dev/null 2>&1 || user=nobody
install -d -o $user -m 700 "$pgdata"
as_pg() { setpriv --reuid $user --regid "$(id -g $user)" --clear-groups env HOME=/ "$@"; }
as_pg $PGBIN/initdb -N -U pg -A trust -D "$pgdata/data" >&2 || exit 1
cat >>"$pgdata/data/postgresql.conf" <<X
listen_addresses = ''
unix_socket_directories = '$pgdata'
fsync = off
shared_buffers = 512MB
work_mem = 64MB
maintenance_work_mem = 512MB
max_wal_size = 8GB
wal_level = minimal
max_wal_senders = 0
autovacuum = off
X
setpriv --reuid $user --regid "$(id -g $user)" --clear-groups env HOME=/ $PGBIN/postgres -D "$pgdata/data" >"$TMPDIR/fleet.log" 2>&1 &
pg=$!
trap 'kill -INT $pg; wait $pg 2>/dev/null' EXIT
sql() { PGUSER=pg $PGBIN/psql -qXAt -v ON_ERROR_STOP=1 -h "$pgdata" postgres "$@"; }
for _ in $(seq 100); do sql -c 'select 1' >/dev/null 2>&1 && break; sleep 0.2; done
url="host=$pgdata user=pg dbname=postgres"
seconds() { # CMD...: how long it took, its output to $TMPDIR/out
	local t=$(date +%s%N)
	"$@" >"$TMPDIR/out" 2>"$TMPDIR/err" || { cat "$TMPDIR/err" >&2; exit 1; }
	awk -v ns=$(($(date +%s%N) - t)) 'BEGIN { printf "%.1f", ns / 1e9 }'
}

# lines as an agent writes them, of a few hosts, through the hub itself
mkdir -p "$TMPDIR/in"
python3 - "$TMPDIR/in/lines.json" "$FLEET_LINES" "$FLEET_DAYS" "$FLEET_ROWS" <<'X'
import datetime, sys, uuid
to, hosts, days, rows = sys.argv[1], *map(int, sys.argv[2:])
line = ('{"@timestamp":"%s","event":{"kind":"metric","action":"ledger-day","module":"cordon","dataset":"cordon.ledger","id":"%s","created":"%s"},'
        '"agent":{"type":"cordon","id":"line-%d","name":"line-%d"},"cordon":{"kind":"ledger","ledger":{"seconds":86400,"start":%d,"row":"flow","unit":'
        '"postgresql@15-main.service","exe":"/usr/bin/psql","user":"postgres","country":"%s","provider":"aws","law":"US","rule":"allow to eea",'
        '"prefix":"52.28.%d.0/24","port":5432,"proto":6,"verdict":"allow","enforced":true,"by_peer":false,"packets":10,"bytes":%d,"attempts":0,'
        '"flows":2,"first_ns":%d,"last_ns":%d}}}\n')
with open(to, "w") as f:
    for h in range(hosts):
        for d in range(days):
            start = 1764028800 + d * 86400
            at = datetime.datetime.fromtimestamp(start, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
            for r in range(rows):
                f.write(line % (at, uuid.UUID(int=(h * days + d) * rows + r), at, h, h, start, ["DE", "US", "FR"][r % 3], r, 1000 + r, start * 10**9,
                                start * 10**9 + 5))
X
lines=$(wc -l <"$TMPDIR/in/lines.json")
taken=$(seconds "$CORDON" hub --database "$url" --from "$TMPDIR/in" --once) || exit 1
echo "taken in: $lines lines in $taken s" >&2

# the rest of the fleet, loaded by the server itself; the primary key is made after
load() {
	sql <<X
truncate cordon.day, cordon.part;
alter table cordon.day drop constraint day_pkey;
insert into cordon.host (agent, name, first_seen, last_seen) select 'h' || i, 'h' || i, now(), now() from generate_series(1, $FLEET_HOSTS) i;
insert into cordon.key (hash, kind, unit, container, exe, user_name, country, provider, region, operator, law, grade, rule, prefix, port, proto,
	verdict, enforced, by_peer)
	select md5(i::text)::uuid, 0, 'unit-' || i % 40 || '.service', '', '/usr/bin/p' || i % 25, 'u' || i % 10, (array['DE','FR','US','IE','NL','GB'])[1 + i % 6],
	(array['aws','ovh','azure','google'])[1 + i % 4], 'r' || i % 12, 'op' || i % 15, (array['US','FR','DE'])[1 + i % 3], 'operator-list', 'allow to eea',
	'10.' || i / 250 || '.' || i % 250 || '.0/24', 5432, 6, i % 3, true, false from generate_series(1, 5000) i;
insert into cordon.day select o.id, timestamptz '2026-01-01 00:00+00' + make_interval(days => d), k.first + (o.n * 7 + r * 13) % 5000, 10, 1000 + r, 0, 2,
	1767225600000000000 + d * 86400000000000, 1767225600000000000 + d * 86400000000000 + 5
	from (select id, row_number() over () as n from cordon.host where agent like 'h%') o, generate_series(0, $FLEET_DAYS - 1) d,
	generate_series(1, $FLEET_ROWS) r, (select min(id) as first from cordon.key where unit like 'unit-%') k;
alter table cordon.day add primary key (host, start, key);
analyze;
X
}
loaded=$(seconds load) || exit 1
rows=$(sql -c 'select count(*) from cordon.day')
size=$(sql -c "select pg_size_pretty(pg_total_relation_size('cordon.day'))")
echo "loaded: $rows rows in $loaded s" >&2
want=$(sql -c 'select sum(bytes) from cordon.day')
echo "## A fleet's sums"
echo
echo "$FLEET_HOSTS hosts x $FLEET_DAYS days x $FLEET_ROWS keys = $rows daily rows ($size with its index) in PostgreSQL 15, shared_buffers 512 MB; loaded in $loaded s."
echo "'cordon hub --from DIR' took $lines lines of $FLEET_LINES hosts in $taken s. The machine had a load of $(cut -d' ' -f1 /proc/loadavg) on $(nproc) cores."
echo
echo "| question | s |"
echo "|---|---|"
for by in country provider law unit host; do
	t=$(seconds "$CORDON" hub --database "$url" --by $by --json) || exit 1
	got=$(jq -s 'map(.bytes) | add' "$TMPDIR/out")
	[ "$got" = "$want" ] || { echo "by $by: $got bytes, not $want" >&2; exit 1; }
	echo "| --by $by, all days | $t |"
	echo "by $by: $t s" >&2
done
t=$(seconds "$CORDON" hub --database "$url" --by country --since 2026-03-01 --until 2026-04-01 --json) || exit 1
echo "| --by country, a month | $t |"
