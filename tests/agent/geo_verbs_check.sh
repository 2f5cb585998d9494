#!/bin/bash
# geo_verbs_check.sh - 'cordon geo build' and 'geo show': exit codes, what is kept when something is wrong, what is printed.
. "$(dirname "$0")/../lib/tap.sh"
cd "$ROOT" || exit 1
F=tests/geo/fixtures
out=$TMPDIR/places.mmdb

code() { # NAME WANT CMD...
	local name=$1 want=$2 got
	shift 2
	"$@" >"$TMPDIR/out" 2>"$TMPDIR/err"
	got=$?
	if [ "$got" = "$want" ]; then ok "$name"; else not_ok "$name" "exit $got, want $want: $(tr '\n' ' ' <"$TMPDIR/err")"; fi
}
says() { # NAME FILE TEXT
	if grep -qF -e "$3" "$2"; then ok "$1"; else not_ok "$1" "'$3' is not in: $(head -c 600 "$2" | tr '\n' ' ')"; fi
}

code no-verb 2 "$CORDON" geo
code unknown-verb 2 "$CORDON" geo frobnicate
says unknown-verb-names-it "$TMPDIR/err" frobnicate
for v in build update show; do
	code help-$v 0 "$CORDON" geo $v --help
	says help-$v-on-stdout "$TMPDIR/out" "usage: cordon geo $v"
done
code build-without-files 2 "$CORDON" geo build
code build-bad-option 2 "$CORDON" geo build --frob "$F/aws.json"
code build-no-such-file 1 "$CORDON" geo build -o "$out" /nonexistent/file
says build-names-the-file "$TMPDIR/err" /nonexistent/file
[ ! -e "$out" ] && ok nothing-made || not_ok nothing-made

code build 0 "$CORDON" geo build -o "$out" "$F/aws.json" "$F/oracle.json" "$F/asn.csv" "$F/geofeed.csv"
says build-says-what "$TMPDIR/out" "4 sources"
code build-json 0 "$CORDON" geo build --json -o "$out" "$F/aws.json" "$F/oracle.json" "$F/asn.csv"
same build-json-parses 3 "$(jq .sources <"$TMPDIR/out")"
same mmdblookup '"TR"' "$(mmdblookup -f "$out" -i 83.119.128.1 country iso_code 2>/dev/null | grep -o '"[^"]*"')"
if command -v mmdbresolve >/dev/null; then
	printf '5.135.0.1\n' | timeout 20 mmdbresolve -f "$out" >"$TMPDIR/wireshark"
	says wireshark-reads-it "$TMPDIR/wireshark" "autonomous_system_organization: OVH SAS"
else
	skip mmdbresolve "Wireshark's reader is not installed"
fi
same nothing-beside-it places.mmdb "$(ls "$TMPDIR" | grep places)"

# what shrank by more than a fifth is refused; what is given no more is not
sum=$(sha256sum <"$out")
mkdir "$TMPDIR/small"
jq '.prefixes |= .[0:4]' <"$F/aws.json" >"$TMPDIR/small/aws.json"
code shrunk 1 "$CORDON" geo build -o "$out" "$TMPDIR/small/aws.json" "$F/oracle.json"
says shrunk-says-so "$TMPDIR/err" "over 20% lost"
same shrunk-keeps-the-old "$sum" "$(sha256sum <"$out")"
code shrunk-forced 0 "$CORDON" geo build --force -o "$out" "$TMPDIR/small/aws.json" "$F/oracle.json"
code fewer-sources 0 "$CORDON" geo build -o "$out" "$F/oracle.json"

# a broken source leaves the old database
sum=$(sha256sum <"$out")
head -c 300 "$F/aws.json" >"$TMPDIR/broken.json"
code broken 1 "$CORDON" geo build -o "$out" "$F/oracle.json" "$TMPDIR/broken.json"
says broken-names-file-and-line "$TMPDIR/err" "broken.json"
same broken-keeps-the-old "$sum" "$(sha256sum <"$out")"
if [ -n "$SHARED" ]; then
	n=0 bad=
	while IFS= read -r f; do
		n=$((n + 1))
		timeout 20 "$CORDON" geo build --force -o "$out" "$F/oracle.json" "$f" >"$TMPDIR/out" 2>"$TMPDIR/err"
		[ $? = 1 ] && grep -qF "$f: error" "$TMPDIR/err" || bad+="$f "
	done < <(find "$SHARED/mmdb/bad-data" -name '*.mmdb')
	same every-broken-mmdb "21 " "$n $bad"
	same every-broken-mmdb-keeps-the-old "$sum" "$(sha256sum <"$out")"
else
	skip shared/mmdb "no shared/ beside the clone"
fi
code same-file-twice 1 "$CORDON" geo build -o "$out" "$F/oracle.json" "$F/oracle.json"
code no-directory 1 "$CORDON" geo build -o "$TMPDIR/nowhere/places.mmdb" "$F/oracle.json"
same still-the-old "$sum" "$(sha256sum <"$out")"
(ulimit -f 1; "$CORDON" geo build -o "$out" "$F/aws.json" "$F/azure.json" "$F/oracle.json") >/dev/null 2>&1
same file-limit-keeps-the-old "$sum" "$(sha256sum <"$out")"

# show
code show 0 "$CORDON" geo show "$F/aws.json" "$F/oracle.json" "$F/asn.csv"
says show-date "$TMPDIR/out" 2026-08-22
says show-provider "$TMPDIR/out" ovh
says show-hds "$TMPDIR/out" "except activity 5"
code show-json 0 "$CORDON" geo show --json "$F/aws.json" "$F/oracle.json"
same show-json-sources 'aws oracle' "$(jq -r '[.sources[].source] | join(" ")' <"$TMPDIR/out")"
same show-json-law US "$(jq -r '.providers[] | select(.provider == "oracle").jurisdiction' <"$TMPDIR/out")"
same show-json-unprovable $((65536 * 4 + 16384 - 256)) \
	"$(jq '.providers[] | select(.provider == "aws").ipv4_addresses.unprovable' <"$TMPDIR/out")"
printf '2184052736,2184118271,US\n' >"$TMPDIR/tor" # 130.46.0.0/16
printf '2185035776,2185101311,US\n' >>"$TMPDIR/tor" # 130.61.0.0/16, where Oracle says Frankfurt
printf '2189950976,2189951231,US\n' >>"$TMPDIR/tor" # 130.136.0.0/24
code show-disagreement 0 "$CORDON" geo show --json "$F/oracle.json" "$TMPDIR/tor"
same show-own-list-undisputed 0 "$(jq '.providers[] | select(.provider == "oracle").ipv4_addresses.disputed' <"$TMPDIR/out")"
printf '130.61.0.0/16,US,,,\n' >"$TMPDIR/feed" # somebody's geofeed against a database
printf '2185035776,2185101311,DE\n' >"$TMPDIR/tor"
printf 'prefix,operator\n130.61.0.0/16,example\n' >"$TMPDIR/who"
code show-dispute 0 "$CORDON" geo show --json "$TMPDIR/feed" "$TMPDIR/tor" "$TMPDIR/who"
same show-disputed 65536 "$(jq '.providers[] | select(.provider == "example").ipv4_addresses.disputed' <"$TMPDIR/out")"
same show-disputed-example 130.61.0.0 "$(jq -r '.providers[] | select(.provider == "example").disputed_example' <"$TMPDIR/out")"

"$CORDON" geo build -o "$out" -f "$F/aws.json" "$F/google-goog.json" >/dev/null
code show-places 0 "$CORDON" geo show --json "$out"
same show-built-from 'aws google' "$(jq -r '[.sources[0].built_from[].source] | join(" ")' <"$TMPDIR/out")"
same show-age-of-the-data 2023-03-11 "$(date -u -d "@$(jq '.sources[0].date' <"$TMPDIR/out")" +%F)"
code show-missing 1 "$CORDON" geo show /nonexistent/places.mmdb

# what the configuration says of HDS goes before what is built in
printf 'source x /x\nhds aws "status of mine" as-of 2026-12-01 source "a letter"\n' >"$TMPDIR/geo.conf"
code show-config 0 "$CORDON" geo show --config "$TMPDIR/geo.conf" "$F/aws.json"
says show-config-hds "$TMPDIR/out" "status of mine, as of 2026-12-01 (a letter)"
"$CORDON" geo show "$F/aws.json" 2>/dev/null >/dev/full
same show-to-a-full-disk 1 $?
tap_end
