#!/bin/bash
# recipients live: curl, psql and dig in namespaces, through a real name server; the names of their flows are those that tshark reads at the peers.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us gb"
for tool in dnsmasq dig tshark curl; do
	command -v $tool >/dev/null || { not_ok "recipients" "$tool is missing: make deps"; exit 1; }
done
live_begin
mkdir -p "$LIVE/state"
on db ethtool -K eth0 tso off gso off >/dev/null 2>&1
cat >"$LIVE/dnsmasq.conf" <<X
no-resolv
no-hosts
port=53
listen-address=$GB4
bind-interfaces
pid-file=
user=root
host-record=api.datadoghq.com,$US4
host-record=api.datadoghq.eu,$EU4
host-record=pg.example.test,$EU4
cname=metrics.example.test,api.datadoghq.eu
host-record=other.example.test,$US4
local-ttl=30
X
bg dns on gb dnsmasq -k -C "$LIVE/dnsmasq.conf"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout "$LIVE/key.pem" -out "$LIVE/cert.pem" 2>/dev/null
chmod 644 "$LIVE/key.pem"
for h in eu us; do
	bg "tls-$h" on $h openssl s_server -quiet -accept 443 -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -www
	bg "http-$h" on $h python3 -m http.server 80 --directory "$LIVE/run"
done
pg_init "$LIVE/pg-none" || { not_ok pg "$(tail -n 2 "$LIVE/initdb.log")"; exit 1; }
cp "$LIVE/cert.pem" "$LIVE/pg.template/server.crt"
cp "$LIVE/key.pem" "$LIVE/pg.template/server.key"
chown $PGUSER_OS "$LIVE/pg.template/server.key" "$LIVE/pg.template/server.crt"
chmod 600 "$LIVE/pg.template/server.key"
echo 'ssl = on' >>"$LIVE/pg.template/postgresql.conf"
pg_peer eu || { not_ok pg "no server"; exit 1; }
for h in eu us; do bg "tap-$h" on $h tshark -q -i eth0 -w "$LIVE/$h.pcap"; done
for h in eu us; do wait_for 20 test -s "$LIVE/$h.pcap"; done
sleep 1

echo "nameserver $GB4" >"$LIVE/resolv.conf"
# a command of the database host that asks our name server
asks() { db unshare -m bash -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' asks "$LIVE/resolv.conf" "$@"; }
get() { asks curl -sk --max-time 10 -o /dev/null "$@"; }
f=$(policy 'mode monitor' 'alert to any')
agent_up "$f"
same "names are on" true "$(status_json | jq '.names.on and .names.attached')"
wait_for 10 asks dig +short +tries=1 +time=1 api.datadoghq.eu

check "curl, EU" get https://api.datadoghq.eu/
check "curl, US" get https://api.datadoghq.com/
check "curl, a CNAME" get https://metrics.example.test/
check "curl, HTTP" get http://api.datadoghq.com/
check "curl, IPv4 address of nobody" get -H 'Host:' --resolve x:443:$EU4 https://$EU4/
big=$(head -c 3000 /dev/zero | tr '\0' a)
check "curl, a request of several packets" get -H "X-Long: $big" http://api.datadoghq.eu/
check "psql with TLS" asks env PGUSER=pg PGSSLMODE=require PGCONNECT_TIMEOUT=5 $PGBIN/psql -qXAt -h pg.example.test postgres -c 'select 1'
# what another process asked, and this one does not say
check "dig over TCP" asks dig +short +tcp other.example.test
check "nobody says a name" db bash -c "exec 3<>/dev/tcp/$US4/443; exec 3>&-"
sleep 2
agent_stop
for h in eu us; do bg_stop "tap-$h" INT; done
cp "$ALERTS" "$LIVE/events.json"

# source port and name, as the peers' taps have them
taps() {
	local h
	for h in eu us; do
		tshark -r "$LIVE/$h.pcap" -d tcp.port==5432,pgsql -Y "ip.src==$DB4 && tls.handshake.extensions_server_name" \
			-T fields -e tcp.srcport -e tls.handshake.extensions_server_name 2>/dev/null
		tshark -r "$LIVE/$h.pcap" -Y "ip.src==$DB4 && http.host" -T fields -e tcp.srcport -e http.host 2>/dev/null
	done | sort -u
}
ours() { # the last word on each flow: what it said itself
	jq -r 'select(.cordon.dst.names[0].grade == "said") | [.source.port, .destination.domain] | @tsv' "$LIVE/events.json" | sort -u
}
taps >"$LIVE/want"
ours >"$LIVE/got"
same "the peers saw names" true "$([ "$(wc -l <"$LIVE/want")" -ge 6 ] && echo true)"
diff_ok "names of the flows: ours = tshark's at the peers" "$LIVE/want" "$LIVE/got"
one() { jq -es "any($1)" "$LIVE/events.json" >/dev/null; }
check "the alert itself has the name that was asked for" one \
	'.event.action == "flow-alerted" and .destination.ip == "'$US4'" and .destination.port == 443 and .destination.domain == "api.datadoghq.com" and (.cordon.dst.names[0].by | index("dns"))'
check "asked and said: verified" one '.destination.domain == "api.datadoghq.eu" and .cordon.dst.name_status == "verified" and .tls.client.server_name == "api.datadoghq.eu"'
check "the alias is told" one '.destination.domain == "metrics.example.test" and .cordon.dst.names[0].aliases == ["api.datadoghq.eu"]'
check "the question is told" one '.dns.question.name == "api.datadoghq.com" and .dns.resolved_ip == ["'$US4'"]'
check "PostgreSQL's TLS is read" one '.destination.port == 5432 and .destination.domain == "pg.example.test" and .tls.client.server_name == "pg.example.test"'
check "who is behind the name" one '.cordon.dst.names[0].recipient.organisation == "Datadog" and .cordon.dst.names[0].recipient.eu_endpoint == "datadoghq.eu"'
check "what others asked is theirs" one '.process.name == "bash" and .destination.ip == "'$US4'" and .destination.domain == null and (.cordon.dst.names | length) > 0 and all(.cordon.dst.names[]; .grade == "others")'

same "the ledger has the names" '["api.datadoghq.com","api.datadoghq.eu","metrics.example.test","pg.example.test"]' \
	"$("$CORDON" ledger --ledger "$LIVE/state/ledger.db" --by name --json | jq -sc '[.[].name | select(test("datadog|example.test"))] | unique')"

: >"$ALERTS"
agent_up "$f" --names off
check "off: curl" get https://api.datadoghq.com/
same "off: said in the status" true "$(status_json | jq '.names.on == false')"
agent_stop
same "off: no event has a name" false "$(jq -s 'any(.cordon.dst.names or .destination.domain)' "$ALERTS")"
