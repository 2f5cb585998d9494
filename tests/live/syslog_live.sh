#!/bin/bash
# syslog live: a SIEM (rsyslog, TCP and TLS) that is down while alerts come and the agent is killed gets every one afterwards, in
# order, by id; a SIEM that the policy blocks gets not one packet, and that is told.
. "$ROOT/tests/lib/live.sh"
[ -x /usr/sbin/rsyslogd ] || { skip syslog/all "needs rsyslog and rsyslog-gnutls"; exit 0; }
HOSTS="net db eu us"
live_begin
mkdir -p "$LIVE/state" "$LIVE/tls"
denials() { # FROM TO: a flow that is refused to each of these ports
	db python3 - "$1" "$2" <<'P'
import socket, sys
for port in range(int(sys.argv[1]), int(sys.argv[2])):
    s = socket.socket()
    try:
        s.connect(("3.80.0.1", port))
    except OSError:
        pass
    s.close()
P
}
(
	cd "$LIVE/tls" || exit 1
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -days 2 -keyout ca.key -out ca.pem
	for n in siem:IP:$EU4 agent.example:DNS:agent.example; do
		openssl req -newkey rsa:2048 -nodes -subj "/CN=${n%%:*}" -keyout "${n%%:*}.key" -out csr
		echo "subjectAltName=${n#*:}" >ext
		openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out "${n%%:*}.pem"
	done
) >"$LIVE/openssl.log" 2>&1
cat >"$LIVE/rsyslog.conf" <<X
global(workDirectory="$LIVE" maxMessageSize="64k" net.enableDNS="off" DefaultNetstreamDriverCAFile="$LIVE/tls/ca.pem"
	DefaultNetstreamDriverCertFile="$LIVE/tls/siem.pem" DefaultNetstreamDriverKeyFile="$LIVE/tls/siem.key")
module(load="imtcp")
template(name="l" type="string" string="%structured-data% %msg%\n")
ruleset(name="plain") { action(type="omfile" file="$LIVE/tcp.log" template="l") }
ruleset(name="tls") { action(type="omfile" file="$LIVE/tls.log" template="l") }
input(type="imtcp" address="$EU4" port="601" ruleset="plain")
input(type="imtcp" address="$EU4" port="6514" ruleset="tls" StreamDriver.Name="gtls" StreamDriver.Mode="1"
	StreamDriver.AuthMode="x509/name" PermittedPeer="agent.example")
X
siem() { bg siem eu /usr/sbin/rsyslogd -n -f "$LIVE/rsyslog.conf" -i "$LIVE/siem.id"; }
# the ids of the alerts of the file, and of those that arrived, each once and as they came
written() { jq -r 'select(.event.action == "flow-blocked") | .event.id' "$ALERTS"; }
arrived() { grep -o 'cordon@32473 id="[^"]*" kind="flow"' "$LIVE/$1.log" 2>/dev/null | cut -d'"' -f2 | awk '!seen[$0]++'; }
same_ids() { [ "$(written)" = "$(arrived "$1")" ] && [ -n "$(arrived "$1")" ]; }
told() { grep -q "\"action\":\"$1\"" "$ALERTS"; }
feed() { status_json | jq -r ".feeds[] | select(.target == \"$1\") | .$2"; }

f=$(policy "allow to $EU4" 'block to any severity high' "feed syslog \"tcp://$EU4:601\"" \
	"feed syslog \"tls://$EU4:6514\" format cef ca \"$LIVE/tls/ca.pem\" cert \"$LIVE/tls/agent.example.pem\" key \"$LIVE/tls/agent.example.key\"" \
	"feed syslog \"tcp://$US4:601\" format ocsf")
count_start us
agent_up "$f" --mode enforce
check refused/told wait_for 10 told feed-refused
check refused/status [ "$(feed "tcp://$US4:601" error | grep -c 'the policy blocks 3.80.0.1')" = 1 ]
denials 1000 1020
agent_stop KILL
agent_up "$f" --mode enforce
denials 1020 1030
check down/kept [ "$(feed "tcp://$EU4:601" waiting)" -ge 30 ]
check down/says wait_for 20 [ "$(feed "tcp://$EU4:601" error)" != null ]
same down/kept_over_restart true "$(feed "tcp://$EU4:601" kept_over_restart)"
siem
check up/tcp wait_for 90 same_ids tcp
check up/tls wait_for 90 same_ids tls
same up/count 30 "$(arrived tls | wc -l)"
check up/cef grep -q 'CEF:0|cordon|cordon|' "$LIVE/tls.log"
# the SIEM is killed, the agent reloads, the SIEM comes back
bg_stop siem KILL
denials 1030 1040
"$CORDON" reload --control "$CONTROL" >/dev/null
siem
check again/tcp wait_for 90 same_ids tcp
check again/tls wait_for 90 same_ids tls
same again/count 40 "$(arrived tcp | wc -l)"
agent_stop
same refused/packets 0 "$(count_stop us)"
