#!/bin/bash
# replay_outputs_check.sh - what a replay hands out: table, page, evidence (clear, sealed, anonymised), manifest, difference; and
# which packets it takes: pieces of time, expressions, lists, patterns, copies.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
python3 "$ROOT/tests/golden/replay/make.py" . || exit 1
replay() { "$CORDON" replay --today 2026-11-24 -p eu.policy --geo geofeed.csv "$@"; }
sum() { jq -c "$1" "$2"; }

# table and page hold what the summary holds
replay --summary s.json --csv t.csv --html p.html database.pcap odd.pcap >events 2>err
same outputs/exit 5 $?
same csv/bytes "$(sum '[.egress[].bytes] | add' s.json)" "$(tail -n +2 t.csv | python3 -c 'import csv, sys; print(sum(int(r[8]) for r in csv.reader(sys.stdin)))')"
check html/whole tail -n 1 p.html
check html/one_file test -z "$(grep -oE '(src|href)=' p.html)"
check html/says grep -q 'left under rules that block' p.html
check html/bars_of_each_verdict test "$(grep -oE 'fill="#(2da44e|d4a72c|cf222e)"' p.html | sort -u | wc -l)" = 3
check html/no_bar_without_colour test -z "$(grep -o 'fill=""' p.html)"
check html/not_seen grep -q 'a broken IP header' p.html
same hosts "$(sum '[.egress[].bytes] | add' s.json)" "$(sum '[.hosts[].bytes] | add' s.json)"
same countries "$(sum '[.egress[].bytes] | add' s.json)" "$(sum '[.countries[].bytes] | add' s.json)"
replay --summary top.json --top 1 database.pcap >/dev/null 2>&1
same top/rest "$(sum '[.egress[].bytes] | add' s.json | head -c 0)$(replay --summary - database.pcap 2>/dev/null | jq '[.hosts[].bytes] | add')" "$(sum '[.hosts[].bytes] | add' top.json)"
same top/rows 2 "$(sum '.countries | length' top.json)"

# what is written is none of what is read, nor twice the same: nothing is touched, and nothing was read before
cp database.pcap mine.pcap; cp eu.policy mine.policy; ln -s mine.pcap mine.link; cat mine.pcap mine.policy >mine
refused() { # NAME CODE WORDS OPTION...
	local name=$1 code=$2 words=$3
	shift 3
	replay -p mine.policy "$@" mine.pcap >out 2>err
	same "refused/$name" "$code" $?
	check "refused/$name/says" grep -qF -- "$words" err
	check "refused/$name/nothing_read" test ! -s out
}
refused over_capture 2 '--summary mine.pcap would overwrite' --summary mine.pcap
refused over_link 2 '--html mine.link would overwrite' --html mine.link
refused over_policy 2 '--csv mine.policy would overwrite' --csv mine.policy
refused over_places 2 '--evidence geofeed.csv would overwrite' --evidence geofeed.csv
refused over_as_ledger 2 '--ledger mine.pcap would overwrite' --ledger mine.pcap
refused twice 2 '--csv and --html are the same file' --csv new.x --html ./new.x
refused table_as_output 2 'only --summary' --csv -
refused no_folder 1 'nowhere/s.json: cannot be written: No such file' --summary nowhere/s.json
refused a_folder 1 'cannot be written: Is a directory' --summary .
refused empty_period 2 'no packet is both' --from 2026-01-01 --to 2026-01-01
refused no_such_day 2 "not '2026-02-30'" --from 2026-02-30
refused leap_day 2 "not '2025-02-29T00:00'" --to 2025-02-29T00:00
refused host_bits 2 "the network is '192.0.2.0/24'" --inside 192.0.2.1/24
cat mine.pcap mine.policy | diff_ok refused/nothing_changed mine -
replay --summary /dev/null --csv /dev/null mine.pcap >/dev/null 2>err
same refused/not_devices 4 $?
replay --from 2024-02-29 --summary - --inside 10.20.0.0/16 mine.pcap >one 2>/dev/null
replay --from 2024-02-29 --summary - --inside ::ffff:10.20.0.0/112 mine.pcap >two 2>/dev/null
diff_ok inside/mapped one two
rm -f mine mine.*

# a name from outside does not reach the page as markup
cp database.pcap '<script>alert(1)</script>.pcap' 2>/dev/null || cp database.pcap 'a<b>.pcap'
replay --html evil.html ./*'>.pcap' >/dev/null 2>&1
check html/escaped test -z "$(grep -F '<script>alert' evil.html; grep -F 'a<b>' evil.html)"
rm -f ./*'>.pcap'

# evidence: just the packets of violating flows, with the ids of their events; headers only
replay --evidence ev.pcapng --manifest man --key key database.pcap >events 2>err
same evidence/exit 4 $?
same evidence/packets "$(jq -s '[.[].source.packets] | add' events)" "$(capinfos -rMc ev.pcapng | sed -n 's/^Number of packets: *//p')"
tshark -r ev.pcapng -T fields -e frame.comment 2>/dev/null | grep -o 'event .*' | sort -u | cut -c7- >ids
same evidence/ids "$(jq -r .event.id events | sort)" "$(cat ids)"
tshark -r ev.pcapng -T fields -e frame.cap_len -e frame.len 2>/dev/null | awk '$1 > 60 { print }' >long
check evidence/headers_only test ! -s long
check manifest/signed grep -q '^— cordon-replay ' man
same manifest/evidence "\"$(sha256sum <ev.pcapng | cut -c1-64)\"" "$(head -n 1 man | jq '.outputs[0].sha256')"
same manifest/input "\"$(sha256sum <database.pcap | cut -c1-64)\"" "$(head -n 1 man | jq '.inputs[0].sha256')"

# payload only sealed or when it is said; the seal is opened by age itself
says() { # NAME EXIT PATTERN ARG...
	local name=$1 want=$2 pattern=$3 out rc
	shift 3
	out=$(replay "$@" 2>&1 >/dev/null)
	rc=$?
	same "$name/exit" "$want" $rc
	if grep -q -e "$pattern" <<<"$out"; then ok "$name/says"; else not_ok "$name/says" "'$out' has no '$pattern'"; fi
}
says payload_alone 2 'wants --seal' --evidence no.pcapng --payload database.pcap
says bad_recipient 2 'recipient of age' --evidence no.pcapng --seal age1xyz database.pcap
says payload_and_names 2 'exclude each other' --evidence no.pcapng --payload --in-clear --anonymise pan database.pcap
check nothing_written test ! -e no.pcapng
replay --evidence clear.pcapng --payload --in-clear database.pcap >/dev/null 2>&1
same in_clear/whole "$(tshark -r clear.pcapng -T fields -e frame.len 2>/dev/null | paste -sd+ | bc)" "$(tshark -r clear.pcapng -T fields -e frame.cap_len 2>/dev/null | paste -sd+ | bc)"
if command -v age >/dev/null; then
	age-keygen -o identity 2>recipient
	replay --evidence ev.age --payload --seal "$(grep -o 'age1.*' recipient)" database.pcap >/dev/null 2>&1
	check seal/opens age -d -i identity -o opened.pcapng ev.age
	check seal/same cmp opened.pcapng clear.pcapng
	head -c 300 ev.age >cut.age
	check seal/cut_does_not_open bash -c '! age -d -i identity -o /dev/null cut.age 2>/dev/null'
else
	skip seal "age is not installed"
fi

# addresses: others, the same each time, prefixes kept, sums right, verdicts as before
head -c 32 /dev/zero | tr '\0' k >pan
replay --evidence anon.pcapng --anonymise pan database.pcap >events2 2>/dev/null
check anonymise/verdicts cmp events events2
fields() { tshark -r "$1" -T fields -e ip.src -e ip.dst -o ip.check_checksum:TRUE -e ip.checksum.status 2>/dev/null; }
check anonymise/none_left test -z "$(fields anon.pcapng | grep -E '10\.0\.0\.5|3\.80\.0\.1')"
same anonymise/sums 1 "$(fields anon.pcapng | cut -f3 | sort -u)"
same anonymise/one_to_one "$(fields ev.pcapng | cut -f1,2 | sort | uniq -c | awk '{print $1}' | sort -n)" "$(fields anon.pcapng | cut -f1,2 | sort | uniq -c | awk '{print $1}' | sort -n)"

# another policy: what changes, with both lines
replay --diff open.policy database.pcap >diff 2>/dev/null
same diff/exit 4 $?
check diff/lines grep -q -e '- eu.policy:[0-9]*: block to any' diff
check diff/other grep -q -e '+ open.policy:[0-9]*: ' diff
replay --diff open.policy --json database.pcap >diff.json 2>/dev/null
same diff/bytes "$(jq -s '[.[].bytes] | add' diff.json)" "$(replay --summary - database.pcap 2>/dev/null | jq '[.egress[] | select(.verdict != "allow") | .bytes] | add')"
replay --diff eu.policy database.pcap >diff 2>/dev/null
same diff/same_policy 1 "$(wc -l <diff)"

# which packets
n() { replay --summary - "$@" 2>/dev/null | jq -c '[.packets, .notes.filtered, .notes.files_twice]'; }
all=$(n database.pcap | jq '.[0]')
half=$(n --filter 'port 5432' database.pcap | jq '.[0]')
same filter/sum "$all" "$((half + $(n --filter 'not port 5432' database.pcap | jq '.[0]')))"
same filter/tcpdump "$(tcpdump -r database.pcap 'port 5432' 2>/dev/null | wc -l)" "$half"
says filter_wrong 2 "filter 'port'" --filter port database.pcap
a=$(n --to 2026-11-23T10:40:00Z database.pcap | jq '.[0]') b=$(n --from 2026-11-23T10:40:00Z database.pcap | jq '.[0]')
same from_to "$all" "$((a + b))"
cp database.pcap copy.pcap
ln -f database.pcap link.pcap
same copies "[$all,0,2]" "$(n database.pcap copy.pcap link.pcap)"
same pattern "[$all,0,0]" "$(n 'datab*.pcap')"
printf 'database.pcap\nodd.pcap\n' >list
printf 'database.pcap\0odd.pcap\0' >list0
same list "$(n database.pcap odd.pcap)" "$(n --list list)"
same list/nul "$(n database.pcap odd.pcap)" "$(n --list list0)"
mkdir tree && cp database.pcap tree && ln -s nowhere tree/dangling
says dangling 5 'a link to nothing' tree
printf 'snoop\0\0\0\0\0\0\2\0\0\0\4' >tree/dangling.snoop && rm tree/dangling
says foreign 5 'snoop' tree
tap_end
