#!/usr/bin/env python3
"""geo_update_check.py - 'cordon geo update' against a real HTTPS server on loopback: what it takes, keeps and refuses."""
import gzip
import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading

CORDON = os.environ.get('CORDON', 'build/cordon')
failures = 0


def check(good, name, why=''):
    global failures
    print(('ok ' if good else 'not ok ') + name + ('' if good else ' - ' + str(why).replace('\n', ' | ')))
    failures += not good


def aws(n, region='eu-central-1'):
    return json.dumps({'syncToken': '1787411825', 'createDate': '2026-08-22-15-17-05', 'ipv6_prefixes': [], 'prefixes': [
        {'ip_prefix': '52.%d.%d.0/24' % (i // 256, i % 256), 'region': region, 'service': 'EC2',
         'network_border_group': region} for i in range(n)]}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_GET(self):
        s = self.server
        s.asked.append((self.path, self.headers.get('If-None-Match')))
        how = s.pages.get(self.path, {'status': 404, 'body': b'nothing here'})
        if 'location' in how:
            self.send_response(302)
            self.send_header('Location', how['location'])
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if how.get('etag') and self.headers.get('If-None-Match') == how['etag']:
            self.send_response(304)
            self.send_header('ETag', how['etag'])
            self.end_headers()
            return
        body = how['body']
        self.send_response(how.get('status', 200))
        if how.get('etag'):
            self.send_header('ETag', how['etag'])
        self.send_header('Last-Modified', 'Sat, 22 Aug 2026 15:17:05 GMT')
        if how.get('gzip'):
            self.send_header('Content-Encoding', 'gzip')
        self.send_header('Content-Length', str(how.get('length', len(body))))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass
        if how.get('length', 0) > len(body):
            self.close_connection = True


def serve(tmp, tls=True):
    s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    s.pages, s.asked = {}, []
    if tls:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(tmp + '/cert.pem', tmp + '/key.pem')
        s.socket = c.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


class World:
    def __init__(self, tmp):
        self.tmp = tmp
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                        '-addext', 'subjectAltName=DNS:localhost', '-keyout', tmp + '/key.pem', '-out', tmp + '/cert.pem'],
                       check=True, capture_output=True)
        self.s = serve(tmp)
        self.url = 'https://localhost:%d' % self.s.server_port
        self.out = tmp + '/places.mmdb'

    def conf(self, lines, ca=True):
        with open(self.tmp + '/geo.conf', 'w') as f:
            f.write('directory "%s/sources"\noutput "%s"\n' % (self.tmp, self.out))
            f.write('ca "%s/cert.pem"\n' % self.tmp if ca else '')
            f.write('\n'.join(lines) + '\n')

    def update(self, *args):
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith('_proxy')}
        r = subprocess.run([CORDON, 'geo', 'update', '--config', self.tmp + '/geo.conf', *args], capture_output=True,
                           text=True, env=env)
        return r.returncode, r.stdout, r.stderr

    def bytes(self):
        with open(self.out, 'rb') as f:
            return f.read()

    def country(self, address):
        r = subprocess.run(['mmdblookup', '-f', self.out, '-i', address, 'country', 'iso_code'], capture_output=True, text=True)
        return r.stdout.split('"')[1] if '"' in r.stdout else None


def first_and_unchanged(w):
    w.s.pages['/aws'] = {'body': aws(100), 'etag': '"one"'}
    w.conf(['source aws %s/aws' % w.url])
    code, out, err = w.update()
    check(code == 0 and '100 prefixes' in out, 'first', (code, out, err))
    check(w.country('52.0.7.1') == 'DE', 'first-is-built')
    check(oct(os.stat(w.out).st_mode & 0o777) == '0o644', 'readable-by-all', oct(os.stat(w.out).st_mode))
    check(int(os.stat(w.tmp + '/sources/aws').st_mtime) == 1787411825, 'last-modified-is-the-date')
    w.s.asked.clear()
    code, out, err = w.update()
    check(code == 0 and w.s.asked == [('/aws', '"one"')], 'if-none-match', (w.s.asked, err))
    with open(w.tmp + '/sources/aws', 'ab') as f:
        f.write(b' ')
    w.s.asked.clear()
    code, out, err = w.update()
    check(code == 0 and w.s.asked == [('/aws', None)], 'a-touched-copy-is-fetched-again', (w.s.asked, err))


def shrink(w):
    before = w.bytes()
    w.s.pages['/aws'] = {'body': aws(80), 'etag': '"two"'}
    code, out, err = w.update()
    check(code == 0 and '80 prefixes' in out, 'a-fifth-less-is-taken', (code, out, err))
    before = w.bytes()
    w.s.pages['/aws'] = {'body': aws(63), 'etag': '"three"'}
    code, out, err = w.update()
    check(code == 1 and 'over 20% lost' in err and '--accept aws' in err and 'last good copy' in err, 'shrink-refused',
          (code, err))
    check(w.country('52.0.79.1') == 'DE', 'shrink-keeps-the-old')
    code, out, err = w.update('--accept-shrink', 'nobody')
    check(code == 2 and 'no source of that name' in err, 'accept-an-unknown-name', (code, err))
    code, out, err = w.update('--accept-shrink', 'aws')
    check(code == 0 and w.country('52.0.79.1') is None and w.country('52.0.62.1') == 'DE', 'shrink-accepted', (code, err))
    w.s.pages['/aws'] = {'body': b'1.0.0.0/24,US,,,\n' * 1 + b''.join(b'1.0.%d.0/24,US,,,\n' % i for i in range(1, 90)),
                         'etag': '"four"'}
    code, out, err = w.update()
    check(code == 1 and 'was of format aws, is of geofeed now' in err, 'another-format-refused', (code, err))
    w.s.pages['/aws'] = {'body': aws(100), 'etag': '"five"'}
    check(w.update()[0] == 0 and before != w.bytes(), 'grown-again')


def moves(w):
    """What an edition does to addresses counts, not how many lines it has."""
    def edition(n, region='eu-central-1', created='2026-08-22-15-17-05', bits=24):
        doc = json.loads(aws(n, region))
        doc['createDate'] = created
        for p in doc['prefixes']:
            p['ip_prefix'] = p['ip_prefix'].replace('/24', '/%d' % bits)
        return doc

    def offer(doc, *args):
        w.s.pages['/aws'] = {'body': json.dumps(doc).encode()}
        return w.update(*args)
    half = edition(100)
    for p in half['prefixes'][:1]:
        p['region'] = p['network_border_group'] = 'us-east-1'
    code, out, err = offer(half)
    check(code == 0 and 'of 25,600 IPv4 addresses 0 are said to be in the EEA now, and 256 no more' in err, 'a-few-moves-are-told', err)
    for p in half['prefixes'][1:10]:
        p['region'] = p['network_border_group'] = 'us-east-1'
    code, out, err = offer(half)
    check(code == 1 and '2,304 no more: refused; --accept aws takes it' in err and 'last good copy' in err, 'moves-refused', err)
    check(w.country('52.0.9.1') == 'DE', 'moves-refused/kept')
    code, out, err = offer(half, '--accept', 'aws')
    check(code == 0 and w.country('52.0.9.1') == 'US', 'moves-accepted', err)
    code, out, err = offer(edition(100))
    check(code == 1 and '2,560 are said to be in the EEA now' in err, 'moves-back-refused', err)
    code, out, err = offer(edition(100, bits=32), '--accept', 'aws')
    check(code == 0, 'narrower-accepted', err)
    check(offer(edition(100))[0] == 0, 'wider-is-no-loss')
    code, out, err = offer(edition(100, bits=30))
    check(code == 1 and 'of 25,600 IPv4 addresses it is silent of 25,200 now: refused' in err, 'as-many-lines-fewer-addresses', err)
    code, out, err = offer(edition(100, created='2026-08-01-00-00-00'))
    check(code == 1 and 'is of 2026-08-01, older than the copy, which is of 2026-08-22: refused' in err, 'older-refused', err)


def broken(w):
    kept = open(w.tmp + '/sources/aws', 'rb').read()
    for name, page, want in (
            ('status-500', {'status': 500, 'body': b'sorry'}, '500'),
            ('status-404', {'status': 404, 'body': b'sorry'}, '404'),
            ('html', {'body': b'<html>please log in</html>'}, 'known format'),
            ('half-a-file', {'body': aws(100)[:900], 'length': len(aws(100))}, ''),
            ('half-a-json', {'body': aws(100)[:900]}, 'bad JSON'),
            ('empty', {'body': b''}, 'empty'),
            ('says-it-is-enormous', {'body': b'x', 'length': 300 << 20}, 'over 268435456 bytes'),
            ('gzip-bomb', {'body': gzip.compress(b' ' * (257 << 20), 1), 'gzip': True}, 'over 268435456 bytes'),
            ('redirect-to-http', {'location': 'http://localhost:1/aws'}, ''),
            ('redirect-loop', {'location': w.url + '/aws'}, 'redirect')):
        w.s.pages['/aws'] = page
        before = w.country('52.0.7.1')
        code, out, err = w.update()
        good = code == 1 and want in err and 'the last good copy stays' in err and before == 'DE'
        good = good and open(w.tmp + '/sources/aws', 'rb').read() == kept and w.country('52.0.7.1') == 'DE'
        good = good and sorted(os.listdir(w.tmp + '/sources')) == ['aws', 'aws.state']
        check(good, 'broken/' + name, (code, out, err, os.listdir(w.tmp + '/sources')))


def tls(w):
    w.s.pages['/aws'] = {'body': aws(100)}
    w.conf(['source aws %s/aws' % w.url], ca=False)
    code, out, err = w.update()
    check(code == 1 and 'certificate' in err, 'unknown-authority', (code, err))
    w.conf(['source aws %s/aws' % w.url.replace('localhost', '127.0.0.1')])
    code, out, err = w.update()
    check(code == 1 and 'last good copy' in err, 'name-not-in-the-certificate', (code, err))
    w.conf(['source aws %s/aws' % w.url])
    check(w.update()[0] == 0, 'good-again')


def several(w):
    w.s.pages['/aws'] = {'body': aws(100)}
    feed = w.tmp + '/feed.csv'
    with open(feed, 'w') as f:
        f.write('9.9.9.0/24,FR,,,\n')
    w.conf(['source aws %s/aws' % w.url, 'source feed %s' % feed])
    code, out, err = w.update()
    check(code == 0 and w.country('9.9.9.9') == 'FR', 'local-file', (code, err))
    os.unlink(feed)
    w.s.pages['/aws'] = {'body': aws(100, 'eu-west-1')}
    code, out, err = w.update()
    check(code == 1 and w.country('9.9.9.9') == 'FR' and w.country('52.0.7.1') == 'IE', 'one-fails-others-are-updated',
          (code, err))
    before = w.bytes()
    w.conf(['source aws %s/aws' % w.url, 'source new %s/nothing' % w.url])
    code, out, err = w.update()
    check(code == 1 and 'no copy yet' in err and w.bytes() == before, 'never-fetched-leaves-the-output', (code, err))


def configuration(w):
    for name, line, want in (
            ('http', 'source a http://localhost/x', 'use https'), ('relative', 'source a x/y', 'absolute path'),
            ('word', 'sourc a /x', 'no such word'), ('twice', 'source a /x\nsource a /y', 'second source'),
            ('name', 'source ../a /x', "source's name"), ('quote', 'source a "/x', 'quote'),
            ('none', '# nothing', 'names no source'), ('date', 'hds ovh "x" as-of yesterday source "y"', 'YYYY-MM-DD'),
            ('operator', 'hds nobody "x" as-of 2026-01-01 source "y"', 'no operator')):
        w.conf([line])
        before = w.bytes()
        code, out, err = w.update()
        check(code == 1 and want in err and 'geo.conf:' in err and w.bytes() == before, 'conf/' + name, (code, err))
    w.conf(['source s%d /x' % i for i in range(65)])
    code, out, err = w.update()
    check(code == 1 and 'geo.conf:68' in err and 'more than 64 sources' in err, 'conf/65-sources', (code, err))
    with open(w.tmp + '/geo.conf', 'wb') as f:
        f.write(b'source a /x\0\n')
    code, out, err = w.update()
    check(code == 1 and 'NUL' in err, 'conf/nul', (code, err))
    os.unlink(w.tmp + '/geo.conf')
    check(w.update()[0] == 1, 'conf/missing')
    code = subprocess.run([CORDON, 'geo', 'update', '--nonsense'], capture_output=True).returncode
    check(code == 2, 'usage', code)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        w = World(tmp)
        for part in (first_and_unchanged, shrink, moves, broken, tls, several, configuration):
            part(w)
        w.s.shutdown()
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
