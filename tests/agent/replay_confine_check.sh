#!/bin/bash
# replay_confine_check.sh - a replay that reads has given away what it does not need: seen in /proc, and by a capture that is
# exchanged for a secret while it waits.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
python3 "$ROOT/tests/golden/replay/make.py" . || exit 1
mkfifo pipe
mkdir out
cp database.pcap later.pcap
cp database.pcap secret.pcap

"$CORDON" replay --today 2026-11-24 -p eu.policy --geo geofeed.csv --manifest out/man --key out/key --summary out/s.json - later.pcap <pipe >events 2>err &
pid=$!
exec 3>pipe
for ((i = 0; i < 300; i++)); do
	grep -q '^Seccomp:[[:space:]]*2' /proc/$pid/status && break
	sleep 0.1
done
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/$pid/status; }
same seccomp 2 "$(status Seccomp)"
same no_new_privileges 1 "$(status NoNewPrivs)"
if [ "$(id -u)" = 0 ]; then
	# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
	same capabilities 0000000000000006 "$(status CapEff)"
	same capabilities/none_come_back 0000000000000006 "$(status CapPrm)"
fi
mv secret.pcap later.pcap
cat database.pcap >&3
exec 3>&-
wait $pid
code=$?
landlock=$(head -n 1 out/man | jq .confined.landlock)
same manifest/seccomp true "$(head -n 1 out/man | jq .confined.seccomp)"
if [ "${landlock:-0}" -gt 0 ]; then
	same another_file/exit 1 $code
	check another_file/refused grep -q '^cordon: later.pcap: Permission denied$' err
else
	skip another_file "the kernel has no Landlock"
fi
same outputs/written "$(tshark -r database.pcap 2>/dev/null | wc -l)" "$(jq .inputs[0].packets out/s.json)"

# nothing that a replay does needs what was given away
"$CORDON" replay --today 2026-11-24 -p eu.policy --geo geofeed.csv --sums --csv t.csv --html p.html --evidence ev.pcapng --ledger l.db \
	--manifest man2 --key key database.pcap >events 2>err
same all_outputs/exit 4 $?
check all_outputs/there ls t.csv p.html ev.pcapng l.db man2
gzip -k database.pcap
zstd -q database.pcap
mkdir d
for f in database.pcap.gz database.pcap.zst; do
	mv $f d
	"$CORDON" replay --today 2026-11-24 -p eu.policy --geo geofeed.csv --diff eu.policy d >events 2>err
	same compressed/$f 4 $?
	rm d/*
done
tap_end
