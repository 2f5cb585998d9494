#!/bin/bash
# bench_lookup.sh - place table against BPF LPM trie, inside the kernel, same prefixes, in turn.
set -e
clang -O2 -g -target bpf -mcpu=v3 -I. "-I/usr/include/$(gcc -print-multiarch)" -c -o "$TMPDIR/lookup.bpf.o" tests/bench/lookup.bpf.c
exec "$B/tests/bench/bench_lookup" "$TMPDIR/lookup.bpf.o"
