#!/bin/bash
# output: what a verb prints or writes gets there, or the verb fails and says so; what is no regular file is never replaced.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
python3 "$ROOT/tests/golden/replay/make.py" . || exit 1
replay() { "$CORDON" replay -p eu.policy --geo geofeed.csv "$@"; }
replay --summary want database.pcap >events 2>/dev/null

# NAME OUTPUT CMD...: exit code 1, and a sentence on standard error
fails() {
	local name=$1 output=$2
	shift 2
	if [ "$output" = closed ]; then
		timeout 20 "$@" 2>said >&-
	else
		timeout 20 "$@" 2>said >"$output"
	fi
	same "$name/exit" 1 $?
	check "$name/says" grep -q 'cannot' said
}
verbs() { # NAME OUTPUT
	fails "$1/replay" "$2" "$CORDON" replay -p eu.policy --geo geofeed.csv database.pcap
	fails "$1/summary" "$2" "$CORDON" replay -p eu.policy --geo geofeed.csv --summary - database.pcap
	fails "$1/check" "$2" "$CORDON" check eu.policy
	fails "$1/check_json" "$2" "$CORDON" check --json eu.policy
	fails "$1/check_print" "$2" "$CORDON" check --print eu.policy
	fails "$1/check_zones" "$2" "$CORDON" check --zones eu.policy
	fails "$1/explain" "$2" "$CORDON" explain --policy eu.policy --geo geofeed.csv 3.80.0.1
	fails "$1/explain_json" "$2" "$CORDON" explain --json --policy eu.policy --geo geofeed.csv 3.80.0.1
	fails "$1/geo_build" "$2" "$CORDON" geo build --output built.mmdb geofeed.csv
	fails "$1/geo_show" "$2" "$CORDON" geo show places.mmdb
	fails "$1/version" "$2" "$CORDON" --version
	fails "$1/help" "$2" "$CORDON" --help
	fails "$1/verb_help" "$2" "$CORDON" status --help
	fails "$1/replay_help" "$2" "$CORDON" replay --help
}
"$CORDON" geo build --output places.mmdb geofeed.csv >/dev/null || not_ok geo_build
cp places.mmdb before.mmdb
verbs full_disk /dev/full
verbs closed closed
# with standard output closed, the file that is opened next must not get what is printed
replay --summary closed.sum database.pcap >&- 2>/dev/null
same closed/code 1 $?
"$CORDON" geo build --output closed.mmdb geofeed.csv >&- 2>/dev/null
check closed/whole_file "$CORDON" geo show closed.mmdb
# a reader that goes away ends a long replay early
replay database.pcap 2>said | head -n 0
same gone_reader/exit 1 "${PIPESTATUS[0]}"
check gone_reader/says grep -q 'standard output' said

node() { # NAME MINOR
	mknod "$1" c 1 "$2" 2>/dev/null && { : <"$1"; } 2>/dev/null
}
if node null 3 && node full 7; then
	replay --summary null database.pcap >/dev/null 2>&1
	same device/exit 4 $?
	check device/stands test -c null
	fails full_device /dev/null "$CORDON" replay -p eu.policy --geo geofeed.csv --summary full database.pcap
	check full_device/stands test -c full
	ln -s null link_to_device
	replay --summary link_to_device database.pcap >/dev/null 2>&1
	check device_link/stands test -c link_to_device -a -L link_to_device
	"$CORDON" geo build --output null geofeed.csv >/dev/null 2>&1
	same geo_device/exit 0 $?
	check geo_device/stands test -c null
	check nothing_beside test -z "$(ls -d ./*.new.* ./*.part 2>/dev/null)"
else
	skip device "no device nodes can be made here"
fi
mkfifo fifo
timeout 20 cat fifo >got &
replay --summary fifo database.pcap >/dev/null 2>&1
same fifo/exit 4 $?
wait
check fifo/gets_it cmp want got
check fifo/stands test -p fifo
timeout 20 cat fifo >got &
"$CORDON" geo build --output fifo geofeed.csv >/dev/null 2>&1
wait
same geo_fifo/size "$(stat -c %s places.mmdb)" "$(stat -c %s got)"
check geo_fifo/stands test -p fifo
mkdir real
echo old >real/file
chmod 600 real/file
ln -s real/file link
replay --summary link database.pcap >/dev/null 2>&1
check link/stands test -L link
check link/target cmp want real/file
same link/mode 600 "$(stat -c %a real/file)"
echo first >out
replay --summary /dev/stdout database.pcap >>out 2>/dev/null
same stdout/events_and_summary "$(($(wc -l <events) + $(wc -l <want)))" "$(($(wc -l <out) - 1))"
replay --summary nowhere/x database.pcap >/dev/null 2>&1
same no_folder/exit 1 $?
mkdir folder
replay --summary folder database.pcap >/dev/null 2>&1
same folder/exit 1 $?
check nothing_left test -z "$(ls -d ./*.new.* ./*.part 2>/dev/null)"

# a signal: what is known is written and marked; standard input that never ends is waited for no longer
interrupted() { # NAME SIGNAL ARG...
	local name=$1 signal=$2 pid i
	shift 2
	mkfifo "$name.in"
	exec 8<>"$name.in"
	cat database.pcap >&8
	python3 -c 'import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
		"$CORDON" replay -p eu.policy --geo geofeed.csv "$@" - <&8 >"$name.out" 2>"$name.err" &
	pid=$!
	for i in $(seq 200); do # until the capture is read
		sleep 0.1
		[ "$(readlink /proc/$pid/exe)" = "$(readlink -f "$CORDON")" ] || continue
		python3 -c 'import array, fcntl, sys, termios
n = array.array("i", [1]); fcntl.ioctl(8, termios.FIONREAD, n); sys.exit(n[0] != 0)' && break
	done
	sleep 0.3
	kill "-$signal" $pid
	for i in $(seq 200); do [ -d /proc/$pid ] && [ "$(awk '{ print $3 }' /proc/$pid/stat)" != Z ] && sleep 0.1; done
	kill -KILL $pid 2>/dev/null
	wait $pid
	same "$name/exit" 1 $?
	exec 8>&-
	check "$name/says" grep -q 'interrupted: 0 of 1 captures' "$name.err"
}
interrupted int INT --summary int.sum
same int/marked true "$(jq -r .incomplete int.sum)"
same int/packets "$(jq .packets want)" "$(jq .packets int.sum)"
same int/egress "$(jq -c .egress want)" "$(jq -c .egress int.sum)"
same int/last_event replay-interrupted "$(tail -n 1 int.out | jq -r .event.action)"
same int/events "$(($(wc -l <events) + 1))" "$(wc -l <int.out)"
interrupted term TERM --summary -
same term/marked true "$(jq -r .incomplete term.out)"
same not_marked null "$(jq -r .incomplete want)"
tap_end
