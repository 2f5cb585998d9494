# tamper_live.sh - somebody with root takes cordon's hooks or pins away, puts others in their place, changes the mode: an alert each,
# put right within a second, and still there after a stop.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any')
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
blocked() { [ "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)" = EPERM ]; }
alerted() { jq -es 'any(.event.action == "'"$1"'" and .event.kind == "alert" and .event.severity >= 73)' "$ALERTS" >/dev/null; }
told() { jq -es 'any(.event.action == "'"$1"'")' "$ALERTS" >/dev/null; }
agent_up "$f" --mode enforce
check blocks blocked
for h in egress connect4; do
	bpftool link detach pinned "$PIN/link_$h" || not_ok "detach_$h" "bpftool could not"
done
check blocks_again_within_a_second wait_for 1 blocked
check detached_is_an_alert wait_for 1 alerted hook-detached
check attached_again wait_for 1 told hook-attached
same status_says_attached true "$(status_json | jq '[.kernel.hooks[].attached] | all')"
# another program under our link
cat >"$LIVE/yes.bpf.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("cgroup_skb/egress") int yes(struct __sk_buff *s) { return 1; }
char L[] SEC("license") = "GPL";
X
clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c "$LIVE/yes.bpf.c" -o "$LIVE/yes.o"
bpftool prog load "$LIVE/yes.o" "$LIVE/bpf/yes" || not_ok yes "bpftool could not"
cat >"$LIVE/tamper.py" <<'P'
# tamper.py update LINK PROGRAM | mode SETTINGS: by the bpf system call
import ctypes, mmap, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def bpf(cmd, attr):
    r = libc.syscall(321, cmd, ctypes.create_string_buffer(attr, 128), 128)
    assert r >= 0, os.strerror(ctypes.get_errno())
    return r
def get(path):
    b = ctypes.create_string_buffer(path.encode())
    return bpf(7, struct.pack("QII", ctypes.addressof(b), 0, 0))
if sys.argv[1] == "update":
    bpf(29, struct.pack("IIII", get(sys.argv[2]), get(sys.argv[3]), 0, 0))
else:
    m = mmap.mmap(get(sys.argv[2]), 4096)
    m[4:8] = struct.pack("I", 0)
P
udp() { db python3 -c 'import socket
s = socket.socket(2, 2); s.connect(("'$US4'", 7777)); s.send(b"x")' 2>/dev/null; }
refused() { ! udp; }
check tamper_update python3 "$LIVE/tamper.py" update "$PIN/link_egress" "$LIVE/bpf/yes"
check own_program_within_a_second wait_for 1 refused
check program_is_an_alert wait_for 1 alerted program-replaced
same status_says_ours true "$(status_json | jq '[.kernel.hooks[].attached] | all')"
rm -f "$LIVE/bpf/yes"
check tamper_mode python3 "$LIVE/tamper.py" mode "$PIN/settings"
check mode_within_a_second wait_for 1 blocked
check mode_is_an_alert wait_for 1 alerted mode-tampered
rm -f "$PIN"/link_*
check pins_removed_is_an_alert wait_for 1 alerted pins-removed
rm -rf "$PIN"
check pins_are_back wait_for 1 test -e "$PIN/link_egress"
check pins_of_maps_are_back test -e "$PIN/settings"
rm -f "$PIN/link_egress"
agent_stop
check stays_after_stop blocked
check status_from_pins "$CORDON" status --pin "$PIN" --control "$CONTROL"
check detach "$CORDON" detach --pin "$PIN"
same nothing_after_detach "" "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)"
fails_status() { ! "$CORDON" status --pin "$PIN" --control "$CONTROL"; }
check status_says_nothing fails_status
