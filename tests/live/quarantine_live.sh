# quarantine_live.sh - an allowed address is stopped for a while: new and old flows, over kill, restart, reload and a broken policy; it
# ends by itself.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu fr"
live_begin
mkdir "$LIVE/state"
f=$(policy 'home DE' 'allow to eea' 'block to any')
bg sink on eu $PEER sink 7000 --out "$LIVE/sink"
bg sinkf on fr $PEER sink 7000 --out "$LIVE/sinkf"
bg_ready sink
bg_ready sinkf
try() { db $PEER pour "$1" 7000 --bytes 10 | jq -r .error; }
q() { "$CORDON" quarantine "$@" --control "$CONTROL"; }
agent_up "$f" --mode enforce
same before "" "$(try $EU4)"
same empty "nothing is in quarantine" "$(q list)"
bg pour db $PEER pour $EU4 7000 --rate 500000
bg_ready pour || not_ok pour "did not start"
bg pour6 db $PEER pour $EU6 7000 --rate 500000
bg_ready pour6 || not_ok pour6 "did not start"
check flows wait_for 5 eval '[ "$(cat "$LIVE/sink")" -gt 100000 ]'

check add q add $EU4 --for 1h --because "incident 4711"
same stopped EPERM "$(try $EU4)"
same other_address "" "$(try $FR4)"
check alert wait_for 5 jq -es "any(.destination.ip == \"$EU4\" and .event.action == \"flow-blocked\" and .event.severity >= 99 and (.message | test(\"quarantine\")))" "$ALERTS"
check alert_says_why jq -es "any(.destination.ip == \"$EU4\" and ([.. | strings | test(\"incident 4711\")] | any))" "$ALERTS"
check told jq -es 'any(.event.action == "quarantine-added")' "$ALERTS"
check listed eval "q list | grep -q '^$EU4/32 .*incident 4711'"
check explained eval "\"$CORDON\" explain $EU4 --policy $f --state $LIVE/state | grep -q 'block to $EU4/32 severity critical because .incident 4711. (quarantine)'"
check old_flow_ended wait_for 10 eval '! bg_alive pour'
check other_family_goes_on bg_alive pour6

# the policy's file is edited, then broken: what is in force stays in force, and a SOC can act
printf 'home DE\nallow to any\n' >"$f"
check add_while_edited q add 2a05:d014::/64 --for 1h --because "the same, IPv6"
same stopped_v6 EPERM "$(try $EU6)"
same edit_not_in_force EPERM "$(try 3.80.0.1)"
printf 'blok\n' >"$f"
check add_while_broken q add $FR4 --for 1h --because "one more"
same stopped_fr EPERM "$(try $FR4)"
check remove q remove $FR4
same removed "" "$(try $FR4)"
check add_mapped q add "::ffff:$FR4" --for 1h --because "as an IPv6 socket's log has it"
same stopped_mapped EPERM "$(try $FR4)"
check remove_mapped q remove "::ffff:$FR4"
same removed_mapped "" "$(try $FR4)"
printf '%s\n' 'home DE' 'allow to eea' 'block to any' >"$f"

for how in KILL TERM; do
	agent_stop $how
	same "stopped_after_$how" EPERM "$(try $EU4)"
	agent_up "$f" --mode enforce
	same "stopped_again_after_$how" EPERM "$(try $EU4)"
done
check reload "$CORDON" reload --control "$CONTROL"
same stopped_after_reload EPERM "$(try $EU4)"

# it ends by itself, also without an agent
check add_short q add $FR4 --for 4s --because "short"
same short_stopped EPERM "$(try $FR4)"
check short_ends wait_for 20 eval '[ -z "$(try $FR4)" ]'
check short_is_off_the_list eval "! q list | grep -q $FR4"
check add_short_again q add $FR4 --for 4s --because "short"
agent_stop KILL
same short_holds_without_agent EPERM "$(try $FR4)"
check short_ends_without_agent wait_for 20 eval '[ -z "$(try $FR4)" ]'
agent_up "$f" --mode enforce

# what is wrong is refused, and changes nothing
refused() { local name=$1 code=$2; shift 2; q "$@" >/dev/null 2>&1; same "$name" "$code" $?; }
refused no_time 2 add $FR4 --because x
refused no_reason 2 add $FR4 --for 1h
refused bad_time 2 add $FR4 --for soon --because x
refused long_time 2 add $FR4 --for 400d --because x
refused host_bits 2 add 10.0.0.1/8 --for 1h --because x
refused two_lines 2 add $FR4 --for 1h --because $'a\nb'
refused not_there 1 remove $FR4
refused what 2 frobnicate
same only_two 2 "$("$CORDON" quarantine list --json --control "$CONTROL" | jq '.quarantine | length')"
# the file is damaged: nothing is let go, nothing is overwritten, and it is said
damage() { printf 'noise\n' | cat - "$LIVE/whole" >"$LIVE/state/quarantine"; }
cp "$LIVE/state/quarantine" "$LIVE/whole"
printf 'noise\n' >"$LIVE/state/quarantine"
check reload_damaged "$CORDON" reload --control "$CONTROL"
same damaged_still_stopped EPERM "$(try $EU4)"
check damaged_told wait_for 5 jq -es 'any(.event.action == "quarantine-unread" and .event.severity >= 99)' "$ALERTS"
refused damaged_add 1 add $FR4 --for 1h --because x
refused damaged_list 1 list
same not_overwritten noise "$(cat "$LIVE/state/quarantine")"
damage
agent_stop KILL
agent_up "$f" --mode enforce
same damaged_start EPERM "$(try $EU4)"
check damaged_start_told wait_for 5 jq -es 'map(select(.event.action == "quarantine-unread")) | length == 2' "$ALERTS"
cp "$LIVE/whole" "$LIVE/state/quarantine"
check reload_whole "$CORDON" reload --control "$CONTROL"
check whole_told wait_for 5 jq -es 'any(.event.action == "quarantine-read")' "$ALERTS"
check gap_closed eval "\"$CORDON\" gaps --state $LIVE/state | grep -q quarantine-unread"
same whole_stopped EPERM "$(try $EU4)"
check monitor "$CORDON" reload --control "$CONTROL" --mode monitor
check monitor_is_said eval "q list | grep -q 'reported, not stopped'"
agent_stop
