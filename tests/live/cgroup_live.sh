# cgroup_live.sh - the cgroup that is judged goes and comes (a unit's): judged again within a second, and said while it is missing.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any')
U=$CG/db.service
mkdir "$U"
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
try() { db_in "$U" $PEER pour $US4 7000 --bytes 10 --timeout 15 | jq -r .error; }
told() { jq -es 'any(.event.action == "'"$1"'")' "$ALERTS" >/dev/null; }
up() {
	bg agent on db "$CORDON" run --policy "$f" --cgroup "$U" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" \
		--state "$LIVE/state" --fold 0 --mode enforce
}
up
check up wait_for 20 "$CORDON" status --control "$CONTROL"
same before EPERM "$(try)"
for i in 1 2 3; do
	rmdir "$U"
	mkdir "$U"
	sleep 1
	same "made_again_$i" EPERM "$(try)"
done
check status_is_fine "$CORDON" status --control "$CONTROL"
rmdir "$U"
check missing_is_told wait_for 2 told cgroup-missing
same status_of_missing 1 "$("$CORDON" status --control "$CONTROL" >"$LIVE/status"; echo $?)"
check status_names_it grep -q 'does not exist' "$LIVE/status"
check reload_without_it "$CORDON" reload --control "$CONTROL"
mkdir "$U"
check comes_back wait_for 1 "$CORDON" status --control "$CONTROL"
same comes_back_judged EPERM "$(try)"
# an agent that starts while it is missing waits for it
agent_stop KILL
rmdir "$U"
up
check answers wait_for 20 test -S "$CONTROL"
sleep 1
mkdir "$U"
check attached wait_for 2 "$CORDON" status --control "$CONTROL"
same judged_from_a_late_start EPERM "$(try)"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
