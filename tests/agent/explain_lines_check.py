#!/usr/bin/env python3
"""explain_lines_check.py - 'explain -' answers a list as it answers each address alone; '--why-not' names what keeps one out."""
import json
import os
import random
import subprocess
import sys
import tempfile

CORDON = os.environ.get('CORDON', 'build/cordon')
failures = 0


def check(good, name, why=''):
    global failures
    print(('ok ' if good else 'not ok ') + name + ('' if good else ' - ' + str(why).replace('\n', ' | ')[:700]))
    failures += not good


def explain(tmp, *args, stdin=None):
    r = subprocess.run([CORDON, 'explain', '--policy', tmp + '/p.conf', *args], input=stdin, capture_output=True)
    return r.returncode, r.stdout.decode(), r.stderr.decode()


def lists(tmp):
    text = ('ip;port\n# a comment\n\n52.28.0.1\nhost-a,52.28.0.1:53,x\n"9.9.9.9"\t1\n[2a05:d014::1]:443\n2a05:d014::1  # two\nnonsense\n'
            '300.1.1.1\n8.8.8.8\r\n').encode()
    code, out, err = explain(tmp, '--json', '-', stdin=text)
    rows = [json.loads(line) for line in out.splitlines()]
    check(code == 0 and [(r['line'], r['address'], r.get('port')) for r in rows] ==
          [(4, '52.28.0.1', None), (5, '52.28.0.1', 53), (6, '9.9.9.9', None), (7, '2a05:d014::1', 443), (8, '2a05:d014::1', None),
           (11, '8.8.8.8', None)], 'list/addresses', (code, out, err))
    check('3 lines without an address, the first is line 1' in err, 'list/skipped', err)
    for r in rows:
        alone = json.loads(explain(tmp, '--json', ('[%s]:%d' if ':' in r['address'] else '%s:%d') % (r['address'], r['port'])
                                   if 'port' in r else r['address'])[1])
        want = alone['place'], alone['verdict']['action'], (alone['verdict']['rule'] or {}).get('line')
        got = {k: r.get(k) for k in ('status', 'country', 'provider', 'region', 'jurisdiction', 'grade')}
        check(got == {k: want[0][k] for k in got} and (r['verdict'], r.get('rule_line')) == want[1:], 'list/as-alone/%d' % r['line'],
              (r, want))
    code, out, err = explain(tmp, '-', stdin=b'52.28.0.1\n')
    check(out.splitlines()[1].split('\t') == ['52.28.0.1', 'alert', '2', 'known', 'DE', 'aws', 'eu-central-1', 'US', 'operator-list'],
          'list/text', out)
    check(explain(tmp, '-', stdin=b'')[0] == 0, 'list/empty')
    check(explain(tmp, '-', stdin=b'nothing\n')[0] == 5, 'list/no-address-at-all')
    code, out, err = explain(tmp, '--json', '-', stdin=b'\x00\xff' * 5000 + b'\n' + b'1' * 100000 + b'\n52.28.0.1\n')
    check(code == 0 and out.count('\n') == 1, 'list/bytes', (code, out[:200], err))
    rng = random.Random(1)
    many = b''.join(b'%d.%d.%d.%d\n' % tuple(rng.randrange(1, 224) for _ in range(4)) for _ in range(100000))
    code, out, err = explain(tmp, '--json', '-', stdin=many)
    check(code == 0 and out.count('\n') == 100000, 'list/100000', (code, out.count('\n'), err))


def why_not(tmp):
    def reasons(address, zone, *more):
        code, out, err = explain(tmp, '--json', '--why-not', zone, *more, address)
        return json.loads(out)['why_not'] if code == 0 else {'error': err}
    for name, address, zone, inside, want in (
            ('outside', '3.80.0.1', 'eea', False, 'US, United States, is not in eea'), ('inside', '52.28.0.1', 'eea', True, ''),
            ('a-country', '52.28.0.1', 'FR', False, 'DE, Germany, is not in FR'), ('own-zone', '52.28.0.1', 'friends', True, ''),
            ('own-zone-out', '3.80.0.1', 'friends', False, 'is not in friends'),
            ('anycast', '104.16.0.1', 'eea', False, 'nobody can say where it is: anycast'),
            ('private', '10.0.0.1', 'eea', False, "no 'place' line says where it is"),
            ('unknown', '5.5.5.5', 'eea', False, 'no source says where it is')):
        w = reasons(address, zone, *(['--geo', tmp + '/feed.csv'] if name == 'unknown' else []))
        check(w.get('in') is inside and want in '; '.join(w['reasons']) and bool(want) == bool(w['reasons']), 'why-not/' + name, w)
    w = reasons('7.7.7.7', 'eea', '--geo', tmp + '/feed.csv', '--geo', tmp + '/other.csv')
    check(w['in'] is False and 'says DE' in str(w) and 'says US' in str(w) and 'differ' in str(w), 'why-not/disputed', w)
    code, out, err = explain(tmp, '--why-not', 'nowhere', '52.28.0.1')
    check(code == 2 and 'nowhere' in err, 'why-not/no-such-zone', (code, err))
    check('why not     eea: it is' in explain(tmp, '--why-not', 'eea', '52.28.0.1')[1], 'why-not/text')


def main():
    with tempfile.TemporaryDirectory() as tmp:
        with open(tmp + '/p.conf', 'w') as f:
            f.write('zone friends { DE CH }\nalert to any port 53\nallow to eea\nblock to any\n')
        for name, country in (('feed', 'DE'), ('other', 'US')):
            with open('%s/%s.csv' % (tmp, name), 'w') as f:
                f.write('7.7.7.0/24,%s,,,\n' % country)
        lists(tmp)
        why_not(tmp)
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
