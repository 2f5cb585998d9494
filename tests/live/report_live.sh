#!/bin/bash
# report_live.sh - a real dump through to the page: total = ledger = kernel = what arrived; what was in force; a root that OpenSSL checks; a journal cut anywhere.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us eu"
live_begin
on db ethtool -K eth0 tso off gso off >/dev/null 2>&1
mkdir -p "$LIVE/state"
J=$LIVE/journal
f=$(policy 'mode enforce' "journal \"$J\" keep 12 months" 'alert to US port 9999 purpose telemetry basis art49 until 2099-01-01 because "test & <b>"' 'allow to eea' 'block to any')
agent_up "$f"
pg_up
pg_peer eu
count_start eu
check "the dump to Germany succeeds" dump_to $EU4
for i in 1 2 3 4 5; do db timeout 1 bash -c "head -c 300 /dev/zero >/dev/udp/$US4/$((9000 + i))" 2>/dev/null; done
db timeout 1 bash -c "head -c 500 /dev/zero >/dev/udp/$US4/9999" 2>/dev/null
sleep 2
tap=$(count_stop eu bytes)
kernel=$(status_json | jq -c '[.counters.allow.bytes + .counters.alert.bytes, .counters.block.bytes]')
agent_stop
P="--from $(date -u -d yesterday +%F) --to $(date -u -d tomorrow +%F) --state $LIVE/state"
report() { "$CORDON" report $P --journal "$J" "$@"; }
report --json "$LIVE/r.json" --html "$LIVE/r.html" >"$LIVE/r.txt" 2>"$LIVE/r.err"
q() { jq "$@" "$LIVE/r.json"; }
same "what left = the kernel's counters" "$(jq '.[0]' <<<"$kernel")" "$(q '.tables.place.total.bytes')"
same "what was stopped = the kernel's counters" "$(jq '.[1]' <<<"$kernel")" "$(q '.tables.blocked.total.stopped')"
same "= cordon ledger" "$("$CORDON" ledger --ledger "$LIVE/state/ledger.db" --json | jq -s '[.[] | select(.verdict != "block") | .bytes] | add')" "$(q '.tables.recipients.total.bytes')"
# the last ACK of a connection that is closed is sent by a socket of the kernel's own, in no cgroup: 52 bytes each
same "Germany = what arrived there, but for a closed connection's last ACK" true \
	"$(q --argjson tap "$tap" '([.tables.countries.rows[] | select(.country == "DE") | .bytes] | add) as $l | $tap >= $l and $tap - $l <= 2 * 52')"
same "the number is on the page" 1 "$(grep -c "<tfoot><tr><th scope=\"row\">Total</th><td class=\"n\" data-n=\"$(q '.tables.place.total.bytes')\">" <(sed -n '/t-place"/,/<\/table>/p' "$LIVE/r.html" | tr -d '\n'))"
same "in the EU by place, under US law by law" true "$(q '(.tables["place-and-law"].rows[] | select(.place == "European Union") | .law_conditional) > 100000')"
same "every place has a grade of evidence" 0 "$(q '[.tables.recipients.rows[] | select(.evidence == "")] | length')"
same "what was allowed has its operator too" true "$(q 'any(.tables.recipients.rows[]; .country == "DE" and .operator == "Amazon Web Services" and .laws == "US" and .verdict == "allowed")')"
same "the exception, with its basis and reason" '["art49","test & <b>","2099-01-01"]' "$(q -c '.tables.exceptions.rows[0] | [.basis, .because, .until]')"
same "the mode is known, it was enforced" true "$(q '.tables.coverage.rows | map({(.state): .seconds}) | add | .enforced > 0 and .monitored == 0 and .["mode not known"] == 0')"
same "coverage is three days" 259200 "$(q '.tables.coverage.total.seconds')"
same "the policy in force, by its hash" "\"$(sha256sum <"$f" | cut -d' ' -f1)\"" "$(q '.tables["in-force"].rows[0].policy')"
same "its record of the journal says so" true "$("$CORDON" journal show "$(q '.tables["in-force"].rows[0].record')" --journal "$J" | jq --arg p "$(q -r '.tables["in-force"].rows[0].policy')" '.cordon.policy.sha256 == $p')"

# an auditor: the commands that the page prints, and nothing of cordon's but the key
mkdir "$LIVE/audit"
q -j '.journals[0].checkpoint' >"$LIVE/audit/checkpoint"
"$CORDON" journal key --pem --journal "$J" >"$LIVE/audit/key.pem"
sed -n '/^<pre>sed /,/<\/pre>/p' "$LIVE/r.html" | sed 's/<[^>]*>//g; s/&gt;/>/g' >"$LIVE/audit/commands"
same "the page's commands: OpenSSL checks the root" "Signature Verified Successfully" "$(cd "$LIVE/audit" && sh ./commands 2>&1)"
same "the page has that root" true "$(grep -qF "$(sed -n 3p "$LIVE/audit/checkpoint")" "$LIVE/r.html" && echo true)"

# a journal that is cut, anywhere: the same bytes, never more time that is known to be enforced, and it is said
seg=$(find "$J" -name 'segment-*' | head -n 1)
whole=$(q '.tables.coverage.rows | map({(.state): .seconds}) | add | .enforced')
size=$(stat -c %s "$seg")
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
	rm -rf "$LIVE/cut"
	cp -r "$J" "$LIVE/cut"
	truncate -s $((size * i / 12 + i)) "$LIVE/cut/$(basename "$seg")"
	"$CORDON" report $P --journal "$LIVE/cut" --json - 2>/dev/null >"$LIVE/cut.json"
	jq -c --argjson b "$(q '.tables.place.total.bytes')" --argjson w "$whole" '[.tables.place.total.bytes == $b, (.tables.coverage.rows | map({(.state): .seconds}) | add | .enforced) <= $w,
		any(.page_one[]; .en | test("not whole|no journal")), .tables.coverage.total.seconds == 259200]' "$LIVE/cut.json"
done >"$LIVE/cuts"
same "a journal cut anywhere: same bytes, no more enforced, said on page one" 12 "$(grep -c '^\[true,true,true,true\]$' "$LIVE/cuts")"
