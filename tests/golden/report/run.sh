#!/bin/bash
# run.sh - the starting article's case: its report in both languages as text, and what README shows of it.
. "$ROOT/tests/lib/tap.sh"
here=$ROOT/tests/golden/report
python3 "$here/case.py" || { not_ok case "the ledgers could not be made"; exit 1; }
cd "$TMPDIR" || exit 1
mkdir -p j
for l in en fr; do
	"$CORDON" report --from 2026-01-01 --to 2026-06-30 --state db1 --state app1 --expect db1 --expect app1 --expect db2 --lang $l >"$l.txt" 2>"$l.err"
	same "$l: exit code" 0 $?
	check "$l: the text" diff -u "$here/case.$l.txt" "$l.txt"
done
same "README shows its first page" "" "$(sed -n '/^[!*]/p' en.txt | while read -r line; do grep -qF "$line" "$ROOT/README.md" || echo "$line"; done)"
