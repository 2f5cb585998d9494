#!/bin/bash
# run.sh - what 'cordon check' says of each policy here, against the .err beside it; 'run.sh bless' writes them anew.
cd "$(dirname "$0")" || exit 1
ROOT=${ROOT:-$(cd ../../.. && pwd)} CORDON=${CORDON:-$ROOT/build/cordon}
. "$ROOT/tests/lib/tap.sh"
tmp=${TMPDIR:-/tmp}/policy.$$
mkdir -p "$tmp"
trap 'rm -rf "$tmp"' EXIT

# what it says, then the exit code
say() {
	"$CORDON" check --no-places --as-of 2026-11-23 "$1" 2>"$tmp/err" >"$tmp/out"
	echo "exit $?" >>"$tmp/err"
}

if [ "${1:-}" = bless ]; then
	for f in *.conf; do
		say "$f"
		cp "$tmp/err" "${f%.conf}.err"
	done
	exit 0
fi

for f in *.conf; do
	say "$f"
	diff_ok "policy ${f%.conf}" "${f%.conf}.err" "$tmp/err"
done

# the canonical form parses back to itself
for f in good.conf lint.conf listed.conf "$ROOT"/rules/examples/*.conf; do
	name=$(basename "$f" .conf)
	"$CORDON" check --print "$f" >"$tmp/one" 2>/dev/null || not_ok "print $name" "does not print"
	"$CORDON" check --print "$tmp/one" >"$tmp/two" 2>/dev/null || not_ok "print $name" "its canonical form is an error"
	diff_ok "print $name" "$tmp/one" "$tmp/two"
	"$CORDON" check --print - <"$f" >"$tmp/three" 2>/dev/null
	diff_ok "standard input $name" "$tmp/one" "$tmp/three"
done
"$CORDON" check --print good.conf >"$tmp/canonical" 2>/dev/null
diff_ok "canonical form" good.canonical "$tmp/canonical"

# the shipped examples have nothing to warn of
for f in "$ROOT"/rules/examples/*.conf; do
	out=$("$CORDON" check --no-places --as-of 2026-11-23 "$f" 2>&1 >/dev/null)
	same "example $(basename "$f")" "" "$out"
done

# hostile files: made here, because an editor or a diff would mend them. WANT is the first line that is said.
hostile() { # NAME WANT
	local got
	timeout 20 "$CORDON" check "$tmp/h.conf" >/dev/null 2>"$tmp/h.err"
	code=$?
	got=$(head -n 1 "$tmp/h.err" | sed "s|^$tmp/||")
	if [ $code = 3 ]; then same "hostile $1" "$2" "$got"; else not_ok "hostile $1" "exit $code: $got"; fi
}
printf 'allow to eea\nallow to D\0E\nblock to any\n' >"$tmp/h.conf"
hostile nul "h.conf:2:11: error: a NUL byte (0x00)"
printf 'allow to eea\nallow to eea because "\xff"\n' >"$tmp/h.conf"
hostile not-utf8 "h.conf:2:23: error: not UTF-8 (byte 0xff)"
printf 'allow to eea because "\xc0\xaf"\n' >"$tmp/h.conf"
hostile overlong "h.conf:1:23: error: not UTF-8 (byte 0xc0)"
printf 'allow to eea because "\xed\xa0\x80"\n' >"$tmp/h.conf"
hostile surrogate "h.conf:1:23: error: not UTF-8 (byte 0xed)"
printf 'allow to eea because "\x1b[2J"\n' >"$tmp/h.conf"
hostile escape "h.conf:1:23: error: a control character (0x1b)"
printf 'allow to eea\rblock to any\n' >"$tmp/h.conf"
hostile carriage-return "h.conf:1:13: error: a control character (0x0d)"
{ printf 'allow to eea because "'; head -c 5000 /dev/zero | tr '\0' a; printf '"\nblock to any\n'; } >"$tmp/h.conf"
hostile long-line "h.conf:1:4097: error: a line of 5023 bytes; at most 4096 are read"
head -c 9000000 /dev/zero | tr '\0' '\n' >"$tmp/h.conf"
timeout 20 "$CORDON" check "$tmp/h.conf" >/dev/null 2>"$tmp/h.err"
same "hostile huge: exit" 1 $?
head -c 300000 /dev/urandom >"$tmp/h.conf"
timeout 20 "$CORDON" check "$tmp/h.conf" >/dev/null 2>"$tmp/h.err"
same "hostile random bytes: exit" 3 $?
yes 'allwo to any' | head -n 10000 >"$tmp/h.conf"
hostile ten-thousand-errors "h.conf:1:1: error: 'allwo' is not understood here; did you mean 'allow'?"
same "hostile ten-thousand-errors: last line" "h.conf: error: 9900 more errors are not shown" \
	"$(tail -n 1 "$tmp/h.err" | sed "s|^$tmp/||")"
{ for i in $(seq 40); do echo "zone z$i { z$((i + 1)) }"; done; echo 'zone z41 { DE }'; echo 'block to z1'; } >"$tmp/h.conf"
timeout 20 "$CORDON" check "$tmp/h.conf" 2>&1 | grep -q 'zones are nested deeper than 32' &&
	ok "hostile deep zones" || not_ok "hostile deep zones" "not refused"
{ for i in $(seq 30); do echo "zone z$i { z$((i + 1)) z$((i + 1)) }"; done; echo 'zone z31 { DE }'; echo 'block to z1, any'; } >"$tmp/h.conf"
timeout 20 "$CORDON" check "$tmp/h.conf" >/dev/null 2>&1
same "hostile doubling zones: in time" 0 $?
for i in $(seq 5000); do echo "zone z$i { DE }"; done >"$tmp/h.conf"
hostile many-names "h.conf:4097:6: error: more than 4096 names of zones, subjects, services and lists"
yes 'allow to eea' | head -n 4001 >"$tmp/h.conf"
hostile many-rules "h.conf:4001:1: error: more than 4000 rules"
for i in $(seq 30); do printf 'allow to '; yes 'DE,' | head -n 1100 | tr -d '\n'; echo FR; done >"$tmp/h.conf"
hostile many-places "h.conf:30:2527: error: more than 32768 places in rules and zones"
for i in $(seq 3000); do echo "allow to DE, FR, IT, ES, NL, BE, LU, SE, FI port $i"; done >"$tmp/h.conf"
start=$(date +%s)
timeout 60 "$CORDON" check "$tmp/h.conf" >/dev/null 2>"$tmp/h.err"
same "hostile many-pairs: exit" 3 $?
[ $(($(date +%s) - start)) -lt 30 ] && ok "hostile many-pairs: in time" || not_ok "hostile many-pairs: in time" "slow"
for i in $(seq 65); do echo "allow from user u$i to eea"; done >"$tmp/h.conf"
hostile many-subjects "h.conf:65: error: the 65th distinct sender that a rule names; 64 are told apart. One 'subject' line may hold several senders"
for i in $(seq 9); do echo "allow to eea until 203$i-01-01"; done >"$tmp/h.conf"
hostile many-dates "h.conf: error: the policy needs more than 7 rules with 'until' that follow each other for one packet"
for i in $(seq 0 511); do echo "allow to 10.0.$((i / 256)).$((i % 256))"; done >"$tmp/h.conf"
hostile many-sets "h.conf: error: the policy needs more than 511 lists of addresses and ASNs"
for i in $(seq 300); do echo "allow to any port $((i * 2))"; done >"$tmp/h.conf"
hostile many-ports "h.conf: error: the policy needs more than 255 classes of ports"

# tolerated
for t in 'allow to eea\r\nblock to any\r\n' '\xef\xbb\xbfallow to eea\nblock to any' '\tallow\tto eea#x\n\n\n  block to any'; do
	printf "$t" >"$tmp/h.conf"
	check "tolerated $(printf '%q' "$t")" "$CORDON" check "$tmp/h.conf"
done

# a policy that is not there, or no file
"$CORDON" check "$tmp/none.conf" 2>"$tmp/err"
same "no such file: exit" 1 $?
"$CORDON" check "$tmp" 2>"$tmp/err"
same "a directory: exit" 1 $?
"$CORDON" check --frob 2>"$tmp/err"
same "unknown option: exit" 2 $?
"$CORDON" check --as-of 2026-02-30 2>"$tmp/err"
same "bad date: exit" 2 $?
"$CORDON" check good.conf lint.conf 2>"$tmp/err"
same "two policies: exit" 2 $?

# places that are too old: 'stale block' lets no allow rule take their word, but for 'place' lines
printf '# made for this test\n873201664,873332735,DE\n' >"$tmp/geoip"
touch -d 2026-01-01 "$tmp/geoip"
stale() { # NAME WANT ADDRESS DATE STATEMENT
	printf 'geo "%s" max-age 30d %s\nplace 52.13.0.0/16 is FR\nallow to eea\nblock to any\n' "$tmp/geoip" "$5" >"$tmp/h.conf"
	same "stale: $1" "$2" "$("$CORDON" explain "$3" --as-of "$4" --policy "$tmp/h.conf" |
		awk '$1 == "verdict" { print $2; exit }')"
}
stale "fresh" allow 52.12.0.1 2026-01-20 "stale block"
stale "block" block 52.12.0.1 2026-11-23 "stale block"
stale "a place line does not grow old" allow 52.13.0.1 2026-11-23 "stale block"
stale "alert goes on" allow 52.12.0.1 2026-11-23 "stale alert"
stale "alert is the default" allow 52.12.0.1 2026-11-23 ""

# every word of the matchers' table is in the reference
"$CORDON" check --language >"$tmp/language"
for w in from to under service proto port opened cleartext over severity label purpose basis until because any provider asn \
	jurisdiction here private unknown disputed unprovable anycast relay unit user-unit user cgroup address; do
	grep -q "^  $w\b" "$tmp/language" || not_ok "language $w" "not there"
done
same "language: nothing wider than a terminal" 0 "$(awk 'length > 132' "$tmp/language" | grep -vc '\[')"

# the manual's example and README's policies are policies, and have nothing to warn of
awk '/^.Sh EXAMPLES/ { e = 1 } e && /^.Ed/ { exit } e && /^[a-z]/' "$ROOT/agent/install/cordon.conf.5" >"$tmp/h.conf"
same "the manual's example" "" "$("$CORDON" check --no-places --as-of 2026-11-23 "$tmp/h.conf" 2>&1 >/dev/null)"
awk '/^## How to write a policy/ { e = 1 } e && /^## Places/ { exit } e && /^    [a-z]/ && !/^    (sudo|cordon) /' "$ROOT/README.md" >"$tmp/h.conf"
same "README's policy" "" "$("$CORDON" check --no-places --as-of 2026-11-23 "$tmp/h.conf" 2>&1 >/dev/null)"
for w in $(sed -n 's/^MATCH_[A-Z]*([A-Z0-9_]*, "\([^"]*\)".*/\1/p' "$ROOT/rules/parse/match.def"); do
	grep -q -e "$w" "$ROOT/agent/install/cordon.conf.5" || not_ok "manual $w" "cordon.conf.5 does not know it"
done

# zones by date: the United Kingdom left on 2020-01-31, its adequacy decision came in 2021
"$CORDON" check --zones --as-of 2026-11-23 good.conf >"$tmp/zones" 2>/dev/null
same "eu has 34 codes" "eu: 34 countries" "$(grep '^eu:' "$tmp/zones")"
same "eea has 37 codes" "eea: 37 countries" "$(grep '^eea:' "$tmp/zones")"
same "json" '["eea","DE",37]' "$("$CORDON" check --zones --json --as-of 2026-11-23 good.conf |
	jq -c '["eea", (.zones.eea[] | select(.country == "DE") | .country), (.zones.eea | length)]')"
same "json of errors" '[4,"UK"]' "$(printf 'allow to UK\nallow to X Y\nallow to ZZ\n' | "$CORDON" check --json - |
	jq -c '[.errors, (.diagnostics[0].text | split("\u0027")[1])]')"
tap_end
