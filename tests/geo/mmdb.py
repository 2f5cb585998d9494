"""mmdb.py - a second reader of MaxMind DBs, written from the format's specification alone: leaves in order, records, metadata."""
import struct

MARKER = b'\xab\xcd\xefMaxMind.com'


class Reader:
    def __init__(self, path):
        with open(path, 'rb') as f:
            self.b = f.read()
        at = self.b.rindex(MARKER) + len(MARKER)
        self.base = at
        self.meta, _ = self.value(at)
        self.nodes = self.meta['node_count']
        self.bits = self.meta['record_size']
        self.size = self.bits * 2 // 8
        self.base = self.nodes * self.size + 16
        self.cache = {}

    def value(self, at):
        c = self.b[at]
        at += 1
        kind = c >> 5
        if kind == 1:
            return self.pointer(c, at)
        if kind == 0:
            kind = 7 + self.b[at]
            at += 1
        n = c & 31
        if n > 28:
            k = n - 28
            n = (29, 285, 65821)[k - 1] + int.from_bytes(self.b[at:at + k], 'big')
            at += k
        return self.typed(kind, n, at)

    def pointer(self, c, at):
        k = (c >> 3 & 3) + 1
        x = int.from_bytes(self.b[at:at + k], 'big')
        if k < 4:
            x += (c & 7) << 8 * k
        x += (0, 2048, 526336, 0)[k - 1]
        return self.value(self.base + x)[0], at + k

    def typed(self, kind, n, at):
        if kind == 7:
            out = {}
            for _ in range(n):
                key, at = self.value(at)
                assert isinstance(key, str) and key not in out, key
                out[key], at = self.value(at)
            return out, at
        if kind == 11:
            out = []
            for _ in range(n):
                v, at = self.value(at)
                out.append(v)
            return out, at
        raw = self.b[at:at + n]
        if kind == 2:
            return raw.decode('utf-8'), at + n
        if kind in (5, 6, 9, 10):
            assert n <= {5: 2, 6: 4, 9: 8, 10: 16}[kind]
            return int.from_bytes(raw, 'big'), at + n
        if kind == 8:
            return int.from_bytes(raw, 'big', signed=True), at + n
        if kind == 3:
            return struct.unpack('>d', raw)[0], at + n
        if kind == 14:
            return bool(n), at
        raise ValueError('type %d' % kind)

    def record(self, node, side):
        bits, at = self.bits, node * self.size
        if bits == 24:
            at += 3 * side
            b = self.b
            return b[at] << 16 | b[at + 1] << 8 | b[at + 2]
        b = self.b[at:at + self.size]
        if bits == 28:
            mid = b[3]
            return ((mid >> 4) << 24 | int.from_bytes(b[0:3], 'big')) if side == 0 else \
                ((mid & 15) << 24 | int.from_bytes(b[4:7], 'big'))
        k = bits // 8
        return int.from_bytes(b[side * k:side * k + k], 'big')

    def data(self, pointer):
        if pointer not in self.cache:
            self.cache[pointer] = self.value(self.base + pointer - self.nodes - 16)[0]
        return self.cache[pointer]

    def descend(self, node, depth, bits, value, stop):
        """Leaves below node as (first, last, record or None); stop: nodes that are somebody else's (aliases)."""
        todo = [(node, depth, value)]
        while todo:
            node, depth, value = todo.pop()
            if node < self.nodes and not (depth and node in stop):
                assert depth < bits, 'deeper than an address'
                todo.append((self.record(node, 1), depth + 1, value | 1 << (bits - depth - 1)))
                todo.append((self.record(node, 0), depth + 1, value))
            elif node >= self.nodes:
                last = value | ((1 << (bits - depth)) - 1)
                yield value, last, None if node == self.nodes else self.data(node)

    def v4_root(self):
        node = 0
        for _ in range(96):
            if node < self.nodes:
                node = self.record(node, 0)
        return node

    def leaves4(self):
        root = self.v4_root()
        if root >= self.nodes:
            yield 0, 2**32 - 1, None if root == self.nodes else self.data(root)
            return
        yield from self.descend(root, 0, 32, 0, set())

    def leaves6(self):
        yield from self.descend(0, 0, 128, 0, {self.v4_root()})

    def lookup(self, ip):
        """ip: ipaddress object."""
        node, n, bits = (self.v4_root(), int(ip), 32) if ip.version == 4 else (0, int(ip), 128)
        for i in range(bits):
            if node >= self.nodes:
                break
            node = self.record(node, n >> (bits - 1 - i) & 1)
        return None if node == self.nodes else self.data(node)
