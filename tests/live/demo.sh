#!/bin/bash
# demo.sh - 'make demo': a real PostgreSQL dumps to a US address (refused) and to a German one (works), with the alert.
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-$ROOT/build}
CORDON=$B/cordon
TMPDIR=$(mktemp -d /tmp/cordon-demo.XXXXXX)
chmod 755 "$TMPDIR"
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

begin=$SECONDS
echo "cordon demo: three hosts made of network namespaces (no packet leaves this machine)"
live_begin
PG_ROWS=5000 pg_up
for h in us eu; do pg_peer $h || exit 1; done
cat <<X
    database   10.20.0.5   PostgreSQL $($PGBIN/postgres --version | awk '{ print $3 }'), 5000 rows in 'person'
    Virginia   $US4    a PostgreSQL that would like them
    Frankfurt  $EU4   another
X

say "1. The policy"
f=$LIVE/demo.conf
printf '%s\n' 'home  DE' 'mode  enforce' 'allow to eea' \
	'block to any severity high because "personal data stays in the EEA"' >"$f"
sed 's/^/    /' "$f"

say "2. The agent, enforcing, for the database's cgroup"
agent_up "$f"
echo "    cordon run --policy demo.conf        (pid $(agent_pid))"

say "3. pg_dump to Virginia"
echo "    \$ pg_dump -t person | psql -h $US4"
t=$(date +%s%N)
dump_to $US4 2>&1 | grep -v '^pg_dump' | head -n 2 | sed 's/^/    /'
echo "    refused after $((($(date +%s%N) - t) / 1000000)) ms; packets on the wire to Virginia:" \
	"$(on us cat /proc/net/snmp | awk '/^Tcp:/ { n++ } n == 2 { print $11; exit }') TCP segments received there"

say "4. The same to Frankfurt"
echo "    \$ pg_dump -t person | psql -h $EU4"
dump_to $EU4 2>&1 | sed 's/^/    /'
echo "    rows in Frankfurt: $(PGUSER=pg $PGBIN/psql -qXAt -h "$LIVE/run-eu" postgres -c 'select count(*) from person')"

say "5. What the SOC gets: one JSON line"
wait_for 5 grep -q "$US4" "$ALERTS"
grep -m 1 "$US4" "$ALERTS"

say "6. Why"
echo "    \$ cordon explain --policy demo.conf $US4:5432"
(cd "$LIVE" && "$CORDON" explain --policy demo.conf $US4:5432) | sed 's/^/    /'
echo
echo "done in $((SECONDS - begin)) s; everything that the demo made is being removed"
