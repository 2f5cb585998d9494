#!/bin/bash
# bench_geo.sh - places: how long 'cordon geo build' takes and what it needs, and how wrong country databases are about clouds.
#
# CORDON_COUNTRY_DBS=FILE:FILE adds country databases, CORDON_ASN_DBS=FILE:FILE an ASN database (MMDB or CSV).
set -eu
if [ -z "${SHARED:-}" ]; then
	echo "needs the range files of shared/ beside the clone" >&2
	exit 1
fi
R=$SHARED/ranges
four=("$R"/aws-ip-ranges.json "$R"/google-cloud.json "$R"/azure-ServiceTags_Public.json "$R"/oracle-public_ip_ranges.json)
tor=(/usr/share/tor/geoip /usr/share/tor/geoip6)

# a stand-in of the size and shape of a real ASN database: every range of the country text with a number and a name
IFS=: read -ra asn_dbs <<<"${CORDON_ASN_DBS:-}"
if [ ${#asn_dbs[@]} = 0 ]; then
	asn_dbs=("$TMPDIR/asn.csv")
	awk -F, '/^[0-9a-f]/ { a = int(NR / 6) % 70000 + 1
		if (FILENAME ~ /6$/) { f = $1; l = $2 } else {
			f = int($1 / 16777216) "." int($1 / 65536) % 256 "." int($1 / 256) % 256 "." $1 % 256
			l = int($2 / 16777216) "." int($2 / 65536) % 256 "." int($2 / 256) % 256 "." $2 % 256 }
		print f "," l "," a ",\"Network " a ", Ltd.\"" }' "${tor[@]}" >"$TMPDIR/asn.csv"
	asn="an ASN list made of its ranges ($(wc -l <"$TMPDIR/asn.csv") rows, 70,000 numbers)"
else
	asn=$(basename -a "${asn_dbs[@]}" | paste -sd, | sed 's/,/, /g')
fi

measure() { # NAME FILE...
	local name=$1 best=999 t m out
	shift
	for _ in 1 2 3; do
		out=$(/usr/bin/time -f '%e %M %U' "$CORDON" geo build --force --json -o "$TMPDIR/p.mmdb" "$@" 2>&1 >"$TMPDIR/json" | tail -n 1)
		read -r t m u <<<"$out"
		if awk "BEGIN { exit !($t < $best) }"; then best=$t mem=$m user=$u; fi
	done
	echo "| $name | $best s | $user s | $((mem / 1024)) MB | $(jq -r '"\(.bytes / 1e6 | floor) MB | \(.records) | \(.record_bits)"' \
		"$TMPDIR/json") |"
}

echo "## Places: building, and how wrong country databases are"
echo
echo "\`cordon geo build\`, best of three. Goal for a country database, an ASN database and the four big range files: under 3 s and 500 MB."
echo "The machine had a load of $(cut -d' ' -f1 /proc/loadavg) on $(nproc) cores when it began: with others at work the user time counts."
echo
echo "| sources | time | of it user | memory | places.mmdb | distinct records | record bits |"
echo "|---|---|---|---|---|---|---|"
measure "tor-geoipdb, AWS, Google, Azure, Oracle, $asn" "${tor[@]}" "${four[@]}" "${asn_dbs[@]}"
measure "tor-geoipdb, AWS, Google, Azure, Oracle" "${tor[@]}" "${four[@]}"
IFS=: read -ra extra <<<"${CORDON_COUNTRY_DBS:-}"
for db in "${extra[@]}"; do
	measure "$(basename "$db"), AWS, Google, Azure, Oracle, $asn" "$db" "${four[@]}" "${asn_dbs[@]}"
done
echo
echo "Share of the IPv4 addresses of the providers' published regions that a country database puts on the wrong side of the EU's"
echo "border (border groups and local zones counted, what nobody places left out; files of shared/ranges):"
echo
python3 "$ROOT/tests/bench/disagree.py"
