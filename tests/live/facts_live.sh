# facts_live.sh - a bundle of facts that is installed is taken by 'reload' without a restart, whole or not at all.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
key=$B/bundle.key
if [ ! -r "$key" ]; then
	echo "skip facts_live - built with BUNDLE_KEY: the private key is not here"
	exit 0
fi
mkdir "$LIVE/state" "$LIVE/data"
facts=$LIVE/data/facts
cp -r "$B/share/cordon/facts" "$facts"
export CORDON_DATA=$LIVE/data
serial=$(sed -n 's/^serial //p' "$facts/FACTS")
f=$(policy 'home DE' 'allow to eea' 'block to any')
bg sink on us $PEER sink 7000
bg_ready sink
error() { db $PEER pour "$1" 7000 --bytes 10 | jq -r .error; }
used() { status_json | jq .places.facts; }
reload() { "$CORDON" reload --control "$CONTROL" >"$LIVE/reload.out" 2>&1; }
install_facts() { # SERIAL DIRECTORY
	"$CORDON" geo bundle make --key "$key" --from "$2" --serial "$1" --output "$LIVE/bundle.$1" >/dev/null &&
		"$CORDON" geo bundle install "$LIVE/bundle.$1" --to "$facts" >/dev/null
}
agent_up "$f" --mode enforce
pid=$(agent_pid)
same starts_with_the_shipped "$serial" "$(used)"
same virginia_is_blocked EPERM "$(error $US4)"

# AWS opens a region in Luxembourg: a new table and a new list
cp -r "$facts" "$LIVE/new"
sed -i 's/^aws\teu-central-2\tCH.*/aws\teu-central-1-xyz-1\tLU\tyes\t-\ttest\t2026-11-26\n&/' "$LIVE/new/regions.tsv"
printf '@\teu-central-1-xyz-1\tEC2\t-\n%s/32\n' $US4 >>"$LIVE/new/aws.ranges"
check install install_facts $((serial + 1)) "$LIVE/new"
same not_before_a_reload EPERM "$(error $US4)"
check reload reload
same the_new_facts_are_used $((serial + 1)) "$(used)"
same luxembourg_passes "" "$(error $US4)"
same the_same_process "$pid" "$(agent_pid)"
check said grep -q "facts $((serial + 1));" "$ALERTS"
check in_the_status sh -c "'$CORDON' status --control '$CONTROL' | grep -q 'facts $((serial + 1))\$'"

# a policy that is wrong: the old policy with the old facts
cp "$f" "$LIVE/good"
check install_another install_facts $((serial + 2)) "$B/share/cordon/facts"
printf 'home DE\nblok to any\n' >"$f"
check wrong_policy_is_refused sh -c "! '$CORDON' reload --control '$CONTROL' 2>/dev/null"
same its_facts_are_not_used $((serial + 1)) "$(used)"
same luxembourg_still_passes "" "$(error $US4)"
cp "$LIVE/good" "$f"
check reload_the_other reload
same virginia_again EPERM "$(error $US4)"
same by_the_third $((serial + 2)) "$(used)"

# damaged on the disk: refused, with its name; what is in force stays
sed -i "s/^serial .*/serial $((serial + 3))/" "$facts/FACTS"
echo >>"$facts/zones.tsv"
check damaged_is_refused sh -c "! '$CORDON' reload --control '$CONTROL' >'$LIVE/reload.out' 2>&1"
check damaged_is_named grep -q 'zones.tsv' "$LIVE/reload.out"
same the_third_stays $((serial + 2)) "$(used)"
same still_blocked EPERM "$(error $US4)"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
