#!/usr/bin/env python3
"""lint.py - the ruler: function and file lengths, banned functions, layers, first sentences. Exits 1 on a fault."""
import re, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ["geo", "rules", "bpf", "agent"]
MAY_INCLUDE = {
    "geo": {"geo"},
    "rules": {"rules", "geo"},
    "bpf": {"bpf", "rules", "geo"},
    "agent": {"agent", "bpf", "rules", "geo"},
}
# What each room may use, itself apart: rooms, or the headers at the top of a folder ("geo", "rules"). A room stands below
# all that it names, so no two can need each other; a room that is not here is a fault.
GEO = "geo geo/base geo/facts "
ROOMS = {room: set(may.split()) for room, may in {
    "geo/base": "",
    "geo/data": "",
    "geo/facts": "geo/base geo/data",
    "geo": "geo/base geo/facts",
    "geo/distance": "geo/base geo/facts geo/data",
    "geo/claims": GEO,
    "geo/source": GEO + "geo/distance geo/claims geo/data",
    "geo/merge": GEO + "geo/claims geo/source",
    "geo/mmdb": GEO + "geo/claims",
    "geo/lookup": GEO + "geo/claims",
    "rules": GEO,
    "rules/parse": GEO + "rules",
    "rules/compile": GEO + "rules rules/parse",
    "bpf/prog": "geo/lookup rules",
    "bpf/load": GEO + "geo/lookup rules bpf/prog",
    "agent/base": "geo/base",
    "agent/event": GEO + "geo/distance rules agent/base",
    "agent/policy": GEO + "rules agent/base",
    "agent/engine": GEO + "geo/distance geo/lookup rules agent/base agent/event agent/policy",
    "agent/names": "geo/base agent/base agent/event",
    "agent/host": GEO + "agent/base agent/event",
    "agent/flow": GEO + "geo/distance geo/lookup rules agent/base agent/policy agent/event agent/engine agent/names",
    "agent/feed": GEO + "rules agent/base agent/event agent/host",
    "agent/journal": GEO + "rules agent/base agent/event",
    "agent/ledger": GEO + "rules agent/base agent/event",
    "agent/hub": "geo/base agent/base agent/journal",
    "agent/report": GEO + "geo/distance rules agent/base agent/policy agent/journal agent/ledger",
    "agent/source": GEO + "rules bpf/prog bpf/load agent/base agent/policy agent/event agent/engine agent/names agent/host agent/flow agent/feed "
                    "agent/ledger",
    "agent/daemon": GEO + "geo/distance rules bpf/load agent/base agent/policy agent/event agent/engine agent/host agent/flow "
                    "agent/feed agent/journal agent/ledger agent/source",
    "agent/prove": GEO + "bpf/load agent/base agent/daemon",
    "agent/cmd": GEO + "geo/distance geo/source geo/mmdb rules rules/parse bpf/load agent/base agent/policy agent/event agent/engine "
                 "agent/host agent/flow agent/feed agent/journal agent/ledger agent/hub agent/report agent/source agent/daemon "
                 "agent/prove",
    "agent": "agent/base agent/cmd",
}.items()}
HELD = {room.split("/")[0] for room in ROOMS}  # folders whose rooms the table holds
BANNED = re.compile(r"\b(atoi|atol|atoll|strtok|strtok_r|sprintf|vsprintf|strcpy|strcat|strncpy|alloca|gets|system|popen)\s*\(")
UNBOUNDED = re.compile(r"\b(atoi|strtok|sprintf|vsprintf|strcpy|strcat|alloca|gets)\s*\(")  # in tests too; they may call system()
faults, lengths = [], []


def strip(text):
    """comments and strings blanked, lines kept"""
    pat = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pat.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def functions(lines):
    """(name, first line, length) of each brace in column 0 that follows a ')'"""
    start = None
    for i, line in enumerate(lines):
        if line.startswith("{") and i and re.search(r"\)\s*(?:__attribute__.*)?$", lines[i - 1].rstrip()):
            start = i
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 4):start])
            name = re.findall(r"(\w+)\s*\(", head)
            yield (name[-1] if name else "?"), start + 1, i - start - 1
            start = None


def room(path):
    """agent/flow of agent/flow/table.h; geo of geo/place.h"""
    return "/".join(path.parts[:2]) if len(path.parts) > 2 else path.parts[0]


def included(where, layer, here, there):
    if there.split("/")[0] not in MAY_INCLUDE[layer]:
        faults.append(f"{where}: {layer}/ may not include {there.split('/')[0]}/")
    elif layer in HELD and here not in ROOMS:
        faults.append(f"{where}: {here}/ is no room that tests/lint.py knows")
    elif layer in HELD and there != here and there not in ROOMS[here]:
        faults.append(f"{where}: {here}/ may not include {there}/")


def circles():
    """rooms of the table that need each other"""
    seen = set()

    def walk(r, over):
        if r in over:
            faults.append("tests/lint.py: rooms in a circle: " + " > ".join(over[over.index(r):] + [r]))
        elif r not in seen:
            for s in sorted(ROOMS.get(r, ())):
                walk(s, over + [r])
            seen.add(r)

    for r in ROOMS:
        walk(r, [])


def check(path, layer):
    rel = path.relative_to(ROOT)
    text = path.read_text()
    lines = strip(text).split("\n")
    if path.suffix == ".c" and len(lines) > 501:
        faults.append(f"{rel}: {len(lines) - 1} lines (at most 500)")
    if "SPDX" not in text[:200] and path.suffix == ".c":
        faults.append(f"{rel}:1: no SPDX line")
    for i, line in enumerate(lines, 1):
        if m := BANNED.search(line):
            faults.append(f"{rel}:{i}: {m.group(1)}() is banned")
        if len(line.expandtabs(8)) > 132:
            faults.append(f"{rel}:{i}: {len(line.expandtabs(8))} columns")
    for i, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include "((?:geo|rules|bpf|agent)/[^"]+)"', line)
        if m:
            included(f"{rel}:{i}", layer, room(rel), room(Path(m.group(1))))
    for name, line, n in functions(lines):
        lengths.append(n)
        if n > 100:
            faults.append(f"{rel}:{line}: {name} has {n} lines (at most 100)")


def exported():
    for obj in (ROOT / "build").glob("*/**/*.o"):
        rel = obj.relative_to(ROOT / "build")
        if rel.parts[0] not in PRODUCT or ".bpf." in obj.name or obj.stem in ("grammar", "lexer"):
            continue
        out = subprocess.run(["nm", "-g", "--defined-only", obj], capture_output=True, text=True).stdout
        for line in out.splitlines():
            kind, name = line.split()[-2:]
            if kind in "BDC" and not name.startswith(("__", "yy")):
                faults.append(f"{rel}: exported variable {name}")


def code_lines(paths):
    return sum(1 for p in paths for l in p.read_text().split("\n") if l.strip())


src = []
for layer in PRODUCT:
    for path in sorted((ROOT / layer).rglob("*.[chly]")):
        src.append(path)
        check(path, layer)
exported()
circles()
tests = [p for p in (ROOT / "tests").rglob("*") if p.suffix in (".c", ".h", ".sh", ".py") and p.is_file()]
for path in tests:
    if path.suffix in (".c", ".h"):
        for i, line in enumerate(strip(path.read_text()).split("\n"), 1):
            if m := UNBOUNDED.search(line):
                faults.append(f"{path.relative_to(ROOT)}:{i}: {m.group(1)}() is banned")
lengths.sort()
if lengths:
    print(f"functions {len(lengths)}: median {lengths[len(lengths) // 2]} (16), "
          f"95th percentile {lengths[len(lengths) * 95 // 100]} (60), longest {lengths[-1]} (100)")
print(f"lines: product {code_lines(src)}, tests {code_lines(tests)}")
for f in faults:
    print(f)
sys.exit(1 if faults else 0)
