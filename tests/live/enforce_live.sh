# enforce_live.sh - real PostgreSQL under enforcement, over IPv4 and IPv6: out to the EU and the US, and in from them.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us fr"
live_begin
pg_up
for h in eu us; do pg_peer $h || not_ok "pg_peer_$h" "did not start"; done
f=$(policy 'home DE' 'allow to eea' 'block to any severity high because "test"')
agent_up "$f" --mode enforce

# NAME CMD...: refused at once with EPERM
refused() {
	local name=$1 t out rc
	shift
	t=$(date +%s%N)
	out=$("$@" 2>&1)
	rc=$?
	t=$((($(date +%s%N) - t) / 1000000))
	if [ $rc = 0 ]; then
		not_ok "$name" "it went through"
	elif ! grep -q 'Operation not permitted' <<<"$out"; then
		not_ok "$name" "failed, but not with EPERM: $(tail -n 1 <<<"$out")"
	elif [ $t -gt 2000 ]; then
		not_ok "$name" "refused after $t ms"
	else
		ok "$name"
	fi
}

for v in 4 6; do
	eval "eu=\$EU$v us=\$US$v fr=\$FR$v db=\$DB$v"
	count_start us
	check "psql_eu_v$v" db $PSQL -h "$eu" postgres -c 'select 1'
	refused "psql_us_v$v" db $PSQL -h "$us" postgres -c 'select 1'
	check "dump_eu_v$v" dump_to "$eu"
	same "dump_eu_rows_v$v" 20000 "$(PGUSER=pg $PGBIN/psql -qXAt -h "$LIVE/run-eu" postgres -c 'select count(*) from person')"
	PGUSER=pg $PGBIN/psql -qX -h "$LIVE/run-eu" postgres -c 'drop table person'
	refused "dump_us_v$v" dump_to "$us"
	same "out_packets_us_v$v" 0 "$(count_stop us)"

	# it connects in: the server's replies are what leaks
	count_start us
	count_start eu
	out=$(us $PSQL -h "$db" postgres -c 'select * from person' 2>&1)
	if [ $? = 0 ]; then not_ok "in_us_v$v" "got ${#out} bytes"; else ok "in_us_v$v"; fi
	same "in_packets_us_v$v" 0 "$(count_stop us)"
	same "in_rows_eu_v$v" 20000 "$(eu $PSQL -h "$db" postgres -c 'select * from person' | wc -l)"
	n=$(count_stop eu tcp_payload)
	if [ "${n:-0}" -gt 500000 ]; then ok "counter_works_v$v"; else not_ok "counter_works_v$v" "counted $n"; fi

	check "new_tcp_us_v$v" test "$(db $PEER pour "$us" 5432 --bytes 10 | jq -r .error)" = EPERM
done

# sockets that were connected while the policy let them are cut off when the rule comes: TCP, UDP, ICMP
bg sink us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
reload() { # RULE...
	printf '%s\n' 'home DE' "$@" >"$f"
	"$CORDON" reload --control "$CONTROL" >/dev/null
}
check reload_open reload 'allow to any'
for v in 4 6; do
	eval "us=\$US$v"
	bg "tcp$v" db $PEER pour "$us" 7000 --rate 1000000
	bg "udp$v" db $PEER say "$us" 7001
	bg "icmp$v" db $PEER say "$us" 0 --proto icmp
done
count_start us
for n in tcp4 tcp6 udp4 udp6 icmp4 icmp6; do bg_ready $n || not_ok "$n" "did not start"; done
sleep 0.5
bg_stop count-us
for key in tcp_payload udp_payload icmp; do
	check "open_$key" test "$(jq .$key "$LIVE/count-us.json")" -gt 0
done
check reload_shut reload 'allow to eea' 'block to any severity high because "test"'
sleep 0.5 # what was on its way is there
count_start us
before=$(cat "$LIVE/sink")
sleep 1
same shut_packets 0 "$(count_stop us)"
same shut_tcp "$before" "$(cat "$LIVE/sink")"
for n in udp4 udp6 icmp4 icmp6; do
	bg_stop $n
	check "shut_$n" jq -e '.sent > 0 and .refused > 0 and .last == "EPERM"' "$LIVE/$n.out"
done
for n in tcp4 tcp6 sink; do bg_stop $n; done

alert() { jq -c 'select(.destination.ip == "'"$1"'" and .event.action == "flow-blocked")' "$ALERTS" | head -n 1; }
for a in $US4 $US6; do
	wait_for 5 grep -q "$a" "$ALERTS"
	e=$(alert "$a")
	same "alert_country_$a" US "$(jq -r '.destination.geo.country_iso_code' <<<"$e")"
	check "alert_process_$a" test "$(jq -r '.process.pid // 0' <<<"$e")" -gt 0
done
if grep -qE "\"$EU4\"|\"$EU6\"" "$ALERTS"; then not_ok silent_eu "an alert names an allowed address"; else ok silent_eu; fi
check lines_are_json jq -e . "$ALERTS"
agent_stop
