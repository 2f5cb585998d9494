#!/bin/bash
# facts_check.sh - the shipped facts: the program that makes them gives the committed bytes; what is damaged is refused.
. "$(dirname "$0")/../lib/tap.sh"
cd "$ROOT" || exit 1
work=$TMPDIR
check() { # NAME STATUS [WHY]
	if [ "$2" = 0 ]; then ok "$1"; else not_ok "$1" "${3:-}"; fi
}
# A table a way to break the facts: what is said of it, and what breaks it. Each is refused by every verb that judges.
fresh() {
	rm -rf "$work/data"
	mkdir -p "$work/data/facts"
	cp "$ROOT"/geo/data/facts/* "$work/data/facts/"
}
again() { python3 "$ROOT/geo/data/make-facts.py" --out "$work/data/facts"; } # FACTS as if the damage were meant
refused() { # WHAT ERROR
	CORDON_DATA=$work/data timeout 20 "$CORDON" explain 52.28.0.1:443 >"$work/out" 2>"$work/err"
	local r=$?
	[ $r = 1 ] && [ ! -s "$work/out" ] && grep -qF "$2" "$work/err"
	local said=$?
	check "$1" $said "exit $r, $(head -n 1 "$work/err")"
}
facts=$work/data/facts

fresh
CORDON_DATA=$work/data timeout 20 "$CORDON" explain 52.28.0.1:443 >"$work/out" 2>&1
check "a copy of the facts is read" $?
rm "$facts/FACTS"
refused "no FACTS" "FACTS: error: cannot be read"
fresh && rm "$facts/zones.tsv"
refused "a table is gone" "zones.tsv: error: cannot be read"
fresh && sed -i 's/^eu	DE/eu	RU/' "$facts/zones.tsv"
refused "a table was changed by hand" "is not the file that FACTS beside it names"
fresh && truncate -s -100 "$facts/aws.ranges"
refused "a list was cut" "aws.ranges: error: is not the file"
fresh && sed -i 's/^serial .*/serial 0/' "$facts/FACTS"
refused "no serial" "FACTS: error: line 2"
fresh && sed -i '/^zones.tsv/d' "$facts/FACTS"
refused "a table is not named" "FACTS names no zones.tsv"
fresh && sed -i 's|^zones.tsv|../zones.tsv|' "$facts/FACTS"
refused "a name that leaves the directory" "not as FACTS has it"
fresh && printf 'x' >>"$facts/FACTS"
refused "FACTS cut short" "cut short"
breaks() { # WHAT ERROR TABLE SED
	fresh && sed -i "$4" "$facts/$3" && again
	refused "$1" "$2"
}
breaks "a country that is none" "'ZZ' is no country" zones.tsv 's/^eu	DE	/eu	ZZ	/'
breaks "a zone that is none" "'europe' is no zone" zones.tsv 's/^eu	DE	/europe	DE	/'
breaks "a day that is none" "is not in the calendar" zones.tsv 's/2004-05-01/2004-02-30/'
breaks "half a row" "fields, not" regions.tsv 's/^\(aws	eu-central-1	DE\)	.*/\1/'
breaks "an empty field" "is empty: '-' says so" regions.tsv 's/^\(aws	eu-central-1	\)DE/\1/'
breaks "out of order" "out of order" regions.tsv '/^aws	eu-central-1	/{h;d};$G'
breaks "a region of nobody" "is no operator" regions.tsv 's/^aws	eu-central-1	/nobody	eu-central-1	/'
breaks "an operator without a law" "without a law" operators.tsv 's/^\(ovh	OVHcloud	\)FR	/\1-	/'
breaks "a flag that is none" "is none of regions, registry" operators.tsv 's/	regions	/	region	/'
breaks "an AS number that is none" "is no AS number" asns.tsv 's/^801	/8o1	/'
breaks "another table's head" "does not begin with" zones.tsv '1s/zones/regions/'
breaks "a table of no rows" "has no rows" asns.tsv '/^[0-9]/d'

# a region moves without a new binary
fresh && sed -i 's/^aws	eu-central-1	DE/aws	eu-central-1	PL/' "$facts/regions.tsv" && again
CORDON_DATA=$work/data "$CORDON" explain --geo "$facts/aws.ranges" 52.28.0.1:443 >"$work/out" 2>&1
grep -q 'place  *PL' "$work/out"
check "a changed table decides without a new binary" $?

# the committed bytes
mkdir "$work/made"
if [ -n "${SHARED:-}" ] && [ -d "$SHARED/ranges" ]; then
	python3 "$ROOT/geo/data/make-facts.py" --ranges "$SHARED/ranges" --out "$work/made"
	for f in "$work"/made/*.ranges; do
		cmp -s "$f" "$ROOT/geo/data/facts/${f##*/}"
		check "${f##*/} is what make-facts.py makes of shared/ranges" $?
	done
	# every prefix that an operator's AS number announces by shared/ranges is in asn.ranges, under that number
	python3 - "$SHARED/ranges" "$ROOT/geo/data/facts/asn.ranges" <<'EOF'
import csv, glob, ipaddress, sys
asn, mine = None, {}
for line in open(sys.argv[2]):
    if line.startswith("@"): asn = line.split("\t")[1]
    elif not line.startswith("#"): mine[ipaddress.ip_network(line.strip())] = asn
bad = 0
for path in glob.glob(sys.argv[1] + "/asn-*.csv"):
    for row in csv.DictReader(open(path)):
        net = ipaddress.ip_network(row["prefix"])
        while net not in mine and net.prefixlen: net = net.supernet()
        if mine.get(net) != row["asn"]:
            bad += 1
            print(path, row, mine.get(net))
sys.exit(bad > 0)
EOF
	check "asn.ranges has the prefixes of shared/ranges" $?
else
	echo "skip shared/facts_made - no shared/ beside the clone"
fi
cp -r "$ROOT/geo/data/facts" "$work/listed"
python3 "$ROOT/geo/data/make-facts.py" --out "$work/listed"
cmp -s "$work/listed/FACTS" "$ROOT/geo/data/facts/FACTS"
check "FACTS names what is there" $?
