# LIMIT 900
# crash_live.sh - kill -9 in mid-transfer, restart, adoption, 1,000 reloads: nothing to a blocked place ever reaches the peer.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')
agent_up "$f" --mode enforce
for h in eu us; do
	bg sink-$h on $h $PEER sink 7000 --out "$LIVE/sink-$h"
	bg_ready sink-$h
done
got() { cat "$LIVE/sink-$1"; }
grows() { # HOST: bytes arrive there now
	local a
	a=$(got "$1")
	wait_for 5 eval '[ "$(got '"$1"')" -gt '"$a"' ]'
}
adopted() { grep -c '"action":"adopted"' "$ALERTS"; } # events of agents that took programs over
count_start us
bg pour db $PEER pour $EU4 7000 --rate 2000000
bg pour6 db $PEER pour $EU6 7000 --rate 2000000
bg flood db nice -n 19 $PEER flood $US4 7000
bg flood6 db nice -n 19 $PEER flood $US6 7000
for n in pour pour6 flood flood6; do bg_ready $n || not_ok "$n" "did not start"; done
check transfer_flows grows eu

bg_stop agent KILL
check transfer_survives_kill grows eu
sleep 1
check transfer_goes_on grows eu
check blocked_after_kill test "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)" = EPERM
check blocked_after_kill_v6 test "$(db $PEER pour $US6 7000 --bytes 10 | jq -r .error)" = EPERM
same nothing_to_adopt_at_first 0 "$(adopted)"
agent_up "$f" --mode enforce
check restart_adopts wait_for 5 eval '[ "$(adopted)" = 1 ]'
check transfer_survives_restart grows eu

# again and again, at any moment of the agent's life
for i in 1 2 3; do
	"$CORDON" reload --control "$CONTROL" >/dev/null 2>&1 &
	sleep 0.0$i
	bg_stop agent KILL
	wait $! 2>/dev/null
	agent_up "$f" --mode enforce
done
check transfer_survives_kills grows eu
check every_restart_adopts wait_for 5 eval '[ "$(adopted)" = 4 ]'

# 1,000 reloads of policies that differ; every 50th names a new network, so that the place table is rebuilt too
n=${RELOADS:-1000} bad=0
t=$SECONDS
for ((i = 1; i <= n; i++)); do
	extra="# $i"
	[ $((i % 50)) = 0 ] && extra="allow to 198.51.100.$((i / 50))/32"
	printf '%s\n' 'home DE' 'allow to eea' "$extra" 'block to any severity high' >"$f.new"
	mv "$f.new" "$f"
	"$CORDON" reload --control "$CONTROL" >/dev/null 2>"$LIVE/reload.err" || bad=$((bad + 1))
done
same "reloads_${n}_all_succeed" 0 $bad
echo "$n reloads took $((SECONDS - t)) s" >&2
check transfer_survives_reloads grows eu
for n in flood flood6; do
	bg_stop $n
	cat "$LIVE/$n.out" >&2
	check "${n}_tried" jq -e '.udp_refused + .udp_sent > 1000 and .tcp_tried > 100' "$LIVE/$n.out"
done
bg_stop pour
bg_stop pour6
check pour_no_error jq -e '.error == ""' "$LIVE/pour.out"
check pour6_no_error jq -e '.error == ""' "$LIVE/pour6.out"
same packets_leaked 0 "$(count_stop us)"
same bytes_leaked 0 "$(got us)"
# the counter sees what arrives: with the policy open, the same address gets packets
count_start us
printf '%s\n' 'home DE' 'allow to any' >"$f"
check reload_open "$CORDON" reload --control "$CONTROL"
db $PEER pour $US4 7000 --bytes 1000 >/dev/null
check counter_works test "$(count_stop us tcp_payload)" = 1000
agent_stop
