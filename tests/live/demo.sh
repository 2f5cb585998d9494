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

say "7. A client that is set to the EU"
cat >"$LIVE/shipper.sh" <<'X'
# site = datadoghq.eu   (and a crash reporter in the same program, whose endpoint nobody set)
curl -sk --max-time 3 -o /dev/null -G -d cpu=1 https://api.datadoghq.eu/api/v2/series && echo "metrics: sent"
curl -sk --max-time 3 -o /dev/null -d crash=1 https://crash.datadoghq.com/api/v2/crash || echo "crash report: refused"
X
printf '%s\n' no-resolv no-hosts bind-interfaces listen-address=10.20.0.5 pid-file= user=root "host-record=api.datadoghq.eu,$EU4" \
	"host-record=crash.datadoghq.com,$US4" >"$LIVE/dnsmasq.conf"
bg dns on db dnsmasq -k -C "$LIVE/dnsmasq.conf"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=demo -keyout "$LIVE/key.pem" -out "$LIVE/cert.pem" 2>/dev/null
for h in eu us; do bg "tls-$h" on $h openssl s_server -quiet -accept 443 -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -www; done
echo "nameserver 10.20.0.5" >"$LIVE/resolv.conf"
wait_for 5 db bash -c 'exec 3<>/dev/tcp/10.20.0.5/53'
sleep 0.5
grep '^#' "$LIVE/shipper.sh" | sed 's/^/    /'
db unshare -m bash -c 'mount --bind "$1/resolv.conf" /etc/resolv.conf && exec bash "$1/shipper.sh"' shipper "$LIVE" | sed 's/^/    /'
wait_for 10 grep -q 'crash.datadoghq.com' "$ALERTS"
echo "    what the alert says of whom it was meant for:"
grep -m 1 'crash.datadoghq.com' "$ALERTS" | jq -c '{"destination.domain": .destination.domain, names: .cordon.dst.names}'

echo
echo "done in $((SECONDS - begin)) s; everything that the demo made is being removed"
