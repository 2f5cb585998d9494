#!/usr/bin/env python3
"""make-facts.py - the shipped facts from the operators' own lists: lists of prefixes, and FACTS, the list of files.

    python3 geo/data/make-facts.py --ranges DIR [--asn DIR] [--out DIR]    lists of DIR, then FACTS
    python3 geo/data/make-facts.py                                        FACTS only, after a table was changed

DIR of --ranges holds the files as they were published and MANIFEST.tsv (file, source, commit, date, records, note).
DIR of --asn holds asn-ipv4.csv and asn-ipv6.csv (first,last,asn,organisation) and package.json, as the npm package
@ip-location-db/asn has them; only the AS numbers of facts/asns.tsv are taken.

A list (NAME.ranges) is a text: '#' lines say whose it is, of which kind, from which file (sha256), of which date; then
groups, '@ <region> <service> <country>' (or '@ <asn> <organisation>') with tabs between and '-' for nothing, and the
prefixes of the group, a line each. What is left out changes no place: a prefix inside another of the same group, and
halves of one prefix that are of one group are written as that prefix. The same bytes come out of the same input.
"""
import argparse
import collections
import csv
import datetime
import hashlib
import ipaddress
import json
import re
import sys
from pathlib import Path

FACTS = Path(__file__).resolve().parent / "facts"
NOTHING = "-"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def order(net):
    return net.version, int(net.network_address), net.prefixlen


def reduce(groups):
    """{net: group} with what says nothing new left out"""
    kept, around = {}, []
    for net in sorted(groups, key=order):
        while around and not (around[-1].version == net.version and net.subnet_of(around[-1])):
            around.pop()
        if around and kept[around[-1]] == groups[net]:
            continue
        kept[net] = groups[net]
        around.append(net)
    by_length = collections.defaultdict(set)
    for net in kept:
        by_length[net.version, net.prefixlen].add(net)
    for version, top in ((4, 32), (6, 128)):
        for length in range(top, 0, -1):
            for net in sorted(by_length[version, length], key=order):
                if int(net.network_address) >> (top - length) & 1:
                    continue
                whole = net.supernet()
                other = type(net)((int(net.network_address) + (1 << (top - length)), length))
                if other in kept and kept[net] == kept[other] and whole not in kept:
                    kept[whole] = kept.pop(net)
                    del kept[other]
                    by_length[version, length - 1].add(whole)
    return kept


def write_list(out, name, heads, groups):
    by_group = collections.defaultdict(list)
    for net, group in reduce(groups).items():
        by_group[group].append(net)
    lines = ["#cordon-ranges 1"] + [f"#{key} {value}" for key, value in heads if value]
    for group in sorted(by_group):
        lines.append("@\t" + "\t".join(field or NOTHING for field in group))
        lines += [str(net) for net in sorted(by_group[group], key=order)]
    (out / f"{name}.ranges").write_text("\n".join(lines) + "\n")


class Groups(dict):
    """prefix -> (region, service, country); two places for one prefix leave it nowhere"""

    def add(self, text, region, service="", country=""):
        net = ipaddress.ip_network(text)
        old = self.get(net)
        if not old:
            self[net] = (region, service, country)
            return
        where, what = old[::2], old[1] or service
        if where == ("", ""):
            where = (region, country)
        elif (region, country) not in (("", ""), where):
            where = ("global", "")
        self[net] = (where[0], what, where[1])


def aws(data):
    doc = json.loads(data)
    groups = Groups()
    generic = []
    for key, items in (("ip_prefix", doc["prefixes"]), ("ipv6_prefix", doc["ipv6_prefixes"])):
        for o in items:
            # the network border group says where the machines stand: eu-central-1-ist-1 is Istanbul
            group = o.get("network_border_group", o["region"])
            if o["service"] == "AMAZON":
                generic.append((o[key], group))
            else:
                groups.add(o[key], group, o["service"])
    for prefix, group in generic:
        groups.add(prefix, group, "AMAZON")
    date = datetime.datetime.strptime(doc["createDate"], "%Y-%m-%d-%H-%M-%S")
    return groups, date.isoformat() + "Z", doc["syncToken"]


def google(data):
    doc = json.loads(data)
    groups = Groups()
    for o in doc["prefixes"]:
        groups.add(o.get("ipv4Prefix") or o["ipv6Prefix"], o.get("scope", ""), o.get("service", ""))
    return groups, doc["creationTime"].split(".")[0] + "Z", doc["syncToken"]


def azure(data):
    """a tag is a service in a region or in none; Front Door is anycast but for its back ends"""
    doc = json.loads(data)
    groups = Groups()
    for tag in doc["values"]:
        name, region = tag["name"], tag["properties"]["region"]
        if name.startswith("AzureFrontDoor") and not name.startswith("AzureFrontDoor.Backend"):
            region = "global"
        service = "" if name.startswith("AzureCloud") else name.split(".")[0]
        for prefix in tag["properties"]["addressPrefixes"]:
            groups.add(prefix, region, service)
    return groups, None, str(doc["changeNumber"])


def oracle(data):
    doc = json.loads(data)
    groups = Groups()
    for region in doc["regions"]:
        for o in region["cidrs"]:
            groups.add(o["cidr"], region["region"], o["tags"][0] if o["tags"] else "")
    return groups, doc["last_updated_timestamp"].split(".")[0] + "Z", None


def anycast_json(data):
    doc = json.loads(data)
    groups = Groups()
    for prefix in doc["addresses"] + doc["ipv6_addresses"]:
        groups.add(prefix, "global")
    return groups, None, None


def anycast_text(data):
    groups = Groups()
    for line in data.decode().split():
        groups.add(line, "global")
    return groups, None, None


def geofeed(data):
    groups = Groups()
    date = re.search(rb"^# Last modified: (\S+ \d\d:\d\d:\d\d)", data, re.M)
    for row in csv.reader(data.decode().splitlines()):
        if row and not row[0].startswith("#"):
            groups.add(row[0].strip(), "", "", row[1].strip().upper())
    return groups, date and date.group(1).decode().replace(" ", "T") + "Z", None


def clever(data):
    """two zones, one of them for health data, list the same prefixes: then the country is known, the zone is not"""
    countries = {}
    for line in (FACTS / "regions.tsv").read_text().splitlines():
        if line.startswith("clevercloud\t"):
            countries[line.split("\t")[1]] = line.split("\t")[2]
    zones = collections.defaultdict(set)
    for row in csv.reader(data.decode().splitlines()[1:]):
        if row:
            zones[row[1]].add(row[2])
    groups = Groups()
    for prefix, names in zones.items():
        where = {countries.get(name, "") for name in names}
        if len(names) == 1:
            groups.add(prefix, names.pop())
        else:
            groups.add(prefix, "", "", where.pop() if len(where) == 1 else "")
    return groups, None, None


# name, operator, kind, files, reader, where the operator publishes it
LISTS = [
    ("aws", "aws", "ranges", ["aws-ip-ranges.json"], aws, "ip-ranges.amazonaws.com/ip-ranges.json"),
    ("azure", "azure", "ranges", ["azure-ServiceTags_Public.json"], azure,
     "www.microsoft.com/download/details.aspx?id=56519"),
    ("clevercloud", "clevercloud", "ranges", ["clever-cloud.csv"], clever, "Clever Cloud's zone list"),
    ("cloudflare-v4", "cloudflare", "ranges", ["cloudflare-ips-v4.txt"], anycast_text, "www.cloudflare.com/ips-v4"),
    ("cloudflare-v6", "cloudflare", "ranges", ["cloudflare-ips-v6.txt"], anycast_text, "www.cloudflare.com/ips-v6"),
    ("digitalocean", "digitalocean", "geofeed", ["digitalocean-geofeed.csv"], geofeed,
     "digitalocean.com/geo/google.csv"),
    ("fastly", "fastly", "ranges", ["fastly-public-ip-list.json"], anycast_json, "api.fastly.com/public-ip-list"),
    ("google", "google", "ranges", ["google-cloud.json"], google, "www.gstatic.com/ipranges/cloud.json"),
    ("google-all", "google", "ranges-vague", ["google-goog.json"], google, "www.gstatic.com/ipranges/goog.json"),
    ("linode", "linode", "geofeed", ["linode-geofeed.csv"], geofeed, "geoip.linode.com"),
    ("oracle", "oracle", "ranges", ["oracle-public_ip_ranges.json"], oracle,
     "docs.oracle.com/iaas/tools/public_ip_ranges.json"),
]


def day_of(row):
    """the day of the copy, of MANIFEST.tsv; of a year alone its first, for a list is never younger than it is"""
    found = re.match(r"\d{4}(-\d\d-\d\d)?", row["date"])
    return found.group() if found.group(1) else found.group() + "-01-01"


def make_lists(ranges, out):
    with open(ranges / "MANIFEST.tsv") as f:
        rows = {row["file"]: row for row in csv.DictReader(f, delimiter="\t")}
    for name, operator, kind, files, reader, published in LISTS:
        data = (ranges / files[0]).read_bytes()
        row = rows[files[0]]
        groups, date, version = reader(data)
        write_list(out, name, [
            ("operator", operator), ("kind", kind), ("date", date or day_of(row)), ("version", version),
            ("file", files[0]), ("sha256", sha256(data)), ("published", published),
            ("copy", f"{row['source']} {row['commit']}"),
        ], groups)


def make_asn(directory, out):
    """first,last,asn,organisation of the operators' AS numbers, as prefixes"""
    operators = {}
    for line in (FACTS / "asns.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            asn, key = line.split("\t")[:2]
            operators[asn] = key
    groups, digest = {}, hashlib.sha256()
    for name in ("asn-ipv4.csv", "asn-ipv6.csv"):
        data = (directory / name).read_bytes()
        digest.update(data)
        for first, last, asn, organisation in csv.reader(data.decode().splitlines()):
            if asn not in operators:
                continue
            for net in ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last)):
                groups[net] = (asn, re.sub(r"[\t\r\n]+", " ", organisation))
    version = json.loads((directory / "package.json").read_text())["version"]
    day = re.search(r"(\d{4})(\d\d)(\d\d)\d\d$", version)
    write_list(out, "asn", [
        ("kind", "asn"), ("date", "-".join(day.groups())), ("version", version), ("file", "asn-ipv4.csv asn-ipv6.csv"),
        ("sha256", digest.hexdigest()), ("published", "www.npmjs.com/package/@ip-location-db/asn"),
        ("licence", "CC BY 4.0: RouteViews (www.routeviews.org), DB-IP (db-ip.com); reduced to the AS numbers of asns.tsv"),
    ], groups)


def make_manifest(out):
    """FACTS: the serial rises when a file changed, by the day of the newest table or list"""
    old = (out / "FACTS").read_text() if (out / "FACTS").exists() else ""
    files = sorted(p for p in out.iterdir() if p.suffix in (".tsv", ".ranges"))
    lines = []
    for path in files:
        data = path.read_bytes()
        lines.append(f"{path.name} {len(data)} {sha256(data)}")
    if old and old.splitlines()[3:] == lines:
        return
    today = datetime.date.today()
    serial = int(today.strftime("%Y%m%d00")) + 1
    if old:
        serial = max(serial, int(old.splitlines()[1].split()[1]) + 1)
    (out / "FACTS").write_text("\n".join(
        ["cordon-facts 1", f"serial {serial}", f"date {today.isoformat()}"] + lines) + "\n")


def main():
    p = argparse.ArgumentParser(description="the shipped facts from the operators' own lists")
    p.add_argument("--ranges", type=Path)
    p.add_argument("--asn", type=Path)
    p.add_argument("--out", type=Path, default=FACTS)
    a = p.parse_args()
    if a.ranges:
        make_lists(a.ranges, a.out)
    if a.asn:
        make_asn(a.asn, a.out)
    if a.out == FACTS or not a.ranges:
        make_manifest(a.out)


if __name__ == "__main__":
    sys.exit(main())
