#!/bin/bash
# run.sh - every fuzzer for so many seconds, as many at a time as there are cores, from a corpus of real files; what
# crashes stays in build/fuzz/crash and fails. 'run.sh SECONDS one NAME': that one.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-60} out=$ROOT/build/fuzz
shared=$ROOT/../shared
mkdir -p "$out/crash"
export CORDON_DATA=$ROOT/geo/data

seeds() { # FUZZER: files to begin with, at most 64 KB each
	find "$ROOT/tests/fuzz/corpus/$1" -type f 2>/dev/null
	case $1 in
	policy) find "$ROOT/tests/golden/policy" "$ROOT/rules/examples" -type f ;;
	places) find "$ROOT/tests/geo/fixtures" "$ROOT/tests/live" "$ROOT/geo/data/facts" "$shared/mmdb" -type f ;;
	report) find "$ROOT/tests/golden/policy" "$ROOT/rules/examples" "$ROOT/tests/agent" -type f ;;
	capture | pipeline | packet | evidence | names) find "$ROOT/tests/golden/replay/cases" "$shared/captures" -name '*.pcap*' ;;
	esac 2>/dev/null | while read -r f; do [ "$(stat -c %s "$f")" -le 65536 ] && echo "$f"; done
}

one() { # FUZZER
	local name=$1 corpus=$out/corpus/$1 dict=$ROOT/tests/fuzz/$1.dict log=$out/$1.log
	mkdir -p "$corpus"
	seeds "$name" | while read -r s; do cp -n "$s" "$corpus/$(sha256sum <"$s" | cut -c1-16)"; done
	[ -f "$ROOT/tests/fuzz/$name.supp" ] && export LSAN_OPTIONS=suppressions=$ROOT/tests/fuzz/$name.supp
	if "$out/${name}_fuzz" ${dict:+$([ -f "$dict" ] && echo "-dict=$dict")} -max_total_time="$seconds" -max_len=65536 -timeout=20 \
		-rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$out/crash/$name-" "$corpus" >"$log" 2>&1; then
		echo "ok    $name: $(awk '/number_of_executed_units/ { print $2 }' "$log") inputs, $(grep -o 'cov: [0-9]*' "$log" | tail -n 1)"
	else
		echo "FAIL  $name: $(grep -aE 'ERROR|runtime error|deadly signal|ALARM' "$log" | head -n 1) ($log)"
		return 1
	fi
}

if [ "${2:-}" = one ]; then
	one "$3"
	exit
fi
for f in "$ROOT"/tests/fuzz/*_fuzz.c; do basename "$f" _fuzz.c; done |
	xargs -P "$(nproc)" -I{} bash "$0" "$seconds" one {}
