#!/bin/bash
# policy_files_check.sh - a policy of several files: the order, whose line an error or a rule names, one sum wherever it is
# called from, what is refused, and that each verb reads the whole.
. "$ROOT/tests/lib/tap.sh"
d=$TMPDIR/etc
mkdir -p "$d/conf.d" "$d/lists"
cat >"$d/cordon.conf" <<'END'
home DE
include "conf.d/*.conf"	# in the order of their names
include "none/*.conf"
list backups file "lists/backups" # nightly
allow to backups
block to any
END
printf 'subject dba { user postgres }\nblock from dba to US\n' >"$d/conf.d/10-db.conf"
printf 'include "../common.inc"\nalert to FR' >"$d/conf.d/20-web.conf"
printf 'block to everything {{{\n' >"$d/conf.d/30-left-out.conf.bak"
printf '#@ "elsewhere" 7\nalert to IT\n' >"$d/common.inc"
printf '# ours\n192.0.2.0/24,\t2001:db8::/32\r\n203.0.113.1' >"$d/lists/backups"
cd "$d" || exit 1
print() { "$CORDON" check --no-places --print "$@" 2>&1; }
same canonical "home DE
list backups { 192.0.2.0/24 203.0.113.1 2001:db8::/32 }
subject dba { user postgres }
mode monitor
block from dba to US
alert to IT
alert to FR
allow to backups
block to any" "$(print cordon.conf)"
print cordon.conf >"$TMPDIR/one"
same prints_the_same_again "$(cat "$TMPDIR/one")" "$(print "$TMPDIR/one")"
same standard_input "$(cat "$TMPDIR/one")" "$(print - <cordon.conf)"
sum() { "$CORDON" check --no-places --json "$1" 2>/dev/null | jq -r .sha256; }
before=$(sum cordon.conf)
check a_sum test "${#before}" = 64
same one_sum_from_everywhere "$before $before" "$(cd / && sum "$d/cordon.conf") $(cd conf.d && sum ../cordon.conf)"
for f in conf.d/10-db.conf common.inc lists/backups; do
	cp "$f" "$TMPDIR/kept"
	echo '# more' >>"$f"
	check "the sum takes in $f" test "$(sum cordon.conf)" != "$before"
	cp "$TMPDIR/kept" "$f"
done
same the_same_again "$before" "$(sum cordon.conf)"

# each verb
printf 'place 192.0.2.0/25 is GB\nplace 198.51.100.0/25 is IT\n-> 192.0.2.9:443 allow\n-> 198.51.100.1:443 alert\nuser postgres -> 198.51.100.1:443 alert\n-> 198.18.0.1:443 block\n' >"$TMPDIR/cases"
out=$("$CORDON" test --no-places cordon.conf "$TMPDIR/cases" 2>&1)
same "test" "0 $TMPDIR/cases: 4 of 4 cases as expected" "$? $out"
printf 'place 198.51.100.0/25 is IT\n-> 198.51.100.1:443 block\n' >"$TMPDIR/cases"
check "test names the file" grep -q 'common.inc:2: alert to IT' <("$CORDON" test --no-places cordon.conf "$TMPDIR/cases" 2>&1)
printf 'place 198.51.100.0/25 is ITT\n-> 198.51.100.1:443 block\n' >"$TMPDIR/cases"
check "test: a wrong assumption is the cases'" grep -q "^$TMPDIR/cases:1: error" <("$CORDON" test --no-places cordon.conf "$TMPDIR/cases" 2>&1)
ask() { "$CORDON" explain --json --no-places --policy cordon.conf "$@" 2>&1; }
same explain "cordon.conf:5" "$("$CORDON" explain --json --policy cordon.conf 203.0.113.1 2>&1 | jq -r '.verdict.rule | .file + ":" + (.line | tostring)')"
check "explain names the other file" grep -q 'common.inc:2.*alert to IT' <("$CORDON" explain --policy cordon.conf 203.0.113.1 2>&1)
check geo_distance grep -q "no distances without" <("$CORDON" geo show --distance --policy cordon.conf 2>&1)

# what is refused, with whose line; each by a file of its own
refused() { # NAME WANT: the first line that is said of wrong.conf, exit 3
	local got code
	got=$("$CORDON" check --no-places wrong.conf 2>&1 >/dev/null)
	code=$?
	same "refused: $1" "3 $2" "$code $(head -n 1 <<<"$got")"
}
wrong() { printf "$@" >wrong.conf; }
wrong 'block to any\ninclude "gone.conf"\n'
refused missing "wrong.conf:2:9: error: gone.conf cannot be included: No such file or directory"
wrong 'list a file "gone"\nblock to a\n'
refused "missing list" "wrong.conf:1:13: error: gone cannot be read: No such file or directory"
wrong 'include "wrong.conf"\nblock to any\n'
refused "itself" "wrong.conf:1:9: error: wrong.conf cannot be included: it includes itself"
wrong 'include "a.inc"\nblock to any\n'
printf 'include "b.inc"\n' >a.inc
printf '\ninclude "a.inc"\n' >b.inc
refused "a loop of two" "b.inc:2:9: error: a.inc cannot be included: it includes itself"
for i in $(seq 9); do printf 'include "deep%d.inc"\n' $((i + 1)) >"deep$i.inc"; done
wrong 'include "deep1.inc"\nblock to any\n'
refused deep "deep7.inc:1:9: error: deep8.inc cannot be included: files within files, more than 8 deep"
mkdir -p many
for i in $(seq 257); do : >"many/$i.conf"; done
wrong 'include "many/*.conf"\nblock to any\n'
refused many "wrong.conf:1:9: error: many/99.conf cannot be included: more than 256 files"
wrong 'include "conf.d"\nblock to any\n'
refused "a folder" "wrong.conf:1:9: error: conf.d cannot be included: no regular file"
wrong 'include "pipe"\nblock to any\n'
mkfifo pipe
refused "a pipe" "wrong.conf:1:9: error: pipe cannot be included: no regular file"
wrong 'include "big"\nblock to any\n'
head -c 4200000 /dev/zero | tr '\0' '\n' >big
refused "larger than a policy" "wrong.conf:1:9: error: big cannot be included: the policy is larger than 4 MiB with it"
wrong 'include conf.d\nblock to any\n'
refused "no quotes" "wrong.conf:1:9: error: 'conf.d' is not understood here; expected a string"
wrong 'include "a" "b"\nblock to any\n'
refused "two names" "wrong.conf:1:9: error: the file 'a' was not read: it is named alone on its line, and not in what is whole"
wrong 'list a folder "b"\nblock to a\n'
refused "no file" "wrong.conf:1:8: error: 'folder' is not understood here; expected { or file \"PATH\""
wrong '#@ whole\ninclude "conf.d/*.conf"\nblock to any\n'
refused "what says that it is whole and is not" "wrong.conf:2:9: error: the file 'conf.d/*.conf' was not read: it is named alone on its line, and not in what is whole"
wrong 'list a file "inject"\nblock to any\n'
printf '192.0.2.1 }\nallow to any\nlist b { 192.0.2.2\n' >inject
refused "a list that would be more" "inject:1:11: error: a list's file holds addresses and prefixes; not }"
printf '192.0.2.1\n\n10.0.0.1/8\n' >inject
refused "a prefix" "inject:3:1: error: '10.0.0.1/8' has host bits set; the prefix is '10.0.0.0/8'"
printf '192.0.2.1\nbackup.example\n' >inject
refused "a host's name" "inject:2:1: error: a list's file holds addresses and prefixes; not backup.example"
wrong 'include "a.inc"\nblock to any\n'
printf 'allow to any\nblok to DE\nallow to \xff\n' >a.inc
refused "a word" "a.inc:2:1: error: 'blok' is not understood here; did you mean 'block'?"
check "all errors of all files" grep -q '^a.inc:3:10: error: not UTF-8' <("$CORDON" check --no-places wrong.conf 2>&1)
printf 'zone z { DE }\nmode enforce\n' >a.inc
wrong 'zone z { DE }\nmode monitor\ninclude "a.inc"\nblock to z\n'
refused "twice, in two files" "a.inc:1:6: error: zone 'z' is defined already, in wrong.conf:1"
check "and the mode" grep -q "^a.inc:2:1: error: 'mode' stands in wrong.conf:2 already" <("$CORDON" check --no-places wrong.conf 2>&1)
printf 'block to any\n' >a.inc
wrong 'include "a.inc"\nallow to DE\n'
check "never reached, by another file" grep -q "^wrong.conf:2: warning: never reached: a.inc:1 'block to any' decides first" \
	<("$CORDON" check --no-places wrong.conf 2>&1)
mkdir -p "odd[1]*/conf.d"
printf 'allow to FR\n' >"odd[1]*/conf.d/a.conf"
printf 'include "conf.d/*.conf"\nblock to any\n' >"odd[1]*/cordon.conf"
same "a folder's own name is no pattern" "mode monitor allow to FR block to any" "$(print "odd[1]*/cordon.conf" | tr '\n' ' ' | sed 's/ $//')"
printf 'allow to FR\n' >"$(printf 'odd[1]*/conf.d/b\nallow to any.conf')"
out=$("$CORDON" check --no-places "odd[1]*/cordon.conf" 2>&1)
check "a name that would be a rule" grep -q 'a name with control characters' <<<"$out"
tap_end
