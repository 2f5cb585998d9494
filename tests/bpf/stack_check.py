#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""stack_check.py - no chain of calls in the kernel programs needs more stack than Linux 6.1 gives: 512 bytes in all, each function's rounded
up to 32 (check_max_stack_depth in its kernel/bpf/verifier.c). The kernel of who tests this may round to 16, and would not show it."""
import os
import re
import shutil
import subprocess

LIMIT, ROUND = 512, 32
B = os.environ["B"]
OBJDUMP = shutil.which("llvm-objdump") or shutil.which("llvm-objdump-14")
INSN = re.compile(r"\s*(\d+):\s+((?:[0-9a-f]{2}\s){8})\s*(.*)")


class Function:
    def __init__(self, name):
        self.name, self.stack, self.pointers = name, 0, set()
        self.calls = set()  # a symbol, or (section, number of the instruction)

    def insn(self, text):
        """What it touches of its stack: by r10, or by a copy of it."""
        self.stack = max([self.stack] + [int(n) for n in re.findall(r"\(r10 - (\d+)\)", text)])
        if m := re.match(r"(r\d) \+= -(\d+)$", text):
            if m[1] in self.pointers:
                self.stack = max(self.stack, int(m[2]))
        elif m := re.match(r"(r\d) = (.*)", text):
            self.pointers.discard(m[1])
            if m[2] == "r10":
                self.pointers.add(m[1])


def code_of(path):
    """(section, number of its first instruction) -> Function."""
    out = subprocess.run([OBJDUMP, "-d", "-r", path], check=True, capture_output=True, text=True).stdout
    functions, section, here, target = {}, None, None, None
    for line in out.splitlines():
        if m := re.match(r"Disassembly of section (.*):", line):
            section = m[1]
        elif (m := re.match(r"([0-9a-f]+) <([^>]+)>:", line)) and not m[2].startswith("LBB"):
            here = functions[section, int(m[1], 16) // 8] = Function(m[2])
        elif m := re.match(r"\s*[0-9a-f]+:\s+R_BPF_64_32\s+(\S+)", line):  # of the call before it
            here.calls.discard((section, target))
            here.calls.add((".text", target - at) if m[1] == ".text" else m[1])
        elif m := INSN.match(line):
            at, raw = int(m[1]), bytes.fromhex(m[2])
            here.insn(m[3])
            if raw[0] == 0x85 and raw[1] == 0x10:  # no helper
                target = at + 1 + int.from_bytes(raw[4:], "little", signed=True)
                here.calls.add((section, target))
    return functions


def deepest(functions, names, f):
    """The chain of (function, bytes) from f on that needs most."""
    best = []
    for call in f.calls:
        chain = deepest(functions, names, names[call] if isinstance(call, str) else functions[call])
        if sum(n for _, n in chain) > sum(n for _, n in best):
            best = chain
    return [(f.name, max(ROUND, -(-f.stack // ROUND) * ROUND))] + best


def check(path):
    functions = code_of(path)
    names = {f.name: f for f in functions.values()}
    for (section, _), f in functions.items():
        if section == ".text":
            continue
        chain = deepest(functions, names, f)
        needs = sum(n for _, n in chain)
        text = f"{needs} bytes: " + ", ".join(f"{name} {n}" for name, n in chain)
        print(f"ok {f.name}" if needs <= LIMIT else f"not ok {f.name} - {text}")
        if os.environ.get("VERBOSE"):
            print(f"# {text}")


if __name__ == "__main__":
    if not OBJDUMP:
        print("skip stack - no llvm-objdump (agent/install/deps.sh)")
    else:
        for program in ("egress", "names", "observe"):
            check(f"{B}/bpf/prog/{program}.bpf.o")
