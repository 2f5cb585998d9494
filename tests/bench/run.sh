#!/bin/bash
# run.sh - 'make bench': every tests/bench/bench_*.sh and bench_*.c; each prints a section of RESULTS.md. ONLY=word for some.
#
# A bench prints markdown on stdout (its section, without the heading's mark) and progress on stderr. One that fails keeps
# the section that RESULTS.md has, and the run fails. Temporary files go to $TMPDIR, which is removed.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
cd "$ROOT" || exit 1
export ROOT B=${B:-$ROOT/build} LC_ALL=C.UTF-8 SHARED=
export CORDON=$B/cordon CORDON_TEST_RUN=cb$$x
[ -d "$ROOT/../shared/bench" ] && SHARED=$(cd "$ROOT/../shared" && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/cordon-bench.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
results=tests/bench/RESULTS.md
rc=0

machine() {
	echo "$(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
		"$(awk '/MemTotal/ { printf "%d GB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r | sed 's/-.*//')," \
		"$(date -u +%Y-%m-%d), commit $(git rev-parse --short HEAD 2>/dev/null)"
}
section() { # NAME FILE: put FILE between the marks of NAME in RESULTS.md, or append
	awk -v name="$1" -v file="$2" '
		function body() { while ((getline line < file) > 0) print line; done = 1 }
		$0 == "<!-- begin " name " -->" { print; body(); skip = 1; next }
		$0 == "<!-- end " name " -->" { skip = 0 }
		!skip
		END { if (!done) { print "\n<!-- begin " name " -->"; body(); print "<!-- end " name " -->" } }
	' "$results" >"$work/results" && cat "$work/results" >"$results"
}

for f in tests/bench/bench_*.sh tests/bench/bench_*.c; do
	[ -e "$f" ] || continue
	name=$(basename "${f%.*}")
	[ -n "${ONLY:-}" ] && ! grep -q -e "$ONLY" <<<"$name" && continue
	[ "${f##*.}" = c ] && [ -e "${f%.c}.sh" ] && continue
	echo "== $name" >&2
	mkdir -p "$work/t"
	if [ "${f##*.}" = c ]; then set -- "$B/tests/bench/$name"; else set -- bash "$f"; fi
	t=$SECONDS
	if TMPDIR=$work/t "$@" >"$work/out" </dev/null; then
		cat "$work/out"
		{ cat "$work/out"; echo; echo "_$(machine); $((SECONDS - t)) s_"; } >"$work/section"
		section "$name" "$work/section"
	else
		echo "== $name failed" >&2
		rc=1
	fi
	rm -rf "$work/t"
done
exit $rc
