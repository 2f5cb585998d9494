#!/bin/bash
# run.sh - 'cordon diff': which flows of a ledger and of a capture another policy decides otherwise, by both deciding lines.
. "$ROOT/tests/lib/tap.sh"
here=$ROOT/tests/golden/diff
cd "$TMPDIR" || exit 1
python3 "$ROOT/tests/golden/suggest/make.py" || exit 1
cp "$ROOT"/tests/golden/suggest/*.conf .

"$CORDON" diff old.conf suggested.conf --since 2026-11-01 host/ledger.db >ledger.out 2>err
same "ledger: exit, nothing said" "0 " "$? $(cat err)"
diff_ok "ledger" "$here/ledger.out" ledger.out
"$CORDON" diff old.conf suggested.conf --since 2026-11-01 host/ledger.db --json >json
same "json: the same groups" "$(grep -c '^[a-z]* -> ' ledger.out)" "$(jq -s length json)"
same "json: one of them" "block allow 4 1000000 backup.service 192.0.2.0/24" \
	"$(jq -r 'select(.unit == "backup.service") | "\(.before.verdict) \(.after.verdict) \(.flows) \(.bytes) \(.unit) \(.destinations[0].prefix)"' json)"
same "the sums of a policy and itself" "unchanged: 33 flows, 6.1 MB, 7 refused calls" \
	"$("$CORDON" diff old.conf old.conf --since 2026-11-01 host/ledger.db | head -1)"
# the other way round: the same groups, turned
"$CORDON" diff suggested.conf old.conf --since 2026-11-01 host/ledger.db --json >turned
same "turned" "$(jq -r '"\(.unit) \(.before.verdict) \(.after.verdict) \(.bytes)"' json | sort)" \
	"$(jq -r '"\(.unit) \(.after.verdict) \(.before.verdict) \(.bytes)"' turned | sort)"
"$CORDON" diff old.conf suggested.conf --since 2026-11-21 host/ledger.db >out
same "before the period" "unchanged: 0 flows, 0 B" "$(cat out)"

cat >plain.conf <<'C'
inside 10.0.0.0/24
place  192.0.2.0/24 is FR under US
place  198.51.100.0/24 is DE under DE
place  10.9.0.0/16 is DE under DE
place  203.0.113.0/24 is US under US
alert  to eea under US
allow  to eea
block  to any
C
sed 's/^inside .*/inside 10.0.0.0\/8/; s/^alert.*/block to 192.0.2.128\/25\nalert to eea under US/' plain.conf >next.conf
"$CORDON" diff plain.conf next.conf --from capture sent.pcap >capture.out 2>err
same "capture: exit, nothing said" "0 " "$? $(cat err)"
diff_ok "capture" "$here/capture.out" capture.out
"$CORDON" replay -p plain.conf --diff next.conf sent.pcap >replay.out 2>/dev/null
same "replay --diff finds the same" "$(sed -n 's/^\([a-z]* -> [a-z]*\) .*/\1/p' replay.out | sort)" \
	"$(sed -n 's/^\([a-z]* -> [a-z]*\) .*/\1/p' capture.out | sort)"
echo 'alow to any' >bad.conf
"$CORDON" diff plain.conf bad.conf host/ledger.db >out 2>err
same "a wrong policy" "3 0" "$? $(wc -c <out | tr -d ' ')"
"$CORDON" diff plain.conf >out 2>err
same "one policy" 2 $?
tap_end
