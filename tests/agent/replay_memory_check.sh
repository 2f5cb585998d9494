#!/bin/bash
# replay_memory_check.sh - a bound on memory loses no packet, no byte and no event, and says what it did; --top bounds the summary.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
# 24,000 sources and destinations, a flow each, in Germany (allowed) and the US (blocked): more than 4M has room for
python3 - <<'P'
import struct
n = 24000
out = [struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)]
for turn in range(2):
    for i in range(n):
        dst = bytes([52 if i % 3 else 3, 28 if i % 3 else 80, i >> 8 & 255, i & 255])
        src = bytes([10, i >> 16 & 255, i >> 8 & 255, i & 255])
        size = 40 + i % 7
        ip = struct.pack('>BBHHHBBH', 0x45, 0, size, 1 + (i * 2 + turn) % 65535, 0, 64, 17, 0) + src + dst
        udp = struct.pack('>HHHH', 40000, 5432, size - 20, 0) + bytes(size - 28)
        out.append(struct.pack('<IIII', 1795000000 + i // 1000 + turn * 60, i % 1000, size, size) + ip + udp)
open('many.pcap', 'wb').write(b''.join(out))
P
printf '%s\n' 'home DE' 'inside 10.0.0.0/8' 'allow to eea' 'block to any' >policy
printf '%s\n' 52.28.0.0/16,DE,,, 3.80.0.0/16,US,,, >geofeed.csv
replay() { "$CORDON" replay --today 2026-11-24 -p policy --geo geofeed.csv "$@"; }

replay --summary all.json many.pcap >all.events 2>err
same unbounded/exit 4 $?
same unbounded/says_nothing 0 "$(grep -c 'limit\|memory' err)"
replay --memory 4M --summary few.json many.pcap >few.events 2>err
same bounded/exit 4 $?
check bounded/flows_said grep -q 'limit of flows' err
check bounded/destinations_said grep -q 'limit of destinations' err
check bounded/events_said grep -q 'room for.*events' err
check bounded/flows_evicted test "$(jq .notes.flows_evicted few.json)" -gt 0
for what in '[.packets, .ip_packets, .bytes]' '[.countries[] | [.country, .packets, .bytes, .allow, .block]] | sort' \
	'[.services[] | [.service, .packets, .allow, .block]] | sort' '[.hosts[] | [.allow, .alert, .block]] | transpose | map(add)' \
	'[.egress[] | [.verdict, .packets, .bytes]] | group_by(.[0]) | map([.[0][0], (map(.[1]) | add), (map(.[2]) | add)])'; do
	same "bounded/same/$what" "$(jq -c "$what" all.json)" "$(jq -c "$what" few.json)"
done
sums() { jq -sc 'group_by(.destination.ip) | map([.[0].destination.ip, (map(.source.packets) | add), (map(.source.bytes) | add)])' "$1"; }
check bounded/events test -n "$(head -c 1 few.events)"
same bounded/events/sums "$(sums all.events | sha256sum)" "$(sums few.events | sha256sum)"
check bounded/lines test "$(jq '.egress | length' few.json)" -lt 2000
replay --memory 4M --summary again.json many.pcap >again.events 2>/dev/null
check bounded/again cmp few.events again.events
check bounded/again/summary cmp few.json again.json

# equal destinations are no reason for a longer list
replay --summary top.json --top 5 --all many.pcap >/dev/null 2>&1
for list in egress destinations; do
	same top/$list 5 "$(jq ".$list | length" top.json)"
	same top/$list/largest 92 "$(jq "[.$list[].bytes] | unique[0]" top.json)"
done
check top/bytes test "$(stat -c %s top.json)" -lt 16384
replay --memory 3M many.pcap >/dev/null 2>err
same bad/exit 2 $?
check bad/says grep -q 'at least 4M' err
for bad in 4 4MB M -4M 99999999999999999999M 4T; do
	replay --memory "$bad" many.pcap >/dev/null 2>&1
	same bad/$bad 2 $?
done
tap_end
