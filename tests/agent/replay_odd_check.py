#!/usr/bin/env python3
# replay_odd_check.py - odd frames and files, each made here: what is judged, what is said, and with which exit code.
import gzip
import json
import os
import struct
import subprocess
import tarfile

H = struct.pack
os.chdir(os.environ["TMPDIR"])


def ip4(dst="8.8.8.8", proto=17, payload=None, options=b""):
    if payload is None:
        payload = H(">HHHH", 40000, 5432, 48, 0) + bytes(40)
    ihl = 5 + len(options) // 4
    return (H(">BBHHHBBH", 0x40 | ihl, 0, ihl * 4 + len(payload), 7, 0, 64, proto, 0) + bytes([10, 0, 0, 1]) +
            bytes(int(x) for x in dst.split(".")) + options + payload)


def pcap(link, *frames):
    head = H("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    return head + b"".join(H("<IIII", 1764000000 + i, 0, len(f), len(f)) + f for i, f in enumerate(frames))


def block(kind, body):
    body += bytes(-len(body) % 4)
    return H("<II", kind, len(body) + 12) + body + H("<I", len(body) + 12)


def old_packets(drops):
    d = ip4()
    return (block(0x0a0d0d0a, H("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(1, H("<HHI", 101, 0, 0)) +
            b"".join(block(2, H("<HHIIII", 0, n, 410715, 1, len(d), len(d)) + d) for n in drops))


def packed(*command):
    return subprocess.run(command, input=pcap(101, ip4()), stdout=subprocess.PIPE, check=True).stdout


def tar():
    with open("inside", "wb") as f:
        f.write(pcap(101, ip4()))
    with tarfile.open("made.tar", "w") as t:
        t.add("inside")
    with open("made.tar", "rb") as f:
        return f.read()


def program():
    with open(os.environ["CORDON"], "rb") as f:
        return f.read(1 << 20)


LLC_OSI, SNAP = b"\xfe\xfe\3", b"\0\0\0" + H(">H", 0x800)
ROUTE = b"\x83\7\4\x08\x08\x08\x08\0"  # loose, not used up: it ends at 8.8.8.8
BROKEN = b"\x83\0\0\0"
TO_GROUP = ip4("232.1.1.1")
SKIPPED = H("<II", 0x184d2a50, 4) + b"size"
MAC = b"\2\0\0\0\0\1\2\0\0\0\0\2"

# name, bytes, packets, of them blocked, exit code, what standard error has
CASES = [
    ("atm_ppp", pcap(100, LLC_OSI + b"\xcf" + H(">H", 0x21) + ip4()), 1, 1, 4, ""),
    ("atm_ip", pcap(100, LLC_OSI + b"\xcc" + ip4()), 1, 1, 4, ""),
    ("atm_snap", pcap(100, LLC_OSI + b"\x80" + SNAP + ip4()), 1, 1, 4, ""),
    ("frame_relay_ppp", pcap(107, b"\x18\x41\3\xcf" + H(">H", 0x21) + ip4()), 1, 1, 4, ""),
    ("frame_relay_ip", pcap(107, b"\x18\x41\3\xcc" + ip4()), 1, 1, 4, ""),
    ("is_is", pcap(1, MAC + H(">H", 40) + LLC_OSI + b"\x83" + bytes(36)), 1, 0, 0, ""),
    ("clnp", pcap(1, MAC + H(">H", 40) + LLC_OSI + b"\x81" + bytes(36)), 1, 0, 5, "not judged: 1 frames"),
    ("pim_register", pcap(101, ip4("10.0.0.9", 103, H(">BBHI", 0x21, 0, 0, 0) + TO_GROUP)), 1, 1, 4, ""),
    ("pim_null", pcap(101, ip4("10.0.0.9", 103, H(">BBHI", 0x21, 0, 0, 1 << 30) + TO_GROUP)), 1, 0, 0, ""),
    ("pim_hello", pcap(101, ip4("224.0.0.13", 103, H(">BBH", 0x20, 0, 0) + bytes(20))), 1, 0, 0, ""),
    ("route_by_a_hop_inside", pcap(101, ip4("10.0.0.9", options=ROUTE)), 1, 1, 4, ""),
    ("route_that_ends_inside", pcap(101, ip4("10.0.0.9", options=ROUTE[:3] + b"\x0a\0\0\x08\0")), 1, 0, 0, ""),
    ("route_that_hides", pcap(101, ip4("10.0.0.9", options=BROKEN)), 1, 1, 4, ""),
    ("old_block", old_packets([0, 0xffff]), 2, 2, 4, ""),
    ("old_block_with_drops", old_packets([3, 4]), 2, 2, 5, "lost 7 packets"),
    ("zstd_skipped_frame", SKIPPED + packed("zstd", "-qc"), 1, 1, 4, ""),
    ("zstd_skipped_between", packed("zstd", "-qc") + SKIPPED, 1, 1, 4, ""),
    ("lz4_skipped_frame", SKIPPED + SKIPPED + packed("lz4", "-qc"), 1, 1, 4, ""),
    ("lz4_legacy", packed("lz4", "-qlc"), 0, 0, 1, "legacy format, which is not read: unpack"),
    ("gzip_in_gzip", gzip.compress(gzip.compress(pcap(101, ip4()))), 0, 0, 1, "compressed twice"),
    ("lzma", packed("xz", "--format=lzma", "-qc"), 0, 0, 1, "compressed with lzma"),
    ("tar", tar(), 0, 0, 1, "a tar archive, which is not read"),
    ("tar_in_gzip", gzip.compress(tar()), 0, 0, 1, "a tar archive, which is not read"),
    ("program", program(), 0, 0, 1, "not a capture"),
]


def main():
    with open("policy", "w") as f:
        f.write("home DE\ninside 10.0.0.0/8\nallow to eea\nblock to any\n")
    for name, data, packets, blocked, code, said in CASES:
        with open(name, "wb") as f:
            f.write(data)
        r = subprocess.run([os.environ["CORDON"], "replay", "--today", "2026-11-26", "-p", "policy", "--summary", "s.json",
                            name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with open("s.json") as f:
            s = json.load(f)
        got = (s["packets"], sum(d["packets"] for d in s["egress"] if d["verdict"] == "block"), r.returncode)
        err = r.stderr.decode(errors="replace")
        if got != (packets, blocked, code):
            print(f"not ok {name} - want {(packets, blocked, code)}, got {got}: {err.strip()[:200]!r}")
        elif said not in err:
            print(f"not ok {name} - no {said!r} in {err!r}")
        else:
            print(f"ok {name}")


main()
