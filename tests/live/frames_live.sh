# frames_live.sh - packet and AF_XDP sockets are named in status, in an event and in the ledger of gaps, until they are gone.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db"
live_begin
mkdir "$LIVE/state"
cat >"$LIVE/hold.py" <<'P'
# hold.py packet DEVICE | xdp: a socket, until it is killed
import signal, socket, sys
s = socket.socket(17, 3, 0) if sys.argv[1] == "packet" else socket.socket(44, 3, 0)
if sys.argv[1] == "packet":
    s.bind((sys.argv[2], 3))
print("ready", file=sys.stderr, flush=True)
signal.pause()
P
told() { jq -es "any(.event.action == \"$1\" and (.event.reason | test(\"$2\")))" "$ALERTS"; }
frames() { status_json | jq -c "$1"; }
f=$(policy 'home DE' 'allow to eea' 'block to any')
bg old on db python3 "$LIVE/hold.py" packet eth0
bg_ready old
agent_up "$f" --mode enforce
old=$(cat "$LIVE/pid/old")
check older_is_told wait_for 10 told packet-socket "process $old.*eth0"
check older_in_status eval "frames '[.frames.packet[].pid] | index($old) != null' | grep -q true"
check in_text eval '"$CORDON" status --control "$CONTROL" | grep -q "^frames .*(process '"$old"') on eth0.*packet socket"'
check gap_is_told wait_for 10 told packet-sockets 'not judged'
if on db python3 -c 'import socket; socket.socket(44, 3, 0)' 2>/dev/null; then
	bg xdp on db python3 "$LIVE/hold.py" xdp
	bg_ready xdp
	check xdp_in_status wait_for 10 eval '[ "$(frames .frames.xdp)" = 1 ]'
	bg_stop xdp
fi
bg_stop old
check gone wait_for 10 told packet-sockets-gone any
check none_in_status wait_for 10 eval '[ "$(frames ".frames.packet | length")" = 0 ]'
check in_the_ledger eval '"$CORDON" gaps --state "$LIVE/state" | grep -q packet-sockets'
agent_stop

# with the hook on devices it is no gap, but still named
: >"$ALERTS"
agent_up "$f" --mode enforce --devices own
bg new on db python3 "$LIVE/hold.py" packet eth0
bg_ready new
check judged_is_told wait_for 10 told packet-socket 'hook on devices judges'
if told packet-sockets . >/dev/null; then not_ok no_gap "it is told as a gap"; else ok no_gap; fi
agent_stop
