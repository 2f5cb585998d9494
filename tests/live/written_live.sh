# LIMIT 300
# written_live.sh - 'opened by peer' is what the kernel's TCP says: headers that a raw socket wrote, with the port of somebody who listens or as the answer to a SYN, are not believed.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'home DE' 'mode enforce' 'allow to any opened by peer' 'block to any')
agent_up "$f"
bg served db $PEER sink 5432 --out "$LIVE/served"
bg_ready served
count_start us
check "who comes from the US is served" us $PEER pour $DB4 5432 --bytes 1000
check "and its packets arrive" wait_for 5 eval '[ "$(cat "$LIVE/served")" = 1000 ]'
check "with replies" test "$(count_stop us)" -gt 1
count_start us
i=0
forge() { # FROM TO FLAGS BYTES
	i=$((i + 1))
	same "flags $3, $4 bytes to $2" "[Errno 1] Operation not permitted" "$(db $RAW tcp "$1" "$2" 5432 $((4000 + i)) "$3" "$4")"
}
# SYN+ACK, ACK, PSH+ACK, FIN+ACK, RST; without data and with
for flags in 0x12 0x10 0x18 0x11 0x04; do
	for size in 0 1 500; do
		forge $DB4 $US4 $flags $size
		forge $DB6 $US6 $flags $size
	done
done
same "nothing arrives" 0 "$(count_stop us)"
check "and it is told" jq -es 'any(.event.action == "flow-blocked" and .source.port == 5432)' "$ALERTS"
agent_stop

# the same in frames of a packet socket, which the hook on devices judges
agent_up "$f" --devices own
cat >"$LIVE/frame.py" <<'P'
import socket, struct, sys
mac, src, dst = bytes.fromhex(sys.argv[1].replace(":", "")), sys.argv[2], sys.argv[3]
for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
    for flags in (0x12, 0x10, 0x18):
        tcp = struct.pack("!HHIIBBHHH", 5432, 4999, 1, 1, 0x50, flags, 65535, 0, 0) + b"x" * 100
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, socket.inet_aton(src), socket.inet_aton(dst))
        s = sum(struct.unpack("!10H", head))
        s = (s & 0xffff) + (s >> 16)
        packet = head[:10] + struct.pack("!H", ~((s & 0xffff) + (s >> 16)) & 0xffff) + head[12:] + tcp
        p = socket.socket(socket.AF_PACKET, kind, 0)
        try:
            if kind == socket.SOCK_RAW:
                p.bind(("eth0", 0))
                p.send(mac + b"\2\0\0\0\0\1\x08\0" + packet)
            else:
                p.sendto(packet, ("eth0", 0x800, 0, 0, mac))
        except OSError:
            pass
P
router=$(ip -n "$ID-net" -j link show db | jq -r '.[0].address')
count_start us
db python3 "$LIVE/frame.py" "$router" $DB4 $US4
sleep 0.5
same "no frame arrives" 0 "$(count_stop us)"
printf '%s\n' 'home DE' 'mode enforce' 'allow to any' >"$f"
check "with a policy that lets them" "$CORDON" reload --control "$CONTROL"
count_start us
db python3 "$LIVE/frame.py" "$router" $DB4 $US4
sleep 0.5
same "the same frames arrive" 6 "$(count_stop us)"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
