# replica_live.sh - streaming replicas over IPv4 and IPv6: the one in the EU keeps up through 100 reloads, the US gets nothing.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us fr"
live_begin
pg_up
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')

replica() { # HOST PRIMARY: copies it and streams from it
	mkdir -p "$LIVE/run-$1" && chmod 777 "$LIVE/run-$1"
	install -d -o $PGUSER_OS -m 700 "$LIVE/pg-$1"
	on "$1" timeout "${3:-30}" $AS_PG $PGBIN/pg_basebackup -X stream -c fast -h "$2" -D "$LIVE/pg-$1" -R || return 1
	echo "unix_socket_directories = '$LIVE/run-$1'" >>"$LIVE/pg-$1/postgresql.conf"
	bg "pg-$1" on "$1" $AS_PG $PGBIN/postgres -D "$LIVE/pg-$1"
	wait_for 20 at "$1" 'select 1'
}
at() { PGUSER=pg $PGBIN/psql -qXAt -h "$LIVE/run-$1" postgres -c "$2"; }
rows() { [ "$(at "$1" 'select count(*) from person')" = "$2" ]; }

agent_up "$f" --mode enforce
check replica_eu_v4 replica eu $DB4
check replica_fr_v6 replica fr $DB6
count_start us
for a in $DB4 $DB6; do
	if out=$(replica us "$a" 8 2>&1); then not_ok "replica_us_$a" "it got a base backup"; else ok "replica_us_$a"; fi
	rm -rf "$LIVE/pg-us"
done
same packets_us 0 "$(count_stop us)"

bad=0 want=20000
for ((i = 1; i <= 100; i++)); do
	printf '%s\n' 'home DE' 'allow to eea' "# $i" 'block to any severity high' >"$f"
	"$CORDON" reload --control "$CONTROL" >/dev/null 2>&1 || bad=$((bad + 1))
	psql_local -c "insert into person select i, 'x' from generate_series(1, 20) i" || bad=$((bad + 1))
	want=$((want + 20))
done
same reloads_and_inserts 0 $bad
check keeps_up_v4 wait_for 10 rows eu $want
check keeps_up_v6 wait_for 10 rows fr $want
same senders 2 "$(psql_local -c "select count(*) from pg_stat_replication where state = 'streaming'")"
same never_reconnected 0 "$(cat "$LIVE"/pg-eu.err "$LIVE"/pg-fr.err | grep -c 'could not receive data from WAL stream')"
agent_stop
