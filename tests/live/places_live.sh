# places_live.sh - whose law a place is under: AWS in Frankfurt alerts, OVH in France is silent; a refuted place is told.
. "$ROOT/tests/lib/live.sh"
live_begin
mkdir "$LIVE/state"
geo=(--geo "$ROOT/tests/live/aws.json" --geo /usr/share/tor/geoip --geo /usr/share/tor/geoip6)
f=$(policy 'home DE' 'place 51.68.0.0/16 is FR provider ovh' \
	'place 2001:41d0::/32 is FR provider ovh' 'alert to eu under US severity medium' 'allow to eea' 'block to any')
agent_up "$f" --mode enforce "${geo[@]}"
for h in eu us fr gb; do
	bg sink-$h on $h $PEER sink 7000
	bg_ready sink-$h
done
alerted() { jq -r 'select(.event.action == "flow-alerted") | .destination.ip' "$ALERTS" | grep -qxF "$1"; }
for a in $EU4 $EU6 $FR4 $FR6; do
	same "passes_$a" "" "$(db $PEER pour $a 7000 --bytes 10000 | jq -r .error)"
done
for a in $EU4 $EU6; do
	check "aws_frankfurt_alerts_$a" wait_for 10 alerted $a
	check "aws_place_$a" jq -es 'map(select(.destination.ip == "'$a'" and .destination.geo.country_iso_code == "DE")) | length > 0' "$ALERTS"
done
sleep 1
for a in $FR4 $FR6; do
	if alerted $a; then not_ok "ovh_france_silent_$a" "it raised an alert"; else ok "ovh_france_silent_$a"; fi
done
for a in $GB4 $GB6 $US4 $US6; do
	same "blocked_$a" EPERM "$(db $PEER pour $a 7000 --bytes 10 | jq -r .error)"
done
# 3.80.0.1 is said to be in Virginia, and answers in under a millisecond from Frankfurt: it cannot be there
jq -c "select(.event.action == \"place-refuted\")" "$ALERTS" >&2; agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
printf '%s\n' 'home DE 50.11 8.68 "Frankfurt"' 'block to disputed' 'allow to any' >"$f"
agent_up "$f" --mode enforce "${geo[@]}"
same refuted_at_first_passes "" "$(db $PEER pour $US4 7000 --bytes 100000 | jq -r .error)"
refuted() { jq -es 'any(.[]; .event.action == "place-refuted" and .destination.ip == "'$US4'" and .cordon.distance.proof == "refuted")' "$ALERTS"; }
check place_refuted wait_for 10 refuted
disputed() { [ "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)" = EPERM ]; }
check refuted_is_disputed_from_then_on wait_for 20 disputed
agent_stop
agent_up "$f" --mode enforce "${geo[@]}"
check refuted_is_remembered disputed
agent_stop
