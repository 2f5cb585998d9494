#!/usr/bin/env python3
"""tlog.py PROOF RECORD PEM - checks a tlog-proof with hashlib and openssl only: nothing of cordon's. Prints index and size."""
import base64, hashlib, subprocess, sys, tempfile

proof, record, pem = (open(p, "rb").read() for p in sys.argv[1:4])
head, checkpoint = proof.split(b"\n\n", 1)
lines = head.split(b"\n")
assert lines[0] == b"c2sp.org/tlog-proof@v1", lines[0]
index = int(lines[1].removeprefix(b"index "))
path = [base64.b64decode(l, validate=True) for l in lines[2:]]
text, signatures = checkpoint.rsplit(b"\n\n", 1)
text += b"\n"
origin, size, root = text.split(b"\n")[:3]
size, root = int(size), base64.b64decode(root, validate=True)


def node(a, b):
    return hashlib.sha256(b"\x01" + a + b).digest()


def root_of(leaf, i, n, path):
    """RFC 6962 2.1.1, from the root down: the last of the path is the sibling at the top"""
    if n == 1:
        assert not path
        return leaf
    k = 1
    while k * 2 < n:
        k *= 2
    if i < k:
        return node(root_of(leaf, i, k, path[:-1]), path[-1])
    return node(path[-1], root_of(leaf, i - k, n - k, path[:-1]))


leaf = hashlib.sha256(b"\x00" + record.removesuffix(b"\n")).digest()
assert root_of(leaf, index, size, path) == root, "the record does not lead to the signed root"
name, signature = signatures.removeprefix("\u2014 ".encode()).rstrip(b"\n").split(b" ")
assert name == origin
with tempfile.NamedTemporaryFile() as t, tempfile.NamedTemporaryFile() as s:
    t.write(text), t.flush()
    s.write(base64.b64decode(signature)[4:]), s.flush()
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", sys.argv[3], "-rawin", "-in", t.name, "-sigfile", s.name],
                   check=True, stdout=subprocess.DEVNULL)
print(index, size)
