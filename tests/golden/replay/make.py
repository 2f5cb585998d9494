#!/usr/bin/env python3
"""make.py DIR - writes the captures of this golden test, made by hand and the same each time, and the files they need."""
import gzip, os, struct, sys
from ipaddress import ip_address

T0 = 1795430400  # 2026-11-23T10:40:00Z
DB, DE, US, GB, NOWHERE = '10.0.0.5', '52.28.0.1', '3.80.0.1', '51.140.0.1', '198.18.0.9'
DB6, DE6, US6 = 'fd00::5', '2001:4ca0::1', '2600:1f18::1'
SYN, SYNACK, ACK, FIN = 2, 18, 16, 17


def tcp(sport, dport, flags, n=0):
    return struct.pack('>HHIIBBHHH', sport, dport, 1, 1, 0x50, flags, 8192, 0, 0) + bytes(n)


def udp(sport, dport, n=0):
    return struct.pack('>HHHH', sport, dport, 8 + n, 0) + bytes(n)


def ip(src, dst, proto, body, frag=0, ident=0, options=b''):
    s, d = ip_address(src), ip_address(dst)
    if s.version == 6:
        return struct.pack('>IHBB', 6 << 28, len(body), proto, 64) + s.packed + d.packed + body
    head = 20 + len(options)
    return struct.pack('>BBHHHBBH', 0x40 | head // 4, 0, head + len(body), ident, frag, 64, proto, 0) + \
        s.packed + d.packed + options + body


def ethernet(packet, vlan=None):
    kind = b'\x86\xdd' if packet[0] >> 4 == 6 else b'\x08\x00'
    tag = b'\x81\x00' + struct.pack('>H', vlan) if vlan else b''
    return bytes.fromhex('020000000001020000000002') + tag + kind + packet


class Pcap:
    def __init__(self, link=1):
        self.data = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)
        self.time = T0 * 1000000

    def put(self, frame, step=1000, snap=None):
        self.time += step
        cut = frame[:snap] if snap else frame
        self.data += struct.pack('<IIII', self.time // 1000000, self.time % 1000000, len(cut), len(frame)) + cut

    def session(self, a, b, sport, dport, sizes, flags=SYN):
        """a opens to b; positive sizes go from a to b, negative ones back"""
        if flags:
            self.put(ethernet(ip(a, b, 6, tcp(sport, dport, SYN))))
            self.put(ethernet(ip(b, a, 6, tcp(dport, sport, SYNACK))))
        for n in sizes:
            if n >= 0:
                self.put(ethernet(ip(a, b, 6, tcp(sport, dport, ACK, n))))
            else:
                self.put(ethernet(ip(b, a, 6, tcp(dport, sport, ACK, -n))))


def database():
    c = Pcap()
    c.session(DB, DE, 40000, 5432, [100, -2000, 30])
    c.session(DB, US, 40001, 443, [500, 1400, -60, 1400])
    c.session(US, DB, 50123, 5432, [80, -1200, -1200])  # opened by the peer: what leaves is the answer
    c.session(DB, GB, 40002, 5432, [10])
    c.put(ethernet(ip(DB, '10.0.0.6', 17, udp(5000, 53, 20)), vlan=7))
    c.put(ethernet(ip(DB, '8.8.8.8', 17, udp(5001, 53, 20))))
    c.put(ethernet(ip(DB, '192.168.7.7', 17, udp(5001, 53, 20))))
    c.session(DB, US, 5432, 50999, [700, 800, -10], flags=0)  # seen from its middle: the ports say who serves
    return c.data


def v6():
    c = Pcap(101)
    for dst in (DE6, US6, '64:ff9b::3.80.0.9', '64:ff9b::52.28.0.9', '2002:0350:0001::1', 'fd00::6', 'fe80::1',
                'ff02::fb', 'ff0e::1', '2001:db8::1'):
        c.put(ip(DB6, dst, 17, udp(40000, 4433, 100)))
    c.put(ip(DB6, DE6, 43, bytes([17, 2, 0, 1]) + bytes(4) + ip_address(US6).packed + udp(40001, 4433, 50)))
    c.put(ip(DB6, DE6, 60, bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 9 + bytes([17, 0, 1, 4, 0, 0, 0, 0]) + udp(1, 2)))
    return c.data


def odd():
    c = Pcap()
    c.put(ethernet(ip(DB, US, 17, udp(40000, 4433, 1472), frag=0x2000, ident=7)))
    c.put(ethernet(ip(DB, US, 17, bytes(1480), frag=0x2000 | 185, ident=7)))
    c.put(ethernet(ip(DB, US, 17, bytes(100), frag=370, ident=7)))
    c.put(ethernet(ip(DB, US, 17, bytes(100), frag=370, ident=8)))  # its first never came
    c.put(ethernet(ip(DB, DE, 17, udp(40001, 4433, 10), options=bytes([0x83, 7, 4]) + ip_address(US).packed + b'\0')))
    c.put(ethernet(ip(DB, US, 1, bytes([8, 0]) + bytes(30))))
    c.put(ethernet(ip(US, DB, 1, bytes([0, 0]) + bytes(30))))
    c.put(ethernet(ip('0.0.0.0', '255.255.255.255', 17, udp(68, 67, 240))))
    c.put(ethernet(ip(DB, '224.0.0.251', 17, udp(5353, 5353, 40))))
    c.put(ethernet(ip(DB, '239.1.2.3', 17, udp(5353, 5353, 40))))
    c.put(ethernet(ip(DB, '127.0.0.1', 17, udp(1, 2, 3))))
    c.put(ethernet(ip(DB, DE, 17, udp(40003, 4433, 1000))), snap=42)
    c.put(bytes.fromhex('ffffffffffff0200000000010806') + bytes(28))
    c.put(ethernet(b'\x44' + ip(DB, US, 17, udp(1, 2))[1:]))
    c.put(ethernet(ip(DB, DE, 17, udp(40004, 4433, 10))), step=-5000)
    return c.data


def pcapng():
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack('<II', kind, 12 + len(body)) + body + struct.pack('<I', 12 + len(body))

    def packet(i, t, frame):
        return block(6, struct.pack('<IIIII', i, t >> 32, t & 0xffffffff, len(frame), len(frame)) + frame)

    section = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
    nano = struct.pack('<HH', 9, 1) + b'\x09\0\0\0' + bytes(4)
    out = section + block(1, struct.pack('<HHI', 1, 0, 0)) + block(1, struct.pack('<HHI', 101, 0, 0) + nano) + \
        block(1, struct.pack('<HHI', 231, 0, 0))
    out += packet(0, T0 * 10**6, ethernet(ip(DB, US, 17, udp(40000, 4433, 100))))
    out += packet(1, T0 * 10**9 + 5, ip(DB, DE, 17, udp(40001, 4433, 100)))
    out += packet(2, T0 * 10**6, b'l\1\0\1')
    out += section + block(1, struct.pack('<HHI', 276, 0, 0))
    sll2 = struct.pack('>HHIHBB', 0x800, 0, 2, 1, 4, 6) + bytes(8)
    out += packet(0, T0 * 10**6 + 9, sll2 + ip(DB, US, 17, udp(40000, 4433, 50)))
    return out


def until():
    """a transfer that goes on over the day at which its exception ends"""
    c = Pcap()
    c.time = (T0 - T0 % 86400 + 86400 - 3) * 1000000
    c.session(DB, US, 40000, 443, [], flags=SYN)
    for _ in range(6):
        c.put(ethernet(ip(DB, US, 6, tcp(40000, 443, ACK, 1000))), step=1000000)
    return c.data


def over():
    """1,040 bytes at a time, six in a minute, and two more when an hour has passed"""
    c = Pcap()
    c.session(DB, US, 40000, 443, [], flags=SYN)
    for step in [10000000] * 6 + [3840000000, 1000000]:
        c.put(ethernet(ip(DB, US, 6, tcp(40000, 443, ACK, 1000))), step=step)
    c.put(ethernet(ip(DB, US, 17, udp(40001, 443, 3000))), step=1000)
    c.put(ethernet(ip(DB, DE, 17, udp(40001, 443, 30000))), step=1000)
    return c.data


def main():
    d = sys.argv[1]
    files = {
        'database.pcap': database(), 'v6.pcap': v6(), 'odd.pcap': odd(), 'mixed.pcapng': pcapng(),
        'until.pcap': until(), 'over.pcap': over(), 'cut.pcap': database()[:-100], 'empty.pcap': Pcap().data,
        'geofeed.csv': b'# where things are\n3.80.0.0/16,US,,,\n52.28.0.0/16,DE,,,\n51.140.0.0/16,GB,,,\n'
                       b'8.8.8.0/24,US,,,\n2600:1f18::/33,US,,,\n2001:4ca0::/32,DE,,,\n',
        'eu.policy': b'allow to private\nallow to eea\nalert to adequate\nblock to any\n',
        'until.policy': b'allow to eea\nallow to US port 443 until 2026-11-24 because "migration"\n'
                        b'block to any severity critical\n',
        'over.policy': b'alert to US over 9kB per 1d\nblock to US over 4500B per 1h severity critical\nallow to any\n',
        'peer.policy': b'inside 10.0.0.0/24\nallow to eea\nalert to any opened by peer port 5432\nblock to any\n',
        'unit.policy': b'block from unit "postgresql@*.service" to any\nallow to any\n',
        'open.policy': b'allow to any\n', 'wrong.policy': b'allow to UK\nblok to any\n',
    }
    os.makedirs(d + '/dir/sub')
    whole = files['database.pcap']
    files['dir/a.pcap'] = whole[:24 + 16 + 54]       # the first packet
    files['dir/b.pcap.gz'] = gzip.compress(whole[:24], mtime=0) + gzip.compress(whole[24 + 16 + 54:], mtime=0)
    files['dir/README'] = b'no capture\n'
    files['dir/sub/c.pcap'] = files['empty.pcap']
    for name, data in files.items():
        with open(d + '/' + name, 'wb') as f:
            f.write(data)
    os.utime(d + '/geofeed.csv', (T0, T0))


main()
