# gaps_live.sh - the ledger of gaps: killed, started again, a hook taken away, the cgroup removed: an entry each, with what held.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
mkdir -p "$LIVE/state"
U=$CG/db.service
mkdir "$U"
f=$(policy 'home DE' 'mode enforce' 'allow to eea' 'block to any')
up() {
	bg agent on db "$CORDON" run --policy "$f" --cgroup "$U" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" --state "$LIVE/state"
	wait_for 20 "$CORDON" status --control "$CONTROL"
}
entries() { "$CORDON" gaps --state "$LIVE/state" --json; }
has() { entries | jq -es "any($1)" >/dev/null; }
same nothing_known_before_an_agent 1 "$("$CORDON" gaps --state "$LIVE/state" >/dev/null 2>&1; echo $?)"
check up up
check beats wait_for 20 test -e "$LIVE/state/alive"
same none_at_first "no gaps are on record" "$("$CORDON" gaps --state "$LIVE/state")"
sleep 1.5
agent_stop KILL
sleep 3
up
check killed has '.cause == "agent-down" and .seconds > 2 and .seconds < 20 and (.held | test("went on judging"))'
bpftool link detach pinned "$PIN/link_egress"
check detached wait_for 2 has '.cause == "hook-detached" and .seconds < 1'
rmdir "$U"
sleep 2
mkdir "$U"
check cgroup wait_for 2 has '.cause == "cgroup-missing" and .seconds > 1 and .seconds < 10'
agent_stop KILL
"$CORDON" detach --pin "$PIN" >/dev/null
sleep 1
up
check unjudged has '.cause == "agent-down" and (.held | test("not judged"))'
# open: it is said while it lasts, and a killed agent does not take it along
rmdir "$U"
check open_is_said wait_for 5 has '.cause == "cgroup-missing" and .end == null'
check open_in_words sh -c "'$CORDON' gaps --state '$LIVE/state' | grep -q 'still open  cgroup-missing'"
agent_stop KILL
mkdir "$U"
up
same closed_by_the_next "2 0" "$(entries | jq -s -r '[map(select(.cause == "cgroup-missing" and .end)) | length, (map(select(.end == null)) | length)] | map(tostring) | join(" ")')"
n=$(entries | wc -l)
same nothing_since_tomorrow "no gaps are on record" "$("$CORDON" gaps --state "$LIVE/state" --since 2999-01-01)"
echo 'half a li' >>"$LIVE/state/gaps.jsonl"
damaged() { "$CORDON" gaps --state "$LIVE/state" >"$LIVE/out" 2>"$LIVE/err"; [ $? = 5 ] && [ "$(grep -c 'held:' "$LIVE/out")" = "$n" ]; }
check damaged_lines_are_said damaged
agent_stop
# the SOC hears of each of them, also of the one of which no agent was a witness
file_gaps() { head -n "$n" "$LIVE/state/gaps.jsonl" | jq -cs 'map([.cause, .start]) | sort'; }
fed_gaps() { jq -cs '[.[] | select(.cordon.gap) | .cordon.gap | [.cause, (.start | sub("[.][0-9]+Z$"; "Z"))]] | sort' "$ALERTS"; }
same every_gap_is_an_event "$(file_gaps)" "$(fed_gaps)"
same unjudged_alerts "alert agent-down nothing: what left was not judged" "$(jq -r 'select(.event.action == "gap-unjudged") | "\(.event.kind) \(.cordon.gap.cause) \(.cordon.gap.held)"' "$ALERTS" | sort -u)"
"$CORDON" detach --pin "$PIN" >/dev/null
