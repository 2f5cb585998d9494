#!/usr/bin/env python3
"""names_check.py - the names of flows: in captures as tshark reads them, and in captures made here that lie. CORDON and
SHARED say where things are."""
import json, os, shutil, struct, subprocess, sys, tempfile

CORDON, SHARED = os.environ['CORDON'], os.environ.get('SHARED', '')
T = tempfile.mkdtemp(dir=os.environ.get('TMPDIR'))
bad = 0


def say(ok, name, why=''):
    global bad
    bad += not ok
    print('ok %s' % name if ok else 'not ok %s - %s' % (name, why))


def replay(path, *more):
    r = subprocess.run([CORDON, 'replay', '--policy', T + '/any.conf', '--inside', '203.0.113.0/24', *more, path],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if r.returncode not in (0, 4, 5):
        raise SystemExit('%s: exit %d: %s' % (path, r.returncode, r.stderr.decode(errors='replace')))
    return [json.loads(l) for l in r.stdout.splitlines()]


def key(e):
    s, d = e['source'], e['destination']
    return s.get('ip'), s.get('port'), d.get('ip'), d.get('port')


def said(e):
    for n in e['cordon']['dst'].get('names', []):
        if n['grade'] in ('said', 'outer'):
            return n['name']


# --- what tshark reads

FIELDS = ['frame.time_epoch', 'ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst', 'tcp.srcport', 'udp.srcport', 'tcp.dstport',
          'udp.dstport', 'tls.handshake.extensions_server_name', 'http.host', 'dns.qry.name', 'dns.a', 'dns.aaaa',
          'dns.resp.ttl', 'dns.flags.response']


def tshark(path):
    cmd = ['tshark', '-n', '-r', path, '-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=,']
    for f in FIELDS:
        cmd += ['-e', f]
    out = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120).stdout.decode()
    for line in out.splitlines():
        v = dict(zip(FIELDS, line.split('\t')))
        last = lambda *ks: next((v[k].split(',')[-1] for k in ks if v.get(k)), None)
        yield v, (last('ip.src', 'ipv6.src'), int(last('tcp.srcport', 'udp.srcport') or 0),
                  last('ip.dst', 'ipv6.dst'), int(last('tcp.dstport', 'udp.dstport') or 0))


# names that are there and that tshark does not read: Teredo between ports that are not its own
ALSO = {('sv--decode-teredo-01.pcap', 'ipv6.google.com')}


def address(s):
    return not s.strip('0123456789.') or s.startswith('[')


def plain(host):
    return host.split(',')[0].rsplit(':', 1)[0].rstrip('.').lower()


def captures():
    base = SHARED + '/captures'
    compared = answered = 0
    for f in sorted(os.listdir(base)):
        if '.pcap' not in f:
            continue
        path = base + '/' + f
        want, answers = {}, {}
        for v, k in tshark(path):
            name = v['tls.handshake.extensions_server_name'] or v['http.host']
            if name and not address(plain(name)):
                want.setdefault(k, plain(name))
            if v['dns.flags.response'] in ('1', 'True') and v['dns.qry.name']:
                for a in (v['dns.a'] + ',' + v['dns.aaaa']).split(','):
                    answers.setdefault((k[2], a), set()).add(v['dns.qry.name'].split(',')[0].lower())
        if not want and not answers:
            continue
        events = replay(path)
        got = {key(e): said(e) for e in events if said(e)}
        local = {k for k in want if k[0].startswith(('127.', '::1', 'fe80')) or k[2].startswith(('127.', '::1', 'fe80'))}
        seen = {key(e) for e in events}
        missing = {k: n for k, n in want.items() if k not in local and k in seen and got.get(k) != n}
        unseen = [k for k in want if k not in local and k not in seen]
        extra = {k: n for k, n in got.items() if want.get(k) != n and (f, n) not in ALSO}
        wrong = [(key(e), n['name']) for e in events for n in e['cordon']['dst'].get('names', [])
                 if 'dns' in n['by'] and n['name'] not in answers.get((key(e)[0], key(e)[2]), ())]
        compared += len(want) - len(local) - len(unseen)
        answered += sum('dns' in n['by'] for e in events for n in e['cordon']['dst'].get('names', []))
        say(not missing and not extra and not wrong and not unseen, 'names/' + f,
            'missing %s, not tshark\'s %s, wrong %s, no flow %s' % (missing, extra, wrong, unseen))
    say(compared >= 9, 'names/compared', 'only %d flows had a name to compare' % compared)
    say(answered >= 1, 'names/answered', 'no flow had its name from an answer')


# --- captures made here

class Wire:
    """raw IPv4 packets in a pcap"""

    def __init__(self):
        self.out, self.time = [], 1795430400.0

    def packet(self, src, dst, proto, payload, wait=0.001):
        self.time += wait
        a = lambda s: bytes(int(x) for x in s.split('.'))
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 0, 0, 64, proto, 0, a(src), a(dst)) + payload
        self.out.append(struct.pack('<IIII', int(self.time), int(self.time % 1 * 1e6), len(ip), len(ip)) + ip)

    def udp(self, src, sport, dst, dport, data, **k):
        self.packet(src, dst, 17, struct.pack('>HHHH', sport, dport, 8 + len(data), 0) + data, **k)

    def tcp(self, src, sport, dst, dport, seq, flags, data=b'', **k):
        self.packet(src, dst, 6, struct.pack('>HHIIBBHHH', sport, dport, seq & 0xffffffff, 1, 0x50, flags, 1000, 0, 0) + data,
                    **k)

    def answer(self, client, name, *chain, ttl=60, question=None, tcp=False):
        """chain: aliases, then an address"""
        w = lambda n: b''.join(bytes([len(l)]) + l.encode() for l in n.split('.')) + b'\0'
        q = w(question or name) + b'\0\1\0\1'
        rr, owner = b'', name
        for c in chain:
            data = bytes(int(x) for x in c.split('.')) if address(c) else w(c)
            rr += w(owner) + struct.pack('>HHIH', 1 if address(c) else 5, 1, ttl, len(data)) + data
            owner = c
        msg = struct.pack('>HHHHHH', 7, 0x8180, 1, len(chain), 0, 1) + q + rr + b'\0\0\x29\x04\xd0\0\0\0\0\0\0'  # EDNS
        if tcp:
            msg = struct.pack('>H', len(msg)) + msg
            self.tcp('9.9.9.9', 53, client, 40000, 1, 0x12)
            self.tcp('9.9.9.9', 53, client, 40000, 2, 0x18, msg[:20])
            self.tcp('9.9.9.9', 53, client, 40000, 22, 0x18, msg[20:])
        else:
            self.udp('9.9.9.9', 53, client, 40000, msg)

    def hello(self, src, sport, dst, data, cut=(), order=None, dport=443, base=100):
        self.tcp(src, sport, dst, dport, base, 2)
        at = [0, *cut, len(data)]
        pieces = [(at[i], data[at[i]:at[i + 1]]) for i in range(len(at) - 1)]
        for i in order or range(len(pieces)):
            self.tcp(src, sport, dst, dport, base + 1 + pieces[i][0], 0x18, pieces[i][1])

    def events(self):
        p = T + '/made.pcap'
        with open(p, 'wb') as f:
            f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101) + b''.join(self.out))
        self.path = p
        return {(e['source'].get('port'), e['destination'].get('ip')): e for e in replay(p)}


def client_hello(name, record=1 << 14, ech=False):
    n = name.encode()
    ext = struct.pack('>HHHBH', 0, len(n) + 5, len(n) + 3, 0, len(n)) + n + (b'\xfe\x0d\0\1\0' if ech else b'')
    body = b'\3\3' + bytes(32) + b'\0\0\2\x13\1\1\0' + struct.pack('>H', len(ext)) + ext
    h = b'\1' + len(body).to_bytes(3, 'big') + body
    return b''.join(b'\x16\3\1' + struct.pack('>H', len(h[i:i + record])) + h[i:i + record]
                    for i in range(0, len(h), record))


ME, YOU, US, EU, CDN = '10.0.0.5', '10.0.0.6', '3.80.0.1', '52.28.0.1', '104.16.0.1'


def state(e):
    d = e['cordon']['dst']
    return d.get('name_status'), e['destination'].get('domain')


def expect(name, e, status, domain):
    got = state(e) if e else 'no event'
    say(got == (status, domain), name, '%s, expected %s' % (got, (status, domain)))


def recipients(s, events):
    """the summary's names are the events' names, and their sums those of the other tables"""
    rows = {r['name'] or r['why']: r for r in s['recipients']}
    want = {}
    for e in events:
        d = e['cordon']['dst']
        n = e['destination'].get('domain') or ('encrypted ClientHello' if d.get('name_status') == 'hidden' else
                                               'several names have its address' if d.get('name_status') == 'ambiguous' else
                                               'no name was seen')
        want[n] = want.get(n, 0) + e['source']['bytes']
    got = {k: r['bytes'] for k, r in rows.items() if k in want}
    say(got == {k: v for k, v in want.items()}, 'made/summary-by-name', 'want %r, got %r' % (want, rows))
    for field in ('packets', 'bytes', 'allow', 'alert', 'block'):
        a, b = (sum(r[field] for r in s[k]) for k in ('recipients', 'services'))
        say(a == b, 'made/summary-by-name-adds-up-%s' % field, '%d, and by service %d' % (a, b))
    r = rows['http-intake.logs.datadoghq.com']
    say((r['organisation'], r['site'], r['law'], r['eu_endpoint'], r['flows']) == ('Datadog', 'us', 'US', 'datadoghq.eu', 1),
        'made/summary-recipient', r)
    page = open(T + '/page.html').read()
    say(all(t in page for t in ('http-intake.logs.datadoghq.com', 'datadoghq.eu', 'encrypted ClientHello', r'x\027')) and '\x1b' not in page,
        'made/page-by-name', 'not all of it is there')


def explained(events):
    """explain NAME says the table's row and where the events saw it, and nothing of names that only look alike"""
    def ask(name, *more):
        r = subprocess.run([CORDON, 'explain', name, '--policy', T + '/any.conf', '--events', events, *more],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return r.returncode, r.stdout.decode()
    code, out = ask('Datadoghq.com.', '--json')
    o = json.loads(out) if code == 0 else {}
    seen = [(s['address'], s['grade'], s['records'], s['country']) for s in o.get('seen', [])]
    say((o.get('name'), o['recipient']['organisation'], seen) == ('datadoghq.com', 'Datadog', [(US, 'said', 1, 'US')]), 'explain/name', out)
    code, out = ask('hq.com', '--json')
    say(json.loads(out)['seen'] == [] and json.loads(out)['recipient'] is None, 'explain/not-a-part-of-a-label', out)
    code, out = ask('http-intake.logs.datadoghq.com')
    say(all(t in out for t in ('known as    Datadog, telemetry; site: us, law: US', 'in the EU   datadoghq.eu', US, 'alert, said, 1 record')),
        'explain/name-as-text', out)
    for bad in ('a..b', '.example', 'x_y', 'example.1', 'x.example/8'):
        say(ask(bad)[0] == 2, 'explain/no-name-%s' % bad, ask(bad))


def lies():
    w = Wire()
    w.answer(ME, 'api.example', 'edge.vendor.net', US, ttl=30)
    w.hello(ME, 1001, US, client_hello('api.example'))
    w.answer(ME, 'other.example', CDN)
    w.answer(ME, 'tenant.example', CDN)
    w.tcp(ME, 1002, CDN, 443, 1, 2)                                # a shared address
    w.hello(ME, 1003, CDN, client_hello('tenant.example'))
    w.hello(ME, 1004, US, client_hello('harmless.example'))        # it says what it did not ask for
    w.answer(YOU, 'bank.example', EU)                              # poison, for somebody else
    w.tcp(ME, 1005, EU, 443, 1, 2)
    w.answer(ME, 'x.example', '51.68.0.1', question='y.example')   # an answer that nobody asked for
    w.tcp(ME, 1006, '51.68.0.1', 443, 1, 2)
    w.tcp(ME, 1007, US, 5432, 1, 2, wait=31)                       # stale
    h = client_hello('split.example', record=9)
    w.hello(ME, 1008, EU, h, cut=(1, 20, 40, 41), order=(4, 2, 3, 1, 0))
    w.hello(ME, 1009, EU, client_hello('front.example', ech=True))
    w.hello(ME, 1010, EU, bytes.fromhex('0000000804d2162f') + client_hello('db.example'), cut=(8,), dport=5432)
    w.hello(ME, 1015, US, client_hello('http-intake.logs.datadoghq.com'))   # set to the EU, and posts to the US
    w.answer(ME, 'metrics.my.example', 'eu1.my.example', 'trace.agent.datadoghq.com', '3.80.0.9')
    w.tcp(ME, 1016, '3.80.0.9', 443, 1, 2)
    w.answer(ME, 'tcp.example', '51.6.0.1', tcp=True)
    w.tcp(ME, 1011, '51.6.0.1', 443, 1, 2)
    w.tcp(ME, 1017, '9.9.9.9', 853, 1, 2)                          # a resolver that nobody asked for by name
    w.udp('9.9.9.9', 53, ME, 40001, b'\0\7\x81\x80\0\1\0\1\0\0\0\0\3abc')
    w.hello(ME, 1012, EU, client_hello('x\x1b[2J\u0430.example'))
    w.hello(ME, 1013, EU, client_hello('again.example'))           # the same ports later are another connection
    w.tcp(ME, 1013, EU, 443, 5000, 0x11)
    w.hello(ME, 1014, EU, client_hello('wrap.example'), cut=(10, 30), base=0xfffffff8)
    e = w.events()
    expect('made/verified', e.get((1001, US)), 'verified', 'api.example')
    names = e[1001, US]['cordon']['dst']['names']
    full = e[1001, US]
    say(full['tls']['client']['server_name'] == full['dns']['question']['name'] == full['server']['domain'] ==
        'api.example' and full['dns']['resolved_ip'] == [US] and '(US, api.example)' in full['message'].replace('unknown', 'US'),
        'made/ecs', full)
    say(names[0].get('aliases') == ['edge.vendor.net'], 'made/alias', names)
    expect('made/shared', e.get((1002, CDN)), 'ambiguous', None)
    expect('made/shared-said', e.get((1003, CDN)), 'verified', 'tenant.example')
    expect('made/spoofed', e.get((1004, US)), 'disputed', 'harmless.example')
    expect('made/poisoned-by-another', e.get((1005, EU)), 'others', None)
    expect('made/not-asked-for', e.get((1006, '51.68.0.1')), None, None)
    expect('made/stale', e.get((1007, US)), None, None)
    expect('made/split', e.get((1008, EU)), 'said', 'split.example')
    expect('made/ech', e.get((1009, EU)), 'hidden', None)
    expect('made/postgres', e.get((1010, EU)), 'said', 'db.example')
    expect('made/dns-over-tcp', e.get((1011, '51.6.0.1')), 'asked', 'tcp.example')
    d = e[1017, '9.9.9.9']['cordon']['dst']
    say((d.get('resolver'), d.get('name_status'), d.get('names')) == ('tls', None, []), 'made/resolver-without-a-name', d)
    s = json.loads(subprocess.run([os.environ['CORDON'], 'replay', '-p', T + '/any.conf', '--inside', '203.0.113.0/24', '--summary', '-', '--html', T + '/page.html', w.path],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()[-1])
    recipients(s, replay(w.path))
    notes = s['notes']
    say((notes['dns_unread'], notes['names_lost']) == (1, 0), 'made/broken-answers-are-counted', notes)
    expect('made/hostile-text', e.get((1012, EU)), 'said', 'x\\027\\0912j\\208\\176.example')
    expect('made/wrapped', e.get((1014, EU)), 'said', 'wrap.example')
    r = e[1015, US]['cordon']['dst']['names'][0].get('recipient', {})
    say((r.get('organisation'), r.get('site'), r.get('eu_endpoint')) == ('Datadog', 'us', 'datadoghq.eu'), 'made/recipient', r)
    r = e[1016, '3.80.0.9']['cordon']['dst']['names'][0].get('recipient', {})
    say((r.get('organisation'), r.get('site')) == ('Datadog', 'us'), 'made/recipient-behind-an-alias', r)
    with open(T + '/made.json', 'w') as f:
        f.writelines(json.dumps(x) + '\n' for x in e.values())
    r = subprocess.run([sys.executable, os.environ['ROOT'] + '/tests/agent/ecs_check.py', T + '/made.json'])
    say(r.returncode == 0, 'made/fields-of-ecs', 'see above')
    explained(T + '/made.json')
    w.out.reverse()
    e = w.events()
    say(state(e[1001, US])[0] == 'said', 'made/answer-too-late', state(e[1001, US]))


with open(T + '/any.conf', 'w') as f:
    f.write('alert to any\n')
lies()
if not SHARED:
    print('skip names/all - shared/captures is not beside the clone')
elif not shutil.which('tshark'):
    print('skip names/all - tshark is not installed')
else:
    captures()
sys.exit(bad != 0)
