# trial_live.sh - enforce on trial: lists what would be cut, asks; ends by itself, with no agent too; a confirmation makes it stay.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
bg near on eu $PEER sink 7000 --out "$LIVE/near"
bg_ready near
try() { db $PEER pour $US4 7000 --bytes 10 --timeout 15 | jq -r .error; }
told() { jq -es 'any(.event.action == "'"$1"'")' "$ALERTS" >/dev/null; }
in_state() { status_json | jq -r '.mode + " " + .kernel.mode'; }
kernel_mode_is() { [ "$(status_json | jq -r .kernel.mode)" = "$1" ]; }
enforce() { "$CORDON" enforce --control "$CONTROL" "$@"; }
passes() { [ "$(try)" = "" ]; }
f=$(policy 'home DE' 'mode monitor' 'allow to any port dns' 'allow to eea' 'block to any')
mkdir -p "$LIVE/state"
agent_up "$f"

# nothing lives that would be cut
db $PEER pour $EU4 7000 --bytes 10 >/dev/null
enforce --for 600s >"$LIVE/out" 2>"$LIVE/err"
same "nothing to cut: exit" 0 $?
same "on trial" EPERM "$(try)"
same "status says it" "enforce enforce true" "$(in_state) $(status_json | jq '.trial_seconds_left > 500 and .trial_seconds_left <= 600')"
check "status in words" grep -q '^ *TRIAL .*cordon confirm' <("$CORDON" status --control "$CONTROL")
check "told" told enforce-trial
same "not remembered before it is confirmed" "" "$(cat "$LIVE/state/mode" 2>/dev/null)"

# killed while unconfirmed: it goes on without an agent, the next one knows
agent_stop KILL
same "goes on without an agent" EPERM "$(try)"
agent_up "$f"
same "the next agent goes on with it" "enforce enforce true" "$(in_state) $(status_json | jq '.trial_seconds_left > 100')"
same "and blocks" EPERM "$(try)"
check monitor "$CORDON" monitor --control "$CONTROL"
same "monitor ends it" "monitor monitor null" "$(in_state) $(status_json | jq .trial_seconds_left)"
same "and it passes" "" "$(try)"
"$CORDON" confirm --control "$CONTROL" >/dev/null 2>"$LIVE/err"
same "nothing to confirm" "1 cordon: no trial is going on; mode monitor is in force" "$? $(cat "$LIVE/err")"
agent_stop
rm -f "$LIVE/state/mode"
"$CORDON" detach --pin "$PIN" >/dev/null

# over by itself, while the agent is dead: the programs look at the clock
agent_up "$f"
enforce --for 20s >/dev/null
same "a short trial" EPERM "$(try)"
agent_stop KILL
check "over without an agent" wait_for 120 passes
: >"$ALERTS"
agent_up "$f"
same "the next agent finds it over" "monitor monitor null" "$(in_state) $(status_json | jq .trial_seconds_left)"
check "and says so" told enforce-unconfirmed
# and under an agent
: >"$ALERTS"
enforce --for 2s >/dev/null
check "over with an agent" wait_for 60 kernel_mode_is monitor
check "told by it" wait_for 20 told enforce-unconfirmed
same "nothing is left of it" "monitor monitor null" "$(in_state) $(status_json | jq .trial_seconds_left)"
same "it passes again" "" "$(try)"

# the file is edited, and not loaded: status tells
on_disk() { status_json | jq -r .policy.on_disk; }
same "policy on disk" same "$(on_disk)"
cp "$f" "$LIVE/was"
echo '# edited' >>"$f"
same "it differs" differs "$(on_disk)"
check "and status says so" grep -q '^ *DIFFERS .*cordon reload' <("$CORDON" status --control "$CONTROL")
mv "$f" "$f.away"
same "it is gone" missing "$(on_disk)"
cp "$LIVE/was" "$f"
same "it is back" same "$(on_disk)"
echo '# a part' >"$(dirname "$f")/part.inc"
echo 'include "part.inc"' >>"$f"
check "a reload takes what it includes" "$CORDON" reload --control "$CONTROL"
same "the whole on disk" same "$(on_disk)"
echo '# edited' >>"$(dirname "$f")/part.inc"
same "what it includes differs" differs "$(on_disk)"
cp "$LIVE/was" "$f"
check "back to what was" "$CORDON" reload --control "$CONTROL"

# what lives and would be cut is listed, and stops the command; --yes goes on; confirmed, it survives
bg long db $PEER pour $US4 7000 --bytes 200000000 --timeout 120 --rate 20000
listed() { enforce --list --json | jq -e '.would_cut[] | select(.to == "'$US4'" and .port == 7000 and .line == 5)' >/dev/null; }
check "a live flow is listed" wait_for 20 listed
enforce --for 600s >"$LIVE/out" 2>"$LIVE/err"
same "and stops the command" 1 $?
check "it says which rule" grep -q 'line 5: block to any' "$LIVE/out"
check "it says who" grep -q "to $US4 (US), its port 7000 tcp, python3" "$LIVE/out"
same "nothing was changed" "monitor monitor" "$(in_state)"
enforce --for 600s --yes >/dev/null
same "with --yes it is" "enforce enforce" "$(in_state)"
check confirm "$CORDON" confirm --control "$CONTROL"
check "confirmed is told" told enforce-confirmed
same "no end any more" null "$(status_json | jq .trial_seconds_left)"
agent_stop KILL
same "stays without an agent" EPERM "$(try)"
agent_up "$f"
same "stays after a restart" "enforce enforce null" "$(in_state) $(status_json | jq .trial_seconds_left)"
enforce --for 10s --yes >/dev/null 2>"$LIVE/err"
same "no trial over what is in force" 1 $?
check monitor_again "$CORDON" monitor --control "$CONTROL"
enforce --yes >/dev/null
same "without a time it is for good" "enforce enforce null" "$(in_state) $(status_json | jq .trial_seconds_left)"
same "and remembered" enforce "$(cut -d' ' -f1 "$LIVE/state/mode")"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
