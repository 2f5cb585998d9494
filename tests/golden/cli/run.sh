#!/bin/bash
# run.sh - the contract of the command line: help, exit codes, what goes to stdout and what to stderr.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
# exits NAME CODE CMD...
exits() {
	local name=$1 want=$2 rc
	shift 2
	"$@" >out 2>err </dev/null
	rc=$?
	if [ $rc = "$want" ]; then ok "$name"; else not_ok "$name" "exit $rc, want $want: $(tail -n 1 err)"; fi
}
silent() { # NAME FILE
	if [ -s "$2" ]; then not_ok "$1" "$(head -n 1 "$2")"; else ok "$1"; fi
}
said() { # NAME FILE PATTERN
	if grep -qE -e "$3" "$2"; then ok "$1"; else not_ok "$1" "no '$3' in: $(head -n 2 "$2" | tr '\n' ' ')"; fi
}

exits help 0 "$CORDON" --help
said help_lists_verbs out '^ +replay '
silent help_says_nothing_else err
exits version 0 "$CORDON" --version
exits no_verb 2 "$CORDON"
exits unknown_verb 2 "$CORDON" frobnicate
said unknown_verb_is_named err frobnicate
exits help_unknown_verb 2 "$CORDON" help frobnicate
said help_unknown_verb_is_named err frobnicate
for v in $("$CORDON" --help | sed -n 's/^ \{2,4\}\([a-z]*\) .*/\1/p'); do
	exits "help_$v" 0 "$CORDON" "$v" --help
	said "help_says_usage_$v" out "usage: cordon $v"
	cp out long
	exits "help_of_$v" 0 "$CORDON" help "$v"
	diff_ok "help_of_${v}_is_the_same" long out
	exits "help_without_facts_$v" 0 env CORDON_DATA=/nonexistent "$CORDON" "$v" --help
	exits "unknown_option_$v" 2 "$CORDON" "$v" --frobnicate
done

printf 'home DE\nallow to eea\nblock to any\n' >good
printf 'home DE\nallow to UK\n' >bad
exits check_good 0 "$CORDON" check good
exits check_bad 3 "$CORDON" check bad
said check_bad_place err '^bad:2:10: error: '
said check_bad_caret err '^ +\| +\^~'
cat >feeds <<'X'
feed file "alerts.json"
feed file "/nonexistent/alerts.json"
feed syslog "tls://siem.example" ca "/nonexistent/ca.pem"
feed syslog "udp://siem.example"
feed kafka "k1:9092" topic "t"
feed otlp
feed journald
allow to any
X
exits check_feeds 0 env -u OTEL_EXPORTER_OTLP_ENDPOINT "$CORDON" check feeds
said check_feeds_file out '^  line 1: file alerts.json: ready$'
said check_feeds_no_folder out '^  line 2: file /nonexistent/alerts.json: No such file or directory$'
said check_feeds_no_ca out '^  line 3: syslog tls://siem.example: /nonexistent/ca.pem: No such file or directory$'
said check_feeds_udp out '^  line 4: syslog udp://siem.example: ready$'
said check_feeds_kafka out '^  line 5: kafka k1:9092: ready$'
said check_feeds_otlp out '^  line 6: otlp: no address is said'
said check_feeds_journald out '^  line 7: journald: ready$'
"$CORDON" check --json feeds >out 2>err
said check_feeds_json out '"line":6,"transport":"otlp","target":null,"state":"no address is said'
exits check_missing 1 "$CORDON" check nowhere
said check_missing_is_named err nowhere

exits replay_missing 1 "$CORDON" replay --policy good nowhere.pcap
said replay_missing_is_named err nowhere.pcap
exits replay_no_path 2 "$CORDON" replay --policy good
# one packet from 10.0.0.1 to US and one to DE, by hand: a capture is 24 bytes and 16 a packet
python3 - <<'P'
import ipaddress, struct
def packet(dst):
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28, 1, 0, 64, 17, 0, ipaddress.ip_address('10.0.0.1').packed,
                     ipaddress.ip_address(dst).packed)
    return ip + struct.pack('!HHHH', 1000, 53, 8, 0)
def capture(name, dsts, cut=0):
    b = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for i, d in enumerate(dsts):
        p = packet(d)
        b += struct.pack('<IIII', 1700000000 + i, 0, len(p), len(p)) + p
    open(name, 'wb').write(b[:len(b) - cut])
capture('de.pcap', ['52.28.0.1'])
capture('us.pcap', ['52.28.0.1', '3.80.0.1'])
capture('cut.pcap', ['52.28.0.1', '3.80.0.1', '3.80.0.1'], 5)
P
exits replay_bad_policy 3 "$CORDON" replay --policy bad de.pcap
exits replay_clean 0 "$CORDON" replay --policy good --summary - de.pcap
silent replay_clean_err err
same replay_clean_summary '1 28 1 allow' "$(jq -r '"\(.packets) \(.bytes) \(.verdicts.allow) \(.egress[0].verdict)"' out)"
exits replay_violation 4 "$CORDON" replay --policy good us.pcap
same replay_event_is_one_line 1 "$(wc -l <out)"
same replay_event '3.80.0.1 block US' "$(jq -r '"\(.destination.ip) \(.cordon.verdict) \(.destination.geo.country_iso_code)"' out)"
exits replay_damaged 5 "$CORDON" replay --policy good --summary - cut.pcap
same replay_damaged_salvages 2 "$(jq -r .packets out)"
# the same capture twice gives the same ids; another policy does not
"$CORDON" replay --policy good us.pcap 2>/dev/null | jq -r .event.id >one
"$CORDON" replay --policy good us.pcap 2>/dev/null | jq -r .event.id >two
diff_ok replay_ids_repeat one two

# nothing found is good news only where something was looked at
mkdir -p empty
mkfifo fifo
exits gaps_without_record 1 "$CORDON" gaps --state empty
said gaps_without_record_says err 'nothing is known of gaps'
silent gaps_without_record_no_news out
date +%s%N >empty/alive
exits gaps_none 0 "$CORDON" gaps --state empty
said gaps_none_says out '^no gaps are on record$'
echo '01764000000000000000 b' >empty/alive
exits gaps_dead_agent 0 "$CORDON" gaps --state empty --since 2026-01-01
said gaps_dead_agent_says out '^2025-11-24T16:00:00Z +still open +agent-down: no agent has written here since$'
"$CORDON" gaps --state empty --json >out
same gaps_dead_agent_json '["2025-11-24T16:00:00Z","agent-down",null]' "$(jq -c '[.start, .cause, .end]' out)"
exits events_without_journal 1 "$CORDON" events --journal empty
said events_without_journal_says err 'there is no journal'
exits events_backwards 2 "$CORDON" events --journal empty --since 2026-02-01 --until 2026-01-01
exits ledger_missing 1 "$CORDON" ledger --ledger nowhere
said ledger_missing_teaches err "there is no ledger: 'cordon run' keeps one"
exits ledger_fifo 1 timeout 20 "$CORDON" ledger --ledger fifo
said ledger_fifo_says err 'it is no regular file'
exits ledger_of_text 1 "$CORDON" ledger --ledger good
exits suggest_missing 1 "$CORDON" suggest nowhere
said suggest_missing_teaches err 'there is no ledger'
exits replay_ledger 4 "$CORDON" replay --policy good --ledger l.db us.pcap
exits ledger_of_another_time 0 "$CORDON" ledger --ledger l.db
said ledger_of_another_time_says err 'the ledger is of 2023-11-14T22:13:00Z to '
exits ledger_of_its_time 0 "$CORDON" ledger --ledger l.db --since 2023-11-14 --by verdict --csv
same ledger_by_verdict 'allow,28,1 verdict,bytes,packets would-block,28,1 ' "$(cut -d, -f1-3 out | LC_ALL=C sort | tr '\n' ' ')"
exits quarantine_list_no_agent 1 "$CORDON" quarantine list --control nowhere
said quarantine_list_no_agent_says err 'what is in quarantine is not known'
printf '192.0.2.0/24,DE,,,\n' >feed.csv
cp feed.csv feed.was
exits geo_build_over_source 2 "$CORDON" geo build --output ./feed.csv feed.csv
said geo_build_over_source_says err 'would overwrite a source'
diff_ok geo_build_over_source_kept feed.was feed.csv
tap_end
