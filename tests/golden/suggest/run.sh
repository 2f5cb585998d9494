#!/bin/bash
# run.sh - 'cordon suggest': a ledger and a capture become a policy that allows what was seen in the EEA, and nothing else.
. "$ROOT/tests/lib/tap.sh"
here=$ROOT/tests/golden/suggest
cd "$TMPDIR" || exit 1
python3 "$here/make.py" || exit 1
cp "$here/old.conf" .

"$CORDON" suggest -p old.conf --since 2026-11-01 host/ledger.db >suggested.conf 2>err
same "suggest: exit, nothing said" "0 " "$? $(cat err)"
diff_ok "from a ledger" "$here/suggested.conf" suggested.conf
"$CORDON" suggest --policy old.conf --from ledger --since 2026-11-01 host/ledger.db >again.conf 2>err
same "the same each time" "" "$(cmp suggested.conf again.conf 2>&1)"
"$CORDON" check suggested.conf >check.out 2>check.err
same "check takes it" 0 $?
same "no line of it allows by a name's own words" "" "$(grep -n '^allow to any' suggested.conf)"
# what stands there as a comment is used as it is, once its blanks are filled
sed '/from unit "telemetry/s/^#//; /^#place/s/^#//; s/ is CC$/ is DE/; s/ until DATE because "..." basis ...$/ until 2031-01-01 because "SCC" basis art46/' suggested.conf >all.conf
echo 'unit telemetry.service -> 203.0.113.1:443 allow' >all.cases
"$CORDON" test all.conf all.cases --no-places >out 2>&1
same "comments become rules, and then they decide" "0 all.cases: 1 of 1 cases as expected" "$? $(cat out)"
# a policy has so many subjects: those that sent least are left to decide
"$CORDON" suggest -p old.conf --since 2026-11-01 many/ledger.db >many.conf
"$CORDON" check many.conf >out 2>&1
same "more senders than a policy has subjects" "0 $(cat most) 2" \
	"$? $(grep -c '^allow from' many.conf) $(grep -c '^#allow from unit "s00[01]' many.conf)"
# each flow of the ledger, and its neighbours that were not seen
cat >cases <<'C'
unit postgresql@15-main.service -> 10.9.1.7:5432 opened by peer allow
unit postgresql@15-main.service -> 10.9.1.7:5432 block
unit other.service -> 10.9.1.7:5432 opened by peer block
unit backup.service -> 192.0.2.9:443 allow
unit backup.service -> 192.0.2.9:443 proto udp block
unit backup.service -> 203.0.113.1:443 block
unit apt-daily.service -> 198.51.100.3:80 allow
unit apt-daily.service -> 198.51.100.3:443 block
unit chrony.service -> 198.51.100.3:123 proto udp allow
unit telemetry.service -> 203.0.113.1:443 block
unit telemetry.service -> [2001:db8:1::1]:443 block
unit systemd-resolved.service -> 10.1.2.3:53 proto udp block
unit x.service -> 198.51.100.3:4444 block
unit y.service -> 198.51.100.3:443 allow
unit y.service -> 203.0.113.1:443 block
C
"$CORDON" test suggested.conf cases --no-places >out 2>err
same "what was seen in the EEA is allowed, and no neighbour of it" "0 cases: 15 of 15 cases as expected" "$? $(cat out err)"

"$CORDON" suggest -p old.conf --from capture sent.pcap >capture.conf 2>err
same "capture: exit" "0 " "$? $(cat err)"
diff_ok "from a capture" "$here/capture.conf" capture.conf
"$CORDON" replay -p capture.conf --summary - sent.pcap >summary 2>err
same "the capture again: blocks what is not in the EEA, and only that" \
	"10.1.2.3 2001:db8:1::5 203.0.113.5 203.0.113.9 240.0.0.1" \
	"$(jq -r '[.egress[] | select(.verdict == "block") | .address] | sort | join(" ")' summary)"
same "and allows the rest" "10.9.1.4 192.0.2.200 192.0.2.7 198.51.100.9" \
	"$(jq -r '[.egress[] | select(.verdict == "allow") | .address] | sort | join(" ")' summary)"

"$CORDON" suggest --from nowhere >out 2>err
same "--from nowhere" "2 cordon suggest: --from nowhere: ledger or capture; see 'cordon suggest --help'" "$? $(head -1 err)"
"$CORDON" suggest --from capture >out 2>err
same "no capture" 2 $?
"$CORDON" suggest -p old.conf none.db >out 2>err
same "no ledger: exit, and no policy" "1 0" "$? $(wc -c <out | tr -d ' ')"
echo "alow to any" >bad.conf
"$CORDON" suggest -p bad.conf host/ledger.db >out 2>err
same "a wrong policy" 3 $?
same "nothing stays behind" "" "$(ls -d "$TMPDIR"/cordon-seen-* 2>/dev/null)"
tap_end
