#!/usr/bin/env python3
"""peer.py - the other side of a live test: counts what arrives, sends without pause, serves and reads bytes.

count --from ADDR [--out FILE]      count IP packets from ADDR on every interface of this namespace until SIGTERM;
                                    writes one JSON object (packets, bytes, tcp_payload, udp_payload, dropped)
flood ADDR PORT                     send UDP datagrams and start TCP connections without pause until SIGTERM;
                                    one JSON object: udp_sent, udp_refused, tcp_tried, tcp_refused
serve PORT [--bytes N]              accept on both families; send N bytes to each client, then read until it closes
sink PORT [--out FILE]              accept and read; FILE always holds the number of bytes read so far
pour ADDR PORT [--rate B]           connect and write until SIGTERM or an error; JSON: bytes, error
say ADDR PORT [--proto udp|icmp]    one connected socket; a datagram (an echo request) every 20 ms until SIGTERM;
                                    JSON: sent, refused (EPERM), last ("" or the last error)
Each prints 'ready' on stderr when it is.
"""
import argparse, errno, json, os, selectors, signal, socket, struct, sys, threading, time

stop = threading.Event()


def ready():
    print("ready", file=sys.stderr, flush=True)


def emit(out, obj):
    text = json.dumps(obj) + "\n"
    if not out:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    with open(out + ".new", "w") as f:
        f.write(text)
    os.rename(out + ".new", out)


def ip_of(frame):
    """(source, protocol, IP length, transport payload length) or None"""
    kind = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= 14 else 0
    p = frame[14:]
    if kind == 0x0800 and len(p) >= 20:
        hl, total, proto, src = (p[0] & 15) * 4, struct.unpack_from("!H", p, 2)[0], p[9], p[12:16]
        total = total or len(p)
    elif kind == 0x86DD and len(p) >= 40:
        hl, total, proto, src = 40, 40 + struct.unpack_from("!H", p, 4)[0], p[6], p[8:24]
        total = total if total > 40 else len(p)
    else:
        return None
    inner = 8
    if proto == 6 and len(p) >= hl + 13:
        inner = (p[hl + 12] >> 4) * 4
    fam = socket.AF_INET if len(src) == 4 else socket.AF_INET6
    return socket.inet_ntop(fam, src), proto, total, max(0, total - hl - inner)


def count(a):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    try:
        s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    except OSError:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.settimeout(0.1)
    n = dict(packets=0, bytes=0, tcp_payload=0, udp_payload=0, icmp=0)
    ready()
    end = None  # what is queued at the signal counts, and a second later it is enough
    while not end or time.monotonic() < end:
        if stop.is_set() and not end:
            end = time.monotonic() + 1
        try:
            frame, addr = s.recvfrom(65600)
        except socket.timeout:
            if stop.is_set():
                break
            continue
        if addr[2] == socket.PACKET_OUTGOING:
            continue
        got = ip_of(frame)
        if not got or got[0] not in a.source:
            continue
        if got[1] == 58 and len(frame) > 54 and 133 <= frame[54] <= 137:
            continue  # neighbour discovery is outside the policy
        n["packets"] += 1
        n["bytes"] += got[2]
        key = {6: "tcp_payload", 17: "udp_payload"}.get(got[1])
        if key:
            n[key] += got[3]
        else:
            n["icmp"] += 1
    n["dropped"] = struct.unpack("II", s.getsockopt(263, 6, 8))[1]  # SOL_PACKET, PACKET_STATISTICS
    emit(a.out, n)


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def flood(a):
    n = dict(udp_sent=0, udp_refused=0, tcp_tried=0, tcp_refused=0)
    u = socket.socket(family(a.addr), socket.SOCK_DGRAM)
    u.setblocking(False)
    ready()
    while not stop.is_set():
        for _ in range(64):
            try:
                u.sendto(b"x" * 32, (a.addr, a.port))
                n["udp_sent"] += 1
            except OSError as e:
                if e.errno == errno.EPERM:
                    n["udp_refused"] += 1
        t = socket.socket(family(a.addr), socket.SOCK_STREAM)
        t.setblocking(False)
        r = t.connect_ex((a.addr, a.port))
        n["tcp_tried"] += 1
        n["tcp_refused"] += r == errno.EPERM
        t.close()
    emit(a.out, n)


def listener(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    s.listen(64)
    s.settimeout(0.2)
    return s


def each_client(port, work):
    s = listener(port)
    ready()
    while not stop.is_set():
        try:
            c, _ = s.accept()
        except socket.timeout:
            continue
        threading.Thread(target=work, args=(c,), daemon=True).start()


def serve(a):
    def work(c):
        c.settimeout(None)
        try:
            c.sendall(b"d" * a.bytes)
            while c.recv(1 << 16):
                pass
        except OSError:
            pass
        c.close()
    each_client(a.port, work)


def sink(a):
    total, lock = [0], threading.Lock()

    def work(c):
        c.settimeout(None)
        try:
            while True:
                b = c.recv(1 << 18)
                if not b:
                    break
                with lock:
                    total[0] += len(b)
        except OSError:
            pass
        c.close()

    def tell():
        while not stop.wait(0.05):
            emit(a.out, total[0])
    if a.out:
        emit(a.out, 0)
        threading.Thread(target=tell, daemon=True).start()
    each_client(a.port, work)
    emit(a.out, total[0])


def pour(a):
    n = dict(bytes=0, error="")
    s = socket.socket(family(a.addr), socket.SOCK_STREAM)
    s.settimeout(a.timeout)
    begin = time.monotonic()
    try:
        s.connect((a.addr, a.port))
        ready()
        while not stop.is_set() and (not a.bytes or n["bytes"] < a.bytes):
            n["bytes"] += s.send(b"p" * min(65536, a.bytes - n["bytes"] if a.bytes else 65536))
            if a.rate:
                time.sleep(65536 / a.rate)
        s.shutdown(socket.SHUT_WR)
        while s.recv(1 << 16):  # the other side closes too: no packet of ours is left to a socket in TIME_WAIT
            pass
    except OSError as e:
        n["error"] = errno.errorcode.get(e.errno, "timeout") if e.errno else "timeout"
    n["seconds"] = round(time.monotonic() - begin, 3)
    emit(a.out, n)


def say(a):
    icmp = socket.IPPROTO_ICMPV6 if ":" in a.addr else socket.IPPROTO_ICMP
    s = socket.socket(family(a.addr), *((socket.SOCK_DGRAM,) if a.proto == "udp" else (socket.SOCK_RAW, icmp)))
    s.connect((a.addr, a.port if a.proto == "udp" else 0))
    echo = struct.pack("!BBHHH", 8, 0, 0xf7fd, 1, 1)  # the kernel writes ICMPv6's checksum
    if icmp == socket.IPPROTO_ICMPV6:
        echo = struct.pack("!BBHHH", 128, 0, 0, 1, 1)
    n = dict(sent=0, refused=0, last="")
    ready()
    while not stop.wait(0.02):
        try:
            s.send(b"say" if a.proto == "udp" else echo)
            n["sent"] += 1
            n["last"] = ""
        except OSError as e:
            n["refused"] += e.errno == errno.EPERM
            n["last"] = errno.errorcode.get(e.errno, "?")
    emit(a.out, n)


def main():
    p = argparse.ArgumentParser()
    v = p.add_subparsers(dest="verb", required=True)
    c = v.add_parser("count")
    c.add_argument("--from", dest="source", action="append", required=True)
    for name in ("flood", "pour", "say"):
        f = v.add_parser(name)
        f.add_argument("addr")
        f.add_argument("port", type=int)
    v.choices["pour"].add_argument("--rate", type=int, default=0)
    v.choices["pour"].add_argument("--bytes", type=int, default=0)
    v.choices["pour"].add_argument("--timeout", type=float, default=5)
    v.choices["say"].add_argument("--proto", default="udp")
    for name in ("serve", "sink"):
        v.add_parser(name).add_argument("port", type=int)
    v.choices["serve"].add_argument("--bytes", type=int, default=1 << 20)
    for x in v.choices.values():
        x.add_argument("--out")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    globals()[a.verb](a)


main()
