#!/usr/bin/env python3
"""report_declared_check.py - declared against observed: twelve seeded contradictions are found, what does not contradict is not."""
import csv, io, json, os, subprocess, sys, zipfile
from pathlib import Path

sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
from ledger import Ledger, unix

CORDON, TMP = os.environ["CORDON"], Path(os.environ["TMPDIR"])
P = ["--from", "2026-06-01", "--to", "2026-06-02"]


def ok(name, good, why=""):
    print(f"ok {name}" if good else f"not ok {name} - {str(why)[:600]}")


def same(name, want, got):
    ok(name, want == got, f"wanted {want!r}, got {got!r}")


def table(head, rows):
    f = io.StringIO()
    w = csv.writer(f, lineterminator="\r\n")
    w.writerow(head)
    w.writerows(rows)
    return f.getvalue()


def columns(n, last):
    return [f"c{i:04}" for i in range(n, last + 1, 10)]


# observed: operator, place, class of evidence, size
l = Ledger("state")
t = unix("2026-06-01T10:00")
seen = [
    dict(operator="Amazon Web Services", provider="aws", law="US", country="DE", region="eu-central-1"),
    dict(operator="Amazon Web Services", provider="aws", law="US", country="US", region="us-east-1"),                       # 1 place, 2 hds
    dict(operator="Amazon Web Services", provider="aws", law="US", country="IE", region="eu-west-1"),                       # 3 place
    dict(operator="OVHcloud", provider="ovh", law="FR", country="FR"),
    dict(operator="OVHcloud", provider="ovh", law="FR", country="CA", region="bhs"),                                        # 4 place
    dict(operator="OVHcloud", provider="ovh", law="FR", country="US", grade="disputed"),                                    # not proven
    dict(operator="Hetzner", provider="hetzner", law="DE", country="FI"),
    dict(operator="Hetzner", provider="hetzner", law="DE", country="US"),                                                   # 5 place
    dict(operator="Acme Backup GmbH", law="DE", country="TR"),                                                              # 6 place
    dict(operator="Acme Backup GmbH", law="DE", country="", grade="unknown"),                                               # not known
    dict(operator="Exoscale", provider="exoscale", law="CH", country="CH", region="ch-gva-2"),                              # 7 parent
    dict(operator="Scalingo", law="FR", country="FR"),                                                                      # 8 chain
    dict(operator="Scaleway", provider="scaleway", law="FR", country="FR", region="fr-par"),
    dict(operator="Scaleway", provider="scaleway", law="FR", country="NL", region="nl-ams", exe="/usr/bin/rclone"),         # 9 hds
    dict(operator="Microsoft Azure", provider="azure", law="US", country="FR", region="francecentral"),                     # 10 hds law
    dict(operator="Google Cloud", provider="google", law="US", country="GB"),                                               # 11 access, 12 hds
    dict(operator="Cloudflare", provider="cloudflare", law="US", country="", grade="unprovable"),                           # not proven
    dict(operator="Linode (Akamai)", provider="linode", law="US", country="US"),                                            # not declared
    dict(operator="STACKIT", provider="stackit", law="DE", country="DE"),
    dict(operator="Hetzner", provider="hetzner", law="DE", country="SG", verdict=2, enforced=1),                            # stopped
    dict(operator="IONOS", provider="ionos", law="DE", country="ES"),                                                       # n/a
]
size = {}
for i, k in enumerate(seen):
    n = 41_000_000 + i * 1000
    size[k["operator"], k["country"]] = n
    l.row(l.key(**k), t, n, flows=3)
state = l.done()

# declared: code, name, country of headquarters, parent
providers = [("LEI-AWS-1", "Amazon Web Services EMEA SARL", "LU", "LEI-AWS-0"), ("LEI-AWS-0", "Amazon.com, Inc.", "US", ""),
             ("LEI-OVH", "OVH SAS", "FR", "LEI-OVH"), ("LEI-HETZNER", "Hetzner Online GmbH", "DE", ""), ("LEI-ACME", "Acme Backup GmbH", "DE", ""),
             ("LEI-EXO", "Exoscale", "CH", ""), ("LEI-SCAL", "Scalingo SAS", "FR", ""), ("LEI-CF", "Cloudflare", "US", ""), ("LEI-STACK", "STACKIT GmbH", "DE", ""),
             ("LEI-IONOS", "IONOS SE", "DE", "LEI-NOT-HERE")]
# provider, provision, stored, at rest, processing
contracts = [("LEI-AWS-1", "DE", "x28", "DE", "DE"), ("LEI-OVH", "FR", "x28", "FR", "qx2007"), ("LEI-HETZNER", "DE", "x28", "FI", "DE"),
             ("LEI-ACME", "DE", "x28", "DE", "DE"), ("LEI-EXO", "CH", "x28", "CH", "CH"), ("LEI-SCAL", "FR", "x28", "FR", "FR"),
             ("LEI-CF", "DE", "x29", "qx2007", "DE"), ("LEI-STACK", "DE", "x28", "DE", "DE"), ("LEI-IONOS", "qx2007", "x29", "qx2007", "qx2007")]
b0202 = table(columns(10, 180), [[f"CA-{i}", "LEI-US", c[0], "eba_qCO:qx2000", "F1", "eba_TA:S17", "2024-01-01", "9999-12-31", "", "30", "30", "eba_GA:FR",
              f"eba_GA:{c[1]}", f"eba_BT:{c[2]}", f"eba_GA:{c[3]}", f"eba_GA:{c[4]}", "eba_ZZ:x793", ""] for i, c in enumerate(contracts)])
b0501_eba = table(columns(10, 120), [[c, "eba_qCO:qx2000", "", "", n, n, "eba_CT:x212", f"eba_GA:{home}", "EUR", "1", parent, "eba_qCO:qx2000"] for c, n, home, parent in providers])
b0501_its = table(columns(10, 90), [[c, "LEI", n, "legal", f"eba_GA:{home}", "EUR", "1", parent, "LEI"] for c, n, home, parent in providers])
b0502 = table(columns(10, 70), [["CA-5", "eba_TA:S17", "LEI-SCAL", "LEI", "1", "", ""]])


def package(path, b0501):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("roi/META-INF/reportPackage.json", '{"documentInfo":{"documentType":"https://xbrl.org/report-package/2023"}}')
        z.writestr("roi/reports/report.json", "{}")
        z.writestr("roi/reports/parameters.csv", "name,value\r\nentityID,rs:LEI.IND\r\nrefPeriod,2026-03-31\r\n")
        z.writestr("roi/reports/FilingIndicators.csv", "templateID,reported\r\nB_02.02,true\r\n")
        for name, text in (("b_02.02", b0202), ("b_05.01", b0501), ("b_05.02", b0502)):
            z.writestr(f"roi/reports/{name}.csv", text)


package(TMP / "eba.zip", b0501_eba)
package(TMP / "its.zip", b0501_its)
with zipfile.ZipFile(TMP / "eba.zip") as z:
    z.extractall(TMP / "folder")
hds = [("Scaleway", "hébergeur", "oui", "non", "1 à 6", "aucun accès", "aucun"), ("Microsoft Azure", "sous-traitant", "oui", "non", "1 à 6", "oui : support", "Aucun risque"),
       ("Google Cloud", "sous-traitant", "yes", "no", "1-4", "none", "yes: FISA 702"), ("Amazon Web Services", "sous-traitant", "certifié", "non", "1-4", "oui", "oui"),
       ("STACKIT", "hébergeur", "non", "non", "1", "aucun", "aucun")]
(TMP / "hds.csv").write_text("\ufeff" + table("Acteur;Rôle;HDS;SecNumCloud;Activités;Accès hors EEE;Risque".split(";"), hds))

DORA_PLACE, PARENT, CHAIN = "DORA B_02.02: country of provision, storage or processing", "DORA B_05.01: country of the ultimate parent", \
    "DORA B_05.02: infrastructure not in the supply chain"
ACCESS, LAW, HDS = "HDS table: no access or transfer outside the EEA", "HDS table: no risk by a third country’s law", "HDS table: certified, yet not for this place"
WANT = sorted([
    (DORA_PLACE, "Amazon Web Services", "DE", "US"), (DORA_PLACE, "Amazon Web Services", "DE", "IE"), (DORA_PLACE, "OVHcloud", "FR", "CA"),
    (DORA_PLACE, "Hetzner", "DE FI", "US"), (DORA_PLACE, "Acme Backup GmbH", "DE", "TR"), (PARENT, "Exoscale", "CH", "MX"),
    (CHAIN, "Scalingo", "", "Outscale"), (ACCESS, "Google Cloud", "EEA", "GB"), (HDS, "Google Cloud", "HDS", "GB"), (LAW, "Microsoft Azure", "EEA", "US"),
    (HDS, "Amazon Web Services", "HDS", "US"), (HDS, "Scaleway", "HDS", "NL")])


def found(*args):
    p = subprocess.run([CORDON, "report", "--json", "-", "--state", str(state), *P, *map(str, args)], capture_output=True, text=True, timeout=60)
    if p.returncode:
        return None, p.stderr
    r = json.loads(p.stdout)
    return r, sorted((x["kind"], x["operator"], x["declared"], x["observed"]) for x in r["tables"]["contradictions"]["rows"])


r, got = found("--dora", TMP / "eba.zip", "--hds", TMP / "hds.csv")
same("twelve seeded contradictions, all found", [], [x for x in WANT if x not in got])
same("none that is false", [], [x for x in got if x not in WANT])
row = next(x for x in r["tables"]["contradictions"]["rows"] if x["observed"] == "US" and x["operator"] == "Amazon Web Services")
same("declared DE, observed US: how much, by what, in how many flows", (size["Amazon Web Services", "US"], "/usr/bin/pg_dump", 3), (row["bytes"], row["process"], row["flows"]))
ok("page one says how many", any(x["en"].startswith("12 contradictions") and x["tone"] == "bad" for x in r["page_one"]))
for form in ("its.zip", "folder"):
    same(f"the same as {form}", WANT, found("--dora", TMP / form, "--hds", TMP / "hds.csv")[1])
same("nothing declared, nothing contradicted", [], found()[1])

# promises of a policy
(TMP / "promises.conf").write_text("""zone near { eea CH }
promise provider aws stays DE, near under eea "annex 2"
promise provider ovh stays FR under FR
promise provider scaleway stays eea under eea
promise provider "Acme Backup GmbH" stays DE, FI under DE
promise provider exoscale stays CH under CH
promise provider google stays US, adequate
promise provider cloudflare stays DE
promise provider hetzner stays DE,
  FI, US
promise provider contabo stays DE
promise provider stackit stays eu under DE
block to any
""")
PLACE, LAWS = "policy: the provider’s promise of place", "policy: the provider’s promise of law"
PROMISED = sorted([
    (PLACE, "Amazon Web Services", "DE near", "US"), (LAWS, "Amazon Web Services", "eea", "US"),
    (PLACE, "OVHcloud", "FR", "CA"), (PLACE, "Acme Backup GmbH", "DE FI", "TR"), (LAWS, "Exoscale", "CH", "AT")])
r, got = found("--policy", TMP / "promises.conf")
same("broken promises, all found, none that is false", PROMISED, got)
rows = {(x["kind"], x["operator"]): x for x in r["tables"]["contradictions"]["rows"]} if r else {}
same("by law: all of it, wherever it went", sum(n for (o, _), n in size.items() if o == "Amazon Web Services"), rows.get((LAWS, "Amazon Web Services"), {}).get("bytes"))
same("promises beside a register and a table", sorted(WANT + PROMISED), found("--dora", TMP / "eba.zip", "--hds", TMP / "hds.csv", "--policy", TMP / "promises.conf")[1])
(TMP / "kept.conf").write_text("promise provider hetzner stays DE, FI, US under DE\nblock to any\n")
r, got = found("--policy", TMP / "kept.conf")
same("a promise that is kept is none", [], got)
ok("and not called nothing declared", r and "othing" not in json.dumps(r["tables"]["contradictions"].get("note", "")), r and r["tables"]["contradictions"].get("note"))
(TMP / "wrong.conf").write_text("promise provider aws stays UK\nblock to any\n")
r, err = found("--policy", TMP / "wrong.conf")
ok("a policy that is wrong is refused, with its line", r is None and "wrong.conf:1:28" in err, err)

# what is no register
for name, text in (("empty.zip", b"PK\5\6" + bytes(18)), ("text.zip", b"this is no archive"), ("cut.zip", (TMP / "eba.zip").read_bytes()[:700])):
    (TMP / name).write_bytes(text)
    r, err = found("--dora", TMP / name)
    ok(f"{name} is refused, by its name", r is None and name in err, err)
(TMP / "quote.csv").write_text('a,b,c,d,e,f,g\n"open,1,2,3,4,5,6\n')
r, err = found("--hds", TMP / "quote.csv")
ok("an open quote is refused", r is None and "quote.csv" in err, err)
(TMP / "five.csv").write_text("a,b,c,d,e\n1,2,3,4,5\n")
r, err = found("--hds", TMP / "five.csv")
ok("a table of five columns is refused, with what it must have", r is None and "seven columns" in err, err)
