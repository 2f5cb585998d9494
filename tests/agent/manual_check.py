#!/usr/bin/env python3
"""manual_check.py - every verb and option stands in the code, in --help, in cordon.8 and in the completion, or in none;
and every word that a rule can have stands in cordon.conf.5."""
import os, re, subprocess, sys
from pathlib import Path

ROOT, CORDON = Path(os.environ["ROOT"]), os.environ["CORDON"]
bad = 0


def same(name, want, got, why):
    global bad
    missing, more = sorted(want - got), sorted(got - want)
    if missing or more:
        bad = 1
        print(f"not ok {name} - {why[0]}: {' '.join(missing) or '-'}; {why[1]}: {' '.join(more) or '-'}")
    else:
        print(f"ok {name}")


def help_of(*verb):
    p = subprocess.run([CORDON, *verb, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    return p.stdout


def verbs_in(text):
    return re.findall(r"^  ([a-z]+)  +\S", text, re.M)


def options_in(text):
    """of lines that begin with one: '  -o, --output FILE  ...'"""
    found = set()
    for line in text.split("\n"):
        if m := re.match(r"\s+((?:-\w, +)?--[a-z][a-z-]*)", line):
            found |= set(re.findall(r"--[a-z][a-z-]*|-\w\b", m.group(1)))
    return found


def manual():
    """options of cordon.8 by verb: what stands below '.It Nm Cm VERB', until the next"""
    page, verb, by = (ROOT / "agent/install/cordon.8").read_text(), None, {}
    inside = False
    for line in page.split("\n"):
        if line.startswith(".Sh "):
            inside = line == ".Sh VERBS"
        if not inside:
            continue
        if m := re.match(r"\.It Nm Cm ([a-z]+(?: (?:build|update|show|bundle)\b)?)", line):
            verb = m.group(1)
            by.setdefault(verb, set())
        if verb and line.startswith("."):
            by[verb] |= {"-" + o for o in re.findall(r"\bFl \\?(-[a-z][a-z-]*)", line)}
            by[verb] |= {"-" + o for o in re.findall(r"\bFl (\w)\b", line)}
    return by


def completed(words):
    """what bash offers after these words, of which the last is not finished"""
    script = (". \"$ROOT/agent/install/cordon.bash\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _cordon; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    env = dict(os.environ, PATH=f"{Path(CORDON).parent}:{os.environ['PATH']}")
    p = subprocess.run(["bash", "-c", script, "bash", "cordon", *words], capture_output=True, text=True, env=env, timeout=60)
    if p.returncode or p.stderr:
        return {f"error: {p.stderr.strip()}"}
    return set(p.stdout.split())


def code_options():
    """of the tables for getopt_long, by file"""
    return {f.name: {"--" + o for o in re.findall(r'\{"([a-z-]+)", *(?:no|required|optional)_argument', f.read_text())} - {"--help"}
            for f in sorted((ROOT / "agent/cmd").glob("*.c"))}


top = help_of()
verbs = []
for v in verbs_in(top):
    below = verbs_in(help_of(v)) if v == "geo" else []
    verbs += [(v, b) for b in below] or [(v,)]
page = manual()
same("verbs_in_the_manual", {" ".join(v) for v in verbs}, set(page), ("not in cordon.8", "only there"))
same("verbs_completed", set(verbs_in(top)) | {"--help", "--version"}, completed([""]), ("not completed", "completed only"))
same("verbs_of_geo_completed", set(verbs_in(help_of("geo"))) | {"--help"}, completed(["geo", ""]), ("not completed", "completed only"))

code, helped = code_options(), set()
for v in verbs:
    name, options = "_".join(v), options_in(help_of(*v))
    helped |= options
    same(f"options_in_the_manual_{name}", options, page.get(" ".join(v), set()), ("not in cordon.8", "only there"))
    long = {o for o in options if o.startswith("--")}
    same(f"options_completed_{name}", long | {"--help"}, completed([*v, "--"]), ("not completed", "completed only"))
    mine = set().union(*(o for f, o in code.items() if f == "reload.c" or f.startswith(name)))
    same(f"options_in_the_code_{name}", set(), long - mine, ("-", "in --help and not in the code"))
same("options_of_the_code_helped", set().union(*code.values()), {o for o in helped if o.startswith("--")} & set().union(*code.values()),
     ("in no --help", "-"))

# the policy's words: match.def makes the parser, and 'check --language'
words = set(re.findall(r"^MATCH_(?:CLAUSE|PLACE|SUBJECT)\(\w+, \"([a-z-]+)\"", (ROOT / "rules/parse/match.def").read_text(), re.M))
conf = set(re.findall(r"[a-z][a-z-]+", (ROOT / "agent/install/cordon.conf.5").read_text()))
same("policy_words_in_the_manual", words, words & conf, ("not in cordon.conf.5", "-"))
language = set(re.findall(r"[a-z][a-z-]+", subprocess.run([CORDON, "check", "--language"], capture_output=True, text=True).stdout))
same("policy_words_in_the_language", words, words & language, ("not in check --language", "-"))

# events: what the daemon tells has a severity, and stands in the manual; nothing else does
source = {f: f.read_text() for f in (ROOT / "agent").rglob("*.c")}
rows = set(re.findall(r'^\t\{"([a-z-]+)", \d', next(t for f, t in source.items() if f.name == "event_state.c"), re.M))
told = {w for f, t in source.items() if f.parent.name == "daemon"
        for call in re.findall(r"daemon_tell\(\s*d,([^,]*),", t) for w in re.findall(r'"([a-z-]+)"', call)}
told |= set(re.findall(r'\[KERNEL_FAULT_\w+\] =\s*\{"([a-z-]+)"', next(t for f, t in source.items() if f.name == "daemon_guard.c")))
elsewhere = " ".join(t for f, t in source.items() if f.name not in ("event_state.c", "gap.c"))
said = {r for r in rows if f'"{r}"' in elsewhere}
events = (ROOT / "agent/install/cordon.8").read_text().split(".Sh EVENTS")[1].split("\n.Sh ")[0]
listed = {w for line in re.findall(r"^\.It Sy (.*)$", events, re.M) for w in line.split(" , ")}
same("events_have_a_severity", told | said, rows, ("no row in event_state.c", "in event_state.c and told by nothing"))
same("events_in_the_manual", rows, listed - {"flow-blocked", "flow-would-block", "flow-alerted", "place-refuted"}, ("not in cordon.8", "only there"))

# what the pages for engineers name is there
for page in ("README.md", "agent/README.md", "tests/README.md"):
    named = set(re.findall(r"`((?:geo|rules|bpf|agent|tests)/[\w./-]+)`", (ROOT / page).read_text()))
    same("paths_in_" + page, set(), {p for p in named if not (ROOT / p).exists()}, ("-", "not there"))
sys.exit(bad)
