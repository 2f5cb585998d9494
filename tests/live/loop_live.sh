# LIMIT 300
# loop_live.sh - the agent answers, pings and resolves new cgroups while an unprivileged user sends to new flows as fast as it can,
# while clients hold the control socket, while nobody reads its messages, and without a free descriptor.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
cat >"$LIVE/flood.py" <<'P'
# new destination and port with each packet
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("ready", file=sys.stderr, flush=True)
i = 0
while True:
    i += 1
    try: s.sendto(b"x", ("3.81.%d.%d" % (i >> 8 & 255, i & 255), 1024 + (i >> 16) % 60000))
    except OSError: pass
P
cat >"$LIVE/notify.py" <<'P'
# systemd's side: the longest time between two pings, in ms, at the end
import os, signal, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
gap, last = 0, None
def end(*a):
    print(int(gap * 1000), flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", file=sys.stderr, flush=True)
while True:
    if b"WATCHDOG" in s.recv(4096):
        now = time.monotonic()
        gap = max(gap, now - (last or now))
        last = now
P
ms() { echo $((($(date +%s%N) - $1) / 1000000)); }
f=$(policy 'home DE' 'mode enforce' 'allow from unit "pg*.service" to any' 'alert from user nobody to US' 'block to any')
bg notify python3 "$LIVE/notify.py" "$LIVE/notify.sock"
bg_ready notify
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
export NOTIFY_SOCKET=$LIVE/notify.sock WATCHDOG_USEC=30000000
agent_up "$f" --fold 60
unset NOTIFY_SOCKET WATCHDOG_USEC
for i in 1 2; do
	bg flood$i db nice -n 5 setpriv --reuid nobody --clear-groups python3 "$LIVE/flood.py"
	bg_ready flood$i
done
sleep 3
late=0 slow=0 worst=0
for i in 1 2 3 4 5 6 7 8; do
	mkdir "$CG/pg$i.service"
	t=$(date +%s%N)
	db_in "$CG/pg$i.service" $PEER pour $US4 7000 --bytes 10 --timeout 5 >"$LIVE/pg.out" || late=$((late + 1))
	[ "$(jq -r .error "$LIVE/pg.out")" = "" ] || late=$((late + 1))
	t=$(date +%s%N)
	"$CORDON" status --control "$CONTROL" >/dev/null
	t=$(ms "$t")
	[ "$t" -gt "$worst" ] && worst=$t
	[ "$t" -lt 1000 ] || slow=$((slow + 1)) # 200 ms on a machine of its own
	sleep 0.5
done
same new_units_connect 0 $late
same status_answers 0 $slow
echo "slowest status under the flood: $worst ms" >&2
t=$(date +%s%N)
check reload_under_flood "$CORDON" reload --control "$CONTROL"
check reload_is_quick test "$(ms "$t")" -lt 5000
bg_stop notify
check watchdog_gap test "$(cat "$LIVE/notify.out")" -lt 2000
# nobody reads the ring for a while: it overflows, whatever the machine
kill -STOP "$(agent_pid)"
sleep 3
kill -CONT "$(agent_pid)"
told() { jq -es 'any(.event.action == "lost-events")' "$ALERTS"; }
check loss_is_told wait_for 30 told
bg_stop flood1
bg_stop flood2
agent_stop KILL

# clients that say nothing; then no descriptor is free
agent_up "$f"
pid=$(agent_pid)
bg idle python3 -c 'import socket, sys, time
k = [socket.socket(socket.AF_UNIX) for i in range(40)]
for s in k: s.connect(sys.argv[1])
print("ready", file=sys.stderr, flush=True)
time.sleep(60)' "$CONTROL"
bg_ready idle
check idle_clients_take_no_place timeout 2 "$CORDON" status --control "$CONTROL"
bg_stop idle
cpu() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
sleep 0.5
free=$(python3 -c 'import os, sys
u = set(map(int, os.listdir("/proc/%s/fd" % sys.argv[1])))
print(min(set(range(1000)) - u))' "$pid")
prlimit --pid "$pid" --nofile="$free:8192"
bg waits python3 -c 'import socket, sys, time
k = [socket.socket(socket.AF_UNIX) for i in range(3)]
for s in k: s.connect(sys.argv[1])
print("ready", file=sys.stderr, flush=True)
time.sleep(60)' "$CONTROL"
bg_ready waits
a=$(cpu)
sleep 3
check no_spinning test $(($(cpu) - a)) -lt 30
check still_blocks test "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)" = EPERM
bg_stop waits
prlimit --pid "$pid" --nofile=8192:8192
check answers_again wait_for 3 "$CORDON" status --control "$CONTROL"
same nobody_is_accused 0 "$(jq -s '[.[] | select(.event.action | test("pins|hook"))] | length' "$ALERTS")"
agent_stop

# messages that nobody reads
mkfifo "$LIVE/messages"
bg hold python3 -c 'import os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
try:
    while True: os.write(fd, b"x" * 4096)
except BlockingIOError: print("ready", file=sys.stderr, flush=True)
time.sleep(600)' "$LIVE/messages"
bg_ready hold
quiet() { exec 2>"$LIVE/messages"; db "$CORDON" run --policy "$f" --cgroup "$CG" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" --state "$LIVE/state"; }
bg agent quiet
check starts_all_the_same wait_for 10 "$CORDON" status --control "$CONTROL"
for i in $(seq 1 400); do "$CORDON" reload --control "$CONTROL" --mode $([ $((i % 2)) = 0 ] && echo enforce || echo monitor) >/dev/null 2>&1; done
check answers_with_a_full_queue "$CORDON" status --control "$CONTROL"
check what_is_dropped_is_counted test "$(status_json | jq .agent.lost_messages)" -gt 0
"$CORDON" reload --control "$CONTROL" --mode enforce >/dev/null
check blocks_all_the_same test "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)" = EPERM
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
