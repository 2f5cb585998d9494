# flood_live.sh - one process that is refused tens of thousands of flows hides nothing that others are refused, nor which
# of 1,500 destinations it tried itself, and the sums stay exact.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
cat >"$LIVE/flood.py" <<'P'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
n = int(sys.argv[1])
for i in range(n):
    to = i * 1500 // n
    d = f"3.80.{to // 250}.{1 + to % 250}"
    if i % (n // 20) == n // 40: d = f"3.98.0.{1 + i * 20 // n}"
    p = struct.pack("!BBHHHBBH4s4sHHHH", 0x45, 0, 28, 1, 0, 64, 17, 0, socket.inet_aton("10.20.0.5"), socket.inet_aton(d), 1000 + (i & 255), 2000 + (i >> 14), 8, 0)
    try: s.sendto(p, (d, 0))
    except OSError: pass
P
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')
for fold in 0 5; do
	: >"$ALERTS"
	bg agent on db "$CORDON" run --policy "$f" --cgroup "$CG" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" --state "$LIVE/state" --fold $fold --mode enforce
	wait_for 20 "$CORDON" status --control "$CONTROL" || { not_ok agent_up "$(tail -n 2 "$LIVE/agent.err")"; exit 1; }
	bg flood db python3 "$LIVE/flood.py" "${FLOOD:-60000}"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		db python3 -c "
import socket
s = socket.socket(); s.settimeout(1)
try: s.connect(('3.99.0.$i', 4444))
except OSError: pass"
	done
	wait_for 60 bash -c "! kill -0 $(cat "$LIVE/pid/flood") 2>/dev/null"
	sleep 12
	kernel=$(status_json | jq -c '[.counters.block.packets, .counters.block.bytes]')
	agent_stop
	"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
	same "others_$fold" 20 "$(jq -r '.destination.ip // empty, (.cordon.summary.destinations? // [] | .[].ip), (.cordon.summary.processes? // [] | .[].first_ip)' "$ALERTS" | grep '^3\.99\.' | sort -u | wc -l)"
	[ $fold = 0 ] && same own 20 "$(jq -r '.destination.ip // empty' "$ALERTS" | grep '^3\.98\.' | sort -u | wc -l)"
	same "sums_$fold" "$kernel" "$(jq -c -n '[inputs] | [
		([.[] | select(.event.action == "flow-blocked") | .source.packets] | add // 0) + ([.[] | .cordon.lost.blocked.packets? // 0] | add // 0),
		([.[] | select(.event.action == "flow-blocked") | .source.bytes] | add // 0) + ([.[] | .cordon.lost.blocked.bytes? // 0] | add // 0)]' "$ALERTS")"
done
