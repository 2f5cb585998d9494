#!/usr/bin/env python3
"""ranges_check.py - the providers' files read a second time, in another language: no address is said to be in the EU that its
provider places outside, nor the other way round, whatever database lies beneath; one address of every region and operator."""
import collections
import csv
import glob
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mmdb  # noqa: E402

EU = set('AT AX BE BG CY CZ DE DK EE ES FI FR GF GP GR HR HU IE IT LT LU LV MF MQ MT NL PL PT RE RO SE SI SK YT'.split())
CORDON = os.environ.get('CORDON', 'build/cordon')
SHARED = os.environ.get('SHARED') or ''
failures = 0


def check(good, name, why=''):
    global failures
    print(('ok ' if good else 'not ok ') + name + ('' if good else ' - ' + str(why)))
    failures += not good


def regions(path):
    """(provider, region or border group) -> country; None: not confirmed."""
    out = {}
    with open(path) as f:
        for r in csv.DictReader(f, delimiter='\t'):
            p = {'gcp': 'google', 'aws-network-border-group': 'aws'}.get(r['provider'], r['provider'])
            out[p, r['region']] = r['country'] if r['confirmed'] == 'yes' else None
    return out


def aws(j, table):
    """The border group decides; one that the table does not name is of its region's country only if that is its name."""
    for key, field in (('prefixes', 'ip_prefix'), ('ipv6_prefixes', 'ipv6_prefix')):
        for p in j[key]:
            group = p['network_border_group']
            known = ('aws', group) in table
            yield p[field], group, table[('aws', group)] if known else None, known or group == 'GLOBAL'


def google(j, table):
    for p in j['prefixes']:
        yield p.get('ipv4Prefix') or p['ipv6Prefix'], p.get('scope', ''), table.get(('google', p.get('scope', ''))), True


def azure(j, table):
    for v in j['values']:
        region = v['properties']['region']
        for p in v['properties']['addressPrefixes']:
            if region:
                yield p, region, table.get(('azure', region)), True


def oracle(j, table):
    for r in j['regions']:
        for c in r['cidrs']:
            yield c['cidr'], r['region'], table.get(('oracle', r['region'])), True


FILES = {'aws': ('aws-ip-ranges.json', aws), 'google': ('google-cloud.json', google),
         'azure': ('azure-ServiceTags_Public.json', azure), 'oracle': ('oracle-public_ip_ranges.json', oracle)}


def flatten(claims):
    """Disjoint (first, last, region, country), the most specific prefix winning: a sweep with a stack, as prefixes nest."""
    out = {4: [], 6: []}
    for version in (4, 6):
        nets = {}
        for text, region, country, known in claims:
            n = ipaddress.ip_network(text)
            if n.version == version:
                nets.setdefault((int(n.network_address), int(n.broadcast_address)), []).append((region, country, known))
        stack, at = [], 0
        for (first, last), said in sorted(nets.items(), key=lambda x: (x[0][0], -x[0][1])):
            while stack and stack[-1][1] < first:
                emit(out[version], at, stack[-1])
                at = stack.pop()[1] + 1
            if stack and at < first:
                emit(out[version], at, (stack[-1][0], first - 1) + stack[-1][2:])
            at = first
            stack.append((first, last) + said[0])
            assert len({s[0] for s in said}) == 1 or version, (first, said)
        while stack:
            emit(out[version], at, stack[-1])
            at = stack.pop()[1] + 1
    return out


def emit(out, at, top):
    if at <= top[1]:
        out.append((at, top[1]) + top[2:])


def side(country):
    return None if country is None else country in EU


def overlaps(a, b):
    """Pairs of overlapping entries of two sorted disjoint lists of (first, last, ...)."""
    b = iter(b)
    y = next(b, None)
    for x in a:
        while y and y[1] < x[0]:
            y = next(b, None)
        while y and y[0] <= x[1]:
            yield x, y
            if y[1] > x[1]:
                break
            y = next(b, None)


def build(out, files):
    r = subprocess.run([CORDON, 'geo', 'build', '--force', '-o', out] + files, capture_output=True, text=True)
    if r.returncode:
        sys.exit('not ok geo build - %s' % r.stderr)
    return mmdb.Reader(out)


def compare(name, db, flat):
    """Every address of every prefix: contradictions across the border of the EU, and what is known of the rest."""
    wrong, count = [], collections.Counter()
    for version, leaves in ((4, db.leaves4()), (6, db.leaves6())):
        leaves = list(leaves)
        for provider, both in flat.items():
            for place, leaf in overlaps(both[version], leaves):
                n = min(place[1], leaf[1]) - max(place[0], leaf[0]) + 1
                rec = leaf[2] or {}
                status = rec.get('cordon', {}).get('status')
                country = rec.get('country', {}).get('iso_code')
                if version == 4:
                    count[provider, status] += n
                if place[3] is None:
                    if status == 'known' and place[4]:
                        wrong.append((provider, version, place, rec))
                elif status == 'known' and side(country) != side(place[3]):
                    wrong.append((provider, version, place, rec))
                elif status == 'disputed' and country != place[3]:
                    wrong.append((provider, version, place, rec))
    check(not wrong, 'border/' + name, '%d contradictions, first: %s' % (len(wrong), wrong[:1]))
    return count


def each_region(db, flat, table):
    bad, n = [], 0
    for provider, both in flat.items():
        seen = set()
        for version in (4, 6):
            for first, last, region, country, known in both[version]:
                if region in seen:
                    continue
                rec = db.lookup(ipaddress.IPv4Address(first) if version == 4 else ipaddress.IPv6Address(first)) or {}
                c = rec.get('cordon', {})
                got = (c.get('provider'), c.get('region'), rec.get('country', {}).get('iso_code'), c.get('status'))
                if provider == 'azure' and c.get('region') == 'global':
                    continue
                seen.add(region)
                n += 1
                if known and got != (provider, region, country, 'known' if country else 'unprovable'):
                    bad.append((region, country, got))
                if not known and c.get('region') != region:
                    bad.append((region, country, got))
    check(not bad and n > 250, 'every-region', '%d regions, wrong: %s' % (n, bad[:5]))


OPERATORS = {'ovh': ('ovh', 'FR'), 'scaleway': ('scaleway', 'FR'), 'hetzner': ('hetzner', 'DE'), 'ionos': ('ionos', 'DE'),
             'exoscale': ('exoscale', 'CH'), 'infomaniak': ('infomaniak', 'CH'), 'upcloud': ('upcloud', 'FI'),
             'leaseweb': ('leaseweb', 'NL'), 'heroku-salesforce': ('salesforce', 'US'), 'dtag': ('telekom', 'DE'),
             'orange-fr': ('orange', 'FR'), 'free-fr': ('free', 'FR')}


def each_operator(db, ranges):
    for name, want in OPERATORS.items():
        with open('%s/asn-%s.csv' % (ranges, name)) as f:
            rows = list(csv.DictReader(f))
        bad = []
        for r in rows:
            net = ipaddress.ip_network(r['prefix'])
            rec = db.lookup(net.network_address) or {}
            c = rec.get('cordon', {})
            if (c.get('provider'), c.get('jurisdiction')) != want or rec.get('autonomous_system_number') != int(r['asn']):
                bad.append((r['prefix'], c))
        # a prefix that lies within a provider's own list is that provider's
        bad = [b for b in bad if not any(s['source'] != 'asn-csv' and s.get('provider') for s in b[1].get('sources', []))]
        check(not bad, 'operator/' + name, bad[:2])


ADDRESSES = [  # what the assignment names: address, country or None, status, provider
    ('52.28.0.1', 'DE', 'known', 'aws'), ('3.80.0.1', 'US', 'known', 'aws'), ('83.119.128.1', 'TR', 'known', 'aws'),
    ('104.16.0.1', None, 'unprovable', 'cloudflare'), ('151.101.1.1', None, 'unprovable', 'fastly'),
    ('8.8.8.8', None, 'unprovable', 'google'), ('91.208.207.1', 'FR', 'known', 'clevercloud'),
]


def named(db):
    for address, country, status, provider in ADDRESSES:
        rec = db.lookup(ipaddress.ip_address(address)) or {}
        c = rec.get('cordon', {})
        got = (rec.get('country', {}).get('iso_code'), c.get('status'), c.get('provider'))
        check(got == (country, status, provider), 'address/' + address, got)


def by_mmdblookup(path, db, flat):
    """The tool of libmaxminddb against the reader here, at edges of claims."""
    edges = [str(ipaddress.ip_address(x)) for both in flat.values() for e in both[4] for x in (e[0], e[1])]
    edges += [str(ipaddress.IPv6Address(x)) for both in flat.values() for e in both[6] for x in (e[0], e[1])]
    bad = []
    for address in random.Random(1).sample(edges, 150):
        r = subprocess.run(['mmdblookup', '-f', path, '-i', address, 'cordon'], capture_output=True, text=True)
        said = re.findall(r'"(?:[^"\\]|\\.)*"|\d+', re.sub(r'<\w+>', '', r.stdout))
        want = []

        def walk(v):
            if isinstance(v, dict):
                for k, x in v.items():
                    want.append('"%s"' % k)
                    walk(x)
            elif isinstance(v, list):
                for x in v:
                    walk(x)
            else:
                want.append(str(v) if isinstance(v, int) else '"%s"' % v)
        walk((db.lookup(ipaddress.ip_address(address)) or {}).get('cordon', {}))
        if said != want or r.returncode:
            bad.append((address, said, want, r.stderr))
    check(not bad, 'mmdblookup', bad[:1])


def main():
    if not os.path.isdir(SHARED + '/ranges'):
        print('skip shared/ranges - no shared/ beside the clone')
        return 0
    ranges = SHARED + '/ranges'
    table = regions(ranges + '/regions.tsv')
    flat = {p: flatten(list(read(json.load(open('%s/%s' % (ranges, f))), table))) for p, (f, read) in FILES.items()}
    files = [ranges + '/' + f for f, _ in FILES.values()]
    rest = sorted(glob.glob(ranges + '/asn-*.csv')) + [ranges + '/' + f for f in (
        'google-goog.json', 'cloudflare-ips-v4.txt', 'cloudflare-ips-v6.txt', 'fastly-public-ip-list.json', 'clever-cloud.csv',
        'digitalocean-geofeed.csv', 'linode-geofeed.csv')]
    tor = [f for f in ('/usr/share/tor/geoip', '/usr/share/tor/geoip6') if os.path.exists(f)]
    beneath = {'alone': []}
    for name in ('GeoLite2-Country-Test', 'GeoLite2-City-Test'):
        path = '%s/mmdb/test-data/%s.mmdb' % (SHARED, name)
        if os.path.exists(path):
            beneath[name] = [path]
    for extra in filter(None, os.environ.get('CORDON_COUNTRY_DBS', '').split(':')):
        beneath[os.path.basename(extra)] = [extra]
    if tor:
        beneath['tor-geoipdb'] = tor
    with tempfile.TemporaryDirectory() as tmp:
        out = tmp + '/places.mmdb'
        for name, extra in beneath.items():
            db = build(out, files + extra)
            count = compare(name, db, flat)
            if name == 'alone':
                each_region(db, flat, table)
                by_mmdblookup(out, db, flat)
                for p in FILES:
                    all_of = sum(n for (q, _), n in count.items() if q == p)
                    check(count[p, 'known'] > 0.9 * all_of or p == 'google', 'known/' + p, count)
        db = build(out, rest + files)
        compare('all-ranges', db, flat)
        each_operator(db, ranges)
        named(db)
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
