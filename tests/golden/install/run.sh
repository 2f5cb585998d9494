#!/bin/bash
# run.sh - make install under a DESTDIR: what is there, that units name the binary that was installed, and that uninstall clears it.
. "$ROOT/tests/lib/tap.sh"
d=$TMPDIR/dest
make -s -C "$ROOT" install DESTDIR="$d" PREFIX=/opt/x >"$TMPDIR/out" 2>&1 || not_ok install "$(tail -n 2 "$TMPDIR/out")"
for f in opt/x/bin/cordon etc/cordon/cordon.conf lib/systemd/system/cordon.service opt/x/share/man/man8/cordon.8 \
	opt/x/share/man/man5/cordon.conf.5 opt/x/share/cordon/examples/eu.conf; do
	check "installed /$f" test -s "$d/$f"
done
check version "$d/opt/x/bin/cordon" --version
check facts_are_there test -s "$d/opt/x/share/cordon/facts/FACTS"
same facts_are_all "$(ls "$ROOT/geo/data/facts")" "$(ls "$d/opt/x/share/cordon/facts")"
env -u CORDON_DATA "$d/opt/x/bin/cordon" explain 52.28.0.1 >"$TMPDIR/out" 2>&1
check facts_are_used grep -qE 'provider +aws, region eu-central-1' "$TMPDIR/out"
check facts_beside_the_program grep -qE "$d/opt/x/share/cordon/facts/aws.ranges|/var/lib/cordon/facts/aws.ranges" "$TMPDIR/out"
check conf_d_is_there test -d "$d/etc/cordon/conf.d"
echo "block to FR" >"$d/etc/cordon/conf.d/mine.conf"
check conf_d_is_read grep -q '^block to FR$' <("$d/opt/x/bin/cordon" check --print "$d/etc/cordon/cordon.conf" 2>&1)
rm "$d/etc/cordon/conf.d/mine.conf"
check policy_is_good "$d/opt/x/bin/cordon" check "$d/etc/cordon/cordon.conf"
same units_name_it "" "$(grep -h '^Exec' "$d"/lib/systemd/system/* | grep -v '=-*/opt/x/bin/cordon ')"
if command -v systemd-analyze >/dev/null; then
	for u in "$d"/lib/systemd/system/*; do
		same "unit ${u##*/}" "" "$(systemd-analyze verify --man=no --root="$d" "/lib/systemd/system/${u##*/}" 2>&1 |
			grep -E "${u##*/}:[0-9]+:")"
	done
fi
if command -v man >/dev/null; then
	for m in "$d"/opt/x/share/man/man?/*; do
		same "man ${m##*/}" "" "$(MANROFFSEQ='' LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings -l "$m" 2>&1 >/dev/null | head -n 2)"
	done
fi
# a policy of one's own stays
echo "# mine" >>"$d/etc/cordon/cordon.conf"
make -s -C "$ROOT" install DESTDIR="$d" PREFIX=/opt/x >/dev/null 2>&1
check policy_is_kept grep -q '^# mine' "$d/etc/cordon/cordon.conf"
make -s -C "$ROOT" uninstall DESTDIR="$d" PREFIX=/opt/x >/dev/null 2>&1
same uninstall_leaves_etc_only "" "$(cd "$d" && find . -type f | grep -v '^./etc/cordon/')"
tap_end
