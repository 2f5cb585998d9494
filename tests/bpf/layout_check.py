#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""layout_check.py - what the kernel programs and the agent both read has one layout: the BTF of the programs as they were
built, and of clang for bpf, beside gcc's of the very same headers; struct by struct, member by member."""
import json
import os
import re
import subprocess
import sys

ROOT, B, TMP = os.environ["ROOT"], os.environ["B"], os.environ["TMPDIR"]
HEADERS = ("bpf/prog/abi.h", "rules/decide.h")
CLANG = ("clang", "-target", "bpf", "-mcpu=v3", "-O2", "-g")
GCC = ("gcc", "-std=gnu17", "-gbtf", "-O2")


def bpftool():
    return "/usr/sbin/bpftool" if os.path.exists("/usr/sbin/bpftool") else "bpftool"


def types_of(path):
    out = subprocess.run([bpftool(), "-j", "btf", "dump", "file", path], check=True, capture_output=True).stdout
    return {t["id"]: t for t in json.loads(out)["types"]}


def size_of(types, i):
    t = types.get(i)
    if t is None:
        return 0
    if t["kind"] == "ARRAY":
        return t["nr_elems"] * size_of(types, t["type_id"])
    if t["kind"] == "PTR":
        return 8
    if "size" in t:
        return t["size"]
    return size_of(types, t["type_id"]) if "type_id" in t else 0


def layouts(types):
    """Struct name -> (size, ((member, bit offset, bit width, size of its type), ...))."""
    found = {}
    for t in types.values():
        if t["kind"] == "STRUCT" and t["name"] != "(anon)":
            found[t["name"]] = (t["size"], tuple(
                (m["name"], m["bits_offset"], m.get("bitfield_size", 0), size_of(types, m["type_id"]))
                for m in t["members"]))
    return found


def structs():
    names = []
    for header in HEADERS:
        with open(os.path.join(ROOT, header), encoding="utf-8") as f:
            names += re.findall(r"^struct (\w+) \{", f.read(), re.M)
    return names


def built_by(compiler, names):
    """Of an object that holds one of each."""
    src, obj = os.path.join(TMP, "layout.c"), os.path.join(TMP, compiler[0] + ".o")
    arch = subprocess.run(["gcc", "-print-multiarch"], check=True, capture_output=True, text=True).stdout.strip()
    with open(src, "w", encoding="utf-8") as f:
        for header in HEADERS:
            f.write(f'#include "{header}"\n')
        for n in names:
            f.write(f"struct {n} a_{n};\n")
    subprocess.run([*compiler, "-I" + ROOT, "-I/usr/include/" + arch, "-c", "-o", obj, src], check=True)
    return layouts(types_of(obj))


def compare(name, ours, others):
    """ours: gcc's layout. others: (whose, layouts); what a program does not name stands in clang's alone."""
    for whose, theirs in others:
        if name in theirs and theirs[name] != ours:
            differ = [f"{a} / {b}" for a, b in zip(ours[1], theirs[name][1]) if a != b]
            return f"gcc / {whose}: {ours[0]} / {theirs[name][0]} bytes; {'; '.join(differ)}"
    return None


def main():
    names = structs()
    ours, clang = built_by(GCC, names), built_by(CLANG, names)
    others = [("clang", clang)]
    others += [(p, layouts(types_of(os.path.join(B, f"bpf/prog/{p}.bpf.o")))) for p in ("egress", "observe")]
    bad = len(names) < 20
    if bad:
        print(f"not ok layout - only {len(names)} structs were found in the headers")
    for name in names:
        if name not in ours or name not in clang:
            why = "a compiler has no such struct"
        else:
            why = compare(name, ours[name], others)
        print(f"not ok layout {name} - {why}" if why else f"ok layout {name}")
        bad = bad or bool(why)
    return 1 if bad else 0


sys.exit(main())
