#!/bin/bash
# old_socket live: a connection that stood before the agent came is told with its process.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
cat >"$LIVE/old.py" <<'P'
import os, socket, sys, time
s = socket.create_connection(("3.80.0.1", 7000))
print("ready", file=sys.stderr, flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
for i in range(20):
    try:
        s.send(b"x" * 100)
    except OSError:
        pass
    time.sleep(0.05)
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
agent_stop
tap_end
