#!/usr/bin/env python3
"""explain_shipped_check.py - with no option: one address of every operator's every region gives place, operator, region and law.

The expectation is made here from the shipped lists and tables, and, where shared/ is beside the clone, from the files as they
were published: the lists must say of every address what those do.
"""
import collections
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

CORDON, B = os.environ["CORDON"], Path(os.environ["B"])
FACTS = B / "share/cordon/facts"
SHARED = os.environ.get("SHARED", "")
bad = False


def result(name, faults):
    global bad
    if faults:
        bad = True
        print(f"not ok {name} - {len(faults)}: {'; '.join(faults[:5])}")
    else:
        print(f"ok {name}")


def rows(name):
    for line in (FACTS / name).read_text().splitlines():
        if line and line[0] != "#":
            yield [("" if f == "-" else f) for f in line.split("\t")]


def explain(addresses, *options):
    out = {}
    addresses = list(addresses)
    for i in range(0, len(addresses), 400):
        run = subprocess.run([CORDON, "explain", "--json", *options, *addresses[i:i + 400]], capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"explain: exit {run.returncode}: {run.stderr[:500]}")
        for line in run.stdout.splitlines():
            o = json.loads(line)
            out[o["address"]] = o
    return out


def read_list(path):
    """operator, [(prefix, group)]"""
    operator, group, out = None, None, []
    for line in path.read_text().splitlines():
        if line.startswith("#operator "):
            operator = line.split()[1]
        elif line.startswith("@"):
            group = tuple("" if f == "-" else f for f in line.split("\t")[1:])
        elif not line.startswith("#"):
            out.append((ipaddress.ip_network(line), group))
    return operator, out


def examples(prefixes):
    """of every group, an address that no narrower prefix of another group holds"""
    nets = {}
    for net, group in prefixes:
        nets[net] = group
    lengths = sorted({(n.version, n.prefixlen) for n in nets}, reverse=True)

    def group_of(address):
        top = 32 if address.version == 4 else 128
        for version, length in lengths:
            if version == address.version:
                net = ipaddress.ip_network((int(address) >> (top - length) << (top - length), length))
                if net.version == version and net in nets:
                    return nets[net]
        return None

    seen = {}
    for net, group in sorted(prefixes, key=lambda p: -p[0].prefixlen):
        if group in seen:
            continue
        for address in (net.network_address + 1 if net.num_addresses > 2 else net.network_address, net.broadcast_address):
            if group_of(address) == group:
                seen[group] = address
                break
    return seen


regions = {(r[0], r[1]): r[2] for r in rows("regions.tsv") if r[3] == "yes"}
EEA = {r[1] for r in rows("zones.tsv") if r[0] in ("eu", "eea") and not r[3]}
hds = {r[0]: r[4] for r in rows("hds.tsv")}
laws = {r[0]: r[2].split() for r in rows("operators.tsv")}
LISTS = sorted(p for p in FACTS.glob("*.ranges") if p.name not in ("asn.ranges", "google-all.ranges"))
for path in LISTS:
    operator, prefixes = read_list(path)
    wanted = {str(a): g for g, a in examples(prefixes).items()}
    faults, seen = [], set()
    for address, o in explain(wanted).items():
        region, _, country = wanted[address]
        country = country or regions.get((operator, region), "")
        place = o["place"]
        seen.add((region, country))
        if place["provider"] != operator or (region and place["region"] != region):
            faults.append(f"{address}: {place['provider']} {place['region']}, not {operator} {region}")
        if o["operator"]["laws"] != laws[operator] or not o["operator"]["jurisdiction"]:
            faults.append(f"{address}: law {o['operator'].get('laws')}")
        if operator in hds:
            want = (False if place["country"] and place["country"] not in EEA else
                    None if not hds[operator] or not place["region"] else "any")
            if want != "any" and (not o["operator"]["hds"] or o["operator"]["hds"]["holds"] is not want):
                faults.append(f"{address}: HDS in {region}: {o['operator']['hds']}")
        if country and place["country"] != country:
            faults.append(f"{address}: {place['country']}, not {country} ({region})")
        if region and not country and place["status"] != "unprovable":
            faults.append(f"{address}: {place['status']} in {region}, which no table places")
    if not seen:
        faults.append("no address was asked")
    result(f"explain_shipped/{path.stem}", faults)

# operators whose prefixes are only known by their AS number
_, prefixes = read_list(FACTS / "asn.ranges")
by_asn = {int(r[0]): r[1] for r in rows("asns.tsv")}
wanted = {str(a): by_asn[int(g[0])] for g, a in examples(prefixes).items()}
faults, keys = [], set()
for address, o in explain(wanted).items():
    keys.add(wanted[address])
    got = {o["place"]["provider"], o["place"]["platform"], o["operator"]["key"]}
    if wanted[address] not in got and not (o["place"]["provider"] and o["evidence"][0]["source"] == "facts"):
        faults.append(f"{address}: {got}, not {wanted[address]}")
    if not o["operator"]["jurisdiction"]:
        faults.append(f"{address}: no law")
missing = {"ovh", "scaleway", "hetzner", "exoscale", "outscale", "vultr", "meta", "ionos", "infomaniak", "leaseweb"} - keys
result("explain_shipped/asn", faults + sorted(missing))

# the lists say what the published files say, address by address
RAW = {"aws": "aws-ip-ranges.json", "google": "google-cloud.json", "azure": "azure-ServiceTags_Public.json",
       "oracle": "oracle-public_ip_ranges.json", "digitalocean": "digitalocean-geofeed.csv", "linode": "linode-geofeed.csv",
       "clevercloud": "clever-cloud.csv"}
if not (SHARED and Path(SHARED, "ranges").is_dir()):
    print("skip shared/explain_published - no shared/ beside the clone")
    sys.exit(bad)
rng = random.Random(20261125)
for name, file in RAW.items():
    text = Path(SHARED, "ranges", file).read_text()
    nets = [ipaddress.ip_network(p) for p in set(re.findall(r"(?:[0-9a-f]+[.:])[0-9a-f.:]*/\d+", text))]
    nets = rng.sample(sorted(nets, key=str), min(700, len(nets)))
    asked = set()
    for net in nets:
        asked.add(str(net.network_address))
        asked.add(str(net.broadcast_address))
        if int(net.broadcast_address) + 1 < 2 ** net.max_prefixlen:
            asked.add(str(net.broadcast_address + 1))
    raw = explain(asked, "--geo", str(Path(SHARED, "ranges", file)))
    ours = explain(asked, "--geo", str(FACTS / f"{name}.ranges"))
    keep = ("country", "status", "scope") if "geofeed" in file else ("country", "status", "scope", "provider", "region")
    faults = []
    for a in asked:
        was, now = ([o[a]["place"][k] for k in keep] for o in (raw, ours))
        if was != now and was[1] != "unprovable" or was[:2] != now[:2]:
            faults.append(f"{a}: {now}, published {was}")
    result(f"explain_shipped/published_{name}", faults)
sys.exit(bad)
