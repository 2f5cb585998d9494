# refuted_live.sh - distance: a place said to be in the US that answers at once is refuted, remembered, and disputed from then on.
. "$ROOT/tests/lib/live.sh"
live_begin
mkdir "$LIVE/state"
geo=(--geo "$ROOT/tests/live/aws.json" --geo /usr/share/tor/geoip --geo /usr/share/tor/geoip6)
f=$(policy 'home DE 50.11 8.68 "Frankfurt"' 'allow to US' 'allow to eea' 'block to any')
agent_up "$f" --mode enforce "${geo[@]}"
for h in eu us; do
	bg sink-$h $h $PEER sink 7000
	bg_ready sink-$h
done
event() { jq -c 'select(.event.action == "'"$1"'" and (.destination.ip == "'"$2"'" or "'"$2"'" == ""))' "$ALERTS"; }
told() { event "$@" | grep -q .; }
error() { db $PEER pour "$1" 7000 --bytes 100000 | jq -r .error; }

for a in $EU4 $EU6 $US4; do
	same "passes_$a" "" "$(error $a)"
done
check refuted wait_for 10 told place-refuted $US4
e=$(event place-refuted $US4 | head -n 1)
check rtt_under_1ms jq -e '.cordon.distance.rtt_min_ns > 0 and .cordon.distance.rtt_min_ns < 1000000' <<<"$e"
same verdict '"refuted" "allow" "US"' "$(jq -r '[.cordon.distance.proof, .cordon.verdict, .cordon.dst.country] | map(tojson) | join(" ")' <<<"$e")"
check says_why grep -q 'no soil of US is nearer than 53' <<<"$e"
check remembered wait_for 10 grep -q "^$US4/32,US," "$LIVE/state/refuted.csv"
check disputed wait_for 10 told places-disputed ""
same refused_from_now_on EPERM "$(error $US4)"
check refused_as_disputed wait_for 10 jq -es 'map(select(.destination.ip == "'$US4'" and .cordon.dst.status == "disputed")) | length > 0' "$ALERTS"
for a in $EU4 $EU6; do
	same "still_passes_$a" "" "$(error $a)"
	if told place-refuted $a; then not_ok "silent_$a" "it was refuted"; else ok "silent_$a"; fi
done
same told_once 1 "$(event place-refuted $US4 | wc -l)"

# IPv6: the whole /64
same passes_first "" "$(error $US6 | head -n 1)"
check refuted_ipv6 wait_for 10 told place-refuted $US6
agent_stop
check remembered_ipv6 grep -q "^2600:1f18::/64,US," "$LIVE/state/refuted.csv"

# a connection that stays open is judged while it lives
rm "$LIVE/state/refuted.csv"
: >"$ALERTS"
agent_up "$f" --mode enforce "${geo[@]}"
bg open db $PEER pour $US4 7000 --rate 1000
check judged_while_open wait_for 30 told place-refuted $US4
check still_open bg_alive open
bg_stop open
agent_stop

# a SYN proxy answers the handshake at once and data late; acknowledgements ahead of the data are the other way round
rm -f "$LIVE/state/refuted.csv"
: >"$ALERTS"
agent_up "$f" --mode enforce "${geo[@]}"
tun() { # NAME ADDRESS HANDSHAKE DATA
	ip -n "$ID-net" route replace "$2" via $US4 dev us onlink
	bg "$1" us python3 "$ROOT/tests/lib/tcp_tun.py" "$2" --handshake "$3" --data "$4"
	bg_ready "$1"
	same "$1_passes" "" "$(error "$2")"
	bg_stop "$1"
}
tun syn_proxy 3.80.0.9 0 95
tun acknowledged_ahead 3.80.0.10 95 0
tun near 3.80.0.11 0 0
check near_is_refuted wait_for 10 told place-refuted 3.80.0.11
for a in 3.80.0.9 3.80.0.10; do
	if told place-refuted $a; then not_ok "one_alone_refutes_nothing_$a" "$(event place-refuted $a | head -n 1)"; else ok "one_alone_refutes_nothing_$a"; fi
done
agent_stop
check near_is_remembered grep -q '^3.80.0.11/32,US,' "$LIVE/state/refuted.csv"
same the_others_are_not "" "$(grep -E '^3\.80\.0\.(9|10)/' "$LIVE/state/refuted.csv")"
echo "$US4/32,US,500000,$(date +%s)" >>"$LIVE/state/refuted.csv"

# explain knows, and shows both
answer=$("$CORDON" explain $US4 --policy "$f" "${geo[@]}" --state "$LIVE/state" --rtt 0.5)
check explain_disputed grep -q 'place .*US, United States; disputed' <<<"$answer"
check explain_says_not grep -q "refuted says not US for $US4/32" <<<"$answer"
check explain_rtt grep -q 'an RTT of 0.500 ms puts it within 74 km: refuted' <<<"$answer"

# the next agent knows; another home does not believe it
agent_up "$f" --mode enforce "${geo[@]}"
same next_agent_refuses_4 EPERM "$(error $US4)"
same next_agent_allows_6 "" "$(error $US6)"
agent_stop
sed -i 's/^home.*/home US 39.04 -77.49 "Ashburn"/' "$f"
agent_up "$f" --mode enforce "${geo[@]}"
same another_home_allows "" "$(error $US4)"
sleep 2
same another_home_is_silent 0 "$(event place-refuted $US4 | wc -l)"
agent_stop

# three countries in one time: not they are wrong, somebody near answers for all
rm -f "$LIVE/state/refuted.csv"
: >"$ALERTS"
g=$(policy 'home DE 50.11 8.68 "Frankfurt"' 'alert to disputed' 'allow to any')
for h in gb fr; do
	bg sink-$h $h $PEER sink 7000
	bg_ready sink-$h
done
agent_up "$g" "${geo[@]}"
same first_country "" "$(error $US4)"
check first_is_refuted wait_for 10 told place-refuted $US4
same second_country "" "$(error $GB4)"
check second_is_refuted wait_for 10 told place-refuted $GB4
same third_country "" "$(error $FR4)"
check proxy_suspected wait_for 10 told proxy-suspected ""
same fourth "" "$(error $GB6)"
same fifth "" "$(error $US6)"
agent_stop
same suspected_once 1 "$(event proxy-suspected "" | wc -l)"
same none_after_it 2 "$(event place-refuted "" | wc -l)"
check says_forgotten grep -q '2 addresses that it refuted before are forgotten' <<<"$(event proxy-suspected "")"
same the_first_two_are_forgotten "" "$(grep -v '^#' "$LIVE/state/refuted.csv")"
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
