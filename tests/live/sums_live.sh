# sums_live.sh - with folding on, what the events tell and declare lost is what the kernel counted, to the packet and byte; refused attempts too.
#
# In monitor mode the peer's tap counts as well: what the events say passed is what came. SUMS_DESTINATIONS="1 50 ..." for other sizes.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
ip -n "$ID-net" route add 3.80.0.0/14 via $US4 dev us # one neighbour: their table holds about a thousand
ip -n "$ID-us" route add local 3.80.0.0/14 dev lo
cat >"$LIVE/send.py" <<'P'
import errno, socket, sys
base, n, per = map(int, sys.argv[1:])
s, sent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
for i in range(base, base + n):
    for _ in range(per):
        try:
            sent += s.sendto(b"x" * 100, (f"3.{80 + i // 62500 % 4}.{i // 250 % 250}.{i % 250 + 1}", 9999)) == 100
        except PermissionError:
            pass
P
cat >"$LIVE/connect.py" <<'P'
import socket, sys
for i in range(int(sys.argv[1])):
    s = socket.socket()
    try: s.connect((f"3.80.0.{i % 20 + 1}", 443))
    except PermissionError: pass
    s.close()
P
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')
counters() { # FIELD of the kernel: packets bytes
	status_json | jq -c "[.counters.$1.packets, .counters.$1.bytes]"
}
told() { # ACTION SUM: what events tell and declare lost: packets bytes
	jq -c -n --arg a "$1" --arg s "$2" '[inputs] | [
		([.[] | select(.event.action == $a) | .source.packets] | add // 0) + ([.[] | .cordon.lost[$s].packets? // 0] | add // 0),
		([.[] | select(.event.action == $a) | .source.bytes] | add // 0) + ([.[] | .cordon.lost[$s].bytes? // 0] | add // 0)]' "$ALERTS"
}
lost() { jq -n '[inputs | .cordon.lost? // {} | .[].packets] | add // 0' "$ALERTS"; }
start() { # MODE
	: >"$ALERTS"
	bg agent on db "$CORDON" run --policy "$f" --cgroup "$CG" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" --state "$LIVE/state" --fold 5 --mode "$1"
	wait_for 20 "$CORDON" status --control "$CONTROL" || { not_ok agent_up "$(tail -n 2 "$LIVE/agent.err")"; exit 1; }
}
end() {
	agent_stop
	"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
}

base=0
for n in ${SUMS_DESTINATIONS:-1 50 1000 20000}; do
	start monitor
	count_start us
	db python3 "$LIVE/send.py" $base "$n" 2
	sleep 1
	kernel=$(counters would_block)
	arrived=$(count_stop us udp_payload)
	end
	same "monitor_$n" "$kernel" "$(told flow-would-block would_block)"
	same "sent_$n" "[$((2 * n)),$((256 * n))]" "$kernel"
	check "few_events_$n" test "$(wc -l <"$ALERTS")" -lt 60
	[ "$n" -le 1000 ] && same "tap_$n" "$((200 * n))" "$arrived"
	base=$((base + n))
done

# enforce: what was stopped is in the folds; then the destinations and processes of the summaries
for n in ${SUMS_DESTINATIONS:-50 20000}; do
	start enforce
	count_start us
	db python3 "$LIVE/send.py" $base "$n" 2
	sleep 1
	kernel=$(counters block)
	same "peer_$n" 0 "$(count_stop us)"
	denied=$(status_json | jq .counters.connect_denied)
	end
	same "enforce_$n" "$kernel" "$(told flow-blocked blocked)"
	same "attempts_sendmsg_$n" "$denied" "$(jq -n '[inputs | (.cordon.summary.attempts? // .cordon.attempts? // 0) + (.cordon.lost.blocked.attempts? // 0)] | add' "$ALERTS")"
done

# refused connects have no packet: attempts, told each window
start enforce
db python3 "$LIVE/connect.py" 616
sleep 11
half=$(jq -n '[inputs | .cordon.summary.attempts? // .cordon.attempts? // 0] | add' "$ALERTS")
db python3 "$LIVE/connect.py" 616
sleep 1
end
same attempts_first_window 616 "$half"
same attempts 1232 "$(jq -n '[inputs | .cordon.summary.attempts? // .cordon.attempts? // 0] | add' "$ALERTS")"
summary=$(jq -c 'select(.cordon.kind == "summary")' "$ALERTS" | head -n 1)
same summary_kind event "$(jq -r .event.kind <<<"$summary")"
same summary_of "$(jq -r 'select(.cordon.kind == "flow") | .event.id' "$ALERTS" | head -n 1)" "$(jq -r .cordon.summary.first_id <<<"$summary")"
same summary_destinations 20 "$(jq '.cordon.summary.destinations | length' <<<"$summary")"
same summary_adds_up "$(jq .cordon.summary.attempts <<<"$summary")" "$(jq '[.cordon.summary.destinations[].attempts] | add' <<<"$summary")"
same summary_names_no_flow null "$(jq -c '.source.port // .network.community_id' <<<"$summary")"
check summary_process jq -e '.cordon.summary.processes[0].name' <<<"$summary"

# quiet: no event of what is stopped, and nothing is missing in the books; what passes is told
ledger() { "$CORDON" ledger --ledger "$LIVE/state/ledger.db" --json --since 2000-01-01 | jq -s -c '[map(select(.verdict == "block")) | (map(.bytes) | add // 0), (map(.attempts) | add // 0)]'; }
before=$(ledger)
f=$(policy 'home DE' 'allow to eea' 'block to any quiet')
start enforce
for i in 1 2 3; do db $RAW proto 3.80.9.$i 253 100 >/dev/null; done
db python3 "$LIVE/send.py" $base 50 2
db python3 "$LIVE/connect.py" 20
sleep 12
kernel=$(status_json | jq -c '[.counters.block.bytes, .counters.connect_denied]')
end
check quiet_counted jq -e '.[0] >= 300 and .[1] >= 120' <<<"$kernel"
same quiet_untold 0 "$(jq -n '[inputs | select(.event.action == "flow-blocked" or .event.action == "lost-counts")] | length' "$ALERTS")"
same quiet_in_ledger "$kernel" "$(jq -c -n --argjson a "$before" --argjson b "$(ledger)" '[$b[0] - $a[0], $b[1] - $a[1]]')"
start monitor
db python3 "$LIVE/send.py" $base 5 2
sleep 1
end
check quiet_passes_and_is_told jq -es 'any(.event.action == "flow-would-block")' "$ALERTS"
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')

# kill -9 in the middle: the next agent declares what the first had and did not write
start enforce
bg sender db bash -c "for i in 1 2 3 4 5 6; do python3 $LIVE/send.py $base 3000 1; sleep 0.3; done"
sleep 1
agent_stop KILL
cp "$ALERTS" "$LIVE/killed"
start enforce
wait_for 20 bash -c "! kill -0 $(cat "$LIVE/pid/sender") 2>/dev/null"
bg_stop sender
sleep 1
kernel=$(counters block)
denied=$(status_json | jq .counters.connect_denied)
end
cat "$LIVE/killed" >>"$ALERTS"
same killed "$kernel" "$(told flow-blocked blocked)"
same killed_attempts "$denied" "$(jq -n '[inputs | (.cordon.summary.attempts? // .cordon.attempts? // 0) + (.cordon.lost.blocked.attempts? // 0)] | add' "$ALERTS")"
