# first_policy_live.sh - README's "monitor -> suggest -> test -> enforce -> confirm" on a PostgreSQL primary with a replica in the EU,
# backups in S3 eu-west-3, a mirror of packages, time, and a client that sends telemetry to the US. The transcript is a golden.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us fr"
live_begin
S3=35.180.0.1
ip -n "$ID-fr" addr add $S3/32 dev eth0
ip -n "$ID-net" route add $S3/32 dev fr
for u in postgresql@15-main backup apt-daily chrony telemetry; do mkdir -p "$CG/system.slice/$u.service"; done
unit() { echo "$CG/system.slice/$1.service"; }
said=$LIVE/transcript
tell() { # COMMAND...: as the administrator types it, what it answers and its exit code into the transcript
	echo "\$ cordon $*" | sed "s,$LIVE/,,g; s, --control [^ ]*,,; s, --geo [^ ]*,,g" >>"$said"
	"$CORDON" "$@" >"$LIVE/said.out" 2>&1
	echo "exit $?" >>"$LIVE/said.out"
	cat "$LIVE/said.out" >>"$said"
}
replica() { # HOST PRIMARY
	mkdir -p "$LIVE/run-$1" && chmod 777 "$LIVE/run-$1"
	install -d -o $PGUSER_OS -m 700 "$LIVE/pg-$1"
	on "$1" timeout 60 $AS_PG $PGBIN/pg_basebackup -X stream -c fast -h "$2" -D "$LIVE/pg-$1" -R || return 1
	echo "unix_socket_directories = '$LIVE/run-$1'" >>"$LIVE/pg-$1/postgresql.conf"
	bg "pg-$1" on "$1" $AS_PG $PGBIN/postgres -D "$LIVE/pg-$1"
	wait_for 30 at "$1" 'select 1'
}
at() { PGUSER=pg $PGBIN/psql -qXAt -h "$LIVE/run-$1" postgres -c "$2"; }
rows() { [ "$(at "$1" 'select count(*) from person')" = "$2" ]; }
bg s3 on fr $PEER sink 443
bg mirror on fr $PEER sink 80
bg sink on us $PEER sink 443
bg_ready s3 && bg_ready mirror && bg_ready sink
pour() { db_in "$(unit "$1")" $PEER pour "$2" "$3" --bytes "$4" | jq -r .error; } # UNIT ADDRESS PORT BYTES: "" or the error
ntp() { db_in "$(unit chrony)" python3 -c "import socket
try: print('' if socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'n' * 48, ('$FR4', 123)) else 'nothing')
except OSError as e: print('EPERM' if e.errno == 1 else e)"; }
day() { # what the host does: its errors, one a client
	echo "$(pour backup $S3 443 300000)/$(pour apt-daily $FR4 80 20000)/$(ntp)/$(pour telemetry $US4 443 9000)"
}
pg_up "$(unit postgresql@15-main)"
mkdir -p "$LIVE/state"
state() { echo "$LIVE/state/ledger.db"; }

# monitor
cp "$ROOT/rules/examples/eu.conf" "$LIVE/eu.conf"
agent_up "$LIVE/eu.conf"
check "replica in the EU" replica eu $DB4
same "monitor: nothing is stopped" "///" "$(day)"
# the ledger has a row a minute; at an end it has all, if the end is not cut short: agent_stop kills after 10 s
pid=$(cat "$LIVE/pid/agent")
kill -TERM "$pid"
check "monitor: ends by itself" wait_for 120 ended "$pid"
agent_stop

# suggest
"$CORDON" suggest -p "$LIVE/eu.conf" --since 1h "$(state)" >"$LIVE/suggested.conf" 2>"$LIVE/suggest.err"
same "suggest" "0 " "$? $(cat "$LIVE/suggest.err")"
echo '$ cordon suggest --since 1h >suggested.conf' >>"$said"
cat "$LIVE/suggested.conf" >>"$said"

# test
cat >"$LIVE/expected.cases" <<C
unit postgresql@15-main.service -> $EU4:5432 opened by peer allow
unit backup.service -> $S3:443 allow
unit apt-daily.service -> $FR4:80 allow
unit chrony.service -> $FR4:123 proto udp allow
unit telemetry.service -> $US4:443 block
unit backup.service -> $US4:443 block
C
tell test "$LIVE/suggested.conf" "$LIVE/expected.cases"
same "test" 0 "$(sed -n 's/^exit //p' "$LIVE/said.out")"
changes() { "$CORDON" diff "$LIVE/eu.conf" "$LIVE/suggested.conf" --since 1h --json "$(state)" | jq -r '"\(.unit) \(.before.verdict) \(.after.verdict)"' | sort -u; }
same "diff: what eu.conf alerts on for the law over the operator is allowed by name, and nothing else changes" \
	"backup.service alert allow postgresql@15-main.service alert allow" "$(changes | tr '\n' ' ' | sed 's/ $//')"

# enforce, confirm
agent_up "$LIVE/suggested.conf"
tell enforce --for 10m --yes --control "$CONTROL"
same "enforce" 0 "$(sed -n 's/^exit //p' "$LIVE/said.out")"
psql_local -c "insert into person select i, 'x' from generate_series(1, 500) i" >/dev/null
check "enforce: the replica follows" wait_for 30 rows eu 20500
count_start us
same "enforce: only the telemetry is stopped" "///EPERM" "$(day)"
same "enforce: nothing arrives in the US" 0 "$(count_stop us)"
tell confirm --control "$CONTROL"
same "confirm" "0 enforce" "$(sed -n 's/^exit //p' "$LIVE/said.out") $("$CORDON" status --json --control "$CONTROL" | jq -r .mode)"
agent_stop

# sizes, counts, times, this host's programs and resolvers are of this run
sed -E "/would be cut/d; /^  (resolver|flow)/d; /^      line /d; s,$LIVE/,,g; s/[0-9.,]+ (B|kB|MB)\\b/SIZE/g; s/\\b[0-9,]+ flows?\\b/N flows/g
	s/20[0-9-]+T[0-9:]+Z/TIME/g; s/host [^ ]+\$/host HOST/; s/[0-9]+ (kinds of|allowed below)/N \\1/g; s/(law: ..), by .*/\\1/
	s,/[^ ;]*python[0-9.]*,/usr/bin/python3,g" "$said" >"$LIVE/walk.txt"
diff_ok "the walk, word for word" "$ROOT/tests/live/first_policy.txt" "$LIVE/walk.txt"
