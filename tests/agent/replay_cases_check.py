#!/usr/bin/env python3
"""replay_cases_check.py - odd captures made after public bug reports, each with its right values; the same whole, in
five pieces and compressed; and the identity that holds for all of them: packets = judged + local + not judged."""
import gzip, json, lzma, os, shutil, struct, subprocess, sys

ROOT, CORDON = os.environ['ROOT'], os.environ['CORDON']
CASES, TMP = ROOT + '/tests/golden/replay/cases', os.environ['TMPDIR']
ALLOW, ALERT, BLOCK = 'allow', 'alert', 'block'

# name, arguments, packets, IP packets, bytes that leave, exit code, packets by verdict, a note or damage that is there
TABLE = [
    ('a1-cat.pcap', '', 6, 6, 840, 5, {BLOCK: 6}, 'joined'),
    ('a3.pcap.gz', '', 3, 3, 420, 5, {BLOCK: 3}, 'bad_compressed'),
    ('a5.pcap', '', 3, 3, 420, 5, {BLOCK: 3}, 'zeros'),
    ('a6.pcap', '', 95, 95, 89300, 5, {BLOCK: 95}, 'zeros'),
    ('a7.pcap', '', 99, 99, 93060, 5, {BLOCK: 99}, 'bad_record'),
    ('a10.pcapng', '', 6, 6, 840, 5, {BLOCK: 6}, 'bad_block'),
    ('a11.pcapng', '', 1, 1, 140, 4, {BLOCK: 1}, None),
    ('u8.pcap', '-p until.conf', 80, 80, 11200, 4, {ALLOW: 40, BLOCK: 40}, 'backward_time'),
    ('u10.pcap', '-p until.conf', 61, 60, 8400, 4, {BLOCK: 60}, 'no_clock'),
    ('u11.pcap', '-p until.conf', 3, 3, 420, 4, {BLOCK: 3}, 'no_clock'),
    ('id1.pcap', '', 80, 80, 11200, 4, {BLOCK: 80}, None),
    ('d5c.pcap', '-p p53.conf', 6, 6, 6080, 4, {ALLOW: 3, BLOCK: 3}, 'fragments'),
    ('b1.pcap', '', 1, 1, 140, 4, {BLOCK: 1}, None),
    ('b3a.pcap', '', 1, 1, 140, 4, {BLOCK: 1}, None),
    ('b3d.pcap', '', 1, 1, 140, 4, {BLOCK: 1}, None),
    ('b3e.pcap', '', 1, 1, 140, 4, {BLOCK: 1}, None),
    ('b3f.pcap', '', 1, 1, 140, 4, {BLOCK: 1}, None),
    ('b3h.pcap', '', 1, 0, 0, 5, {}, 'encrypted'),
    ('b3l.pcap', '', 1, 1, 140, 4, {BLOCK: 1}, None),
    ('b4b.pcap', '', 1, 1, 280, 4, {BLOCK: 2}, None),
    ('b4c.pcap', '', 1, 0, 0, 5, {}, 'encrypted'),
    ('b4f.pcap', '', 1, 0, 0, 5, {}, 'unknown_type'),
    ('c2.pcap', '', 1, 1, 1500, 4, {BLOCK: 1}, 'frame_over_length'),
    ('c3.pcap', '', 1, 1, 60, 4, {BLOCK: 1}, 'length_over_frame'),
    ('d7.pcap', '', 6, 6, 840, 4, {BLOCK: 6}, 'duplicates'),
    ('d7.pcap', '--dedup', 6, 6, 420, 4, {BLOCK: 3}, 'duplicates'),
    ('e1.pcap', '', 3, 3, 420, 4, {BLOCK: 3}, 'tunnels'),
    ('e2.pcap', '', 1, 1, 140, 4, {BLOCK: 1}, 'tunnels'),
    # 1920 bytes leave, as replies: none of them is to report
    ('r3.pcap', '-p op.conf', 5, 5, 1920, 0, {ALLOW: 3}, None),
    ('r6.pcap', '', 2, 2, 140, 4, {BLOCK: 1}, None),
    ('frag_later_udp_us.pcap', '', 3, 3, 3060, 4, {BLOCK: 3}, 'fragments_unmatched'),
    ('rotation', '-p until.conf', 12, 12, 1680, 4, {ALLOW: 6, BLOCK: 6}, None),
    ('dir-lost-header', '', 6, 6, 840, 5, {BLOCK: 6}, 'no_header'),
]
bad = 0


def check(name, ok, why=''):
    global bad
    bad += not ok
    print(('ok ' if ok else 'not ok ') + name + ('' if ok else ' - ' + why))


def sized(n, at):
    """an IPv4 TCP segment of n bytes in Ethernet, from 10.0.0.5 to 203.0.113.9"""
    ip = struct.pack('>BBHHHBBH', 0x45, 0, n, at, 0, 64, 6, 0) + bytes([10, 0, 0, 5, 203, 0, 113, 9])
    tcp = struct.pack('>HHIIBBHHH', 40000, 443, at, 1, 0x50, 16, 8192, 0, 0)
    return bytes.fromhex('0200000000020200000000010800') + ip + tcp + b'x' * (n - 40)


def hundred():
    head, records = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1), []
    for i in range(100):
        f = sized(940, i + 1)
        records.append(struct.pack('<IIII', 1750000000 + i, 0, len(f), len(f)) + f)
    return head, records


def make():
    """what is too large to be kept: a hole of 4 KB, a length that cannot be, a block of 17 MB"""
    head, records = hundred()
    whole = bytearray(head + b''.join(records))
    hole = bytearray(whole)
    hole[9924:9924 + 4096] = bytes(4096)
    open(TMP + '/a6.pcap', 'wb').write(hole)
    struct.pack_into('<I', whole, 24 + 10 * len(records[0]) + 8, 0x7fffffff)
    open(TMP + '/a7.pcap', 'wb').write(whole)
    block = lambda kind, body: struct.pack('<II', kind, 12 + len(body)) + body + struct.pack('<I', 12 + len(body))
    f = sized(140, 1)
    f += bytes(-len(f) % 4)
    open(TMP + '/a11.pcapng', 'wb').write(
        block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack('<HHI', 1, 0, 0)) +
        block(0xbad, struct.pack('<I', 32473) + bytes(17 << 20)) +
        block(6, struct.pack('<IIIII', 0, 0x637a9, 0x7de29000, 154, 154) + f))


def ip4(src, dst, proto, body, ident=1, frag=0):
    return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(body), ident, frag, 64, proto, 0) + bytes(src) + bytes(dst) + body


def seg(sport, dport, flags, seq=1, n=0):
    return struct.pack('>HHIIBBHHH', sport, dport, seq, 1, 0x50, flags, 8192, 0, 0) + b'x' * n


def dgram(sport, dport, n):
    return struct.pack('>HHHH', sport, dport, 8 + n, 0) + b'y' * n


IN, OUT, OTHER = (10, 0, 0, 5), (203, 0, 113, 9), (192, 0, 2, 10)
DAY = 86400


def pcap(name, packets, link=101):
    """(seconds, bytes) each"""
    out = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)
    for t, b in packets:
        out += struct.pack('<IIII', int(t), int(t % 1 * 1000000 + .5), len(b), len(b)) + b
    open(TMP + '/' + name, 'wb').write(out)
    return TMP + '/' + name


def flows():
    """what ends a flow, what begins one, and whose it is"""
    t = 1750000000
    again = [(t + d * DAY, ip4(IN, OUT, 6, seg(40000, 443, f, n=n), d * 10 + i + 1))
             for d in range(3) for i, (f, n) in enumerate([(2, 0), (16, 50), (17, 0)])]
    code, s, events = replay([], pcap('again.pcap', again))
    check('three_days/events', len(events) == 3 and len(set(ids(events))) == 3, '%d events' % len(events))
    check('three_days/packets', s['packets'] == 9 and s['flows'] == 1, '%s' % s['flows'])
    code, s, events = replay([], pcap('near.pcap', [(t + i, ip4(IN, OUT, 6, seg(40000, 443, f), i + 1))
                                                    for i, f in enumerate([2, 2, 16, 17, 2, 16])]))
    check('syn_again/events', len(events) == 2, '%d events: one for a retransmitted SYN, one for a new connection' % len(events))

    pieces = [ip4(IN, OUT, 17, dgram(5000, 53, 1472), 7, 0x2000), ip4(IN, OUT, 17, b'z' * 1480, 7, 0x2000 | 185),
              ip4(IN, OUT, 17, b'z' * 20, 7, 370)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]):
        code, s, events = replay(['-p', 'p53.conf'], pcap('frag.pcap', [(t + i, pieces[k]) for i, k in enumerate(order)]))
        check('fragments/%d%d%d' % tuple(order), values(code, s) == (3, 3, 3040, 0, {ALLOW: 3}), '%s' % (values(code, s),))

    late = [(t, ip4(IN, OUT, 6, seg(15432, 40000, 24, n=600), 1)), (t + .1, ip4(OUT, IN, 6, seg(40000, 15432, 2), 2)),
            (t + .2, ip4(IN, OUT, 6, seg(15432, 40000, 18), 3)), (t + .3, ip4(IN, OUT, 6, seg(15432, 40000, 24, n=9), 4))]
    code, s, events = replay(['-p', 'op.conf'], pcap('late.pcap', late))
    check('late_handshake', values(code, s)[3:] == (0, {ALLOW: 3}), '%s' % (values(code, s),))

    cooked = lambda kind, b: struct.pack('>HHH8sH', kind, 1, 6, b'', 0x800) + b
    both = [(t, cooked(4, ip4(OTHER, OUT, 6, seg(40000, 443, 24, n=100), 1))),
            (t + 1, cooked(0, ip4(OUT, OTHER, 6, seg(443, 40000, 24, n=5000), 2)))]
    code, s, events = replay([], pcap('cooked.pcap', both, 113))
    check('side/cooked', values(code, s)[:4] == (2, 2, 140, 4), '%s' % (values(code, s),))
    code, s, events = replay(['--inside', '203.0.113.0/24'], TMP + '/cooked.pcap')
    check('side/inside_wins', values(code, s)[2] == 5040, '%s' % (values(code, s),))
    check('side/because', s['inside']['because'] == '--inside', '%s' % s['inside'])

    nat = [(t, ip4(IN, OUT, 6, seg(40000, 443, 24, n=100), 9)), (t + .001, ip4(OTHER, OUT, 6, seg(61000, 443, 24, n=100), 9)),
           (t + .002, ip4(IN, OUT, 6, seg(40000, 443, 24, seq=101, n=100), 10))]
    code, s, events = replay(['--dedup'], pcap('nat.pcap', nat))
    check('nat/dedup', (s['notes']['duplicates'], values(code, s)[2]) == (1, 280), '%s' % s['notes'])
    same = [(t + i, ip4(IN, OUT, 6, seg(40000, 443, 24, n=100), i + 1)) for i in range(5)]
    code, s, events = replay(['--dedup'], pcap('retransmitted.pcap', same))
    check('retransmission_is_no_duplicate', s['notes']['duplicates'] == 0, '%s' % s['notes'])

    vxlan = ip4((10, 1, 1, 1), (8, 8, 8, 8), 17, struct.pack('>HHHH', 5, 4789, 0, 0) + b'\x08\0\0\0\0\0\7\0' +
                bytes(12) + b'\x08\0' + ip4(IN, OUT, 6, seg(40000, 443, 24, n=100)), 3)
    code, s, events = replay([], pcap('tunnel.pcap', [(t, vxlan)]))
    check('tunnel/once', values(code, s)[2] == len(vxlan) and [d['bytes'] for d in s['tunnels']] == [140], '%s' % s['egress'])
    check('tunnel/events', sorted(e['cordon'].get('tunnel', {}).get('depth', 0) for e in events) == [0, 1],
          '%s' % [e['cordon'].get('tunnel') for e in events])


def folders():
    """a link that leads back to its own directory is no second one"""
    os.makedirs(TMP + '/tree/below')
    os.rename(pcap('one.pcap', [(1750000000, ip4(IN, OUT, 6, seg(40000, 443, 2), 1))]), TMP + '/tree/below/one.pcap')
    os.symlink('..', TMP + '/tree/below/up')
    code, s, events = replay([], TMP + '/tree')
    said = subprocess.run([os.environ['CORDON'], 'replay', '-p', CASES + '/op.conf', '--summary', '/dev/null', TMP + '/tree'],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr.decode()
    check('directory_in_itself_told', 'below/up: leads back' in said, said)
    check('directory_in_itself', (s.get('packets'), code, s['notes']['files_twice']) == (1, 4, 0), '%s %d' % (s.get('packets'), code))


def replay(args, *paths):
    """exit code, summary, events"""
    args = [CASES + '/' + a if a.endswith('.conf') else a for a in args]
    out = TMP + '/summary'
    p = subprocess.run([CORDON, 'replay', '--today', '2026-11-25', '--summary', out, *args, *paths],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if p.returncode not in (0, 4, 5):
        return p.returncode, {}, []
    return p.returncode, json.load(open(out)), [json.loads(line) for line in p.stdout.splitlines()]


def values(code, s):
    verdicts = {}
    for d in s.get('egress', []):
        verdicts[d['verdict']] = verdicts.get(d['verdict'], 0) + d['packets']
    return (s.get('packets'), s.get('ip_packets'), sum(d['bytes'] for d in s.get('egress', [])), code, verdicts)


def ids(events):
    return sorted(e['event']['id'] for e in events)


def pieces(path, to):
    """a classic capture, cut into five, with names in the wrong order"""
    b, at, records = open(path, 'rb').read(), 24, []
    while at < len(b):
        n = struct.unpack_from('<I', b, at + 8)[0]
        records.append(b[at:at + 16 + n])
        at += 16 + n
    os.mkdir(to)
    for i in range(5):
        part = records[len(records) * i // 5:len(records) * (i + 1) // 5]
        open('%s/%d.pcap' % (to, 9 - i), 'wb').write(b[:24] + b''.join(part))


def alike(name, args, path, whole):
    """the same packets in another form: the same events"""
    data = open(path, 'rb').read()
    forms = {'gzip': gzip.compress(data), 'xz': lzma.compress(data)}
    if shutil.which('zstd'):
        forms['zstd'] = subprocess.run(['zstd', '-q', '-c', path], stdout=subprocess.PIPE).stdout
    if shutil.which('editcap'):
        subprocess.run(['editcap', '-F', 'pcapng', path, TMP + '/form.png'], stderr=subprocess.DEVNULL)
        forms['pcapng'] = open(TMP + '/form.png', 'rb').read()
    for form, packed in sorted(forms.items()):
        open(TMP + '/form', 'wb').write(packed)
        code, s, events = replay(args, TMP + '/form')
        check('%s/%s' % (name, form), (values(code, s), ids(events)) == whole, '%s' % (values(code, s),))
    if name.startswith(('u8', 'id1')):  # the same packet again and again: its pieces are copies of each other
        return
    pieces(path, TMP + '/pieces')
    code, s, events = replay(args, TMP + '/pieces')
    shutil.rmtree(TMP + '/pieces')
    check('%s/pieces' % name, (values(code, s), ids(events)) == whole, '%s' % (values(code, s),))


def ledgers(label, args, path, s):
    """the ledger that 'cordon report' reads has what the summary says, by verdict and by place"""
    db = TMP + '/ledger.db'
    if os.path.exists(db):
        os.remove(db)
    replay(args + ['--ledger', db], path)
    # no country: the summary says why there is none, the ledger does not
    word = {'unknown': '', 'disputed': '', 'unprovable': '', '(none)': '', 'would-block': BLOCK}
    for by, key, rows in [('verdict', 'verdict', 'egress'), ('country', 'country', 'countries')]:
        p = subprocess.run([CORDON, 'ledger', '--ledger', db, '--by', by, '--json', '--since', '1971-01-01',
                            '--until', '2554-01-01'], stdout=subprocess.PIPE, timeout=60)
        has, wants = {}, {}
        for line in p.stdout.splitlines():
            pairs = json.loads(line, object_pairs_hook=list)
            r = dict(pairs)
            k = word.get(r[key], r[key])
            has[k] = has.get(k, 0) + r['bytes']
            if len(r) != len(pairs):
                has['a key stands twice'] = pairs
        for r in s.get(rows, []):
            k = word.get(r[key], r[key])
            wants[k] = wants.get(k, 0) + r['bytes']
        check('%s/ledger/%s' % (label, by), has == wants, '%s, the summary has %s' % (has, wants))


def main():
    make()
    flows()
    folders()
    for name, args, packets, ip, octets, want, verdicts, note in TABLE:
        path = (TMP if os.path.exists(TMP + '/' + name) else CASES) + '/' + name
        code, s, events = replay(args.split(), path)
        label = (name + ' ' + args).strip().replace(' ', '_')
        got = values(code, s)
        check(label, got == (packets, ip, octets, want, verdicts), '%s' % (got,))
        i = s.get('identity', {})
        check(label + '/identity', i and i['packets'] == s['packets'] and
              i['packets'] + i['in_frames_of_others'] == i['judged'] + i['local'] + i['not_judged'] and
              i['not_judged'] == sum(k['packets'] for k in s['not_judged']), '%s' % i)
        check(label + '/exit', (code == 5) == bool(s.get('damaged')), '%s' % s.get('damaged'))
        check(label + '/ids', len(set(ids(events))) == len(events), 'two events with one id')
        ledgers(label, args.split(), path, s)
        if note:
            check(label + '/note', note in s['damaged'] or s['notes'].get(note, 0) > 0, 'no ' + note)
        if path.endswith('.pcap') and want != 5 and packets >= 5:
            alike(label, args.split(), path, (got, ids(events)))
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
