#!/usr/bin/env python3
"""Every key of an alert is a field of ECS with a value of its type, and every value from the schema's lists.

Without arguments: what 'replay' writes of the golden captures. With FILES: alert files of a live test."""
import ipaddress, json, os, re, subprocess, sys
from pathlib import Path

here = Path(__file__).resolve().parent
FIELDS = {}
for row in (here / "ecs_fields.tsv").read_text().splitlines():
    if row and row[0] != "#":
        name, kind, *array = row.split("\t")
        FIELDS[name] = (kind, bool(array))

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")
# what the schema allows, and for each category which types belong to it
KIND = {"alert", "event", "state", "metric"}
OUTCOME = {"success", "failure", "unknown"}
TYPES = {
    "network": {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "process": {"access", "change", "end", "info", "start"},
    "file": {"access", "change", "creation", "deletion", "info"},
    "host": {"access", "change", "end", "info", "start"},
}
SEVERITY = {21, 47, 73, 99}


def is_ip(v):
    try:
        return isinstance(v, str) and bool(ipaddress.ip_address(v))
    except ValueError:
        return False


OF_TYPE = {
    "date": lambda v: isinstance(v, str) and DATE.match(v),
    "keyword": lambda v: isinstance(v, str) and v != "",
    "text": lambda v: isinstance(v, str),
    "long": lambda v: isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 2**63,
    "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "ip": is_ip,
}


def leaves(v, path=""):
    if isinstance(v, dict):
        if not v:
            yield path, v
        for k, w in v.items():
            yield from leaves(w, f"{path}.{k}" if path else k)
    else:
        yield path, v


def wrong_fields(doc):
    for path, v in leaves(doc):
        if path.split(".")[0] == "cordon":
            continue
        if path not in FIELDS:
            yield f"{path} is no field of ECS"
            continue
        kind, array = FIELDS[path]
        values = v if isinstance(v, list) else [v]
        if array != isinstance(v, list):
            yield f"{path} is {'an array' if array else 'one value'} in ECS"
        for w in values:
            if not OF_TYPE[kind](w):
                yield f"{path}: {w!r} is no {kind}"


def wrong_values(doc):
    e = doc["event"]
    if e["kind"] not in KIND:
        yield f"event.kind {e['kind']}"
    if e.get("outcome", "success") not in OUTCOME:
        yield f"event.outcome {e['outcome']}"
    for c in e["category"]:
        if c not in TYPES:
            yield f"event.category {c}"
        elif not set(e["type"]) <= TYPES[c]:
            yield f"event.type {e['type']} of category {c}"
    if "severity" in e and (e["severity"] not in SEVERITY or e.get("risk_score") != e["severity"]):
        yield f"event.severity {e['severity']}, risk_score {e.get('risk_score')}"
    if e["kind"] == "alert" and "severity" not in e:
        yield "an alert without event.severity"
    if doc["cordon"]["kind"] == "state" and e["dataset"] != "cordon.state":
        yield f"a state event in dataset {e['dataset']}"


def wrong_ends(doc):
    """source, destination, client, server and related agree."""
    if "source" not in doc:
        return
    here, there = ("client", "server") if doc["cordon"]["opened"] == "here" else ("server", "client")
    if doc[here] != doc["source"] or doc[there] != doc["destination"]:
        yield "client and server are not who opened and who answered"
    ips = [doc[side]["ip"] for side in ("source", "destination") if "ip" in doc[side]]
    ips += [d["ip"] for d in doc["cordon"].get("summary", {}).get("destinations", [])]
    missing = set(ips) - set(doc["related"]["ip"])
    if missing or len(doc["related"]["ip"]) != len(set(doc["related"]["ip"])):
        yield f"related.ip {doc['related']['ip']} misses {missing} or repeats"


def check(name, lines):
    bad = {}
    n = 0
    for line in lines:
        doc = json.loads(line)
        n += 1
        for rule in (wrong_fields, wrong_values, wrong_ends):
            for what in rule(doc):
                bad.setdefault(what, doc["event"].get("action"))
    for what, action in sorted(bad.items()):
        print(f"not ok {name} - {what} (of {action})")
    if not bad:
        print(f"ok {name}: {n} events" if n else f"not ok {name} - no event")
    return not bad and n > 0


def replayed():
    tmp, root = os.environ["TMPDIR"], os.environ["ROOT"]
    subprocess.run([sys.executable, f"{root}/tests/golden/replay/make.py", tmp], check=True)
    for policy, capture in (("eu", "database.pcap"), ("peer", "database.pcap"), ("eu", "v6.pcap"), ("eu", "odd.pcap"),
                            ("eu", "mixed.pcapng"), ("until", "until.pcap")):
        out = subprocess.run([os.environ["CORDON"], "replay", "-p", f"{policy}.policy", "--geo", "geofeed.csv", capture],
                             cwd=tmp, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        yield f"replay {policy} {capture}", out.splitlines()


if len(sys.argv) > 1:
    good = [check(Path(f).name, Path(f).read_text().splitlines()) for f in sys.argv[1:]]
else:
    good = [check(name, lines) for name, lines in replayed()]
sys.exit(not all(good))
