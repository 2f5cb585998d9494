# cut_live.sh - a connection that a new policy forbids ends with an error on this side, and does not hang; others go on.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us eu"
live_begin
for h in us eu; do bg sink-$h on $h $PEER sink 7000 --out "$LIVE/sink-$h"; bg_ready sink-$h; done
f=$(policy 'home DE' 'mode enforce' 'allow to any')
agent_up "$f"
cat >"$LIVE/client.py" <<'P'
import socket, sys, time
s = socket.create_connection((sys.argv[1], 7000))
print("ready", file=sys.stderr, flush=True)
try:
    while True:
        s.sendall(b"x" * 1000)
        time.sleep(0.05)
except OSError as e:
    print(e.strerror, flush=True)
P
n=0
for a in $US4 $US6 $EU4; do n=$((n + 1)); bg client$n db python3 "$LIVE/client.py" $a; bg_ready client$n; done
# one that only answers: the peer opened it
bg serve db $PEER sink 7001 --out "$LIVE/sink-db"
bg_ready serve
bg asks us python3 -c 'import socket, sys, time
s = socket.create_connection((sys.argv[1], 7001)); print("ready", file=sys.stderr, flush=True)
try:
    while True: s.sendall(b"x" * 1000); time.sleep(0.05)
except OSError as e: print(e.strerror, flush=True)' $DB4
bg_ready asks
sleep 0.5
printf '%s\n' 'home DE' 'mode enforce' 'allow to eea' 'block to any' >"$f"
check reload "$CORDON" reload --control "$CONTROL"
ended_with() { grep -q "$2" "$LIVE/$1.out"; }
check v4_sees_an_error wait_for 5 ended_with client1 'abort'
check v6_sees_an_error wait_for 5 ended_with client2 'abort'
check allowed_goes_on bg_alive client3
check told jq -es '[.[] | select(.event.action == "flow-blocked")] | length >= 2' "$ALERTS"
check counted test "$(status_json | jq .agent.cut_connections)" -ge 2
# a peer's SYN, whose answer is stopped, ends no listener
from() { on "$1" timeout 2 python3 -c 'import socket, sys
socket.create_connection((sys.argv[1], 7001), 1).sendall(b"x")' $DB4; }
from_us() { for i in 1 2 3 4 5; do from us 2>/dev/null && return 1; done; return 0; }
check peer_is_not_answered from_us
check listener_lives from eu
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
