#!/bin/bash
# run.sh - run kinds of tests (unit golden hostile live vm), a line a file, and sum up; tests/README.md has the rules.
set -u
ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT" || exit 1
export ROOT B=${B:-$ROOT/build} LC_ALL=C.UTF-8
export CORDON=$B/cordon CORDON_DATA=$B/share/cordon SHARED=
[ -d "$ROOT/../shared/captures" ] && SHARED=$(cd "$ROOT/../shared" && pwd)
export CORDON_TEST_RUN=ct$$x
out=$ROOT/build/test
[ "$*" = vm ] && out=$ROOT/build/test-vm
[ "$B" = "$ROOT/build/san" ] && out=$ROOT/build/test-san
[ "$B" = "$ROOT/build/cov" ] && out=$ROOT/build/test-cov
rm -rf "$out"
mkdir -p "$out"
: >"$out/skips"
passed=0 failed=0 skipped=0 surprise=0

files() { # KIND
	case $1 in
	unit) find "$B/tests" -name '*_test' -type f -perm -u+x 2>/dev/null ;;
	golden) ls tests/golden/*/run.sh tests/{geo,rules,bpf,agent}/*_check.{sh,py} 2>/dev/null ;;
	hostile) ls tests/hostile/*.{sh,py} 2>/dev/null ;;
	live) ls tests/live/*_live.sh 2>/dev/null ;;
	vm) ls tests/vm/*_vm.sh 2>/dev/null ;;
	esac | sort | { [ -n "${ONLY:-}" ] && grep -e "$ONLY" || { [ -z "${ONLY:-}" ] && cat; }; }
}

expected_skip() { # NAME
	local pattern rest
	while read -r pattern rest; do
		case $pattern in '' | '#'*) continue ;; esac
		# shellcheck disable=SC2053
		[[ $1 == $pattern ]] && return 0
	done <tests/skips.expected
	return 1
}

note_skips() { # LOG
	local name why
	while IFS= read -r line; do
		name=${line#skip } why=${name#* - } name=${name%% - *}
		if expected_skip "$name"; then
			echo "$name - $why" >>"$out/skips"
		else
			echo "$name - $why (unexpected)" >>"$out/skips"
			surprise=$((surprise + 1))
		fi
	done < <(grep -a '^skip ' "$1")
}

# Criterion's line counts; its exit status decides
count_unit() { # LOG STATUS
	local line
	line=$(grep -a 'Synthesis: Tested:' "$1" | sed 's/\x1b\[[0-9;]*m//g' | tail -n 1)
	p=$(echo "$line" | sed -n 's/.*Passing: \([0-9]*\).*/\1/p')
	f=$(echo "$line" | sed -n 's/.*Failing: \([0-9]*\).*Crashing: \([0-9]*\).*/\1 \2/p')
	p=${p:-0} f=${f:-0 0}
	f=$((${f% *} + ${f#* })) s=0
	[ "$2" != 0 ] && [ $f = 0 ] && f=1
	[ "$2" = 0 ] && [ $((p + f)) = 0 ] && f=1
}
count_lines() { # LOG STATUS
	p=$(grep -ac '^ok ' "$1") f=$(grep -ac '^not ok ' "$1") s=$(grep -ac '^skip ' "$1")
	if [ "$2" != 0 ] && [ "$f" = 0 ]; then
		f=1
		echo "not ok $1 - exited with $2" >>"$1"
	fi
	if [ $((p + f + s)) = 0 ]; then
		f=1
		echo "not ok $1 - ran no test" >>"$1"
	fi
}

run_one() { # KIND FILE
	local name=${2#"$B"/} log t0 t1 rc tag limit
	limit=${LIMIT:-$(sed -n '1,3s/^# LIMIT \([0-9]*\)$/\1/p' "$2" 2>/dev/null | head -n 1)}
	limit=${limit:-$([ "$1" = unit ] && echo 600 || echo 300)}
	name=${name#tests/}
	log=$out/$(echo "$name" | tr / -).log
	TMPDIR=$(mktemp -d "/tmp/$CORDON_TEST_RUN.XXXXXX")
	chmod 755 "$TMPDIR"
	export TMPDIR
	t0=$(date +%s%N)
	case $2 in
	*.sh) set -- "$1" bash "$2" ;;
	*.py) set -- "$1" python3 "$2" ;;
	*) set -- "$1" "$2" --jobs 2 ;;
	esac
	timeout --kill-after=20 "$limit" "${@:2}" </dev/null >"$log" 2>"$log.err"
	rc=$?
	cat "$log.err" >>"$log.all" 2>/dev/null
	[ "$1" = unit ] && cat "$log.err" >>"$log"
	[ $rc = 124 ] && echo "not ok $name - took longer than $limit s" >>"$log"
	t1=$(date +%s%N)
	rm -rf "$TMPDIR"
	if [ "$1" = unit ]; then count_unit "$log" $rc; else count_lines "$log" $rc; fi
	note_skips "$log"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	tag=ok
	[ "$f" = 0 ] || tag=FAIL
	printf '%-4s  %-42s %4d passed' $tag "$name" "$p"
	[ "$f" = 0 ] || printf ', %d failed' "$f"
	[ "$s" = 0 ] || printf ', %d skipped' "$s"
	printf '  %d.%01d s\n' $(((t1 - t0) / 1000000000)) $(((t1 - t0) / 100000000 % 10))
	if [ "$f" != 0 ]; then
		if [ "$1" = unit ]; then
			grep -aE 'FAIL|----|CRASH|ERR|runtime error|AddressSanitizer|assert' "$log" | head -n 40
		else
			grep -a '^not ok ' "$log" | head -n 40
			tail -n 20 "$log.err"
		fi | sed 's/^/        /'
		[ -n "${CI:-}" ] || echo "        log: $log"
	fi
}

# Nothing that this run made may be left: namespaces, cgroups, mounts and processes carry its id.
left_behind() {
	local left=
	left=$(
		ip netns list 2>/dev/null | grep "$CORDON_TEST_RUN"
		find /sys/fs/cgroup -maxdepth 4 -name "*$CORDON_TEST_RUN*" 2>/dev/null
		grep "$CORDON_TEST_RUN" /proc/mounts
		find /tmp /sys/fs/bpf -maxdepth 2 -name "*$CORDON_TEST_RUN*" 2>/dev/null
		for p in /proc/[0-9]*; do
			case ${p#/proc/} in "$$" | "$BASHPID") continue ;; esac
			[ "$(awk '{print $4}' "$p/stat" 2>/dev/null)" = "$BASHPID" ] && continue
			grep -azqx "CORDON_TEST_RUN=$CORDON_TEST_RUN" "$p/environ" 2>/dev/null &&
				echo "process ${p#/proc/}: $(tr '\0' ' ' <"$p/cmdline" | cut -c1-80)"
		done
	)
	[ -z "$left" ] && return 0
	echo "$left" | sed 's/^/        left behind: /'
	return 1
}

# Kernel programs of cordon; they are nobody's when no agent and no test is left to own them.
programs() { bpftool prog list -j 2>/dev/null | jq -r '.[] | select(.type | startswith("cgroup") or . == "tracing") | "\(.id) \(.name)"' | sort; }
programs >"$out/programs.before"
programs_gone() {
	local i
	for ((i = 0; i < 15; i++)); do
		{ pgrep -x cordon || pgrep -x boxfort-worker; } >/dev/null && return 0 # somebody else's run on this machine
		programs | comm -13 "$out/programs.before" - >"$out/programs"
		[ -s "$out/programs" ] || return 0
		sleep 1
	done
	sed 's/^/        left behind: kernel program /' "$out/programs"
	return 1
}

for kind in "$@"; do
	for f in $(files "$kind"); do
		run_one "$kind" "$f"
	done
done
if left_behind && programs_gone; then passed=$((passed + 1)); else
	echo "FAIL  the suite left something behind"
	failed=$((failed + 1))
fi
if [ $surprise != 0 ]; then
	echo "skipped, but not in tests/skips.expected:"
	grep '(unexpected)' "$out/skips" | sed 's/^/  /'
fi
mkdir -p "$out"
sum="$passed passed, $failed failed, $skipped skipped"
echo "$sum" >"$out/sum"
echo "$sum"
[ $failed = 0 ] && { [ $surprise = 0 ] || [ -z "${STRICT:-}" ]; }
