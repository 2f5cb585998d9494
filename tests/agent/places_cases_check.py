#!/usr/bin/env python3
"""places_cases_check.py - every case of shared/cases/places (INDEX.tsv): what the command says and how it ends."""
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile

CORDON = os.path.abspath(os.environ.get('CORDON', 'build/cordon'))
SHARED = os.environ.get('SHARED') or ''
CASES = os.path.join(SHARED, 'cases', 'places')
failures = 0


def check(good, name, why=''):
    global failures
    print(('ok ' if good else 'not ok ') + name + ('' if good else ' - ' + str(why).replace('\n', ' | ')[:900]))
    failures += not good


def cordon(*args, stdin=None):
    r = subprocess.run([CORDON, *args], capture_output=True, text=True, input=stdin)
    return r.returncode, r.stdout, r.stderr


def says(name, args, code, has=(), hasnt=(), stdin=None):
    """The command ends with code; what it prints has each text of has and none of hasnt."""
    got, out, err = cordon(*args, stdin=stdin)
    text = out + err
    wrong = ['no ' + repr(t) for t in has if t not in text] + ['has ' + repr(t) for t in hasnt if t in text]
    check(got == code and not wrong, name, (got, wrong, text))
    return out


def case(name):
    return os.path.join(CASES, name)


def build(tmp, *files):
    """geo build of the files into a fresh places.mmdb: the arguments."""
    out = os.path.join(tmp, 'p.mmdb')
    if os.path.exists(out):
        os.unlink(out)
    return ['geo', 'build', '-o', out, *files]


def place(address, *files, more=()):
    args = ['explain', '--json', *more]
    for f in files:
        args += ['--geo', f]
    code, out, err = cordon(*args, address)
    return json.loads(out) if code == 0 else {'place': {}, 'error': err}


def unlisted(tmp):
    files = [case(f) for f in ('01-oracle.json', '01-asn.csv', '01-country.csv')]
    says('01/build', build(tmp, *files), 0)
    for via in ([tmp + '/p.mmdb'], files):
        p = place('51.170.80.1:443', *via)
        check(p['place'].get('status') == 'unprovable' and p['place']['reason'] == 'unlisted' and
              p['place']['provider'] == 'oracle' and p['verdict']['action'] == 'block', '01/%d-files' % len(via), p)
    if os.path.exists('/usr/share/tor/geoip'):
        p = place('31.13.66.35:443', case('02-asn.csv'), '/usr/share/tor/geoip')
        check(p['place'].get('status') == 'unprovable' and p['place']['provider'] == 'meta' and
              p['place']['jurisdiction'] == 'US' and p['verdict']['action'] == 'block', '02', p)
    else:
        print('skip 02 - no tor-geoipdb')


def regions(tmp):
    for file, want in (('03-aws-new-region.json', 'aws region eu-central-9 (1 prefix) is in no table: unprovable'),
                       ('03-aws-new-zone.json', 'is in no table: unprovable'),
                       ('03-azure-new-region.json', 'azure region finlandcentral (')):
        for verb in (build(tmp, case(file)), ['geo', 'show', case(file)]):
            code, out, err = cordon(*verb)
            check(code == 0 and err.count(want) == 1 and os.path.basename(file) + ': warning: ' in err, '03/%s/%s' % (
                file, verb[1]), (code, err))
    conf = os.path.join(tmp, 'geo.conf')
    with open(conf, 'w') as f:
        f.write('directory "%s/s"\noutput "%s/u.mmdb"\nsource aws %s\n' % (tmp, tmp, case('03-aws-new-region.json')))
    says('03/update', ['geo', 'update', '--config', conf], 0, ['region eu-central-9 (1 prefix) is in no table'])
    says('03/show-of-a-places.mmdb', ['geo', 'show', tmp + '/u.mmdb'], 0, ['region eu-central-9 (1 prefix) is in no table'])
    says('03/the-shipped-lists', ['geo', 'show'], 0, hasnt=['is in no table'])
    says('03/a-geofeed-places-it', build(tmp, case('18-aws.json'), case('18-aws-geofeed.csv')), 0, hasnt=['is in no table'])


def geofeeds(tmp):
    says('04/build', build(tmp, case('04-geofeed-first-line.csv')), 0, [':1: warning: skipped'])
    check(place('5.21.0.1:443', tmp + '/p.mmdb')['place'].get('country') == 'DE', '04/second-line')
    says('05', build(tmp, case('05-geofeed-default-route.csv')), 1, ['wider than any network'])
    p = place('52.95.0.1:443', case('18-aws.json'), case('18-aws-geofeed.csv'))
    check(p['place'].get('country') == 'CZ' and p['place']['grade'] == 'operator-geofeed', '18', p)


def azure(tmp):
    p = place('20.188.32.1:443', case('06-azure-api.json'))
    check(p['place'].get('country') == 'FR' and p['verdict']['rule']['text'].startswith('alert to eea under US'), '06/francecentral', p)
    check(place('20.217.0.1:443', case('06-azure-api.json'))['place'].get('country') == 'IL', '06/isrealcentral')

    def date_of(path):
        code, out, err = cordon('geo', 'show', '--json', path)
        return json.loads(out)['sources'][0]['date'] if code == 0 else err
    copy = shutil.copyfile(case('07-azure-undated.json'), tmp + '/azure.json')
    check(date_of(copy) is None, '07/a-copy-has-no-date', date_of(copy))
    says('07/show', ['geo', 'show', copy], 0, ['no date'])
    named = shutil.copyfile(copy, tmp + '/ServiceTags_Public_20260817.json')
    check(date_of(named) == 1786924800, '07/the-name-tells', date_of(named))


def relays(tmp):
    says('08/build', build(tmp, case('08-vpn.mmdb')), 0)
    for via in (tmp + '/p.mmdb', case('08-vpn.mmdb')):
        says('08/a-note', ['explain', '--geo', via, '5.7.0.1:443'], 0, ['a relay: the data goes on from there'])
        with open(tmp + '/relay.conf', 'w') as f:
            f.write('block to relay\nallow to eea\nblock to any\n')
        p = place('5.7.0.1:443', via, more=('--policy', tmp + '/relay.conf'))
        check(p['place'].get('relay') is True and p['verdict']['rule']['line'] == 1, '08/a-word', p)


def policies(tmp):
    """17 names its source by a path from the folder above it."""
    r = subprocess.run([CORDON, 'check', 'places/17-region-glob.conf'], capture_output=True, text=True, cwd=os.path.join(SHARED, 'cases'))
    warns = '17-region-glob.conf:2:19: warning: the regions "eu-*" of \'aws\' are not all in the EEA: '
    check(r.returncode == 0 and all(w in r.stderr for w in (warns, '(TR)', '(GB)', '(CH)')) and
          'no sources were read' not in r.stderr, '17/check', r.stderr)
    p = place('83.119.128.1:443', os.path.join(SHARED, 'ranges', 'aws-ip-ranges.json'))
    check(p['place'].get('country') == 'TR' and p['verdict']['action'] == 'block', '17/istanbul', p)
    says('22/check', ['check', case('22-strict-no-operators.conf')], 0, [':19: warning: passes operators whose law is not known'])


def alone(tmp, *args):
    """The command where /var/lib/cordon holds tmp/default.mmdb and nothing else: a mount namespace of its own."""
    script = 'mount -t tmpfs none /var/lib && mkdir /var/lib/cordon && cp "$0" /var/lib/cordon/places.mmdb && exec "$@"'
    r = subprocess.run(['unshare', *([] if os.geteuid() == 0 else ['-r']), '-m', 'sh', '-c', script, tmp + '/default.mmdb',
                        CORDON, *args], capture_output=True, text=True)
    return r.returncode, r.stdout, r.stderr


def distance(tmp):
    """10, 11: whose machine answers the handshake, and where the capture was made, decide what a time proves."""
    def actions(name, *more):
        r = subprocess.run([CORDON, 'replay', *more, '--policy', case('home-frankfurt.conf'), case(name)], capture_output=True, text=True)
        return [json.loads(line)['event']['action'] for line in r.stdout.splitlines()] or [r.stderr]
    for n in ('10-synproxy.pcap', '10-transparent-proxy.pcap', '11-made-elsewhere.pcap'):
        check('flow-would-block' in actions(n) and 'place-refuted' not in actions(n), n + '/made-wherever', actions(n))
    check('place-refuted' not in actions('10-synproxy.pcap', '--here'), '10-synproxy.pcap/here')
    check('place-refuted' in actions('11-made-elsewhere.pcap', '--here'), '11-made-elsewhere.pcap/here')


def updates(tmp):
    conf, copy = tmp + '/geo.conf', tmp + '/list.json'
    with open(conf, 'w') as f:
        f.write('directory "%s/s"\noutput "%s/u.mmdb"\nshipped no\nsource aws %s\n' % (tmp, tmp, copy))
    shutil.copyfile(case('09-before.json'), copy)
    says('09/before', ['geo', 'update', '--config', conf], 0)
    shutil.copyfile(case('09-after.json'), copy)
    says('09/after', ['geo', 'update', '--config', conf], 1, ['in the EEA now', 'refused; --accept aws takes it', 'last good copy stays'])
    says('09/told', ['geo', 'update', '--config', conf, '--accept', 'aws'], 0, ['in the EEA now'])


def ports(tmp):
    with open(tmp + '/ports.conf', 'w') as f:
        f.write('service dns { tcp 53 udp 53 tcp 853 }\nalert to unprovable service dns\nallow to any port 8000-8010\nblock to any\n')
    ask = ['explain', '--policy', tmp + '/ports.conf', '--geo', case('18-aws.json'), '52.95.0.1']
    says('20/by-port', ask, 0, ['53, 853: alert by line 2; 8000-8010: allow by line 3; any other: block by line 4'])
    says('20/a-port', [*ask[:-1], '52.95.0.1:53'], 0, ['alert'], ['by port'])
    says('20/udp', [*ask, '--proto', 'udp'], 0, ['53: alert by line 2; 8000-8010: allow by line 3; any other: block by line 4'])
    says('20/no-ports', [*ask, '--proto', 'icmp'], 0, [], ['by port'])
    for n in range(65):
        with open('%s/%d.csv' % (tmp, n), 'w') as f:
            f.write('5.%d.0.0/16,DE,,,\n' % n)
    many = ['--geo=%s/%d.csv' % (tmp, n) for n in range(65)]
    says('21/64-files', ['explain', '--policy', tmp + '/ports.conf', *many[:64], '5.63.0.1:53'], 0, ['DE, Germany'])
    says('21/65-files', ['explain', *many, '5.63.0.1:53'], 2, ['64'])


def default(tmp):
    """19: what geo update made is what every verb uses; a range that only it names shows which was used."""
    with open(tmp + '/own.csv', 'w') as f:
        f.write('198.51.100.0/24,FR,,,\n20.50.0.0/16,DE,,,\n')
    says('19/build', ['geo', 'build', '-o', tmp + '/default.mmdb', tmp + '/own.csv', case('06-azure-api.json')], 0)
    code, out, err = alone(tmp, 'explain', '--json', '--policy', case('home-frankfurt.conf'), '20.50.1.1:443')
    p = json.loads(out) if code == 0 else {}
    check(code == 0 and p['claims'][0]['file'] == '/var/lib/cordon/places.mmdb' and p['verdict']['action'] == 'allow', '19/explain',
          (code, out, err))
    code, out, err = alone(tmp, 'geo', 'show')
    check(code == 0 and '/var/lib/cordon/places.mmdb' in out and 'tor-geoipdb' not in out, '19/geo-show', (code, out, err))
    with open(tmp + '/words.conf', 'w') as f:
        f.write('allow to provider azure region "centralfrance"\nallow to provider hetzner\nblock to any\n')
    code, out, err = alone(tmp, 'check', tmp + '/words.conf')
    check(code == 0 and 'hetzner' in err and 'centralfrance' not in err, '19/check', (code, err))
    code, out, err = alone(tmp, 'replay', '--policy', case('home-frankfurt.conf'), '--summary', '-', case('11-made-elsewhere.pcap'))
    places = {e['address']: e['country'] for e in json.loads(out)['egress']} if out else {}
    check(places and not any(places.values()), '19/replay', (code, out, err))


def readers(tmp):
    says('13/build', build(tmp, case('13-iptoasn.tsv')), 0)
    for via in (tmp + '/p.mmdb', case('13-iptoasn.tsv')):
        p = place('1.0.0.1:443', via)
        check(p['place'].get('provider') == 'cloudflare' and not p['place']['country'], '13/cloudflare', p)
        p = place('1.0.4.1:443', via)
        check(p['place'].get('status') == 'unknown' and p['operator']['asn'] == 38803, '13/asn-country-is-no-place', p)
    with open(tmp + '/u32.tsv', 'w') as f:
        f.write('16777216\t16777471\t13335\tUS\tCLOUDFLARENET\nnonsense\n')
    says('13/numbers-and-an-odd-line', build(tmp, tmp + '/u32.tsv'), 0, [':2: warning: skipped'])
    check(place('1.0.0.1:443', tmp + '/p.mmdb')['place'].get('provider') == 'cloudflare', '13/numbers')
    says('14/build', build(tmp, case('14-asn.csv.gz')), 0)
    check(place('1.0.0.1:443', tmp + '/p.mmdb')['operator'].get('asn') == 13335, '14/asn')
    check(place('192.121.53.1:443', case('14-asn.csv.gz'))['operator'].get('asn') == 4261181720, '14/32-bit-asn')
    for n, (name, data, why) in enumerate((
            ('cut', gzip.compress(b'1.0.0.0/24,DE,,,\n' * 99)[:-9], 'ends too early'),
            ('bomb', gzip.compress(bytes(32 << 20), 1) * 17, 'too large'), ('empty', gzip.compress(b''), 'of nothing'),
            ('garbage-after', gzip.compress(b'1.0.0.0/24,DE,,,\n') + b'garbage', 'damaged'))):
        with open(tmp + '/%d.gz' % n, 'wb') as f:
            f.write(data)
        says('14/' + name, build(tmp, tmp + '/%d.gz' % n), 1, [why])
    with open(tmp + '/two.gz', 'wb') as f:
        f.write(gzip.compress(b'1.0.0.0/24,DE,,,\n') + gzip.compress(b'1.0.1.0/24,FR,,,\n'))
    check(place('1.0.1.1:443', tmp + '/two.gz')['place'].get('country') == 'FR', '14/two-members')
    with open(tmp + '/delegated', 'w') as f:
        f.write('# a comment\n2|ripencc|1795388399|5|19830705|20261122|+0100\nripencc|*|ipv4|*|2|summary\n'
                'ripencc|FR|ipv4|193.0.4.0|768|19930901|allocated|x\nripencc|DE|ipv6|2001:600::|32|19990826|assigned|y\n'
                'ripencc||ipv4|185.1.0.0|1024||available|\nripencc|DE|asn|680|1|19900101|allocated|z\n'
                'ripencc|FR|ipv4|255.255.255.0|512|19930901|allocated|x\nripencc|FR|ipv6|2001:601::1|32|19930901|allocated|x\nodd\n')
    says('registry/build', build(tmp, tmp + '/delegated'), 0, [':8: warning: skipped', '(3 lines in all)'])
    for via in (tmp + '/p.mmdb', tmp + '/delegated'):
        p = place('193.0.6.255:443', via)
        check(p['place'].get('status') == 'unprovable' and p['place']['grade'] == 'registry' and 'FR' in
              [c['country'] for c in p['claims']] and p['claims'][-1]['date'] == '2026-11-22' and p['verdict']['action'] == 'block',
              'registry/evidence-and-no-place', p)
        check(place('193.0.7.0:443', via)['place'].get('status') == 'unknown' and
              place('2001:600::1', via)['place'].get('status') == 'unprovable' and
              place('185.1.0.1', via)['place'].get('status') == 'unknown', 'registry/its-ends')
    says('15/build', build(tmp, case('15-github-meta.json')), 0)
    for via in (tmp + '/p.mmdb', case('15-github-meta.json')):
        p = place('192.30.252.1:443', via)
        check(p['place'].get('provider') == 'github' and p['place']['jurisdiction'] == 'US' and
              p['place']['status'] == 'unprovable', '15/github', p)
    says('16/build', build(tmp, case('16-aws-null-group.json')), 0)
    check(place('52.98.0.1:443', tmp + '/p.mmdb')['place'].get('status') == 'unprovable', '16/the-odd-one')
    check(place('52.28.0.1:443', tmp + '/p.mmdb')['place'].get('country') == 'DE', '16/the-others')


def main():
    if not os.path.isdir(CASES):
        print('skip shared/places_cases - no shared/ beside the clone')
        return 0
    for part in (unlisted, regions, geofeeds, azure, relays, policies, distance, updates, ports, default, readers):
        with tempfile.TemporaryDirectory() as tmp:
            part(tmp)
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
