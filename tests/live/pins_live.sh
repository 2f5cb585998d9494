# LIMIT 900
# pins_live.sh - restarts with every kind of subset of the pins removed and the ABI number changed, while connected UDP and SYNs go
# to a blocked place at full rate: no packet arrives, and the totals go on. PINS_RESTARTS=1000 for the long run.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
n=${PINS_RESTARTS:-60}
f=$(policy 'home DE' 'mode enforce' 'allow to eea' 'block to any')
RANDOM=${SEED:-7}
cat >"$LIVE/version.py" <<'P'
# the pinned settings map gets another ABI number
import ctypes, mmap, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
path = ctypes.create_string_buffer(sys.argv[1].encode())
attr = ctypes.create_string_buffer(struct.pack("QII", ctypes.addressof(path), 0, 0), 128)
fd = libc.syscall(321, 7, attr, 128)  # bpf(BPF_OBJ_GET)
assert fd >= 0, os.strerror(ctypes.get_errno())
m = mmap.mmap(fd, 4096)
m[0:4] = struct.pack("I", struct.unpack("I", m[0:4])[0] + 1)
P
count_start us
agent_up "$f"
cat >"$LIVE/udp.py" <<'P'
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 7777))
print("ready", file=sys.stderr, flush=True)
while True:
    try: s.send(b"x" * 64)
    except OSError: pass
P
bg udp db nice -n 19 python3 "$LIVE/udp.py" $US4
bg udp6 db nice -n 19 python3 "$LIVE/udp.py" $US6
bg flood db nice -n 19 $PEER flood $US4 7000
bg_ready udp
bg_ready flood
maps=$(ls "$PIN" | grep -v '^link_')
links=$(ls "$PIN" | grep '^link_' | grep -v '^link_egress$') # without the link of the packet hook nothing can be in force
for ((i = 1; i <= n; i++)); do
	agent_stop KILL
	for p in $maps $links; do [ $((RANDOM % (i % 5 + 1))) = 0 ] && [ $((i % 4)) != 0 ] && rm -f "$PIN/$p"; done
	[ $((i % 3)) = 0 ] && [ -e "$PIN/settings" ] && python3 "$LIVE/version.py" "$PIN/settings"
	agent_up "$f"
done
check alive bg_alive udp
same "packets_out_in_${n}_restarts" 0 "$(count_stop us)"
check all_is_pinned test "$(ls "$PIN" | wc -l)" -ge "$(echo "$maps" "$links" | wc -w)"
# totals survive kill -9 where nothing else was done to them
bg_stop udp; bg_stop udp6; bg_stop flood
db $PEER pour $US4 7000 --bytes 10 >/dev/null
before=$(status_json | jq -c '[.counters | .allow, .alert, .block]')
agent_stop KILL
agent_up "$f"
same totals_survive_kill "$before" "$(status_json | jq -c '[.counters | .allow, .alert, .block]')"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
