#!/bin/bash
# journal_live.sh - every event in the journal, checkpoints in the feed, proofs that openssl checks, and what was done to it is named.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
J=$LIVE/journal
f=$(policy 'mode enforce' "journal \"$J\" keep 12 months" "feed metrics \"unix:$LIVE/run/metrics\"" 'allow to eea' 'block to any severity high')
agent_up "$f"
for i in 1 2 3 4 5 6 7 8; do
	db timeout 1 bash -c "echo x >/dev/udp/3.80.0.1/$((9000 + i))" 2>/dev/null
done
wait_for 5 grep -q '"journal-checkpoint"' "$ALERTS"
same "a denial is in feed and journal" 8 "$(wait_for 10 sh -c "[ \$(grep -c flow-blocked '$ALERTS') -ge 8 ]"; "$CORDON" events --journal "$J" --filter event.action=flow-blocked --json | jq -s length)"
same "status counts its records" true "$(status_json | jq '.journal.records > 8 and .journal.lost == 0')"
same "metrics: prometheus reads them" 0 "$(curl -s --unix-socket "$LIVE/run/metrics" http://localhost/metrics >"$LIVE/metrics"
	if command -v promtool >/dev/null; then promtool check metrics <"$LIVE/metrics" >"$LIVE/promtool" 2>&1; echo $?; else echo 0; fi)"
same "metrics: blocked packets are the kernel's" "$(status_json | jq .counters.block.packets)" "$(sed -n 's/^cordon_packets_total{verdict="block"} //p' "$LIVE/metrics")"

# one record, proven with hashlib and openssl alone
id=$(grep flow-blocked "$ALERTS" | head -n 1 | jq -r .event.id)
sleep 2
check "proof of a record" "$CORDON" journal proof "$id" --journal "$J" --output "$LIVE/p"
"$CORDON" journal key --pem --journal "$J" >"$LIVE/pem"
check "openssl and hashlib agree" python3 "$ROOT/tests/lib/tlog.py" "$LIVE/p" "$LIVE/p.record" "$LIVE/pem"
same "the record is the feed's line" "$(grep -F "$id" "$ALERTS" | head -n 1)" "$(cat "$LIVE/p.record")"
check "cordon verifies the proof" "$CORDON" verify --proof "$LIVE/p" --record "$LIVE/p.record" --key "$("$CORDON" journal key --journal "$J")"
sed 's/flow-blocked/flow-allowed/' "$LIVE/p.record" >"$LIVE/forged"
same "a changed record has no proof" 5 "$("$CORDON" verify --proof "$LIVE/p" --record "$LIVE/forged" --key "$("$CORDON" journal key --journal "$J")" >/dev/null 2>&1; echo $?)"

# killed and started again: nothing is lost, and the tree goes on
before=$(status_json | jq .journal.records)
agent_stop KILL
agent_up "$f"
same "after kill -9 nothing is lost" true "$(status_json | jq ".journal.records >= $before")"
sleep 1
agent_stop
n=0
for c in $(jq -r 'select(.event.action == "journal-checkpoint").cordon.checkpoint | @base64' "$ALERTS"); do
	n=$((n + 1))
	echo "$c" | base64 -d >"$LIVE/seen$n"
done
check "the whole is what it was" "$CORDON" verify "$J"
for c in "$LIVE"/seen*; do args="${args:-} --checkpoint $c"; done
same "the feed had checkpoints" true "$([ $n -ge 2 ] && echo true)"
# shellcheck disable=SC2086
check "checkpoints of the feed agree with it" "$CORDON" verify "$J" $args

cp -a "$J" "$LIVE/copy"
seg=$(ls "$J"/segment-*)
sed -i '3s/"kind"/"kinD"/' "$seg"
same "a changed byte is named" "5 changed 2" "$("$CORDON" verify "$J" --json >"$LIVE/v"; echo "$? $(jq -r '"\(.fault) \(.record)"' "$LIVE/v")")"
rm -rf "$J"; cp -a "$LIVE/copy" "$J"
sed -i 3d "$seg"
same "a removed record is named" "5 removed 2" "$("$CORDON" verify "$J" --json >"$LIVE/v"; echo "$? $(jq -r '"\(.fault) \(.record)"' "$LIVE/v")")"
agent_up "$f"
same "the agent puts a tampered journal aside, loudly" 1 "$(ls -d "$J".tampered-* | wc -l)"
same "and tells it as critical" 1 "$("$CORDON" events --journal "$J" --filter event.action=journal-tampered --json | jq -s length)"
check "reload to a policy without one" "$CORDON" reload --control "$CONTROL" --policy "$(policy 'mode enforce' 'allow to eea' 'block to any')"
same "it is closed" null "$(status_json | jq .journal)"
agent_stop
