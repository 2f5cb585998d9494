#!/usr/bin/env python3
"""Rules with a name, in replay: shared addresses, aliases, stale and lying answers, spoofed and split hellos, another host's answers. Stricter, never laxer."""
import json, os, socket, struct, subprocess, tempfile

CORDON, TMP = os.environ['CORDON'], os.environ.get('TMPDIR') or tempfile.mkdtemp()
ME, OTHER, DNS = '10.0.0.5', '10.0.0.6', '10.0.0.53'
DE, US = '203.0.113.1', '198.51.100.1'
ip = socket.inet_aton


class Capture:
    def __init__(self):
        self.out, self.now = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101), 1795430400

    def packet(self, src, dst, proto, data):
        self.now += 0.001
        head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(data), 1, 0, 64, proto, 0, ip(src), ip(dst))
        s = int(self.now)
        self.out += struct.pack('<IIII', s, int((self.now - s) * 1e6), len(head + data), len(head + data)) + head + data

    def tcp(self, src, dst, sport, flags, seq, data=b''):
        self.packet(src, dst, 6, struct.pack('!HHIIBBHHH', sport, 443, seq, 1, 0x50, flags, 65535, 0, 0) + data)

    def answer(self, host, names, address, ttl=60):
        label = lambda n: b''.join(bytes([len(x)]) + x.encode() for x in n.split('.')) + b'\0'
        m = struct.pack('!HHHHHH', 1, 0x8180, 1, len(names), 0, 0) + label(names[0]) + struct.pack('!HH', 1, 1)
        for n, to in zip(names, names[1:]):
            m += label(n) + struct.pack('!HHIH', 5, 1, ttl, len(label(to))) + label(to)
        m += label(names[-1]) + struct.pack('!HHIH', 1, 1, ttl, 4) + ip(address)
        self.packet(DNS, host, 17, struct.pack('!HHHH', 53, 4000, 8 + len(m), 0) + m)

    def flow(self, sport, dst, host=None, src=ME, cut=None):
        text = b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n' % host.encode() if host else b'SSH-2.0-x\r\n'
        self.tcp(src, dst, sport, 2, 100)
        for at, part in [(0, text)] if cut is None else [(cut, text[cut:]), (0, text[:cut])]:
            self.tcp(src, dst, sport, 0x18, 101 + at, part)


def verdicts(policy, capture):
    with open(TMP + '/p.conf', 'w') as f:
        f.write('place 203.0.113.0/24 is DE\nplace 198.51.100.0/24 is US\n' + policy)
    with open(TMP + '/c.pcap', 'wb') as f:
        f.write(capture.out)
    r = subprocess.run([CORDON, 'replay', '--policy', TMP + '/p.conf', TMP + '/c.pcap'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if r.returncode not in (0, 4):
        print('not ok replay - exit %d: %s' % (r.returncode, r.stderr.decode()[-200:].replace('\n', ' ')))
        raise SystemExit(1)
    ret = {}
    for line in r.stdout.decode().splitlines():
        e = json.loads(line)
        if 'port' in e.get('source', {}):
            ret[e['source']['port']] = (e['cordon']['verdict'], e['destination'].get('domain'))
    return ret


def check(name, policy, capture, want):
    got = verdicts(policy, capture)
    for sport, verdict in want.items():
        have = got.get(sport, ('allow', None))[0]
        print('ok %s: %d' % (name, sport) if have == verdict else 'not ok %s: %d - want %s, got %s' % (name, sport, verdict, have))


EU = 'allow to eea port 443 name "*.saas.eu"\nblock to any\n'
c = Capture()
c.flow(1001, DE, 'api.saas.eu')
c.flow(1002, DE, 'api.saas.com')              # a neighbour on the same address
c.flow(1003, DE)                              # one that says nothing
c.flow(1004, US, 'api.saas.eu')               # the name widens no place
c.flow(1005, DE, 'api.saas.eu', cut=22)       # in two pieces, the second first
c.flow(1006, DE, 'api.saas.eu.evil.test')
check('narrows', EU, c, {1001: 'allow', 1002: 'block', 1003: 'block', 1004: 'block', 1005: 'allow', 1006: 'block'})

c = Capture()
c.answer(ME, ['api.evil.test'], DE)
c.flow(1101, DE, 'api.saas.eu')               # asked for another: spoofed
c.answer(ME, ['api.saas.eu'], DE)
c.flow(1102, DE, 'api.saas.eu')               # asked for both: it says which
c.flow(1103, DE, 'api.evil.test')
c.flow(1104, DE)                              # asked is not said
check('spoofed', EU, c, {1101: 'block', 1102: 'allow', 1103: 'block', 1104: 'block'})

c = Capture()
c.answer(OTHER, ['api.evil.test'], DE)        # the cache of another host
c.flow(1201, DE, 'api.saas.eu')
c.flow(1202, DE)
c.answer(OTHER, ['api.saas.eu'], DE)
c.flow(1203, DE, 'api.evil.test')
c.answer(ME, ['api.saas.eu'], US)             # a name server that lies
c.flow(1204, US, 'api.saas.eu')
check('poisoned', EU, c, {1201: 'allow', 1202: 'block', 1203: 'block', 1204: 'block'})

c = Capture()
c.answer(ME, ['api.evil.test'], DE, ttl=10)
c.now += 3600                                 # long over: it says nothing of what follows
c.flow(1301, DE, 'api.saas.eu')
c.answer(ME, ['api.saas.eu'], DE, ttl=10)
c.now += 3600
c.flow(1302, DE)
check('stale', EU, c, {1301: 'allow', 1302: 'block'})

c = Capture()
c.answer(ME, ['metrics.example.test', 'api.saas.eu'], DE)
c.flow(1401, DE, 'metrics.example.test')      # an alias is not what it said
check('alias, allow', EU, c, {1401: 'block'})

US_SITE = 'alert to any port 443 name "*.saas.com"\nallow to any\n'
c = Capture()
c.flow(1501, DE, 'api.saas.com')
c.flow(1502, DE, 'api.saas.eu')
c.flow(1503, DE)                              # not known: the stricter
c.answer(ME, ['metrics.example.test', 'api.saas.com'], DE)
c.flow(1504, DE, 'metrics.example.test')      # its alias is of the US site
c.answer(ME, ['cdn.example.test'], DE)
c.flow(1505, DE, 'cdn.example.test')          # verified: the neighbour's alias is not its own
c.answer(ME, ['api.saas.com'], US)
c.flow(1506, US, 'innocent.test')             # says another than it asked for
check('a client that still posts to the US', US_SITE, c,
      {1501: 'alert', 1502: 'allow', 1503: 'alert', 1504: 'alert', 1505: 'allow', 1506: 'alert'})
