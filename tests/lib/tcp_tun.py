#!/usr/bin/env python3
"""tcp_tun.py ADDRESS --handshake MS --data MS - a TCP server behind a TUN device, for live tests: answers a SYN after one time, data after another.

A SYN proxy answers the first at once and the second late; who acknowledges ahead of the data, the other way round. Prints 'ready' on stderr.
"""
import argparse, fcntl, heapq, os, select, socket, struct, subprocess, sys, time

FIN, SYN, ACK, DEVICE = 1, 2, 16, "tt0"


def checksum(b):
    s = sum(struct.unpack(f"!{(len(b) + 1) // 2}H", b + b"\0" * (len(b) % 2)))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def segment(src, dst, sport, dport, seq, ack, flags):
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 65535, 0, 0)
    sum_ = checksum(src + dst + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + src + dst
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp[:16] + struct.pack("!H", sum_) + tcp[18:]


def answers(packet, mine):
    """(is it the handshake's?, the answer) of what a client sent"""
    head = (packet[0] & 15) * 4
    if packet[0] >> 4 != 4 or packet[9] != 6:
        return
    src, dst = packet[12:16], packet[16:20]
    sport, dport, seq, ack, off, flags = struct.unpack("!HHIIBB", packet[head:head + 14])
    n = struct.unpack("!H", packet[2:4])[0] - head - (off >> 4) * 4
    if flags & SYN:
        yield True, segment(dst, src, dport, sport, mine, seq + 1, SYN | ACK)
    elif flags & FIN:
        yield False, segment(dst, src, dport, sport, mine + 1, seq + n + 1, FIN | ACK)
    elif n:
        yield False, segment(dst, src, dport, sport, mine + 1, seq + n, ACK)


p = argparse.ArgumentParser(description=__doc__)
p.add_argument("address")
p.add_argument("--handshake", type=float, default=0)
p.add_argument("--data", type=float, default=0)
a = p.parse_args()
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", DEVICE.encode(), 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
for c in (f"ip link set {DEVICE} up", f"ip route add {a.address} dev {DEVICE}", "sysctl -qw net.ipv4.ip_forward=1"):
    subprocess.run(c.split(), check=True)
print("ready", file=sys.stderr, flush=True)
due = []  # (when, number, packet)
count = 0
while True:
    wait = max(0, due[0][0] - time.monotonic()) if due else None
    if select.select([tun], [], [], wait)[0]:
        for first, answer in answers(os.read(tun, 65536), 1000):
            count += 1
            heapq.heappush(due, (time.monotonic() + (a.handshake if first else a.data) / 1000, count, answer))
    while due and due[0][0] <= time.monotonic():
        os.write(tun, heapq.heappop(due)[2])
