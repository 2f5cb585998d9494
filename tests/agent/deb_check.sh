#!/bin/bash
# deb_check.sh - the Debian package: built, linted, installed into a throwaway root, configured by a person, upgraded, removed, purged.
# The root is this machine's own below an overlay in a mount namespace: what dpkg writes goes to a tmpfs and is gone at the end.
. "$ROOT/tests/lib/tap.sh"
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd "$TMPDIR" || exit 1
make -s -C "$ROOT" B="$B" QUIET=1 deb >out 2>err || { not_ok build "$(tail -n 3 err | tr '\n' ' ')"; exit 1; }
deb=$(tail -n 1 out)
case $deb in /*) ;; *) deb=$ROOT/$deb ;; esac
check build test -s "$deb"
cp "$deb" cordon.deb
if command -v lintian >/dev/null; then
	same lintian "" "$(lintian --allow-root --fail-on none cordon.deb 2>&1 | grep -E '^[EW]:' | tr '\n' ' ')"
else
	skip lintian "lintian is not installed"
fi
same "what is a conffile" "/etc/cordon/cordon.conf /etc/cordon/geo.conf /etc/logrotate.d/cordon" "$(dpkg-deb -I cordon.deb conffiles | tr '\n' ' ' | sed 's/ $//')"
check "needs libbpf by name" grep -q 'libbpf1' <(dpkg-deb -f cordon.deb Depends)

cat >inside.sh <<'I'
set -u
d=$1
mount -t tmpfs tmpfs "$d" && mkdir "$d/up" "$d/work" "$d/root" "$d/none" || exit 9
mount -t overlay overlay -o "lowerdir=/,upperdir=$d/up,workdir=$d/work" "$d/root" || exit 9
for t in run tmp sys/fs/bpf; do mkdir -p "$d/root/$t" && mount -t tmpfs tmpfs "$d/root/$t" || exit 9; done
mount -t proc proc "$d/root/proc" && mount --rbind /dev "$d/root/dev" || exit 9
cp "$2" "$d/root/tmp/cordon.deb"
there() { DEBIAN_FRONTEND=noninteractive chroot "$d/root" "$@"; }
say() { echo "$1|$2"; }
left() { there find /etc /usr /lib /var /run -xdev -name '*cordon*' ! -path '/usr/local/*' ! -path '/usr/share/nix*' 2>/dev/null | sort >"$d/none/$1"; }
left before
there dpkg -i /tmp/cordon.deb >"$d/none/log" 2>&1
say install "$? $(tail -n 1 "$d/none/log" | grep -i error)"
say state "$(there dpkg-query -W -f='${db:Status-Status}' cordon)"
say policy "$(there /usr/bin/cordon check 2>&1 >/dev/null; echo $?)"
say mode "$(there /usr/bin/cordon check --print | grep '^mode')"
say place "$(there env -u CORDON_DATA /usr/bin/cordon explain 52.28.0.1 | grep -o 'region eu-central-1' | head -n 1)"
say enabled "$(there systemctl is-enabled cordon.service cordon-geo-update.timer | tr '\n' ' ')"
say unit "$(there grep -h ^ExecStart= /lib/systemd/system/cordon.service)"
say logrotate "$(there sh -c 'command -v logrotate >/dev/null || exit 0; logrotate -d /etc/logrotate.d/cordon' 2>&1 | grep -i 'error' | head -n 1)"
say files "$(there dpkg --verify cordon | head -n 3)"
echo '# mine' | there tee -a /etc/cordon/cordon.conf >/dev/null
there dpkg --force-confold -i /tmp/cordon.deb >"$d/none/log" 2>&1
say upgrade "$? $(there tail -n 1 /etc/cordon/cordon.conf)"
there mkdir -p /var/lib/cordon /var/log/cordon
there touch /var/lib/cordon/places.mmdb /var/log/cordon/alerts.json
there mkdir -p /var/lib/systemd/timers
there touch /etc/cordon/conf.d/10-mine.conf /var/lib/systemd/timers/stamp-cordon-geo-update.timer
there dpkg -r cordon >"$d/none/log" 2>&1
say remove "$? $(there tail -n 1 /etc/cordon/cordon.conf) $(there ls /usr/bin/cordon 2>/dev/null)"
there dpkg -P cordon >"$d/none/log" 2>&1
say purge $?
left after
say left "$(diff "$d/none/before" "$d/none/after" | tr '\n' ' ')"
I
if [ "$(id -u)" != 0 ]; then
	skip "throwaway root" "needs root"
	tap_end
fi
mkdir root
unshare -m --propagation private bash inside.sh "$TMPDIR/root" "$TMPDIR/cordon.deb" >said 2>err
rc=$?
if [ $rc = 9 ]; then
	skip "throwaway root" "no overlay file system here"
	tap_end
fi
got() { sed -n "s/^$1|//p" said; }
same install "0 " "$(got install)"
same "dpkg says so" installed "$(got state)"
same "its policy is good" 0 "$(got policy)"
same "monitor mode" "mode monitor" "$(got mode)"
same "it knows places, with no network" "region eu-central-1" "$(got place)"
same "units are enabled" "enabled enabled " "$(got enabled)"
same "the unit names the binary" "ExecStart=/usr/bin/cordon run --alerts /var/log/cordon/alerts.json" "$(got unit)"
same "logrotate can read its file" "" "$(got logrotate)"
same "every file is whole" "" "$(got files)"
same "an upgrade keeps what a person wrote" "0 # mine" "$(got upgrade)"
same "removing leaves the policy, and no program" "0 # mine " "$(got remove)"
same purge 0 "$(got purge)"
same "and leaves nothing" "" "$(got left)"
same "nothing reached this machine" "" "$(dpkg-query -W -f='${db:Status-Status}' cordon 2>/dev/null)"
tap_end
