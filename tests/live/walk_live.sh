# walk_live.sh - 5,000 sockets that stay open, more than a read of the kernel's walk hands out: each is counted once, while it lives and
# over the end of the agent. WALK_SOCKETS=100000 for a larger host (with the idle share of a core).
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us eu"
live_begin
n=${WALK_SOCKETS:-5000}
cat >"$LIVE/open.py" <<'P'
# N connected UDP sockets to PEER: one datagram each; another one each when told so
import resource, socket, sys
peer, n = sys.argv[1], int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (n + 100, n + 100))
k = []
for i in range(n):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((peer, 9000 + i % 50000))
    k.append(s)
def say(s):
    try: s.send(b"x" * 72)
    except ConnectionRefusedError: s.send(b"x" * 72) # the peer's word on the one before
for s in k: say(s)
print("ready", file=sys.stderr, flush=True)
for line in iter(sys.stdin.readline, ""):
    for s in k: say(s)
    print("again", file=sys.stderr, flush=True)
P
f=$(policy 'home DE' 'mode monitor' 'allow to eea' 'alert to US' 'block to any')
mkdir -p "$LIVE/state"
agent_up "$f" --fold 5
for h in us eu; do
	mkfifo "$LIVE/$h.in"
	exec {fd}<>"$LIVE/$h.in"
	declare "in_$h=$fd"
done
run_opener() { db python3 "$LIVE/open.py" "$2" "$n" <"$LIVE/$1.in"; }
count_start us
count_start eu
bg open_us run_opener us $US4
bg open_eu run_opener eu $EU4
bg_ready open_us
bg_ready open_eu
want="[$n,$n]"
live() { status_json | jq -c '[.flows.allow, .flows.alert]'; }
same sockets_now "$want" "$(live)"
told() { # packets of the alerts so far, those declared lost as well
	jq -n '[inputs] | ([.[] | select(.event.action == "flow-alerted") | .source.packets] | add // 0) + ([.[] | .cordon.lost.alerted?.packets // 0] | add // 0)' "$ALERTS"
}
# by verdict: a minute has so many keys, the rest is one row with exact sums
ledger() { "$CORDON" ledger --ledger "$LIVE/state/ledger.db" --json 2>/dev/null | jq -c -s '[group_by(.verdict)[] | [.[0].verdict, ([.[].packets] | add), ([.[].bytes] | add)]]'; }
echo >&"$in_us"
echo >&"$in_eu"
wait_for 20 grep -q again "$LIVE/open_us.err"
wait_for 20 grep -q again "$LIVE/open_eu.err"
all_told() { [ "$(told)" = $((2 * n)) ]; }
check "alerts while they live" wait_for 60 all_told
in_ledger() { [ "$(ledger)" = "[[\"alert\",$((2 * n)),$((200 * n))],[\"allow\",$((2 * n)),$((200 * n))]]" ]; }
check "ledger while they live" wait_for 90 in_ledger
same "sockets still" "$want" "$(live)"
same "arrived in the US" $((144 * n)) "$(count_stop us udp_payload)"
same "arrived in Germany" $((144 * n)) "$(count_stop eu udp_payload)"
agent_stop
check "ledger after the agent's end" in_ledger
same "alerts after the agent's end" $((2 * n)) "$(told)"
bg_stop open_us
bg_stop open_eu
