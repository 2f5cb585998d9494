#!/usr/bin/env python3
"""disagree.py - how often a country database is wrong about "in the EU", against the regions that four providers publish."""
import collections
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'geo'))
import mmdb  # noqa: E402
from ranges_check import FILES, flatten, overlaps, regions, side  # noqa: E402

CORDON = os.environ.get('CORDON', 'build/cordon')


def leaves(files, tmp):
    """What cordon reads from the database alone, as disjoint IPv4 ranges; mmdb.py reads what it wrote."""
    out = tmp + '/db.mmdb'
    subprocess.run([CORDON, 'geo', 'build', '--force', '-o', out] + files, check=True, stdout=subprocess.DEVNULL)
    for first, last, rec in mmdb.Reader(out).leaves4():
        yield first, last, (rec or {}).get('country', {}).get('iso_code')


def ec2(j, table):
    for entry, p in zip(FILES['aws'][1](j, table), j['prefixes'] + j['ipv6_prefixes']):
        if p['service'] == 'EC2':
            yield entry


def count(flat, db):
    n = collections.Counter()
    for place, leaf in overlaps(flat, db):
        if place[3]:
            k = min(place[1], leaf[1]) - max(place[0], leaf[0]) + 1
            n[side(place[3]), 'of'] += k
            n[side(place[3]), 'silent' if leaf[2] is None else 'wrong' if side(leaf[2]) != side(place[3]) else 'right'] += k
    return n


def percent(part, of):
    return '-' if not of else '0' if not part else '%.2f%%' % (100 * part / of) if part / of > 0.00005 else '< 0.01%'


def main():
    ranges = os.environ['SHARED'] + '/ranges'
    table = regions(ranges + '/regions.tsv')
    flat = {}
    for name, (f, read) in FILES.items():
        with open('%s/%s' % (ranges, f)) as h:
            j = json.load(h)
        flat[name] = flatten(list(read(j, table)))[4]
        if name == 'aws':
            flat['aws EC2'] = flatten(list(ec2(j, table)))[4]
    databases = {'tor-geoipdb': ['/usr/share/tor/geoip']} if os.path.exists('/usr/share/tor/geoip') else {}
    for path in filter(None, os.environ.get('CORDON_COUNTRY_DBS', '').split(':')):
        databases[os.path.basename(path)] = [path]
    order = ['aws', 'aws EC2', 'google', 'azure', 'oracle']
    print('| country database | in the EU, said to be outside: ' + ' | '.join(order) + ' | outside, said to be in the EU: '
          + ' | '.join(order) + ' |')
    print('|---|' + '---|' * 10)
    with tempfile.TemporaryDirectory() as tmp:
        for name, files in databases.items():
            db = list(leaves(files, tmp))
            n = {p: count(flat[p], db) for p in order}
            print('| %s | ' % name + ' | '.join(percent(n[p][True, 'wrong'], n[p][True, 'of']) for p in order) + ' | '
                  + ' | '.join(percent(n[p][False, 'wrong'], n[p][False, 'of']) for p in order) + ' |')
    total = {p: (sum(l - f + 1 for f, l, _, c, _ in flat[p] if c and side(c)),
                 sum(l - f + 1 for f, l, _, c, _ in flat[p] if c and not side(c))) for p in order}
    print('| _addresses compared_ | ' + ' | '.join('%d' % total[p][0] for p in order) + ' | '
          + ' | '.join('%d' % total[p][1] for p in order) + ' |')


if __name__ == '__main__':
    main()
