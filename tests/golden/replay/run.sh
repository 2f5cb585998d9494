#!/bin/bash
# golden replay: captures made by make.py, their summaries and events beside the files here; UPDATE=1 writes them anew.
. "$ROOT/tests/lib/tap.sh"
here=$ROOT/tests/golden/replay
cd "$TMPDIR" || exit 1
python3 "$here/make.py" . || exit 1
pretty='import json, sys
for line in sys.stdin:
    print(json.dumps(json.loads(line), indent=1, sort_keys=True, ensure_ascii=False))'

compare() { # NAME GOT
	if [ -n "${UPDATE:-}" ]; then cp "$2" "$here/$1"; fi
	diff_ok "$1" "$here/$1" "$2"
}
# case NAME POLICY EXIT PATH...: summary and events, twice
case_of() {
	local name=$1 policy=$2 want=$3
	shift 3
	"$CORDON" replay --today 2026-11-24 -p "$policy" --geo geofeed.csv --summary "$name.sum" "$@" >"$name.events" 2>"$name.err"
	same "$name/exit" "$want" $?
	python3 -c "$pretty" <"$name.sum" >"$name.summary.json" || not_ok "$name/json"
	python3 -c "$pretty" <"$name.events" >"$name.events.json" || not_ok "$name/json"
	compare "$name.summary.json" "$name.summary.json"
	compare "$name.events.json" "$name.events.json"
	compare "$name.err" "$name.err"
	"$CORDON" replay --today 2026-11-24 -p "$policy" --geo geofeed.csv --summary "$name.sum2" "$@" >"$name.events2" 2>/dev/null
	check "$name/same_again" cmp "$name.events" "$name.events2"
	check "$name/same_summary_again" cmp "$name.sum" "$name.sum2"
	"$CORDON" replay --today 2026-11-24 -p "$policy" --geo geofeed.csv --summary - "$@" >"$name.sum3" 2>/dev/null
	check "$name/summary_on_stdout" cmp "$name.sum" "$name.sum3"
}
case_of database eu.policy 4 database.pcap
case_of opened_by_peer peer.policy 4 database.pcap
case_of v6 eu.policy 4 v6.pcap
case_of odd eu.policy 5 odd.pcap
case_of mixed eu.policy 5 mixed.pcapng
case_of until until.policy 4 until.pcap
case_of over over.policy 4 over.pcap
case_of cut eu.policy 5 cut.pcap
case_of directory eu.policy 4 dir
case_of open open.policy 0 database.pcap empty.pcap

# 'quiet': not one event of what the rule blocks, and every byte of it in the account
sed 's/^block to any.*/& quiet/' eu.policy >quiet.policy
"$CORDON" replay --today 2026-11-24 -p quiet.policy --geo geofeed.csv --summary quiet.sum database.pcap >quiet.events 2>/dev/null
same quiet/exit 4 $?
check quiet/without grep -q would-block database.events
check quiet/no_block bash -c '! grep -q would-block quiet.events'
same quiet/others "$(grep -vc would-block database.events)" "$(wc -l <quiet.events)"

# one flow over several files, whatever the order of reading: the same flows and bytes as in one file
total() { python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print(s["packets"], s["bytes"], s["flows"], s["verdicts"])' "$1"; }
same split_files "$(total database.sum)" "$(total directory.sum)"
same quiet/counted "$(total database.sum)" "$(total quiet.sum)"

# standard input: the events are those of the file but for its name
"$CORDON" replay -p eu.policy --geo geofeed.csv - <database.pcap >stdin.events 2>/dev/null
same stdin/exit 4 $?
sed 's/"file":"-"/"file":"database.pcap"/' stdin.events >stdin.named
check stdin/events cmp stdin.named database.events
gzip -nc database.pcap | "$CORDON" replay -p eu.policy --geo geofeed.csv --summary stdin.sum - >stdin.events 2>/dev/null
same stdin/gzip "$(total database.sum)" "$(total stdin.sum)"

# few flows at a time: ended early, told, and every byte still in the account
"$CORDON" replay -p eu.policy --geo geofeed.csv --flows-max 64 --summary small.sum database.pcap >small.events 2>/dev/null
check flows_max cmp small.events database.events

says() { # NAME EXIT PATTERN ARG...
	local name=$1 want=$2 pattern=$3 out rc
	shift 3
	out=$("$CORDON" replay "$@" 2>&1 >/dev/null)
	rc=$?
	same "$name/exit" "$want" $rc
	if grep -q -e "$pattern" <<<"$out"; then ok "$name/says"; else not_ok "$name/says" "'$out' has no '$pattern'"; fi
}
says missing 1 'no.pcap: No such file' -p eu.policy --geo geofeed.csv no.pcap
says missing_beside_a_good_one 1 'no.pcap' -p eu.policy --geo geofeed.csv database.pcap no.pcap
says not_a_capture 1 'not a capture' -p eu.policy --geo geofeed.csv geofeed.csv
printf '\x28\xb5\x2f\xfd....' >packed.pcap.zst
says zstd_damaged 5 'bad_compressed' -p eu.policy --geo geofeed.csv packed.pcap.zst
printf 'BZh91AY&SY....' >packed.pcap.bz2
says bzip2 1 'packed.pcap.bz2: compressed with bzip2' -p eu.policy --geo geofeed.csv packed.pcap.bz2
mkdir packed && cp packed.pcap.bz2 database.pcap packed
says bzip2_in_directory 5 'bzip2' -p eu.policy --geo geofeed.csv packed
says wrong_policy 3 "wrong.policy:1:10: error: 'UK'" -p wrong.policy --geo geofeed.csv database.pcap
says missing_policy 1 'no.policy' -p no.policy --geo geofeed.csv database.pcap
says missing_geo 1 'no.mmdb' -p eu.policy --geo no.mmdb database.pcap
says unit_rules 4 'names units, users or cgroups' -p unit.policy --geo geofeed.csv database.pcap
says usage 2 'which captures' -p eu.policy
says bad_inside 2 "has host bits set; the network is '10.0.0.0/8'" --inside 10.0.0.1/8 database.pcap
says bad_flows_max 2 'flows-max' --flows-max 1 database.pcap
says unwritable_summary 1 'no/such/dir: cannot be written' -p eu.policy --geo geofeed.csv --summary no/such/dir database.pcap
"$CORDON" replay -p eu.policy --geo geofeed.csv database.pcap >/dev/full 2>full.err
same full_disk/exit 1 $?
check full_disk/says grep -q 'standard output' full.err
"$CORDON" replay --help >help.out
same help/exit 0 $?
check help/says grep -q -e '--summary FILE' help.out
tap_end
