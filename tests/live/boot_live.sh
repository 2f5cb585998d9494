# LIMIT 300
# boot_live.sh - a start with a garbage policy, damaged or cut places: from the last good ones, loudly; with nothing, as 'boot' says.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us eu"
live_begin
for h in us eu; do bg sink-$h on $h $PEER sink 7000 --out "$LIVE/sink-$h"; bg_ready sink-$h; done
try() { db $PEER pour "$1" 7000 --bytes 10 --timeout 15 | jq -r .error; }
alerted() { jq -es 'any(.event.action == "'"$1"'" and .event.kind == "alert" and .event.severity == 99)' "$ALERTS" >/dev/null; }
G=$LIVE/places.csv
good_places() {
	{
		echo "# geofeed"
		echo "3.80.0.0/16,US,,,"
		echo "52.28.0.0/16,DE,,,"
		for i in $(seq 0 199); do echo "198.18.$i.0/24,FR,,,"; done
	} >"$G"
}
good_policy() { printf '%s\n' 'home DE' 'mode enforce' "geo \"$G\"" "$@" 'allow to eea' 'block to any' >"$f"; }
f=$LIVE/policy.conf
mkdir -p "$LIVE/state"
good_places
echo 'alert to FR' >"$LIVE/part.inc"
good_policy 'include "part.inc"'
again() { # NAME: killed, detached (as after a boot), started
	agent_stop KILL
	"$CORDON" detach --pin "$PIN" >/dev/null
	: >"$ALERTS"
	bg agent on db "$CORDON" run --policy "$f" --cgroup "$CG" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" \
		--state "$LIVE/state" --fold 0
	wait_for 10 "$CORDON" status --control "$CONTROL"
}
agent_up "$f"
same good "EPERM " "$(try $US4) $(try $EU4)"
sum=$(status_json | jq -r .policy.sha256)

printf 'block to everywhere\nnonsense {{{\n' >"$f"
rm "$LIVE/part.inc" # the last good one stands alone
check starts_with_garbage again
same garbage_policy "EPERM " "$(try $US4) $(try $EU4)"
check garbage_policy_is_an_alert alerted policy-fallback
same it_is_the_last_good "$sum" "$(status_json | jq -r .policy.sha256)"
check status_says_so test "$(status_json | jq -r .fallback)" != null
: >"$f"
check starts_with_empty again
same empty_policy EPERM "$(try $US4)"
rm -f "$f"
check starts_without_file again
same no_policy_file EPERM "$(try $US4)"
good_policy
check reload_takes_the_right_one "$CORDON" reload --control "$CONTROL"
same fallback_is_over null "$(status_json | jq -r .fallback)"

head -c 2000 /dev/urandom >"$G"
check starts_with_damaged_places again
same damaged_places "EPERM " "$(try $US4) $(try $EU4)"
check damaged_places_is_an_alert alerted places-fallback
printf 'garbage\n' >"$f"
check starts_with_both_damaged again
same both_damaged "EPERM " "$(try $US4) $(try $EU4)"
good_policy
good_places
head -n 100 "$G" >"$G.cut"
check starts_with_cut_places eval 'mv "$G.cut" "$G"; again'
same cut_places EPERM "$(try $US4)"
check cut_places_is_an_alert alerted places-fallback
good_places
check reload_good "$CORDON" reload --control "$CONTROL"
head -n 100 "$G" >"$G.cut" && mv "$G.cut" "$G"
cut_refused() { ! "$CORDON" reload --control "$CONTROL" 2>"$LIVE/cut.err"; }
check cut_is_refused_at_reload cut_refused
check and_says_why grep -q 'had 202' "$LIVE/cut.err"
check accepted_when_told "$CORDON" reload --control "$CONTROL" --accept-shrink

# a copy that was changed is not used
printf 'garbage\n' >"$f"
echo 'allow to any' >>"$LIVE/state/last/policy"
not_up() { ! again; }
check changed_copy_is_not_used not_up
# nothing is left: as 'boot' says
rm -rf "$LIVE/state/last"
check open_does_not_start not_up
printf 'boot closed\nnonsense\n' >"$f"
check closed_starts again
same closed "EPERM EPERM" "$(try $US4) $(try $EU4)"
check closed_is_an_alert alerted boot-closed
good_policy 'boot closed'
check closed_ends_with_a_good_one "$CORDON" reload --control "$CONTROL"
same open_again "EPERM " "$(try $US4) $(try $EU4)"
# a state directory that is not there is made; one that cannot be is said: no ledger, no memory
rm -rf "$LIVE/state"
check starts_without_state again
check state_is_made test -s "$LIVE/state/ledger.db"
check state_is_its_own test "$(stat -c %a "$LIVE/state")" = 700
mv "$LIVE/state" "$LIVE/state.away"
: >"$LIVE/state"
check starts_with_a_file_as_state again
check state_unkept jq -es 'any(.event.action == "state-unkept" and .event.severity == 73 and (.message | contains("Not a directory")))' "$ALERTS"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
