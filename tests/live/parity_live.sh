# parity_live.sh - a capture made at the host during a live run in monitor mode, replayed: the same verdicts, the same bytes, the same events.
#
# An event is the same when everything in it is but id, time, process, and the split of the counts: live, a flow is told at its first packet and
# at its end, and only the second knows the round-trip time. The counts are summed up for each flow.
# Each destination has its own verdict, so the totals of the live run are bytes for each destination. Out and in, TCP and UDP.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us fr"
live_begin
pg_up
# cordon counts what goes on the wire; with segmentation left to the card, a capture shows 64 kB packets that never do
on db ethtool -K eth0 tso off gso off >/dev/null
for h in eu us fr; do
	bg sink-$h on $h $PEER sink 7000
	bg_ready sink-$h
done

traffic() { # 4|6: everything ends before it returns
	local v=$1 a
	eval "local eu=\$EU$v us=\$US$v fr=\$FR$v db=\$DB$v"
	for a in "$eu" "$us" "$fr"; do
		db $PEER pour "$a" 7000 --bytes 3000000 >>"$LIVE/pour.all"
		db python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in '$a' else socket.AF_INET, socket.SOCK_DGRAM)
for i in range(200): s.sendto(b'u' * (i * 5), ('$a', 9000))"
	done
	for h in eu us fr; do $h $PSQL -h "$db" postgres -c 'select * from person' >/dev/null; done
}
# flows FILE: a line for each flow, the sums of its events and all else that they say
flows() {
	jq -c 'select(.destination.ip and .cordon.kind != "place-refuted")' "$1" | jq -S -s -c '
		group_by([.source.ip, .source.port, .destination.ip, .destination.port, .network.transport])[] |
		.[0] + {packets: map(.source.packets) | add, bytes: map(.source.bytes) | add} |
		del(."@timestamp", .message, .process, .user, .service, .host, .observer, .agent, .container, .related.user, .related.hosts,
			.event.id, .event.sequence, .event.created, .event.ingested, .event.start, .event.end, .event.duration, .event.type,
			.source.packets, .source.bytes, .destination.packets, .destination.bytes, .network.packets, .network.bytes,
			.client, .server, .cordon.kind, .cordon.opened_because, .cordon.cgroup, .cordon.replay, .cordon.distance)'
}
live_total() { jq -r ".. | objects | select(has(\"would_block\") and has(\"allow\")) | .$1.bytes" <<<"$2" | head -n 1; }

printf '%s\n' 52.28.0.0/16,DE,,, 2a05:d014::/32,DE,,, 3.80.0.0/16,US,,, 2600:1f18::/32,US,,, 51.68.0.0/16,FR,,, 2001:41d0::/32,FR,,, >"$LIVE/geofeed.csv"
printf '%s\n' prefix,asn,org 3.80.0.0/16,14618,AMAZON-AES 2600:1f18::/32,14618,AMAZON-AES 51.68.0.0/16,16276,OVH 2001:41d0::/32,16276,OVH >"$LIVE/asn.csv"
for v in 4 6; do
	eval "eu=\$EU$v us=\$US$v fr=\$FR$v"
	f=$(policy "geo \"$LIVE/geofeed.csv\"" "geo \"$LIVE/asn.csv\"" 'inside 10.20.0.5 fd20::5' 'home DE' "allow to $eu" "alert to $fr severity low" 'block to any')
	: >"$ALERTS"
	rm -rf "$LIVE/state"
	mkdir "$LIVE/state"
	agent_up "$f" --mode monitor
	bg dump on db tcpdump -i eth0 -p -s 0 -B 65536 -U --immediate-mode -w "$LIVE/v$v.pcap" ip or ip6
	wait_for 10 grep -q listening "$LIVE/dump.err"
	traffic $v
	sleep 1
	status=$(status_json)
	bg_stop dump INT
	sleep 0.5
	agent_stop
	"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
	same "capture_complete_v$v" 0 "$(sed -n 's/^\([0-9]*\) packets dropped by kernel/\1/p' "$LIVE/dump.err")"
	"$CORDON" replay --policy "$f" --summary "$LIVE/sum.json" "$LIVE/v$v.pcap" >"$LIVE/events.json" 2>"$LIVE/replay.err"
	same "replay_exit_v$v" 4 $?
	of() { jq -r "[.egress[] | select(.address == \"$1\") | .$2] | add" "$LIVE/sum.json"; }
	same "bytes_allowed_v$v" "$(of "$eu" bytes)" "$(live_total allow "$status")"
	same "bytes_alerted_v$v" "$(of "$fr" bytes)" "$(live_total alert "$status")"
	same "bytes_would_block_v$v" "$(of "$us" bytes)" "$(live_total would_block "$status")"
	check "bytes_are_many_v$v" test "$(of "$us" bytes)" -gt 3500000
	same "destinations_v$v" 3 "$(jq '[.egress[].address] | unique | length' "$LIVE/sum.json")"
	# the report of the host is the report of the capture, but for who sent it
	rm -rf "$LIVE/capture"
	mkdir "$LIVE/capture"
	"$CORDON" replay --policy "$f" --ledger "$LIVE/capture/ledger.db" --summary - "$LIVE/v$v.pcap" >"$LIVE/sum2.json" 2>>"$LIVE/replay.err"
	for d in state capture; do
		"$CORDON" report --from "$(date -u -d yesterday +%F)" --to "$(date -u -d tomorrow +%F)" --state "$LIVE/$d" --json - 2>"$LIVE/report.err" |
			jq -S '[.tables | .place, .law, ."place-and-law" | .rows[] | del(.hosts, .flows)], [.tables.countries.rows[] | del(.flows)],
				([.tables.recipients.rows[] | {operator, country, evidence, service, verdict, laws, bytes}] | group_by(del(.bytes)) | map(.[0] + {bytes: map(.bytes) | add}))' >"$LIVE/$d.report"
	done
	diff_ok "report_v$v" "$LIVE/capture.report" "$LIVE/state.report"
	check "report_is_of_much_v$v" test "$(jq -s '[.[1][].bytes] | add' "$LIVE/state.report")" -gt 3500000
	verdicts() { jq -r 'select(.destination.ip) | [.destination.ip, .cordon.verdict, .rule.name] | join(" ")' "$1" | sort -u; }
	verdicts "$ALERTS" >"$LIVE/live.verdicts"
	verdicts "$LIVE/events.json" >"$LIVE/replay.verdicts"
	diff_ok "verdicts_v$v" "$LIVE/replay.verdicts" "$LIVE/live.verdicts"
	flows "$ALERTS" >"$LIVE/live.flows"
	flows "$LIVE/events.json" >"$LIVE/replay.flows"
	diff_ok "whole_events_v$v" "$LIVE/replay.flows" "$LIVE/live.flows"
	check "flows_v$v" test "$(wc -l <"$LIVE/live.flows")" -ge 5
	check "as_v$v" jq -e -s 'all(.destination.as.number)' "$LIVE/live.flows"
	same "two_verdicts_v$v" 2 "$(wc -l <"$LIVE/live.verdicts")"
	same "no_mismatch_v$v" 0 "$(jq -r '[.. | .verdict_mismatches? // empty] | add' <<<"$status")"
done
