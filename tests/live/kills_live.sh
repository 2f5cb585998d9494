# LIMIT 900
# kills_live.sh - kill -9 at random moments under a flood: nothing reaches the peer, and events + declared loss = the kernel's count; the ledger as well.
#
# KILLS=100 for the long run; SEED for other moments.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
n=${KILLS:-16}
reload=
RANDOM=${SEED:-11}
f=$(policy 'home DE' 'mode enforce' 'allow to eea' 'block to any severity high')
: >"$ALERTS"
start() {
	bg agent on db "$CORDON" run --policy "$f" --cgroup "$CG" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" --state "$LIVE/state" --fold 5
}
up() { wait_for 60 "$CORDON" status --control "$CONTROL" || { not_ok agent_up "$(tail -n 2 "$LIVE/agent.err")"; exit 1; }; }
cat >"$LIVE/send.py" <<'P'
# until a file is there: UDP to 2,000 ports and 256 blocked addresses, pings of 255, TCP connects, and UDP to the home's side
import os, socket, sys, time
us, eu, stop = sys.argv[1:4]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
ping = bytes([8, 0, 0xf7, 0xff, 0, 0, 0, 0])
print("ready", file=sys.stderr, flush=True)
i = 0
while not os.path.exists(stop):
    time.sleep(0.002)
    for _ in range(20):
        i += 1
        for to in ((us, 10000 + i % 2000), (f"3.80.0.{i % 255 + 1}", 9999), (eu, 9999)):
            try: s.sendto(b"x" * (i % 1000), to)
            except OSError: pass
    try: raw.sendto(ping + b"\0" * (i % 1000), (f"3.80.1.{i // 20 % 255 + 1}", 0))
    except OSError: pass
    c = socket.socket()
    c.setblocking(False)
    try: c.connect((us, 443))
    except OSError: pass
    c.close()
P
count_start us
start
up
bg sender db nice -n 19 python3 "$LIVE/send.py" $US4 $EU4 "$LIVE/stop"
bg_ready sender
for ((i = 1; i <= n; i++)); do
	case $((i % 3)) in
	0)
		"$CORDON" reload --control "$CONTROL" >/dev/null 2>&1 &
		reload=$!
		;;
	1) up ;; # a moment of its life; otherwise of its start
	esac
	sleep "$(printf '%d.%02d' $((RANDOM % 2)) $((RANDOM % 100)))"
	agent_stop KILL
	[ -z "$reload" ] || wait "$reload"
	reload=
	start
done
up
check sender_lived bg_alive sender
sleep 1
touch "$LIVE/stop"
wait_for 20 bash -c "! kill -0 $(cat "$LIVE/pid/sender") 2>/dev/null"
bg_stop sender
sleep 1
kernel=$(status_json | jq -c '[.counters.block.packets, .counters.block.bytes]')
allowed=$(status_json | jq .counters.allow.bytes)
denied=$(status_json | jq .counters.connect_denied)
agent_stop
echo "$n kills; the kernel: blocked $kernel, refused $denied, allowed $allowed bytes" >&2
same "packets_out_in_${n}_kills" 0 "$(count_stop us)"
same lines_are_whole "$(wc -l <"$ALERTS")" "$(jq -c -R 'fromjson? | 1' "$ALERTS" | wc -l)"
same blocked "$kernel" "$(jq -c -n '[inputs | [if .event.action == "flow-blocked" then .source.packets // 0 else 0 end + (.cordon.lost.blocked.packets? // 0),
	if .event.action == "flow-blocked" then .source.bytes // 0 else 0 end + (.cordon.lost.blocked.bytes? // 0)]] | [map(.[0]), map(.[1]) | add]' "$ALERTS")"
same attempts "$denied" "$(jq -n '[inputs | (.cordon.summary.attempts? // .cordon.attempts? // 0) + (.cordon.lost.blocked.attempts? // 0)] | add' "$ALERTS")"
ledger() { "$CORDON" ledger --ledger "$LIVE/state/ledger.db" --json | jq -s "[.[] | select($1) | .bytes] | add // 0"; }
same ledger_allowed "$allowed" "$(ledger '.verdict == "allow"')"
same ledger_blocked "$(jq '.[1]' <<<"$kernel")" "$(ledger '.verdict | startswith("block")')"
same ledger_adds_up "$kernel" "$("$CORDON" ledger --ledger "$LIVE/state/ledger.db" --json | jq -s -c '[.[] | select(.verdict == "block")] | [map(.packets), map(.bytes) | add]')"
same ledger_attempts "$denied" "$("$CORDON" ledger --ledger "$LIVE/state/ledger.db" --json | jq -s "[.[].attempts] | add")"
same ids_are_unique "" "$(jq -r .event.id "$ALERTS" | sort | uniq -d | head -n 3)"
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
