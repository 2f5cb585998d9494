#!/usr/bin/env python3
"""captures_check.py [NAME...] - replays every capture beside its expected file (made by tshark, see
make-expected.py there) and compares packets, IP packets, and packets and bytes for each destination. Exit 1 on a
difference that is not in EXPLAINED, and on one in EXPLAINED that has gone. CORDON and SHARED say where things are."""
import json, os, subprocess, sys, tempfile

# capture -> why cordon counts otherwise, honestly
EXPLAINED = {}


def replay(cordon, path, policy):
    r = subprocess.run([cordon, 'replay', '--policy', policy, '--all', '--summary', '-', path],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if r.returncode not in (0, 4, 5):
        raise SystemExit('%s: exit %d: %s' % (path, r.returncode, r.stderr.decode(errors='replace')))
    return r.returncode, json.loads(r.stdout)


def totals(summary):
    packets, octets = {}, {}
    for d in summary['destinations']:
        a = d['address']
        packets[a] = packets.get(a, 0) + d['packets']
        octets[a] = octets.get(a, 0) + d['bytes']
    return packets, octets


def differences(want, summary):
    out = []
    for k in ('packets', 'ip_packets'):
        if want[k] != summary[k]:
            out.append('%s: %d, expected %d' % (k, summary[k], want[k]))
    packets, octets = totals(summary)
    if summary['bytes'] != want['ip_bytes']:
        out.append('bytes: %d, expected %d' % (summary['bytes'], want['ip_bytes']))
    for name, got, exp in (('packets', packets, want['packets_per_dst']), ('bytes', octets, want['bytes_per_dst'])):
        for a in sorted(set(got) | set(exp)):
            if got.get(a) != exp.get(a):
                out.append('%s to %s: %s, expected %s' % (name, a, got.get(a), exp.get(a)))
    return out


def main():
    cordon, base = os.environ['CORDON'], os.environ.get('SHARED', '') + '/captures'
    if not os.path.isdir(base + '/expected'):
        print('skip captures/all - shared/captures is not beside the clone')
        return 0
    names = sys.argv[1:] or sorted(f[:-5] for f in os.listdir(base + '/expected'))
    bad = 0
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as policy:
        policy.write('allow to any\n')
        policy.flush()
        for n in names:
            want = json.load(open('%s/expected/%s.json' % (base, n)))
            code, got = replay(cordon, '%s/%s' % (base, n), policy.name)
            out = differences(want, got)
            if got['flows'] != want['flows_outer']:
                out.append('flows: %d, expected %d' % (got['flows'], want['flows_outer']))
            if out and n not in EXPLAINED or not out and n in EXPLAINED:
                bad += 1
                print('not ok %s - %s' % (n, '; '.join(out[:8]) or 'the explained difference has gone'))
            else:
                print('ok %s%s' % (n, ' (differs: %s)' % EXPLAINED[n] if out else ''))
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
