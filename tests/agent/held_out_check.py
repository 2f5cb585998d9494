#!/usr/bin/env python3
"""held_out_check.py - what a provider published, judged without its list: nothing outside of the EEA is known to be inside; and with
the shipped lists a covered provider's addresses in the EEA pass 'allow to eea'."""
import glob
import ipaddress
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'geo'))
from ranges_check import FILES, flatten, regions  # noqa: E402

CORDON = os.environ.get('CORDON', 'build/cordon')
B = os.environ.get('B', 'build')
SHARED = os.environ.get('SHARED') or ''
TOR = ['/usr/share/tor/geoip', '/usr/share/tor/geoip6']
PER_PROVIDER = 8000  # prefixes asked, evenly taken
failures = 0


def check(good, name, why=''):
    global failures
    print(('ok ' if good else 'not ok ') + name + ('' if good else ' - ' + str(why).replace('\n', ' ')[:700]))
    failures += not good


def ask(tmp, addresses, files=()):
    args = [CORDON, 'explain', '--json', '--policy', tmp + '/p.conf']
    for f in files:
        args += ['--geo', f]
    r = subprocess.run([*args, '-'], input='\n'.join(addresses) + '\n', capture_output=True, text=True)
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    if r.returncode or len(rows) != len(addresses):
        print('not ok explain - exit %d, %d of %d: %s' % (r.returncode, len(rows), len(addresses), r.stderr[:300]))
        sys.exit(1)
    return rows


def judge(tmp, provider, flat, others):
    """Ranges of the published list, as (first, last, region, country, confirmed), each asked at its first address."""
    eea = zone()
    for version in (4, 6):
        placed = [x for x in flat[version] if x[3]]
        step = max(1, len(placed) // PER_PROVIDER)
        asked = placed[::step]
        size = [x[1] - x[0] + 1 for x in asked]
        address = [str((ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(x[0])) for x in asked]
        wrong = [(a, x[2:4], r) for a, x, r in zip(address, asked, ask(tmp, address, others))
                 if x[3] not in eea and r['verdict'] == 'allow']
        check(not wrong, '%s/ipv%d/held-out-%d-ranges-none-wrongly-known-inside' % (provider, version, len(asked)), (len(wrong), wrong[:3]))
        rows = ask(tmp, address)
        inside = sum(n for x, n in zip(asked, size) if x[3] in eea)
        blocked = sum(n for x, n, r in zip(asked, size, rows) if x[3] in eea and r['verdict'] != 'allow')
        wrong = [(a, x[2:4], r) for a, x, r in zip(address, asked, rows) if x[3] not in eea and r['verdict'] == 'allow']
        check(not wrong, '%s/ipv%d/covered-none-wrongly-known-inside' % (provider, version), (len(wrong), wrong[:3]))
        check(inside == 0 or blocked <= inside / 10, '%s/ipv%d/covered-passes' % (provider, version), '%d of %d' % (blocked, inside))
        print('%s ipv%d: %d of %d addresses in the EEA cannot pass' % (provider, version, blocked, inside), file=sys.stderr)


def zone():
    out = json.loads(subprocess.run([CORDON, 'check', '--zones', '--json'], capture_output=True, text=True).stdout)
    return {row['country'] for row in out['zones']['eea']}


def main():
    if not os.path.isdir(SHARED + '/ranges'):
        print('skip shared/ranges - no shared/ beside the clone')
        return 0
    table = regions(SHARED + '/ranges/regions.tsv')
    lists = sorted(glob.glob(B + '/share/cordon/facts/*.ranges'))
    tor = [f for f in TOR if os.path.exists(f)]
    with tempfile.TemporaryDirectory() as tmp:
        with open(tmp + '/p.conf', 'w') as f:
            f.write('allow to eea\nblock to any\n')
        for provider, (file, read) in FILES.items():
            with open('%s/ranges/%s' % (SHARED, file)) as h:
                flat = flatten(list(read(json.load(h), table)))
            judge(tmp, provider, flat, [f for f in lists if not os.path.basename(f).startswith(provider)] + tor)
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
