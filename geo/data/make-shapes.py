#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make shapes.inc, the country shapes behind geo/distance/shapes.c, from Natural Earth 1:10m (public domain).

    npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz     # TopoJSON of Natural Earth 4.1.0
    python3 geo/data/make-shapes.py package/countries-10m.json > geo/data/shapes.inc

Needs the iso-codes package for ISO numeric -> alpha-2. Every step may move soil by a little, so the table says by how
much at most: after simplifying and rounding, each original vertex is measured against the segments of the result, and
the largest distance found is the error of a segment: one number for those with both ends in the box around Europe,
another for the rest. Whoever proves something subtracts it.
"""
import json
import math
import sys

EARTH = 6371.0088
NEAR, FAR = 1.5, 18.0       # km: simplify to this much, around Europe and elsewhere
ROUND = 0.8                 # km: rounding to a hundredth of a degree moves a point by less
STEP = 0.5                  # degrees: a straight line on the map is no great circle; cut it
AROUND = (-11, 34, 32, 71)  # lon, lat, lon, lat: what 'around Europe' means

# What Natural Earth keeps in one country and ISO 3166-1 does not: (country, box, code)
SPLIT = [
    ("FR", (-55, 2, -51, 6), "GF"), ("FR", (-62, 15.7, -60.9, 16.6), "GP"), ("FR", (-61.4, 14.2, -60.7, 15), "MQ"),
    ("FR", (55, -22, 56, -20), "RE"), ("FR", (44.8, -13.2, 45.5, -12.4), "YT"),
    ("NO", (-10, 70, -7, 72), "SJ"), ("NO", (5, 73.5, 40, 82), "SJ"), ("NO", (2, -56, 5, -53), "BV"),
    ("NL", (-69, 11, -62, 18), "BQ"), ("NZ", (-173, -10, -170, -8), "TK"),
    ("RU", (32, 44.2, 36.7, 46.3), "UA"),  # Crimea: ISO and the UN count it to Ukraine; see ALSO for the other claim
]
# Shapes without an ISO number: code (-- is none: outside every zone), and what else a database may call it.
NAMED = {
    "Akrotiri": "GB CY", "Dhekelia": "GB CY", "Baikonur": "KZ RU", "Bajo Nuevo Bank": "CO US", "Clipperton I.": "-- FR",
    "Coral Sea Is.": "AU", "Cyprus U.N. Buffer Zone": "-- CY", "N. Cyprus": "-- CY TR", "Kosovo": "XK RS",
    "Scarborough Reef": "PH CN", "Serranilla Bank": "CO US", "Siachen Glacier": "IN PK", "Somaliland": "SO",
    "Spratly Is.": "-- CN VN", "USNB Guantanamo Bay": "CU US", "Indian Ocean Ter.": None,
}
# Soil that ISO 3166-2 lists under a second country too, or that databases often call by it: a claim of the second is
# then not refuted by standing on the first.
ALSO = {
    "US": "PR VI GU AS MP UM", "FR": "GF GP MQ RE YT MF BL PM WF PF NC TF", "NL": "AW CW SX BQ", "NO": "SJ BV",
    "FI": "AX", "CN": "HK MO TW", "GB": "GG JE IM", "DK": "FO GL", "AU": "CX CC NF HM", "NZ": "TK CK NU", "MA": "EH",
    "AR": "FK GS", "IL": "PS",
}


def vec(lon, lat):
    lon, lat = math.radians(lon), math.radians(lat)
    return (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))


def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def sub(a, b):
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def between(a, b):
    """km between two points, good for short distances too"""
    d = sub(a, b)
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(dot(d, d)) / 2))


def to_segment(a, b):
    """a function of a point: km to the great-circle segment a-b"""
    n = cross(a, b)
    size = math.sqrt(dot(n, n))
    if size < 1e-12:
        return lambda p: min(between(p, a), between(p, b))
    n = (n[0] / size, n[1] / size, n[2] / size)
    na, nb = cross(n, a), cross(b, n)

    def km(p):
        if dot(p, na) >= 0 and dot(p, nb) >= 0:
            return EARTH * math.asin(min(1.0, abs(dot(p, n))))
        return min(between(p, a), between(p, b))
    return km


def ring_points(arcs, topology):
    out = []
    for i in arcs:
        arc = topology[i] if i >= 0 else topology[~i][::-1]
        out += arc[1:] if out else arc
    return out


def decode(t):
    sx, sy = t["transform"]["scale"]
    tx, ty = t["transform"]["translate"]
    arcs = []
    for arc in t["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x += dx
            y += dy
            points.append((x * sx + tx, y * sy + ty))
        arcs.append(points)
    return arcs


def turn(degrees):
    """to -180..180"""
    return (degrees + 180) % 360 - 180


def cut(points):
    """no step longer than STEP, so that great circles and straight map lines agree; the short way over 180 degrees"""
    out = [points[0]]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        dx = turn(x1 - x0)
        n = max(1, math.ceil(max(abs(dx), abs(y1 - y0)) / STEP))
        out += [(turn(x0 + dx * i / n), y0 + (y1 - y0) * i / n) for i in range(1, n + 1)]
    return out


def around(p):
    x0, y0, x1, y1 = AROUND
    return x0 <= p[0] <= x1 and y0 <= p[1] <= y1


def allowed(a, b):
    return NEAR if around(a) and around(b) else FAR


def simplify(points):
    """Douglas and Peucker on the sphere, from the point farthest from the first; a small ring becomes a point"""
    v = [vec(*p) for p in points]
    far = max(range(len(v)), key=lambda i: between(v[0], v[i]))
    if between(v[0], v[far]) <= allowed(points[0], points[0]):
        return [points[0]]
    keep, todo = {0, far}, [(0, far), (far, len(v) - 1)]
    while todo:
        first, last = todo.pop()
        if last - first < 2:
            continue
        km = to_segment(v[first], v[last])
        worst, where = max((km(v[i]), i) for i in range(first + 1, last))
        if worst > allowed(points[first], points[last]):
            keep.add(where)
            todo += [(first, where), (where, last)]
    return [points[i] for i in sorted(keep)]


def rounded(points):
    out = []
    for x, y in points:
        p = (round(x * 100), round(y * 100))
        if not out or out[-1] != p:
            out.append(p)
    while len(out) > 1 and out[0] == out[-1]:
        out.pop()
    return out


class Kept:
    """the segments kept so far in cells of half a degree, to measure points against"""
    def __init__(self):
        self.cells = {}

    def add(self, ring):
        pts = [(x / 100, y / 100) for x, y in ring]
        for a, b in zip(pts, pts[1:] + pts[:1]):
            segment = (allowed(a, b) == NEAR, to_segment(vec(*a), vec(*b)))
            dx, dy, cells = turn(b[0] - a[0]), b[1] - a[1], set()
            n = max(1, math.ceil(max(abs(dx), abs(dy)) * 4))
            for i in range(n + 1):
                x, y = a[0] + dx * i / n, a[1] + dy * i / n
                wide = min(30, math.ceil(0.8 / math.cos(math.radians(y)))) if abs(y) < 89.9 else 30
                cells |= {((round(2 * x) + east) % 720, round(2 * y) + north)
                          for east in range(-wide, wide + 1) for north in (-1, 0, 1)}
            for c in cells:
                self.cells.setdefault(c, []).append(segment)

    def km(self, p):
        """distance to the nearest segment around Europe, and to the nearest elsewhere"""
        v, found = vec(*p), {True: 1e9, False: 1e9}
        for near, km in self.cells.get((round(2 * p[0]) % 720, round(2 * p[1])), ()):
            found[near] = min(found[near], km(v))
        return found[True], found[False]

    def error(self, p):
        """(error near, error far) that p asks for: whichever kind of segment serves it better"""
        near, far = self.km(p)
        return (near, 0.0) if near <= NEAR + ROUND or near / NEAR < far / FAR else (0.0, far)


def box_of(points):
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs), max(ys)


def codes_of(country, name, alpha2, points):
    """the code of one polygon, then the others that a database may give it"""
    if name == "Indian Ocean Ter.":
        return ["CX" if points[0][0] > 100 else "CC", "AU"]
    codes = NAMED[name].split() if country is None else [alpha2[country]]
    x0, y0, x1, y1 = box_of(points)
    for cc, (bx0, by0, bx1, by1), other in SPLIT:
        if codes[0] == cc and bx0 <= x0 and by0 <= y0 and x1 <= bx1 and y1 <= by1:
            codes = [other] + (["RU"] if other == "UA" else [])
    return codes + [parent for parent, kids in ALSO.items() if codes[0] in kids.split() and parent not in codes]


def shape_of(polygons, errors):
    """-> rings. Large ones first; an island wholly within the tolerance of what is kept already goes"""
    rings = [(ring, hole) for polygon in polygons for hole, ring in enumerate(polygon)]
    rings.sort(key=lambda r: -len(r[0]))
    kept, out = Kept(), []
    for ring, hole in rings:
        known = [kept.km(p) for p in ring]
        if all(near <= NEAR or far <= FAR for near, far in known):
            continue
        small = rounded(simplify(cut(ring)))
        if hole and len(small) < 3:
            continue
        kept.add(small)
        out.append(small)
        for p in cut(ring):
            errors[:] = [max(e) for e in zip(errors, kept.error(p))]
    return out


def main(path):
    topology = json.load(open(path, encoding="utf-8"))
    iso = json.load(open("/usr/share/iso-codes/json/iso_3166-1.json", encoding="utf-8"))["3166-1"]
    alpha2 = {c["numeric"]: c["alpha_2"] for c in iso}
    arcs, shapes = decode(topology), {}
    for g in topology["objects"]["countries"]["geometries"]:
        polygons = [g["arcs"]] if g["type"] == "Polygon" else g["arcs"]
        for polygon in polygons:
            rings = [ring_points(r, arcs) for r in polygon]
            codes = codes_of(g.get("id"), g["properties"]["name"], alpha2, rings[0])
            shapes.setdefault(tuple(codes), []).append(rings)
    missing = sorted(set(alpha2.values()) - {c[0] for c in shapes})
    print("no shape for:", *missing, file=sys.stderr)
    errors = [NEAR, FAR]
    emit({codes: shape_of(polygons, errors) for codes, polygons in sorted(shapes.items())}, errors)


def emit(shapes, errors):
    points = [p for rings in shapes.values() for r in rings for p in r]
    print("/* Made by make-shapes.py from Natural Earth 4.1.0, 1:10m (public domain). Do not edit. */")
    print(f"#define SHAPES_POINTS {len(points)}\n#define SHAPES_COUNT {len(shapes)}")
    print(f"#define SHAPES_NEAR_KM {math.ceil(errors[0] * 10) / 10}\n#define SHAPES_FAR_KM {math.ceil(errors[1] * 10) / 10}")
    for edge, value in zip(("WEST", "SOUTH", "EAST", "NORTH"), AROUND):
        print(f"#define SHAPES_{edge} {value * 100}")
    print("/* code, other codes that a database may give this soil, first ring, rings */")
    print("static const struct shape shapes[SHAPES_COUNT] = {")
    first = 0
    for codes, rings in shapes.items():
        cc = ["0" if c == "--" else f"CC('{c[0]}', '{c[1]}')" for c in codes]
        print(f"\t{{ {cc[0]}, {{ {', '.join(cc[1:]) or '0'} }}, {first}, {len(rings)} }},")
        first += len(rings)
    print(f"}};\n#define SHAPES_RINGS {first}\n/* how many points each ring has, in order */")
    block("static const uint16_t ring_points[SHAPES_RINGS]", [str(len(r)) for rings in shapes.values() for r in rings])
    print("/* longitude, latitude in hundredths of a degree; the last point of a ring joins its first */")
    block("static const int16_t points[SHAPES_POINTS][2]", [f"{{{x},{y}}}" for x, y in points])


def block(head, items):
    print(head + " = {")
    line = ""
    for item in items:
        if len(line) + len(item) > 110:
            print(line)
            line = ""
        line += item + ","
    print(line + "\n};")


if __name__ == "__main__":
    main(sys.argv[1])
