#!/usr/bin/env python3
"""explain_places_check.py - 'cordon explain' for an address of every published region and of every operator that matters: the place,
and evidence that leads back to the very line or member of the file."""
import csv
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'geo'))
from ranges_check import FILES, flatten, regions, side  # noqa: E402

CORDON = os.environ.get('CORDON', 'build/cordon')
SHARED = os.environ.get('SHARED') or ''
FIXTURES = os.path.join(ROOT, 'tests', 'geo', 'fixtures')
failures = 0


def check(good, name, why=''):
    global failures
    print(('ok ' if good else 'not ok ') + name + ('' if good else ' - ' + str(why).replace('\n', ' ')[:900]))
    failures += not good


def explain(addresses, files, tmp):
    with open(tmp + '/policy.conf', 'w') as f:
        f.write('allow to eea\nblock to any\n')
    cmd = [CORDON, 'explain', '--json', '--policy', tmp + '/policy.conf']
    for f in files:
        cmd += ['--geo', f]
    out = {}
    for i in range(0, len(addresses), 100):
        r = subprocess.run(cmd + addresses[i:i + 100], capture_output=True, text=True)
        if r.returncode:
            print('not ok explain - exit %d: %s' % (r.returncode, r.stderr[:300]))
            sys.exit(1)
        for line in r.stdout.splitlines():
            o = json.loads(line)
            out[o['address']] = o
    return out


def member(doc, path):
    for name, index in re.findall(r'\.?([a-z_A-Z]\w*)|\[(\d+)\]', path):
        doc = doc[name] if name else doc[int(index)]
    return doc


def prefix_of(v):
    if isinstance(v, str):
        return v
    return next(v[k] for k in ('ip_prefix', 'ipv6_prefix', 'ipv4Prefix', 'ipv6Prefix', 'cidr') if k in v)


def first_of_each_region(flat):
    out = {}
    for provider, both in flat.items():
        for version, make in ((4, ipaddress.IPv4Address), (6, ipaddress.IPv6Address)):
            for first, _, region, country, known in both[version]:
                if provider != 'azure' or version == 4 or (provider, region) not in out:
                    out.setdefault((provider, region), (str(make(first)), country, known))
    return out


def every_region(docs, ranges, table, beneath, name, tmp):
    """beneath: country databases; with one that disagrees the place is disputed, and says the published country."""
    flat = {p: flatten(list(read(docs[p], table))) for p, (_, read) in FILES.items()}
    want = first_of_each_region(flat)
    files = ['%s/%s' % (ranges, f) for f, _ in FILES.values()]
    got = explain(sorted({a for a, _, _ in want.values()}), files + beneath, tmp)
    bad = []
    for (provider, region), (address, country, known) in want.items():
        o = got[address]
        p, claim = o['place'], next((c for c in o['claims'] if c['source'] == provider), None)
        if provider == 'azure' and p['region'] == 'global':
            continue  # Front Door within a region: anycast, never in the EU for certain
        good = p['provider'] == provider and p['region'] == region and p['jurisdiction'] == 'US' and claim
        if good and known and country:
            good = p['country'] == country and p['status'] in ('known', 'disputed' if beneath else 'known')
            good = good and (p['status'] == 'disputed' or (o['verdict']['action'] == 'allow') == (p['in_eea']))
            good = good and (p['status'] != 'known' or p['in_eea'] == (side(country) or country in ('NO', 'IS', 'LI')))
        elif good and known:
            good = p['status'] == 'unprovable' and p['country'] is None and o['verdict']['action'] == 'block'
        if good:
            there = ipaddress.ip_network(prefix_of(member(docs[provider], claim['key'])))
            good = ipaddress.ip_address(address) in there and len(claim['sha256']) == 64 and \
                (claim['date'] or claim['source'] == 'azure')
        if not good:
            bad.append((provider, region, country, address, p, claim))
    check(not bad and len(want) > 250, 'regions/' + name, '%d of %d, first: %s' % (len(bad), len(want), bad[:1]))


OPERATORS = {'ovh': ('ovh', 'FR'), 'scaleway': ('scaleway', 'FR'), 'hetzner': ('hetzner', 'DE'), 'ionos': ('ionos', 'DE'),
             'exoscale': ('exoscale', 'CH'), 'infomaniak': ('infomaniak', 'CH'), 'upcloud': ('upcloud', 'FI'),
             'leaseweb': ('leaseweb', 'NL'), 'heroku-salesforce': ('salesforce', 'US')}


def operators(ranges, tmp):
    for name, (key, law) in OPERATORS.items():
        path = '%s/asn-%s.csv' % (ranges, name)
        with open(path) as f:
            row = next(csv.DictReader(f))
        address = str(ipaddress.ip_network(row['prefix'])[1])
        o = explain([address], [path], tmp)[address]
        got = (o['operator']['key'], o['operator']['jurisdiction'], o['operator']['asn'], o['place']['provider'],
               o['place']['jurisdiction'], o['claims'][0]['key'], o['place']['country'], o['verdict']['action'])
        check(got == (key, law, int(row['asn']), key, law, 'line 2', None, 'block'), 'operator/' + name, got)


def platforms(tmp):
    aws = FIXTURES + '/aws.json'
    with open(tmp + '/nat.json', 'w') as f:
        json.dump({'created_at': '2026-01-02T10:00:00Z', 'sources': ['52.28.1.2'], 'state': 'enabled',
                   'updated_at': '2026-03-04T10:00:00Z'}, f)
    with open(tmp + '/operators.csv', 'w') as f:
        f.write('prefix,operator\n52.28.2.0/24,Elastic Beanstalk\n52.28.3.0/24,Upsun\n')
    files = [aws, tmp + '/nat.json', tmp + '/operators.csv']
    for order in (files, files[::-1]):
        got = explain(['52.28.1.2', '52.28.2.1', '52.28.3.1', '52.28.4.1'], order, tmp)
        for address, platform in (('52.28.1.2', 'heroku'), ('52.28.2.1', 'elasticbeanstalk'), ('52.28.3.1', 'platformsh'),
                                  ('52.28.4.1', None)):
            p = got[address]['place']
            # Upsun is French and runs on AWS here: it is the American law that a rule wants to know of
            check((p['platform'], p['provider'], p['region'], p['country'], p['jurisdiction']) ==
                  (platform, 'aws', 'eu-central-1', 'DE', 'US'), 'platform/%s' % platform, p)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        platforms(tmp)
        if not os.path.isdir(SHARED + '/ranges'):
            print('skip shared/ranges - no shared/ beside the clone')
            return failures != 0
        ranges = SHARED + '/ranges'
        table = regions(ranges + '/regions.tsv')
        docs = {}
        for p, (f, _) in FILES.items():
            with open('%s/%s' % (ranges, f)) as h:
                docs[p] = json.load(h)
        every_region(docs, ranges, table, [], 'alone', tmp)
        if os.path.exists('/usr/share/tor/geoip'):
            every_region(docs, ranges, table, ['/usr/share/tor/geoip', '/usr/share/tor/geoip6'], 'over-tor-geoipdb', tmp)
        operators(ranges, tmp)
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
