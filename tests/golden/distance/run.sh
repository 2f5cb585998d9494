#!/bin/bash
# golden distance: which handshakes refute a place, which say nothing; 'geo show --distance'. UPDATE=1 writes the files anew.
. "$ROOT/tests/lib/tap.sh"
here=$ROOT/tests/golden/distance
cd "$TMPDIR" || exit 1
python3 "$here/make.py" . || exit 1

compare() { # NAME: the file here against the one there
	if [ -n "${UPDATE:-}" ]; then cp "$1" "$here/$1"; fi
	diff_ok "$1" "$here/$1" "$1"
}
# What of an event distance speaks of: a line each
brief='[.event.action, .destination.ip, .cordon.verdict, .cordon.dst.country, .cordon.distance.rtt_min_ns,
	.cordon.distance.proof, .cordon.replay.packet, (if .event.action == "place-refuted" then .message else null end)] | tojson'
replay() { # NAME POLICY EXIT CAPTURE
	"$CORDON" replay --here --policy "$2" --geo geofeed.csv "$4" >"$1.all" 2>"$1.err"
	same "$1/exit" "$3" $?
	same "$1/stderr" "" "$(cat "$1.err")"
	jq -r "$brief" "$1.all" >"$1.events"
	compare "$1.events"
}
replay near eu.policy 4 near.pcap
replay near_allowed us.policy 0 near.pcap
replay near_without_coordinates nowhere.policy 4 near.pcap
replay near_from_ashburn ashburn.policy 0 near.pcap
replay normal eu.policy 4 normal.pcap
# Three countries in one time are a proxy: said once, and what it answers for refutes nothing any more
"$CORDON" replay --here --policy us.policy --geo geofeed.csv proxy.pcap >proxy.all 2>proxy.err
same proxy/exit 0 $?
jq -r "$brief" proxy.all >proxy.events
compare proxy.events
check proxy/stderr grep -q 'a local proxy is suspected' proxy.err
same proxy/once 1 "$(jq -c 'select(.event.action == "proxy-suspected")' proxy.all | wc -l)"
same proxy/refuted "3.80.0.1 25.0.0.1 1.128.0.1" "$(jq -r 'select(.event.action == "place-refuted") | .destination.ip' proxy.all | xargs)"
"$CORDON" replay --here --policy us.policy --geo geofeed.csv proxy.pcap 2>/dev/null | cmp -s - proxy.all
same proxy/again 0 $?

"$CORDON" replay --policy eu.policy --geo geofeed.csv near.pcap >elsewhere.all
check elsewhere/silent test "$(grep -c 'place-refuted\|rtt_min' elsewhere.all)" = 0
if grep -q place-refuted normal.events; then not_ok normal/silent "something was refuted"; else ok normal/silent; fi

"$CORDON" geo show --distance --policy eu.policy | head -n 20 >show.txt
compare show.txt
"$CORDON" geo show --distance --policy eu.policy --json >show.json
check show/json jq -e '(.countries | length) == 250 and .outside_eea.country == "CH" and (.countries | map(select(.country == "US"))[0].refuted_below_ms | . > 35 and . < 36)' show.json
"$CORDON" geo show --distance --policy nowhere.policy >nowhere.out 2>nowhere.err
same show/nowhere_exit 1 $?
compare nowhere.err

# The memory of distance, as explain reads it: from this home, from another, damaged
printf '# cordon-refuted 1\n# home 50.1100 8.6800\n3.80.0.1/32,US,300000,1795000000\n' >refuted.csv
status() { # POLICY ADDRESS
	"$CORDON" explain "$2" --policy "$1" --geo geofeed.csv --state . --json 2>>explain.err | jq -r .place.status
}
same remembered disputed "$(status eu.policy 3.80.0.1)"
same its_neighbour known "$(status eu.policy 3.80.0.2)"
same another_home known "$(status ashburn.policy 3.80.0.1)"
same no_coordinates known "$(status nowhere.policy 3.80.0.1)"
printf '# cordon-refuted 1\n# home 50.1100 8.6800\n3.80.0.1/32,DE,300000,1795000000\n' >refuted.csv
same another_country known "$(status eu.policy 3.80.0.1)"
printf '# cordon-refuted 1\n3.80.0.1/32,US\n' >refuted.csv
"$CORDON" explain 3.80.0.1 --policy eu.policy --geo geofeed.csv --state . >damaged.out 2>damaged.err
same damaged/exit 1 $?
compare damaged.err
for ms in 0 -1 x 1.2.3 1e3 '' 0.0000001 999999999; do
	"$CORDON" explain 3.80.0.1 --policy eu.policy --geo geofeed.csv --state . --rtt "$ms" >/dev/null 2>&1
	same "rtt_${ms:-empty}" 2 $?
done
tap_end
