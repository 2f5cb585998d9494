# tap.sh - ok / not ok / skip lines for shell tests; source it. The file's exit status follows by itself.
set -u
tap_bad=0
ok() { echo "ok $1"; }
not_ok() { # NAME WHY
	echo "not ok $1 - ${2:-failed}"
	tap_bad=1
}
skip() { echo "skip $1 - $2"; }
# check NAME CMD...: ok when it exits 0; its output is the reason when not
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$(echo "'$*' failed: $out" | tail -n 3 | tr '\n' ' ')"; fi
}
# same NAME WANT GOT
same() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "want '$2', got '$3'"; fi
}
# diff_ok NAME FILE_WANT FILE_GOT: the difference goes to stderr
diff_ok() {
	if diff -u "$2" "$3" >&2; then ok "$1"; else not_ok "$1" "$3 differs from $2"; fi
}
tap_end() { exit $tap_bad; }
