#!/bin/bash
# old_socket live: what sends on a socket that is older than the agent is told with its process: TCP, UDP, raw, IPv6.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
cat >"$LIVE/old.py" <<'P'
import os, socket, sys, time
s = socket.create_connection(("3.80.0.1", 7000))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.connect(("3.80.0.1", 7777))
r = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253)
six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
six.connect(("2600:1f18::1", 0))
print("ready", file=sys.stderr, flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
for i in range(20):
    try:
        s.send(b"x" * 100)
    except OSError:
        pass
    time.sleep(0.05)
for send in lambda: u.send(b"x"), lambda: r.sendto(b"x", ("3.80.0.1", 0)), lambda: six.send(b"\x80\0\0\0\0\0\0\0"):
    try:
        send()
    except OSError:
        pass
time.sleep(20)
P
cp "$(readlink -f "$(command -v python3)")" "$LIVE/oldclient"
bg old db "$LIVE/oldclient" "$LIVE/old.py" "$LIVE/go"
bg_ready old
f=$(policy 'block to any severity high')
agent_up "$f" --mode enforce
touch "$LIVE/go"
told() { jq -es 'any(.event.action == "flow-blocked")' "$ALERTS" >/dev/null; }
check told wait_for 10 told
first() { jq -rs "map(select(.event.action == \"flow-blocked\")) | first | $1" "$ALERTS"; }
same pid "$(cat "$LIVE/pid/old")" "$(first .process.pid)"
same executable "$LIVE/oldclient" "$(first .process.executable)"
same mismatches 0 "$(jq -s 'map(select(.event.action == "verdict-mismatch")) | length' "$ALERTS")"
for proto in udp ipv6-icmp 253; do
	of() { jq -rs --arg p $proto "map(select(.event.action == \"flow-blocked\" and (.network.transport // .network.iana_number) == \$p)) | first | $1" "$ALERTS"; }
	check "told_$proto" wait_for 10 bash -c "jq -es --arg p $proto 'any(.event.action == \"flow-blocked\" and (.network.transport // .network.iana_number) == \$p)' $ALERTS"
	same "pid_$proto" "$(cat "$LIVE/pid/old")" "$(of .process.pid)"
	same "executable_$proto" "$LIVE/oldclient" "$(of .process.executable)"
done
agent_stop
tap_end
