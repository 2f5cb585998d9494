#!/usr/bin/env python3
"""coverage.py BUILD [FILE...]: of the lines of each layer and room, how many the tests of a COV=1 build have reached.
With files: their lines that were not. Exits 1 where a layer is below what tests/README.md promises."""
import gzip, json, subprocess, sys, tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANT = {"geo": 90, "rules": 90, "bpf": 80, "agent": 80}


def lines_of(notes):
    """{file: {line: count}} of one object; an object that never ran has notes and no data: all zero"""
    with tempfile.TemporaryDirectory() as tmp:
        data = notes.with_suffix(".gcda")
        subprocess.run(["gcov", "--json-format", "--preserve-paths", str(data if data.exists() else notes)], cwd=tmp, check=True,
                       capture_output=True)
        for out in Path(tmp).glob("*.gcov.json.gz"):
            doc = json.loads(gzip.open(out).read())
            for f in doc["files"]:
                yield (Path(doc["current_working_directory"]) / f["file"]).resolve(), {l["line_number"]: l["count"] for l in f["lines"]}


hit = {}
build = Path(sys.argv[1]).resolve()
for notes in sorted(build.rglob("*.gcno")):
    if notes.relative_to(build).parts[0] not in WANT:
        continue
    for path, lines in lines_of(notes):
        if path.is_relative_to(ROOT) and path.suffix in (".c", ".h") and path.relative_to(ROOT).parts[0] in WANT:
            have = hit.setdefault(path.relative_to(ROOT), {})
            for n, count in lines.items():
                have[n] = max(have.get(n, 0), count)

if len(sys.argv) > 2:
    for name in sys.argv[2:]:
        text = (ROOT / name).read_text().split("\n")
        for n, count in sorted(hit.get(Path(name), {}).items()):
            if not count:
                print(f"{name}:{n}: {text[n - 1]}")
    sys.exit(0)

sums = {}
for path, lines in hit.items():
    parts = path.parts
    for key in (parts[0], "/".join(parts[:2]) if len(parts) > 2 else parts[0] + "/"):
        s = sums.setdefault(key, [0, 0])
        s[0] += sum(1 for c in lines.values() if c)
        s[1] += len(lines)
low = 0
print("| | lines | reached | |\n|---|---|---|---|")
for key, (reached, all_) in sorted(sums.items()):
    percent = 100 * reached / all_
    name, want = (f"**{key}**", f"at least {WANT[key]} %") if key in WANT else (key, "")
    print(f"| {name} | {all_} | {percent:.1f} % | {want} |")
    low |= key in WANT and percent < WANT[key]
sys.exit(low)
