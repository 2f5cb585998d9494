#!/bin/bash
# run.sh - 'cordon explain' for addresses whose place, evidence and rule are known: a row a vector.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
cat >policy <<'X'
home     DE 50.11 8.68 "Frankfurt"
place    10.9.0.0/16 is US "DR site"
allow    to eea
block    to any because "stays here"
X
# ADDRESS COUNTRY VERDICT LINE: country - is none
while read -r address country verdict line; do
	"$CORDON" explain --policy policy "$address" >text 2>err || { not_ok "explain $address" "$(tail -n 1 err)"; continue; }
	"$CORDON" explain --policy policy --json "$address" >json 2>>err
	check "json $address" jq -e . json
	[ "$country" = - ] || check "country $address" grep -qw "$country" text
	check "verdict $address" grep -qiw "$verdict" text
	check "line $address" grep -qE "(policy:|line )$line\b" text
	check "evidence $address" grep -qE 'geoip|policy' text
done <<'X'
52.28.0.1       DE allow 3
3.80.0.1        US block 4
2a05:d014::1    DE allow 3
2600:1f18::1    US block 4
51.68.0.1       FR allow 3
51.6.0.1        GB block 4
10.9.1.1        US block 4
::ffff:3.80.0.1 US block 4
64:ff9b::350:1  US block 4
2002:350:1::1   US block 4
3.80.0.1:5432   US block 4
X
# a 'place' line is evidence of the policy's day, with its sum
touch -d 2026-03-04T05:06:07Z policy
"$CORDON" explain --policy policy --json 10.9.1.1 >json
claim() { jq -r ".. | objects | select(.source == \"place lines\") | .$1" json | head -n 1; }
same place_line/date 2026-03-04 "$(claim date)"
same place_line/sha256 "$(sha256sum policy | cut -d' ' -f1)" "$(claim sha256)"
out=$("$CORDON" explain --policy policy nonsense 2>&1)
same nonsense 2 $?
check nonsense_is_named grep -q nonsense <<<"$out"
tap_end
