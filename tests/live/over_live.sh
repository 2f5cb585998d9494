# over_live.sh - 'over SIZE per DURATION': what arrives stops at the limit, TCP and UDP, over reloads and restarts of the agent.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
# cordon counts what goes on the wire; so does the tap
on db ethtool -K eth0 tso off gso off >/dev/null
bg sink-us us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink-us
bg sink-eu eu $PEER sink 7000 --out "$LIVE/sink-eu"
bg_ready sink-eu
LIMIT=500000
# two processors may let a packet pass at the same time
SLACK=$(($(nproc) * 1500))
RULES=("alert to $US4 over 100kB per 1h severity low" "block to $US4 over 500kB per 1h severity critical" 'allow to any')
# the first rule that matches decides: the larger limit stands first
f=$(policy 'home DE' "${RULES[1]}" "${RULES[0]}" "${RULES[2]}")
agent_up "$f" --mode enforce
grep -q "'over' counts from now on" "$LIVE/agent.err" && ok from_now_on || not_ok from_now_on "no word that it counts from zero"
total=0
arrived() { # the bytes of IP packets at the peer since the last count_start, added up
	total=$((total + $(count_stop us bytes)))
}

count_start us
bg pour db $PEER pour $US4 7000
bg_ready pour
wait_for 20 grep -q '"flow-blocked"' "$ALERTS" && ok blocked || not_ok blocked "no event"
sleep 1
bg_stop pour
arrived
[ "$total" -le $((LIMIT + SLACK)) ] && ok tcp_stops || not_ok tcp_stops "$total bytes arrived of $LIMIT"
# a packet of 64 kB that would go over it is held back whole
[ "$total" -ge $((LIMIT - 70000)) ] && ok tcp_goes_up_to_it || not_ok tcp_goes_up_to_it "only $total bytes arrived"
check alert_at_100kB jq -es 'map(select(.event.action == "flow-alerted" and .cordon.over.limit == 100000)) | length > 0' "$ALERTS"
check says_limit_and_used jq -es 'map(select(.event.action == "flow-blocked" and .cordon.over.limit == 500000 and .cordon.over.per == 3600
	and .cordon.over.used > 430000 and .cordon.over.used <= 503000)) | length > 0' "$ALERTS"
check status_has_meters jq -e '.meters | length == 2 and (map(select(.limit == 500000 and .per == 3600 and .used > 430000 and .used <= 503000
	and (.text | startswith("block to")))) | length == 1)' <(status_json)
"$CORDON" status --control "$CONTROL" | grep -q '^over  *4[0-9]*\.[0-9] kB of 500\.0 kB in the last 1 h.*block to' && ok status_says_it ||
	not_ok status_says_it "$("$CORDON" status --control "$CONTROL" | grep -A1 '^over')"
same "kernel and agent agree" 0 "$(status_json | jq '[.. | .verdict_mismatches? // empty] | add')"

say() { # ADDRESS N: datagrams of 1,000 bytes
	db python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
n = 0
for i in range($2):
    try: n += s.sendto(b'u' * 1000, ('$1', 9000)) > 0
    except PermissionError: pass
print(n)"
}
check eu_goes_on test "$(db $PEER pour $EU4 7000 --bytes 2000000 | jq .bytes)" = 2000000
count_start us
say $US4 200 >/dev/null
arrived
[ "$total" -le $((LIMIT + SLACK)) ] && ok udp_too || not_ok udp_too "$total bytes"

# another policy with the same rule, and another agent, know what has left
printf '%s\n' 'home DE' 'block to GB' "${RULES[1]}" 'allow to any' >"$f"
check reload "$CORDON" reload --control "$CONTROL"
count_start us
say $US4 200 >/dev/null
arrived
[ "$total" -le $((LIMIT + SLACK)) ] && ok reload_keeps || not_ok reload_keeps "$total bytes"
agent_stop KILL
count_start us
say $US4 200 >/dev/null
arrived
[ "$total" -le $((LIMIT + SLACK)) ] && ok no_agent_keeps || not_ok no_agent_keeps "$total bytes"
agent_up "$f" --mode enforce
count_start us
say $US4 200 >/dev/null
arrived
[ "$total" -le $((LIMIT + SLACK)) ] && ok restart_keeps || not_ok restart_keeps "$total bytes"
# a rule that is new counts from zero; one that is gone stops nothing
printf '%s\n' 'home DE' 'allow to any' >"$f"
check reload_without "$CORDON" reload --control "$CONTROL"
same open_again 200 "$(say $US4 200)"

# the window moves on: 60 kB, and again after it has passed
printf '%s\n' 'home DE' "block to $US4 over 60kB per 15s" 'allow to any' >"$f"
check reload_short "$CORDON" reload --control "$CONTROL"
first=$(say $US4 200)
[ "$first" -ge 50 ] && [ "$first" -le 60 ] && ok window || not_ok window "$first datagrams of 1,028 bytes in 60 kB"
same window_shut 0 "$(say $US4 50)"
sleep 16.5
same status_forgets 0 "$(status_json | jq '.meters[0].used')"
again=$(say $US4 200)
[ "$again" -ge 50 ] && [ "$again" -le 60 ] && ok window_again || not_ok window_again "$again datagrams"
tap_end
