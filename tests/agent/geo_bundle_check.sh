#!/bin/bash
# geo_bundle_check.sh - 'cordon geo bundle': what was signed installs, what was not is refused, and serials only rise.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMPDIR" || exit 1
key=$B/bundle.key
to=$TMPDIR/data/facts
mkdir data
run() { "$CORDON" geo bundle "$@" >out 2>err; }
refused() { # NAME TEXT CMD...
	local name=$1 text=$2 before after r
	shift 2
	before=$(cat "$to"/* 2>/dev/null | sha256sum)
	run "$@"
	r=$?
	after=$(cat "$to"/* 2>/dev/null | sha256sum)
	if [ $r = 1 ] && grep -qF -e "$text" err && [ "$before" = "$after" ] && [ ! -e "$to.new" ]; then ok "$name"; else
		not_ok "$name" "exit $r: $(head -c 300 err)"
	fi
}
if [ ! -r "$key" ]; then
	echo "skip geo_bundle_check - built with BUNDLE_KEY: the private key is not here"
	exit 0
fi
check make run make --key "$key" --output first
check show run show first
check show_names_regions grep -q 'regions.tsv' out
check show_json sh -c "'$CORDON' geo bundle show first --json | python3 -c 'import json,sys; d=json.load(sys.stdin); assert d[\"serial\"] > 2026112500 and len(d[\"files\"]) > 15'"
run make --key "$key" --output same --serial "$(sed -n 's/^serial //p' "$B/share/cordon/facts/FACTS")"
refused same_serial "does not rise above" install same --to "$to"
next=$(($(sed -n 's/^serial //p' "$B/share/cordon/facts/FACTS") + 100))
check make_next run make --key "$key" --output next --serial $next
check install run install next --to "$to"
check installed_whole sh -c "cd '$to' && sed '1,3d' FACTS | while read -r f n s; do [ \$(stat -c %s \$f) = \$n ] && echo \"\$s  \$f\"; done | sha256sum -c --quiet"
same serial $next "$(sed -n 's/^serial //p' "$to/FACTS")"
same nothing_beside facts "$(ls data)"
check used env CORDON_DATA="$TMPDIR/data" "$CORDON" explain 52.28.0.1
refused again "does not rise above" install next --to "$to"
refused older "does not rise above" install first --to "$to"

# a region that this program was not built with
cp -r "$to" mine
sed -i 's/^\(aws	\)eu-central-2	CH\(.*\)/\1eu-central-1-xyz-1	LU\2\n&/' mine/regions.tsv
printf '@\teu-central-1-xyz-1\tEC2\t-\n198.18.0.0/15\n192.88.97.0/24\n' >>mine/aws.ranges
check make_new_region run make --key "$key" --from mine --output region
check install_new_region run install region --to "$to"
CORDON_DATA=$TMPDIR/data "$CORDON" explain --geo "$to/aws.ranges" 192.88.97.1 >out 2>err
check new_region_stands grep -q 'LU, Luxembourg; known' out

# what is not signed, or not as it was signed
openssl genpkey -algorithm ed25519 -out other.key 2>/dev/null
"$CORDON" geo bundle make --key other.key --serial 2099010101 --output other >out 2>err
refused other_key "not signed by the key" install other --to "$to"
run make --key "$key" --serial 2099010101 --output good
size=$(stat -c %s good)
for at in 0 20 60 400 $((size / 2)) $((size - 200)) $((size - 60)) $((size - 1)); do
	cp good bad
	printf '\1' | dd of=bad bs=1 seek="$at" conv=notrunc status=none
	refused "byte_$at" "error" install bad --to "$to"
done
for n in 0 10 200 $((size - 1)) $((size - 139)); do
	head -c "$n" good >bad
	refused "cut_$n" "error" install bad --to "$to"
done
{ cat good && echo more; } >bad
refused more_behind "error" install bad --to "$to"
refused no_file "cannot be read" install nothing --to "$to"
refused a_directory "cannot be read" install . --to "$to"

# signed, yet not for this program
cp -r "$to" broken
sed -i 's/^eu	DE	/eu	ZZ	/' broken/zones.tsv
run make --key "$key" --from broken --serial 2099010102 --output broken.bundle
refused bad_table "'ZZ' is no country" install broken.bundle --to "$to"
rm broken/zones.tsv
run make --key "$key" --from broken --serial 2099010102 --output broken.bundle
refused no_table "FACTS names no zones.tsv" install broken.bundle --to "$to"
refused no_key "No such file" make --key nothing --output x
printf 'x' >nokey
refused bad_key "no private Ed25519 key" make --key nokey --output x
openssl genpkey -algorithm rsa -out rsa.key 2>/dev/null
refused rsa_key "no private Ed25519 key" make --key rsa.key --output x
for bad in "" "frob" "make" "make --key x" "install" "install a b" "show a b" "make --serial 12 --key x --output y"; do
	# shellcheck disable=SC2086
	run $bad
	same "usage_${bad// /_}" 2 $?
done
tap_end
