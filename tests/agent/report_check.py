#!/usr/bin/env python3
"""report_check.py - the residency report: sums, languages, what is missing, changes of adequacy; against the ledger's own sums."""
import base64, csv, hashlib, html, io, json, os, re, shutil, sqlite3, subprocess, sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, os.environ["ROOT"] + "/tests/lib")
from ledger import Ledger, unix

CORDON, TMP = os.environ["CORDON"], Path(os.environ["TMPDIR"])
DAY = 86400


def ok(name, good, why=""):
    print(f"ok {name}" if good else f"not ok {name} - {str(why)[:300]}")


def same(name, want, got):
    ok(name, want == got, f"wanted {want!r}, got {got!r}")


def run(*args):
    p = subprocess.run([CORDON, "report", *map(str, args)], capture_output=True, timeout=120)
    return p.returncode, p.stdout, p.stderr


def report(*args):
    code, out, err = run("--json", "-", *args)
    if code not in (0, 5):
        raise SystemExit(f"not ok report {args} - exit {code}: {err.decode()}")
    return json.loads(out)


def column(r, table, key, value):
    return {x[key]: x[value] for x in r["tables"][table]["rows"]}


def sums(name, r):
    bad = [(t, c) for t, v in r["tables"].items() for c, n in v["total"].items() if n != sum(x[c] for x in v["rows"])]
    same(f"{name}: every total is the sum of its rows", [], bad)


HOSTILE = '</td><i>"&\x1b[31m\u202ex'
P = ("--from", "2026-01-20", "--to", "2026-02-02")
l = Ledger("one")
t = unix("2026-01-21T10:00")
aws = dict(provider="aws", operator="Amazon Web Services", law="US")
keys = {
    "de": l.key(country="DE", region="eu-central-1", **aws),
    "fr": l.key(country="FR", provider="ovh", operator="OVHcloud", law="FR", exe=HOSTILE),
    "no": l.key(country="NO", law="NO"),
    "ch": l.key(country="CH", law="CH", rule='allow to CH basis art45 until 2026-12-31 because "TIA 114, with Acme"'),
    "us": l.key(country="US", region="us-east-1", verdict=1, rule="alert to US purpose telemetry", **aws),
    "cn": l.key(country="CN", verdict=2, enforced=0, rule="block to any"),
    "stopped": l.key(country="CN", verdict=2, enforced=1, rule="block to any"),
    "br": l.key(country="BR", law="BR"),
    "disputed": l.key(country="DE", grade="disputed"),
    "stale": l.key(country="DE", grade="stale"),
    "no grade": l.key(country="DE", grade=""),
    "other": l.key(kind=1, grade="", rule="", port=0, proto=0, prefix="", unit="", exe="", user=""),
    "lost": l.key(kind=2, grade="", rule="", port=0, proto=0, prefix="", unit="", exe="", user=""),
    "in": l.key(country="IN", law="IN", by_peer=1, port=22, exe="/usr/sbin/sshd"),
}
size = {k: 1000 + 37 * i * i * 1009 for i, k in enumerate(keys)}
for k, key in keys.items():
    l.row(key, t, size[k])
l.row(keys["br"], unix("2026-01-30T12:00"), 5_000_000)
l.row(keys["de"], unix("2025-11-03T00:00"), 777, level=DAY)
gone = l.key(country="SG", operator="Left Ltd", law="SG")
l.row(gone, unix("2025-11-03T00:00"), 888, level=DAY)
l.state("hour_end", unix("2025-11-04T00:00"))
l.state("day_end", unix("2025-11-04T00:00"))
for a, b in (("2026-01-21T10:00", "2026-01-22T00:00"), ("2026-01-22T01:00", "2026-01-23T00:00"), ("2026-01-23T06:00", "2026-02-03T00:00")):
    l.lived(unix(a), unix(b))
one = l.done()
r = report(*P, "--state", one)
sums("one host", r)
place, law = column(r, "place", "place", "bytes"), column(r, "law", "law", "bytes")
same("by place", {"European Union": size["de"] + size["fr"], "EEA outside the EU": size["no"], "Adequate (GDPR Art. 45)": size["ch"] + 5_000_000,
                  "Adequate for some recipients only": size["us"], "Third country": size["cn"] + size["br"] + size["in"],
                  "Cannot be proven": size["disputed"], "Not known": sum(size[k] for k in ("stale", "no grade", "other", "lost"))}, place)
same("by law, apart from it: Frankfurt is under US law", size["de"] + size["us"], law["Adequate for some recipients only"])
left = sum(size.values()) - size["stopped"] + 5_000_000
same("totals are one", {left}, {r["tables"][t]["total"]["bytes"] for t in ("place", "law", "place-and-law", "countries", "recipients", "hosts", "parts")})
same("what was stopped is not in what left", [size["stopped"]] * 2, [r["tables"]["blocked"]["total"]["stopped"], r["tables"]["place"]["total"]["stopped"]])
same("day by day", left, sum(r["tables"]["days"]["total"].values()))
ledger = [json.loads(x) for x in subprocess.run([CORDON, "ledger", "--ledger", str(one / "ledger.db"), "--since", "2026-01-20", "--until",
          "2026-02-03", "--json"], capture_output=True, text=True, timeout=60).stdout.splitlines()]
same("the sum is that of 'cordon ledger'", sum(x["bytes"] for x in ledger if x["verdict"] != "block"), left)
same("a change of adequacy splits a row", {("Third country", 1, size["br"]), ("Adequate (GDPR Art. 45)", 2, 5_000_000)},
     {(x["class"], x["part"], x["bytes"]) for x in r["tables"]["recipients"]["rows"] if x["country"] == "BR"})
same("an exception with its basis, reason and end", [("art45", "TIA 114, with Acme", "2026-12-31", size["ch"])],
     [(x["basis"], x["because"], x["until"], x["bytes"]) for x in r["tables"]["exceptions"]["rows"]])
same("who came in, and what was returned", [("IN", "tcp/22", size["in"])],
     [(x["country"], x["service"], x["bytes"]) for x in r["tables"]["inbound"]["rows"]])
# what the law asks for
hds = {(x["actor"], x["access"]): x for x in r["tables"]["hds"]["rows"]}
same("hds: totals", left, r["tables"]["hds"]["total"]["bytes"])
same("hds: where, and whose law", [("US", "US"), ("US", "none observed"), ("none known", "none observed")],
     [(hds[k]["law"], hds[k]["access"]) for k in (("Amazon Web Services", "US"), ("Amazon Web Services", "none observed"), ("OVHcloud", "none observed"))])
ok("hds: certified, as the facts say it, for this region or not", "certified" in hds["Amazon Web Services", "US"]["hds"] and "not for this region" in
   hds["Amazon Web Services", "US"]["hds"] or "elsewhere" in hds["Amazon Web Services", "US"]["hds"], hds["Amazon Web Services", "US"]["hds"])
same("hds: what is not known is not no", {"not known"}, {x["access"] for x in hds.values() if x["actor"] == "(unattributed)"})
transfers = r["tables"]["transfers"]
same("transfers: all that is outside of the EEA", left - size["de"] - size["fr"] - size["no"], transfers["total"]["bytes"])
same("transfers: the decision that makes it adequate, on its day", {(size["br"], False), (5_000_000, True)},
     {(x["bytes"], "2026/179" in x["act"]) for x in transfers["rows"] if x["country"] == "BR"})
same("transfers: basis, reason, re-evaluation, purpose", [("art45", "TIA 114, with Acme", "2026-12-31"), ("telemetry",)],
     [(x["basis"], x["because"], x["until"]) for x in transfers["rows"] if x["basis"]] + [(x["purpose"],) for x in transfers["rows"] if x["purpose"]])
prov = {(x["operator"], x["country"]): (x["bytes"], x["before"]) for x in r["tables"]["providers"]["rows"]}
same("providers: kept, new, left", [(size["de"], 777), (size["us"], 0), (0, 888)], [prov[k] for k in (("Amazon Web Services", "DE"), ("Amazon Web Services", "US"), ("Left Ltd", "SG"))])
ok("limits: what is known of a provider's inside", any(x["operator"] == "Amazon Web Services" and "us-east-1" in x["fact"] for x in r["tables"]["limits"]["rows"]))
db = sqlite3.connect(one / "ledger.db")
same("a figure leads to its rows of the ledger", [], [x for x in r["tables"]["recipients"]["rows"] if x["part"] == 1 and x["bytes"] != db.execute(
     f"SELECT sum(bytes) FROM roll WHERE level = 60 AND start < {unix('2026-01-26T00:00')} AND key IN ({x['rows'].split(':')[1].replace(' ', ',')})").fetchone()[0]])
db.close()
same("the chain of laws", "US", next(x["laws"] for x in r["tables"]["recipients"]["rows"] if x["region"] == "eu-central-1"))
ok("page one: what has no grade is named", any("without the grade" in x["en"] for x in r["page_one"]))
ok("page one: no journal, no proof", any("no journal" in x["en"] for x in r["page_one"]))
same("same input, same bytes", run(*P, "--json", "-", "--state", one)[1], run(*P, "--json", "-", "--state", one)[1])

# languages
en, fr = (run(*P, "--state", one, "--lang", x)[1].decode() for x in ("en", "fr"))


def numbers(text, group, point):
    return Counter(re.findall(r"\d+", re.sub(rf"(?<=\d)[{group}](?=\d\d\d(?!\d))", "", text).replace(point, ".")))


same("every number is equal in both languages", numbers(en, ",", "."), numbers(fr, "\u202f", ","))
ok("a hostile name cannot write to the terminal", "\x1b" not in en and "\\x1b[31m" in en, en)

# the page
page = {x: run(*P, "--state", one, "--lang", x, "--html", "-")[1].decode() for x in ("en", "fr")}
exact = {x: re.findall(r'data-n="(\d+)">', page[x]) for x in page}
same("page: every number is equal in both languages", exact["en"], exact["fr"])
shown = {"en": numbers(re.sub(r"<[^>]*>", " ", page["en"].split("<main>")[1]), ",", "."),
         "fr": numbers(re.sub(r"<[^>]*>", " ", page["fr"].split("<main>")[1]), "\u202f", ",")}
same("page: and as they are shown", Counter(), (shown["en"] - shown["fr"]) + (shown["fr"] - shown["en"]))
ok("page: a hostile name is text", "<i>" not in page["en"] and "&lt;/td&gt;&lt;i&gt;&quot;&amp;\\x1b[31m" in page["en"])
ok("page: nothing from elsewhere, no script", not re.search(r"(?i)\b(src|href)=\"(?!#)|url\(|<script|@import", page["en"]))
same("page: links lead somewhere", set(), set(re.findall(r'href="#([^"]+)', page["en"])) - set(re.findall(r' id="([^"]+)', page["en"])))
same("page: same input, same bytes", page["fr"], run(*P, "--state", one, "--lang", "fr", "--html", "-")[1].decode())


def page_totals(text):
    """summed columns of each table: rows and foot"""
    bad = []
    for name, body in re.findall(r'<table id="t-([a-z-]+)".*?<tbody>(.*?)</table>', text, re.S):
        rows, _, foot = body.partition("</tbody>")
        cells = [re.findall(r"<t[dh][^>]*?(?: data-n=\"(\d+)\")?>", x) for x in re.findall(r"<tr>(.*?)</tr>", rows, re.S)]
        for c, total in enumerate(re.findall(r"<t[dh][^>]*?(?: data-n=\"(\d+)\")?>", foot.partition("<tr>")[2])):
            if total and int(total) != sum(int(x[c]) for x in cells):
                bad.append((name, c))
    return bad


same("page: rows sum to the total", [], page_totals(page["en"]))

# a table a file
code, _, err = run(*P, "--state", one, "--csv", TMP / "csv")
same("as csv", 0, code)
for name, table in r["tables"].items():
    rows = list(csv.DictReader(io.StringIO((TMP / f"csv/{name}.csv").read_bytes().decode())))
    if any(sum(int(x[c]) for x in rows) != n for c, n in table["total"].items()) or len(rows) != len(table["rows"]):
        ok(f"csv: {name} sums to the total", False, rows)
ok("csv: all tables", len(list((TMP / "csv").glob("*.csv"))) == len(r["tables"]))

# signed
S = TMP / "signed"
S.mkdir()
code, _, err = run(*P, "--state", one, "--json", S / "r.json", "--html", S / "r.html", "--csv", S / "csv", "--signed", S / "r.note", "--key", S / "key.pem")
verifier = re.search(rb"its verifier: (\S+)", err).group(1).decode()
for f in (S / "csv").iterdir():
    f.rename(S / f.name)


def verify(key=verifier):
    return subprocess.run([CORDON, "verify", "--note", S / "r.note", "--key", key, "--json"], capture_output=True, text=True, timeout=60)


v = verify()
same("signed: the note, and every file", (0, len(r["tables"]) + 2), (v.returncode, json.loads(v.stdout)["files"]))
note = (S / "r.note").read_bytes()
text, sig = note.split(b"\n\n")[0] + b"\n", note.rsplit(b" ", 1)[1]
(S / "body").write_bytes(text)
(S / "sig").write_bytes(base64.b64decode(sig)[4:])
p = subprocess.run(["openssl", "pkeyutl", "-verify", "-inkey", S / "key.pem", "-rawin", "-in", S / "body", "-sigfile", S / "sig"], capture_output=True, timeout=60)
same("signed: OpenSSL alone says so", 0, p.returncode)
same("signed: the note has the page's hash", True, hashlib.sha256((S / "r.html").read_bytes()).hexdigest() in text.decode())
(S / "r.html").write_text((S / "r.html").read_text().replace("Residency", "Presidency", 1))
(S / "r.json").rename(S / "gone")
v = verify()
same("signed: a changed file and a missing one are named", (5, 1, 1), (v.returncode, json.loads(v.stdout)["changed"], json.loads(v.stdout)["missing"]))
(S / "r.note").write_bytes(note.replace(b"2026-01-20", b"2026-01-21"))
same("signed: a changed note", 5, verify().returncode)
same("signed: no key, no note", 2, run(*P, "--state", one, "--signed", S / "n")[0])

# printed
code, _, err = run(*P, "--state", one, "--lang", "fr", "--pdf", TMP / "r.pdf")
if code == 1 and b"neither is installed" in err:
    print("skip pdf - neither weasyprint nor chromium is installed")
elif not shutil.which("pdftotext"):
    print("skip pdf - pdftotext is not installed")
else:
    def words(s):
        """letters and digits, whatever the line breaks"""
        return re.sub(r"[^0-9A-Za-zÀ-ÿ]", "", html.unescape(s))

    text = subprocess.run(["pdftotext", "-layout", TMP / "r.pdf", "-"], capture_output=True, text=True, timeout=60).stdout
    body = re.sub(r"<(nav|style|title|svg)\b.*?</\1>", " ", page["fr"].split("<main>")[1], flags=re.S)
    pdf = words(text)
    say = [words(re.sub("<[^>]*>", "", x)) for x in re.findall(r"<li class=\"[bwgp]\">(.*?)</li>", body)]
    same("pdf: every sentence of page one is in it", [], [x for x in say if x[1:] not in pdf and x not in pdf])
    cells = [words(x) for x in re.findall(r"data-n=\"\d+\">([^<]*)<", body)]
    same("pdf: every number of the page is in it", [], sorted({x for x in cells if x not in pdf}))

# in a browser, on a desk and in a hand: nothing is wider than the window, each link's target is there
chromium = shutil.which("chromium")
if not chromium:
    print("skip browser - chromium is not installed")
else:
    for x in page:
        (TMP / f"{x}.html").write_text(page[x])
    (TMP / "frame.html").write_text("""<body><script>let out = [], left = 4;
for (const [lang, width] of [["en", 1280], ["en", 390], ["fr", 1280], ["fr", 390]]) {
  const f = document.createElement("iframe"); f.style.width = width + "px"; f.style.height = "800px"; f.src = lang + ".html";
  f.onload = () => { const d = f.contentDocument, e = d.documentElement;
    out.push([lang, width, e.scrollWidth <= width, d.querySelectorAll("table").length, d.querySelectorAll("svg path").length > 200,
      [...d.querySelectorAll("a")].every(a => d.getElementById(a.getAttribute("href").slice(1))), d.documentElement.lang].join(" "));
    if (!--left) document.body.innerHTML = "<p id=r>" + out.sort().join("|") + "</p>"; };
  document.body.append(f); }</script></body>""")
    dom = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", f"--user-data-dir={TMP}/chromium",
                          "--virtual-time-budget=20000", "--dump-dom", f"file://{TMP}/frame.html"], capture_output=True, text=True, timeout=120).stdout
    tables = page["en"].count("<table")
    same("browser: whole, and no wider than the window at 1280 and 390", "|".join(f"{x} {w} true {tables} true true {x}" for x in ("en", "fr") for w in (1280, 390)),
         re.search(r"<p id=.?r.?>([^<]*)", dom + "<p id=r>").group(1))

# what is missing
(TMP / "nothing").mkdir()
r2 = report(*P, "--state", one, "--state", TMP / "nothing", "--expect", "db1", "--expect", "db9")
same("hosts that are missing are named, as bad news", 2, sum(x["tone"] == "bad" and ("there is no ledger" in x["en"] or "db9" in x["en"]) for x in r2["page_one"]))
same("and count as not recorded", 14 * DAY * 2, sum(x["no_record"] for x in r2["tables"]["hosts"]["rows"] if x["host"] != "db1"))
same("coverage is the period, once a host", 14 * DAY * 3, r2["tables"]["coverage"]["total"]["seconds"])
same("and what is known is not less", left, r2["tables"]["place"]["total"]["bytes"])

# gaps
(one / "gaps.jsonl").write_text("".join(json.dumps(g) + "\n" for g in [
    dict(start="2026-01-21T12:00:00Z", end="2026-01-21T12:10:00Z", seconds=600.0, cause="boot", detail="x", held="nothing: what left was not judged"),
    dict(start="2026-01-21T12:05:00Z", end="2026-01-21T12:20:00Z", seconds=900.0, cause="host-down", detail="x", held="nothing can be said"),
    dict(start="2026-01-22T00:00:00Z", end="2026-01-22T01:00:00Z", seconds=3600.0, cause="agent-down", detail=HOSTILE, held="the kernel's programs went on"),
    dict(start="2026-03-01T00:00:00Z", end="2026-03-01T01:00:00Z", seconds=3600.0, cause="boot", detail="x", held="nothing")]))
(one / "alive").write_text("%020d boot\n" % (unix("2026-01-25T00:00") * 10**9))
r3 = report(*P, "--state", one)
seconds = column(r3, "coverage", "state", "seconds")
same("blind once, however many gaps say so", 1201, seconds["blind"])
same("before the ledger, in a hole of it, after the last sign of life: no record", 14 * DAY - (unix("2026-01-25T00:00") + 1 - t) + 6 * 3600,
     seconds["no record"])
same("gaps of the period only", ["boot", "host-down", "agent-down"], [x["cause"] for x in r3["tables"]["gaps"]["rows"]])
(one / "gaps.open.jsonl").write_text('{"start":"2026-01-24T00:00:00Z","cause":"stale-places","held":"verdicts by places that are too old","boot":"b","detail":"x"}\n')
same("a gap that is open goes on until the last sign of life", [("stale-places", DAY + 1)],
     [(x["cause"], x["seconds"]) for x in report(*P, "--state", one)["tables"]["gaps"]["rows"] if x["cause"] == "stale-places"])
(one / "gaps.jsonl").write_text((one / "gaps.jsonl").read_text() + '{"start":"2026-01-')
same("a damaged line of the gaps is said", 5, run(*P, "--state", one)[0])

# usage
same("no period", 2, run("--state", one)[0])
same("a period that ends first", 2, run("--from", "2026-02-01", "--to", "2026-01-01", "--state", one)[0])
(TMP / "bad").mkdir()
(TMP / "bad/ledger.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
code, out, err = run(*P, "--state", TMP / "bad")
same("a damaged ledger is no report", (1, b""), (code, out))
