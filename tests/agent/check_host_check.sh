#!/bin/bash
# check_host_check.sh - 'cordon check --host': what this machine is, in rows; changed by what is put beside it, never by the check.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
row() { jq -r --arg w "$1" '.host[] | select(.what == $w) | .state + " " + .text' json; }
# host POLICY [COMMAND...]: the rows of it in ./json, the exit code in $rc
host() {
	local f=$1
	shift
	"$@" "$CORDON" check --host --json "$f" >json 2>err </dev/null
	rc=$?
}
cat >good.conf <<'X'
home DE
feed syslog "tls://127.0.0.1:6514" ca "/nowhere/ca.pem"
feed file "/dev/null"
allow from user "root" to eea
allow from user "nobody-such" to eea
allow from unit "no-such-*.service" to eea
block to any
X
host good.conf
check "an object" jq -e '.host | length > 10 and all(.what and .text and (.state | IN("ok", "note", "warning", "failed", "unseen")))' json
check "counts are those of the rows" jq -e '.failed == ([.host[] | select(.state == "failed")] | length) and .warnings == ([.host[] | select(.state == "warning")] | length)' json
same "the exit code is what failed" "$(jq 'if .failed > 0 then 1 else 0 end' json)" $rc
for what in kernel agent unit cgroups containers addresses ports clock disk redirects policy places feeds senders; do
	check "a row $what" test -n "$(row $what)"
done
check "the kernel by its name" grep -q "$(uname -r)" <(row kernel)
check "a user who is there" grep -q "^ok line 4: user 'root'" <(row senders)
check "one who is not" grep -q "^warning line 5: user 'nobody-such' is not known" <(row senders)
check "a unit that does not run" grep -q "^note line 6: unit 'no-such-\*.service' matches no" <(row senders)
check "a feed whose file is missing" grep -q '^warning line 2: syslog .*/nowhere/ca.pem' <(row feeds)
check "a feed that is ready" grep -q '^ok line 3: file' <(row feeds)

printf 'allow to eea\nblok to any\n' >bad.conf
host bad.conf
same "a wrong policy is exit 3" 3 $rc
check "and a row" grep -q '^failed ' <(row policy)
check "and the machine is looked at all the same" test -n "$(row kernel)"
"$CORDON" check --host good.conf >text 2>err
check "text, a row a line" grep -qE '^clock +(ok|warning|unseen) ' text
check "a sum at the end" grep -qE '^This host can(not)? be watched.*: [0-9]+ failed' text
"$CORDON" check --host --zones >out 2>err
same "not with --zones" 2 $?

if [ "$(id -u)" != 0 ]; then
	skip "throwaway root" "needs root"
	tap_end
fi
chmod 755 "$TMPDIR"
host "$TMPDIR/good.conf" setpriv --reuid 65534 --clear-groups
check "without privileges it says what it could not see" grep -q '^unseen .*root' <(row kernel)
check "and of redirects too" grep -q '^unseen ' <(row redirects)
if ! command -v nft >/dev/null; then
	skip "throwaway root" "nft is not installed"
	tap_end
fi
nets() { unshare -n --mount -- sh -c 'ip link set lo up; nft add table ip t; nft add chain ip t out "{ type nat hook output priority -100; }"; eval "$1"; shift; "$@"' sh "$@"; }
host good.conf nets true
check "no redirect" grep -q '^ok ' <(row redirects)
host good.conf nets 'nft add rule ip t out ip daddr 192.0.2.1 dnat to 192.0.2.9'
check "a dnat" grep -q "^note .*'dnat' in ip t, chain out" <(row redirects)
host good.conf nets 'nft add chain ip t f "{ type filter hook output priority 0; }"; nft add rule ip t f dup to 192.0.2.7'
check "a copy is a warning" grep -q "^warning .*'dup' in ip t, chain f" <(row redirects)
host good.conf nets 'ip addr add 2001:db8::7/128 dev lo'
check "IPv6 only" grep -q '^note IPv6 only (1)' <(row addresses)
tap_end
