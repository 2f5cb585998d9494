"""raw.py - packets that no ordinary program sends, for live tests: whole IPv4 packets through a raw socket.

  raw.py fragment FROM TO OFFSET BYTES [PROTO]    a later fragment: no ports
  raw.py udp FROM TO SPORT DPORT [BYTES]          a UDP packet with the source of one's choice
  raw.py syn FROM TO DPORT COUNT                  SYNs, each of another port
  raw.py tcp FROM TO SPORT DPORT FLAGS [BYTES]    a TCP packet of one's own, by a raw socket of TCP
  raw.py proto TO NUMBER [BYTES]                  an IP protocol without ports, source by the kernel
Prints "sent N" or the error of the last packet that was refused.
"""
import socket
import struct
import sys

IPPROTO_RAW = 255


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(src, dst, proto, payload, offset=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 77, offset // 8, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head + payload


def fragment(src, dst, offset, size, proto="17"):
    yield dst, ip4(src, dst, int(proto), b"x" * int(size), int(offset))


def udp(src, dst, sport, dport, size="8"):
    body = b"x" * int(size)
    yield dst, ip4(src, dst, 17, struct.pack("!HHHH", int(sport), int(dport), 8 + len(body), 0) + body)


def syn(src, dst, dport, count):
    for i in range(int(count)):
        tcp = struct.pack("!HHIIBBHHH", 1024 + i % 60000, int(dport), i, 0, 0x50, 2, 65535, 0, 0)
        pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        yield dst, ip4(src, dst, 6, tcp)


def tcp(src, dst, sport, dport, flags, size="0"):
    body = b"x" * int(size)
    head = struct.pack("!HHIIBBHHH", int(sport), int(dport), 1, 1, 0x50, int(flags, 0), 65535, 0, 0)
    v = socket.AF_INET6 if ":" in dst else socket.AF_INET
    pseudo = socket.inet_pton(v, src) + socket.inet_pton(v, dst) + struct.pack("!II", len(head) + len(body), 6)
    yield dst, head[:16] + struct.pack("!H", checksum(pseudo + head + body)) + head[18:] + body


def main():
    verb, args, sent, error = sys.argv[1], sys.argv[2:], 0, None
    if verb == "proto":
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, int(args[1]))
        packets = [(args[0], b"x" * int(args[2] if len(args) > 2 else 8))]
    elif verb == "tcp":
        sock = socket.socket(socket.AF_INET6 if ":" in args[1] else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        packets = tcp(*args)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, IPPROTO_RAW)
        packets = {"fragment": fragment, "udp": udp, "syn": syn}[verb](*args)
    for dst, data in packets:
        try:
            sock.sendto(data, (dst, 0))
            sent += 1
        except OSError as e:
            error = e
    print(error if error else f"sent {sent}")


main()
