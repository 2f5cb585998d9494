# generation_live.sh - a flow that was allowed goes on while the agent is killed and the next one has another policy: it is told.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'home DE' 'allow to any')
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
agent_up "$f" --mode monitor --keep-on-exit
bg pour db $PEER pour $US4 7000 --rate 1000000
bg_ready pour
sleep 0.5
for round in 1 2 3; do # with the same number of publications in each agent's life
	number=$(status_json | jq .kernel.generation)
	agent_stop KILL
	printf '%s\n' 'home DE' "block to any because \"round $round\"" >"$f"
	: >"$ALERTS"
	agent_up "$f" --mode monitor --keep-on-exit
	check "number_$round" test "$(status_json | jq .kernel.generation)" -gt "$number"
	check "told_$round" wait_for 5 jq -es 'any(.event.action == "flow-would-block" and .event.reason == "round '$round'")' "$ALERTS"
done
bg_stop pour
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
