#!/bin/bash
# run.sh - the ruler finds what it is there for: a tree of one fault each, and one without.
. "$ROOT/tests/lib/tap.sh"
tree() { # FILE TEXT: a clean tree with this file
	rm -rf "$TMPDIR/tree"
	mkdir -p "$TMPDIR/tree/tests" "$TMPDIR/tree/$(dirname "$1")"
	cp "$ROOT/tests/lint.py" "$TMPDIR/tree/tests"
	printf '/* SPDX-License-Identifier: BSD-2-Clause */\n/* x - a file. */\n%b' "$2" >"$TMPDIR/tree/$1"
}
finds() { # NAME FILE TEXT PATTERN
	local out
	tree "$2" "$3"
	if out=$(python3 "$TMPDIR/tree/tests/lint.py" 2>&1); then
		not_ok "$1" "passed"
	elif grep -qE "$4" <<<"$out"; then
		ok "$1"
	else
		not_ok "$1" "$out"
	fi
}
body() { printf 'int x(void)\\n{\\n'; for ((i = 0; i < $1; i++)); do printf '\\tx();\\n'; done; printf '}\\n'; }

tree agent/flow/x.c '#include "agent/base/text.h"\n#include "agent/flow/y.h"\n#include "geo/place.h"\n#include <stdio.h>\n'
check nothing_wrong python3 "$TMPDIR/tree/tests/lint.py"
finds layer geo/base/x.c '#include "agent/base/text.h"\n' 'geo/base/x.c:3: geo/ may not include agent/'
finds room agent/flow/x.c '#include "agent/daemon/daemon.h"\n' 'x.c:3: agent/flow/ may not include agent/daemon/'
finds room_below bpf/prog/x.bpf.h '#include "bpf/load/kernel.h"\n' 'bpf/prog/ may not include bpf/load/'
finds room_unknown agent/misc/x.c '#include "geo/place.h"\n' 'agent/misc/ is no room'
finds banned agent/base/x.c 'int x(char *s)\n{\n\treturn atoi(s);\n}\n' 'x.c:5: atoi\(\) is banned'
finds banned_in_tests tests/geo/x.c 'int x(char *s)\n{\n\treturn atoi(s);\n}\n' 'x.c:5: atoi\(\) is banned'
finds long_function agent/base/x.c "$(body 101)" 'x has 101 lines'
finds long_file agent/base/x.c "$(for ((i = 0; i < 500; i++)); do printf 'int a%d(void);\\n' $i; done)" '502 lines'
finds wide_line agent/base/x.c "int x; $(printf '%0130d' 0)\n" 'columns'
tree agent/base/x.c ''
sed -i 's|"agent/base": "geo/base"|"agent/base": "geo/base agent/daemon"|' "$TMPDIR/tree/tests/lint.py"
python3 "$TMPDIR/tree/tests/lint.py" >"$TMPDIR/out" && not_ok circle passed
check circle grep -q 'rooms in a circle: agent/base > agent/daemon > agent/base' "$TMPDIR/out"
tap_end
