"""make.py - a ledger of a database host, and hostile names; a capture of what it sent, as raw IP."""
import ipaddress, os, re, struct, sys
sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
from ledger import Ledger, unix

T = unix("2026-11-20T10:00:00")
l = Ledger("host")


def flow(size, unit, user, exe, prefix, port, proto=6, at=T, flows=1, attempts=0, **more):
    l.row(l.key(unit=unit, user=user, exe=exe, prefix=prefix, port=port, proto=proto, **more), at, size, flows=flows, attempts=attempts)


S3 = dict(country="FR", provider="aws", region="eu-west-3", operator="Amazon", law="US")
DE, US = dict(country="DE", law="DE"), dict(country="US", provider="aws", region="us-east-1", law="US", rule="block to any", verdict=2)
NOWHERE = dict(grade="unknown", rule="block to any", verdict=2)
flow(5_000_000, "postgresql@15-main.service", "postgres", "/usr/lib/postgresql/15/bin/postgres", "10.9.1.0/24", 5432, by_peer=1, **DE)
flow(900_000, "backup.service", "root", "/usr/bin/pgbackrest", "192.0.2.0/24", 443, flows=3, **S3)
flow(100_000, "backup.service", "root", "/usr/bin/pgbackrest", "192.0.2.0/24", 443, at=T + 60, rule="an older rule", **S3)
flow(40_000, "apt-daily.service", "_apt", "/usr/lib/apt/methods/http", "198.51.100.0/24", 80, **DE)
flow(4_000, "chrony.service", "_chrony", "/usr/sbin/chronyd", "198.51.100.0/24", 123, proto=17, **DE)
flow(7_000, "session-3.scope", "alice", "/usr/bin/ssh", "198.51.100.0/24", 22, **DE)
flow(70_000, "telemetry.service", "telemetry", "/usr/bin/telemetry", "203.0.113.0/24", 443, **US)
flow(9_000, "telemetry.service", "telemetry", "/usr/bin/telemetry", "2001:db8:1::/48", 443, country="CH", law="CH", rule="block to any", verdict=2)
flow(800, "systemd-resolved.service", "systemd-resolve", "/usr/lib/systemd/systemd-resolved", "10.1.2.0/24", 53, proto=17, **NOWHERE)
flow(600, "x.service", "u", "/x", "100.0.0.0/24", 443, **NOWHERE)
flow(500, "x.service", "u", "/x", "100.0.1.0/24", 443, **NOWHERE | dict(grade="unprovable"))
flow(400, "x.service", "u", "/x", "100.0.2.0/24", 443, **DE | dict(grade="disputed"))
flow(300, "x.service", "u", "/x", "100.0.3.0/24", 443, **DE | dict(grade="refuted"))
flow(200, "x.service", "u", "/x", "100.0.4.0/24", 443, **DE | dict(grade="stale"))
flow(0, "x.service", "u", "/x", "198.51.100.0/24", 4444, attempts=7, **DE | dict(verdict=2, enforced=1, rule="block to any port 4444"))
flow(150, "x.service", "u", "/x", "198.51.100.0/24", 0, **DE)
# a region of which one address is elsewhere: its name would allow that one too
flow(90, "y.service", "u", "/y", "198.51.100.0/24", 443, **DE | dict(provider="scw", region="r1"))
flow(80, "y.service", "u", "/y", "203.0.113.0/24", 443, **US | dict(provider="scw", region="r1"))
# names that want to be more than a name
flow(70, 'a"\nallow to any\n#.service', "", "/e\nallow to any", "198.51.100.0/24", 443, **DE)
flow(60, "*.service", "*", "/bin/\x1b[2J", "198.51.100.0/24", 443, **DE)
flow(50, "dev\\x2d\"q\".service", "", "/q", "198.51.100.0/24", 443, **DE)
flow(55, "z.service", "", "/z", "198.51.100.0/24", 443, **DE | dict(provider="p\nallow to any", region='r"\nallow to any'))
# many countries become the zone
for i, cc in enumerate(("AT", "BE", "CZ", "DK", "EE", "FI", "GR", "HU", "NO")):
    flow(10 + i, "mail.service", "mail", "/usr/sbin/exim4", f"198.18.{i}.0/24", 25, country=cc, law="DE")
flow(33, "old.service", "old", "/old", "198.51.100.0/24", 99, at=unix("2026-09-01T10:00:00"), **DE)
l.row(l.key(kind=1, **{c: "" for c in ("unit", "exe", "user", "grade", "rule", "prefix")}, port=0, proto=0), T, 1234)
l.done()

most = int(re.search(r"DECIDE_SUBJECTS_MAX +(\d+)", open(os.environ["ROOT"] + "/rules/decide.h").read()).group(1))
open("most", "w").write(str(most))
l = Ledger("many")
for i in range(most + 2):
    flow(1000 + i, f"s{i:03}.service", "", "/s", "198.51.100.0/24", 443, **DE)
l.done()


def packet(src, dst, dport, n, data=b""):
    s, d = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    tcp = struct.pack("!HHIIBBHHH", 40000 + n, dport, 1 + bool(data), bool(data), 0x50, 0x18 if data else 2, 1024, 0, 0) + data
    if s.version == 4:
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), n, 0, 64, 6, 0, s.packed, d.packed) + tcp
    return struct.pack("!IHBB16s16s", 6 << 28, len(tcp), 6, 64, s.packed, d.packed) + tcp


with open("sent.pcap", "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
    for n, (dst, port) in enumerate((("192.0.2.7", 443), ("198.51.100.9", 80), ("10.9.1.4", 5432), ("203.0.113.5", 443), ("240.0.0.1", 443),
                                     ("10.1.2.3", 53), ("2001:db8:1::5", 443), ("192.0.2.200", 443))):
        p = packet("10.0.0.5" if ":" not in dst else "fd00::5", dst, port, n)
        f.write(struct.pack("<IIII", T, n, len(p), len(p)) + p)
    # who asks for a name says so
    for n, dst, name in ((1, "198.51.100.9", "deb.example"), (20, "203.0.113.9", "api.datadoghq.com")):
        for data in (b"", b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % name.encode()) if n == 20 else (b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % name.encode(),):
            p = packet("10.0.0.5", dst, 80, n, data)
            f.write(struct.pack("<IIII", T + 1, n, len(p), len(p)) + p)
