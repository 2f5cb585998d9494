# tamper_live.sh - somebody with root takes cordon's hooks or pins away: told, mended within seconds, and still there after a stop.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any')
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
blocked() { [ "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)" = EPERM ]; }
told() { jq -es 'any(.event.action == "'"$1"'")' "$ALERTS" >/dev/null; }
agent_up "$f" --mode enforce
check blocks blocked
for h in egress connect4; do
	bpftool link detach pinned "$PIN/link_$h" || not_ok "detach_$h" "bpftool could not"
done
check detached_is_told wait_for 10 told hook-detached
check attached_again wait_for 10 told hook-attached
check blocks_again blocked
same status_says_attached true "$(status_json | jq '[.kernel.hooks[].attached] | all')"
rm -f "$PIN"/link_*
check pins_removed_is_told wait_for 10 told pins-removed
rm -rf "$PIN"
check pins_are_back wait_for 10 test -e "$PIN/link_egress"
check pins_of_maps_are_back test -e "$PIN/settings"
rm -f "$PIN/link_egress"
agent_stop
check stays_after_stop blocked
check status_from_pins "$CORDON" status --pin "$PIN" --control "$CONTROL"
check detach "$CORDON" detach --pin "$PIN"
same nothing_after_detach "" "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)"
fails_status() { ! "$CORDON" status --pin "$PIN" --control "$CONTROL"; }
check status_says_nothing fails_status
