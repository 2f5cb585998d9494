#!/usr/bin/env python3
"""max_age_check.py - 'max-age' judges the age of the claim that decides a place: per source, and within a places.mmdb per file."""
import json
import os
import subprocess
import sys
import tempfile

CORDON = os.environ.get('CORDON', 'build/cordon')
NOW = '2026-11-20'
failures = 0


def check(good, name, why=''):
    global failures
    print(('ok ' if good else 'not ok ') + name + ('' if good else ' - ' + str(why).replace('\n', ' | ')[:900]))
    failures += not good


def aws(path, created, *prefixes):
    with open(path, 'w') as f:
        json.dump({'syncToken': '1', 'createDate': created, 'ipv6_prefixes': [], 'prefixes': [
            {'ip_prefix': p, 'region': 'eu-central-1', 'service': 'EC2', 'network_border_group': 'eu-central-1'}
            for p in prefixes]}, f)
    return path


def azure(path):
    with open(path, 'w') as f:
        json.dump({'changeNumber': 7, 'cloud': 'Public', 'values': [{'name': 'AzureCloud.germanywestcentral', 'id': 'x', 'properties': {
            'changeNumber': 1, 'region': 'germanywestcentral', 'platform': 'Azure', 'systemService': '',
            'addressPrefixes': ['20.52.0.0/16']}}]}, f)
    return path


def explain(tmp, policy, address, now=NOW):
    with open(tmp + '/p.conf', 'w') as f:
        f.write(policy + 'allow to eea\nblock to any\n')
    r = subprocess.run([CORDON, 'explain', '--json', '--as-of', now, '--policy', tmp + '/p.conf', address], capture_output=True,
                       text=True)
    return json.loads(r.stdout) if r.returncode == 0 else {'error': r.stderr}


def expect(tmp, name, policy, address, action, stale, file, now=NOW):
    p = explain(tmp, policy, address, now)
    check(p.get('verdict', {}).get('action') == action and p['place']['stale'] is stale and
          os.path.basename(p['place']['source_file'] or '') == file, name, p)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        new, old = aws(tmp + '/new.json', '2026-11-10-00-00-00', '52.28.0.0/16'), tmp + '/old.csv'
        with open(old, 'w') as f:
            f.write('9.9.9.0/24,FR,,,\n52.28.0.0/16,DE,,,\n')
        os.utime(old, (1735689600, 1735689600))  # 2025-01-01
        azure(tmp + '/azure.json')
        files = ['new.json', 'old.csv', 'azure.json']
        subprocess.run([CORDON, 'geo', 'build', '-o', tmp + '/p.mmdb', *(tmp + '/' + f for f in files)], capture_output=True, check=True)
        each = ''.join('geo "%s/%s" max-age 30d stale block\n' % (tmp, f) for f in files)
        one = 'geo "%s/p.mmdb" max-age 30d stale block\n' % tmp
        for how, policy in (('files', each), ('places.mmdb', one)):
            expect(tmp, how + '/fresh', policy, '52.28.0.1', 'allow', False, 'new.json')
            expect(tmp, how + '/old', policy, '9.9.9.9', 'block', True, 'old.csv')
            expect(tmp, how + '/undated', policy, '20.52.0.1', 'block', True, 'azure.json')
            expect(tmp, how + '/all-old', policy, '52.28.0.1', 'block', True, 'new.json', '2027-03-01')
            alert = policy.replace(' stale block', '')
            expect(tmp, how + '/verdicts-go-on', alert, '9.9.9.9', 'allow', True, 'old.csv')
            expect(tmp, how + '/a-place-line', policy + 'place 9.9.9.0/24 is FR\n', '9.9.9.9', 'allow', False, 'p.conf')
        own = each.replace('old.csv" max-age 30d', 'old.csv" max-age 900d')
        expect(tmp, 'a-limit-a-file', own, '9.9.9.9', 'allow', False, 'old.csv')
        expect(tmp, 'no-limit', 'geo "%s"\ngeo "%s" max-age 5d stale block\n' % (old, new), '9.9.9.9', 'allow', False, 'old.csv')
        p = explain(tmp, 'geo max-age 30d stale block\n', '52.28.0.1', '2040-01-01')
        check(p.get('verdict', {}).get('action') == 'block' and p['place']['stale'] and p['place']['source_format'] == 'facts',
              'without-a-file-it-is-of-the-default-ones', p)
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
