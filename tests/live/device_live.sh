# LIMIT 600
# device_live.sh - the hook on network devices (--devices): packet sockets, forwarded packets, new devices, kill -9, reloads, order.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')
cat >"$LIVE/frame.py" <<'P'
# frame.py DEVICE ADDRESS COUNT [SECONDS]: UDP in frames of one's own, from a packet socket
import ipaddress, socket, struct, sys, time
device, to, count = sys.argv[1], ipaddress.ip_address(sys.argv[2]), int(sys.argv[3])
end = time.monotonic() + float(sys.argv[4]) if len(sys.argv) > 4 else None
payload = b"frame"
udp = struct.pack("!HHHH", 4000, 7777, 8 + len(payload), 0) + payload
if to.version == 4:
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton("10.20.0.5"), to.packed)
    s = sum(struct.unpack("!10H", ip)); s = (s & 0xffff) + (s >> 16); s = ~((s & 0xffff) + (s >> 16)) & 0xffff
    ip = ip[:10] + struct.pack("!H", s) + ip[12:]
else:
    ip = struct.pack("!IHBB16s16s", 0x60000000, len(udp), 17, 64, socket.inet_pton(socket.AF_INET6, "fd20::5"), to.packed)
mac = bytes.fromhex(sys.stdin.read().strip().replace(":", ""))
frame = mac + b"\2\0\0\0\0\1" + struct.pack("!H", 0x800 if to.version == 4 else 0x86dd) + ip + udp
p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
p.bind((device, 0))
print("ready", file=sys.stderr, flush=True)
while count or (end and time.monotonic() < end):
    count -= 1 if count else 0
    try:
        p.send(frame)
    except OSError:
        pass
    if end:
        time.sleep(0.0005)
P
router=$(ip -n "$ID-net" -j link show db | jq -r '.[0].address')
frames() { "$1" python3 "$LIVE/frame.py" "$2" "$3" "${4:-20}" <<<"$router" 2>/dev/null; }
arrived() { # HOST CMD...: packets that came there from db meanwhile
	local h=$1
	shift
	count_start "$h"
	"$@"
	sleep 0.3
	count_stop "$h"
}
devices() { status_json | jq -r "[.kernel.devices.list[] | select(.attached).device] | sort | join(\",\")"; }
outside() { on db "$@"; } # in db's namespace, not in the cgroup

# none, which is what a run without the option does
agent_up "$f" --mode enforce
same none none "$(status_json | jq -r .kernel.devices.scope)"
same none_passes 20 "$(arrived us frames db eth0 $US4)"
agent_stop

# own: what sockets of the cgroup send, whatever kind they are
agent_up "$f" --mode enforce --devices own
same own_attached eth0 "$(devices)"
for v in 4 6; do
	eval "us=\$US$v eu=\$EU$v"
	same "own_us_v$v" 0 "$(arrived us frames db eth0 "$us")"
	same "own_eu_v$v" 20 "$(arrived eu frames db eth0 "$eu")"
	same "others_us_v$v" 20 "$(arrived us frames outside eth0 "$us")"
done
check blocked_is_told wait_for 5 jq -es "any(.event.action == \"flow-blocked\" and .destination.ip == \"$US4\" and .process.name == \"python3\")" "$ALERTS"
same counted_once 40 "$(status_json | jq .counters.block.packets)"
# TCP and UDP of sockets are judged and counted by the packet hook alone
bg sink on eu $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
a=$(status_json | jq .counters.allow.packets)
db python3 -c 'import socket
s = socket.socket(2, 2)
for i in range(100): s.sendto(b"x", ("'$EU4'", 7777))'
same socket_counted_once 100 "$(($(status_json | jq .counters.allow.packets) - a))"
db $PEER pour $EU4 7000 --bytes 500000 >/dev/null
check socket_goes_through wait_for 5 eval '[ "$(cat "$LIVE/sink")" = 500000 ]'
same sockets_not_told_by_device 40 "$(status_json | jq .counters.block.packets)"

# a reload swaps it, kill -9 leaves it, a new agent takes it over: a flood of frames, none arrives
count_start us
cat >"$LIVE/flood.sh" <<X
echo "$router" | exec python3 "$LIVE/frame.py" eth0 $US4 0 8
X
bg flood2 db bash "$LIVE/flood.sh"
bg_ready flood2 || not_ok flood2 "did not start"
for i in $(seq 20); do
	printf '%s\n' 'home DE' "# $i" 'allow to eea' 'block to any severity high' >"$f"
	"$CORDON" reload --control "$CONTROL" >/dev/null || not_ok "reload_$i" "failed"
done
bg_stop agent KILL
sleep 0.5
check pinned_without_agent test -e "$PIN/device_$(on db ip -j link show eth0 | jq '.[0].ifindex')"
agent_up "$f" --mode enforce --devices own
same adopted eth0 "$(devices)"
wait_for 20 eval '! bg_alive flood2'
same flood_arrived 0 "$(count_stop us)"
check flood_was_one test "$(status_json | jq .counters.block.packets)" -gt 1000

# devices come and go
for i in 1 2 3 4 5; do
	outside ip link add new$i type veth peer name peer$i
	outside ip link set new$i up
	outside ip link set peer$i up
	check "new_$i" wait_for 3 eval "devices | grep -q new$i"
	outside ip link del new$i
	check "gone_$i" wait_for 3 eval "! devices | grep -q new$i"
done
same pins_of_gone 1 "$(find "$PIN" -name 'device_*' | wc -l)"

# monitor: everything passes, and is told
"$CORDON" reload --control "$CONTROL" --mode monitor >/dev/null
same monitor_passes 20 "$(arrived us frames db eth0 $US4)"
check monitor_tells wait_for 5 jq -es "any(.event.action == \"flow-would-block\" and .destination.ip == \"$US4\")" "$ALERTS"
"$CORDON" reload --control "$CONTROL" --mode enforce >/dev/null

# somebody's program before ours lets everything pass: put behind within a second, and an alert
cat >"$LIVE/ok.bpf.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("tc") int ok(struct __sk_buff *s) { return 0; }
char L[] SEC("license") = "GPL";
X
clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c "$LIVE/ok.bpf.c" -o "$LIVE/ok.o"
bpftool prog load "$LIVE/ok.o" "$LIVE/bpf/ok" || not_ok ok "bpftool could not"
cat >"$LIVE/before.py" <<'P'
# before.py PROGRAM DEVICE: a TCX link before all others, until it is killed
import ctypes, os, signal, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def bpf(cmd, attr):
    r = libc.syscall(321, cmd, ctypes.create_string_buffer(attr, 128), 128)
    assert r >= 0, os.strerror(ctypes.get_errno())
    return r
b = ctypes.create_string_buffer(sys.argv[1].encode())
prog = bpf(7, struct.pack("QII", ctypes.addressof(b), 0, 0))
link = bpf(28, struct.pack("IIII", prog, socket.if_nametoindex(sys.argv[2]), 47, 8))
print("ready", file=sys.stderr, flush=True)
signal.pause()
P
if [ "$(status_json | jq -r .kernel.devices.by)" = tcx ]; then
	bg before outside python3 "$LIVE/before.py" "$LIVE/bpf/ok" eth0
	bg_ready before || not_ok before "did not start"
	check before_is_an_alert wait_for 3 jq -es 'any(.event.action == "program-before")' "$ALERTS"
	same before_us 0 "$(arrived us frames db eth0 $US4)"
	bg_stop before
fi
agent_stop

# all: what this namespace sends and forwards, whosever it is
agent_up "$f" --mode enforce --devices all
same all_others_us 0 "$(arrived us frames outside eth0 $US4)"
same all_others_eu 20 "$(arrived eu frames outside eth0 $EU4)"
ip netns add "$ID-behind"
HOSTS="$HOSTS behind"
outside ip link add inner type veth peer name eth0 netns "$ID-behind"
outside ip addr add 10.20.1.1/24 dev inner
outside ip link set inner up
outside sysctl -qw net.ipv4.ip_forward=1
on behind ip addr add 10.20.1.2/24 dev eth0
on behind ip link set eth0 up
on behind ip route add default via 10.20.1.1
check new_inner wait_for 3 eval 'devices | grep -q inner'
say() { on behind python3 -c 'import socket, sys
s = socket.socket(2, 2)
for i in range(20): s.sendto(b"x", (sys.argv[1], 7777))' "$1"; }
forwarded() { # HOST ADDRESS
	bg "count-$1" on "$1" $PEER count --from 10.20.1.2 --out "$LIVE/count-$1.json"
	bg_ready "count-$1"
	say "$2"
	sleep 0.3
	count_stop "$1"
}
same forwarded_us 0 "$(forwarded us $US4)"
same forwarded_eu 20 "$(forwarded eu $EU4)"
check status_text eval '"$CORDON" status --control "$CONTROL" | grep -q "^devices .*eth0.*all packets"'
agent_stop

# what a stop leaves, detach takes
same stays_after_stop 0 "$(arrived us frames db eth0 $US4)"
check detach "$CORDON" detach --pin "$PIN"
same passes_after_detach 20 "$(arrived us frames db eth0 $US4)"
same no_pin_left "" "$(find "$PIN" -name 'device_*' 2>/dev/null)"
