# mode_live.sh - what was asked for at run time survives kill and stop; an agent starts weaker than what is in force only when
# --mode or the policy's own line says so, and then that is an alert.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
try() { db $PEER pour $US4 7000 --bytes 10 --timeout 15 | jq -r .error; }
alerted() { jq -es 'any(.event.action == "'"$1"'" and .event.kind == "alert" and .event.severity >= 73)' "$ALERTS" >/dev/null; }
in_state() { status_json | jq -r '.mode + " " + .kernel.mode'; }
f=$(policy 'home DE' 'mode monitor' 'allow to eea' 'block to any')
agent_up "$f"
same monitor '' "$(try)"
check asks "$CORDON" reload --control "$CONTROL" --mode enforce
same enforce EPERM "$(try)"
for how in KILL TERM; do
	agent_stop $how
	same "blocked_after_$how" EPERM "$(try)"
	agent_up "$f"
	same "blocked_again_after_$how" EPERM "$(try)"
	same "status_after_$how" "enforce enforce" "$(in_state)"
done
# the memory is in two places: the state directory and the pins
rm -f "$LIVE/state/mode"
agent_stop KILL
agent_up "$f"
same without_the_file EPERM "$(try)"
: >"$ALERTS"
agent_stop KILL
agent_up "$f" --mode monitor
same mode_option_wins '' "$(try)"
check weaker_is_an_alert alerted mode-weakened
check back_to_the_policy "$CORDON" reload --control "$CONTROL" --mode policy
agent_stop KILL
agent_up "$f"
same policy_again "monitor monitor" "$(in_state)"

# nobody asked; the policy says enforce, then nothing, then monitor
agent_stop
f=$(policy 'home DE' 'mode enforce' 'allow to eea' 'block to any')
agent_up "$f"
agent_stop KILL
: >"$ALERTS"
printf '%s\n' 'home DE' 'allow to eea' 'block to any' >"$f"
agent_up "$f"
same no_word_keeps_what_is_in_force EPERM "$(try)"
agent_stop KILL
printf '%s\n' 'home DE' 'mode monitor' 'allow to eea' 'block to any' >"$f"
agent_up "$f"
same the_policys_word_counts '' "$(try)"
check and_is_an_alert alerted mode-weakened
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
