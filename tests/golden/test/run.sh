#!/bin/bash
# run.sh - 'cordon test': the shipped examples keep what their cases say; a broken policy, a broken case, JUnit, JSON.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1

for f in "$ROOT"/rules/examples/*.conf; do
	name=$(basename "$f" .conf)
	"$CORDON" test "$f" "${f%.conf}.cases" --no-places --as-of 2026-11-23 >out 2>err
	same "example $name" "0 all" "$? $(sed -n 's/.*: \([0-9]*\) of \1 cases as expected$/all/p' out)$(cat err)"
done
# each of them holds something: a policy that allows everything, or nothing, fails every file
for action in allow block; do
	echo "$action to any" >all.conf
	for f in "$ROOT"/rules/examples/*.cases; do
		"$CORDON" test all.conf "$f" --no-places >/dev/null 2>&1
		code=$?
		same "$(basename "$f") is not of '$action to any'" 3 $code
	done
done

cat >p.conf <<'P'
subject  db { unit "postgresql@*.service" user postgres }
alert    from db to DE port 5432 label replica
allow    to DE until 2027-01-01
block    to any label rest
P
cat >p.cases <<'P'
place 192.0.2.0/24 is DE "a#b" # where they are

unit postgresql@15-main.service -> 192.0.2.1:5432 alert label replica
user postgres -> 192.0.2.1:5432 alert
192.0.2.9 -> 192.0.2.1:5432 allow
any -> 192.0.2.1:5432 alert # it may be db
unit x.service -> 192.0.2.1:5432 allow
unit x.service -> 192.0.2.1:5432 on 2027-01-01 block label rest
unit x.service -> [2001:db8::1]:443 block label default
unit x.service -> 192.0.2.1:443 opened by peer proto udp block
user a<b&"c" -> 203.0.113.1 allow
P
"$CORDON" test p.conf p.cases --no-places --as-of 2026-11-23 >out 2>err
same "failures: exit" 3 $?
cat >want <<'P'
p.cases:5: 192.0.2.9 -> 192.0.2.1:5432 allow
    want allow, got alert: line 2: alert from db to DE port 5432 label replica [known DE]
p.cases:9: unit x.service -> [2001:db8::1]:443 block label default
    want block label default, got block label rest: line 4: block to any label rest [unknown -]
p.cases:10: unit x.service -> 192.0.2.1:443 opened by peer proto udp block
    want block, got allow: line 3: allow to DE until 2027-01-01 [known DE]
p.cases:11: user a<b&"c" -> 203.0.113.1 allow
    want allow, got block: line 4: block to any label rest [unknown -]
p.cases: 5 of 9 cases as expected
P
diff_ok "failures are told" want out
same "nothing else is said" "" "$(cat err)"
"$CORDON" test p.conf p.cases --no-places --as-of 2026-11-23 --junit >junit.xml
same "junit: exit" 3 $?
same "junit: counts, names" "9 4 4 user a<b&\"c\"" "$(python3 - <<'P'
import xml.etree.ElementTree as x
r = x.parse("junit.xml").getroot()
c = list(r.iter("testcase"))
print(r.get("tests"), r.get("failures"), sum(k.find("failure") is not None for k in c), c[-1].get("name").split(": ")[1].split(" ->")[0])
P
)"
"$CORDON" test p.conf p.cases --no-places --as-of 2026-11-23 --json >out
same "json" '[9,4,"alert","replica",3]' "$(jq -sc '[length, (map(select(.passed | not)) | length), (.[0] | .got, .got_label, .line)]' out)"
# with --as-of behind the end of a rule
"$CORDON" test p.conf p.cases --no-places --as-of 2027-02-01 >out 2>err
same "as-of" 1 "$(grep -c '^p.cases:7: ' out)"

wrong() { # NAME LINE WANT
	printf '%s\n' "$2" >w.cases
	"$CORDON" test p.conf w.cases --no-places >out 2>err
	code=$?
	if [ $code = 3 ]; then same "wrong: $1" "$3" "$(head -n 1 err)"; else not_ok "wrong: $1" "exit $code: $(cat err)"; fi
}
wrong arrow "user x 192.0.2.1 block" "w.cases:1: error: a case is WHO -> ADDRESS:PORT VERDICT, as in: user postgres -> 192.0.2.1:5432 block"
wrong who "psql@postgresql.service -> 192.0.2.1 block" "w.cases:1: error: 'psql@postgresql.service' is nobody who sends: unit NAME, user-unit NAME, user NAME, cgroup /PATH, an address, or any"
wrong address "any -> example.com:443 block" "w.cases:1: error: 'example.com:443' is no address, nor an address and a port (192.0.2.1:443)"
wrong verdict "any -> 192.0.2.1 deny" "w.cases:1: error: 'deny' is no verdict: allow, alert, block or local"
wrong "no verdict" "any -> 192.0.2.1" "w.cases:1: error: what should the policy say of it? allow, alert, block or local"
wrong date "any -> 192.0.2.1 on 2027-02-30 block" "w.cases:1: error: '2027-02-30' is no date like 2026-11-23"
wrong "more than it knows" "any -> 192.0.2.1 block because" "w.cases:1: error: 'because' is not understood behind the verdict; 'label NAME' says which rule should decide, 'label default' that none does"
wrong place "$(printf '# x\nplace 192.0.2.0/24 is UK\nany -> 192.0.2.1 block')" "w.cases:2: error: 'UK' is no ISO 3166-1 code; the United Kingdom is 'GB'"
wrong "an empty file" "# nothing" "w.cases: error: no case in it"
printf 'allow to UK\n' >bad.conf
"$CORDON" test bad.conf p.cases --no-places >/dev/null 2>err
same "a wrong policy" "3 bad.conf:1:10: error: 'UK' is no ISO 3166-1 code; the United Kingdom is 'GB'" "$? $(head -n 1 err)"
printf 'any -> 192.0.2.1 \0block\n' >nul.cases
"$CORDON" test p.conf nul.cases --no-places 2>err
same "a NUL byte" 3 $?
"$CORDON" test p.conf nowhere.cases 2>err
same "no such file" 1 $?
head -c 100000 /dev/urandom >random.cases
timeout 20 "$CORDON" test p.conf random.cases --no-places >/dev/null 2>&1
same "random bytes" 3 $?
tap_end
