#!/usr/bin/env python3
"""make.py DIR - captures of handshakes with known round-trip times, policies and a geofeed for the golden tests of distance."""
import ipaddress, struct, sys

SYN, ACK, SYNACK, RST = 0x02, 0x10, 0x12, 0x14
HERE4, HERE6 = "10.20.0.5", "fd20::5"


def packet(src, dst, sport, dport, flags, seq, ack, data=b""):
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 64000, 0, 0) + data
    if a.version == 4:
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + a.packed + b.packed + tcp
    return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + a.packed + b.packed + tcp


class Capture:
    def __init__(self):
        self.packets = []

    def add(self, us, *args, **kw):
        self.packets.append((us, packet(*args, **kw)))

    def handshake(self, us, opener, answerer, sport, dport, out_us, back_us):
        self.add(us, opener, answerer, sport, dport, SYN, 99, 0)
        self.add(us + out_us, answerer, opener, dport, sport, SYNACK, 499, 100)
        self.add(us + out_us + back_us, opener, answerer, sport, dport, ACK, 100, 500)

    def talk(self, us, opener, answerer, sport, dport, out_us, back_us, data_us=None):
        """A handshake, then data both ways: acknowledged data_us (else out_us) and back_us later."""
        self.handshake(us, opener, answerer, sport, dport, out_us, back_us)
        us += out_us + back_us + 1000
        self.add(us, opener, answerer, sport, dport, ACK, 100, 500, data=b"x" * 10)
        us += out_us if data_us is None else data_us
        self.add(us, answerer, opener, dport, sport, ACK, 500, 110, data=b"y" * 10)
        self.add(us + back_us, opener, answerer, sport, dport, ACK, 110, 510)

    def write(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
            for us, p in sorted(self.packets, key=lambda x: x[0]):
                f.write(struct.pack("<IIII", 1795000000 + us // 1000000, us % 1000000, len(p), len(p)) + p)


def main(out):
    near = Capture()  # said to be in the US, and answers in 0.3 ms
    near.talk(0, HERE4, "3.80.0.1", 40000, 5432, 300, 10)
    near.talk(1000000, HERE6, "2600:1f18::1", 40001, 5432, 400, 10)
    near.talk(2000000, HERE4, "3.80.0.1", 40002, 5432, 200, 10)  # told already
    near.write(f"{out}/near.pcap")
    proxy = Capture()  # three countries in one time, and two more
    for i, to in enumerate(("3.80.0.1", "25.0.0.1", "133.0.0.1", "177.0.0.1", "2600:1f18::1")):
        proxy.talk(i * 1000000, HERE6 if ":" in to else HERE4, to, 40000 + i, 5432, 300 + 20 * i, 10)
    proxy.talk(6000000, HERE4, "1.128.0.1", 41000, 5432, 21000, 10)  # at another time: refuted like any other
    proxy.write(f"{out}/proxy.pcap")
    normal = Capture()
    normal.talk(0, HERE4, "3.80.0.1", 40000, 5432, 92000, 10)  # the US, at 92 ms
    normal.talk(1000000, HERE4, "52.28.0.1", 40001, 5432, 400, 10)  # Frankfurt, at 0.4 ms
    normal.talk(2000000, HERE4, "52.28.0.2", 40002, 5432, 150000, 10)  # Frankfurt at 150 ms: a note
    normal.talk(3000000, "3.80.0.2", HERE4, 50000, 5432, 20, 95000)  # a client in the US: our own 20 us say nothing
    normal.add(4000000, HERE4, "3.80.0.3", 40003, 5432, SYN, 99, 0)
    normal.add(4000050, "3.80.0.3", HERE4, 5432, 40003, RST, 0, 100)  # a firewall answers for it
    normal.add(5000000, HERE4, "3.80.0.4", 40004, 5432, ACK, 1000, 1, data=b"x" * 10)  # sent again, its first unseen
    normal.add(5000100, "3.80.0.4", HERE4, 5432, 40004, ACK, 1, 1010)
    normal.talk(6000000, HERE4, "3.80.0.5", 40005, 5432, 200, 10, 95000)  # a SYN proxy: the data takes 95 ms
    normal.talk(7000000, HERE4, "3.80.0.6", 40006, 5432, 92000, 10, 100)  # acknowledged before it came
    normal.handshake(8000000, HERE4, "3.80.0.7", 40007, 5432, 300, 10)  # a handshake alone
    normal.write(f"{out}/normal.pcap")
    for name, lines in {
        "eu.policy": ['home DE 50.11 8.68 "Frankfurt"', "allow to eea", "block to any"],
        "us.policy": ['home DE 50.11 8.68 "Frankfurt"', "allow to any"],
        "nowhere.policy": ["home DE", "allow to eea", "block to any"],
        "ashburn.policy": ['home US 39.04 -77.49 "Ashburn"', "allow to any"],
    }.items():
        with open(f"{out}/{name}", "w") as f:
            f.write("\n".join(lines) + "\n")
    with open(f"{out}/geofeed.csv", "w") as f:
        f.write("3.80.0.0/16,US,,,\n52.28.0.0/16,DE,,,\n2600:1f18::/36,US,,,\n"
                "25.0.0.0/16,GB,,,\n133.0.0.0/16,JP,,,\n177.0.0.0/16,BR,,,\n1.128.0.0/16,AU,,,\n")


main(sys.argv[1])
