#!/bin/sh
# deps.sh - install what is missing on Debian 12: deps.sh [build|demo|test|vm]; each holds what it needs of the others.
set -eu

# to build: compiler and kernel-program compiler, then one library a line of README.md's table
build="gcc make libc6-dev pkg-config clang bpftool libbpf-dev flex bison
	libmaxminddb-dev libjansson-dev libssl-dev openssl libloc-dev libpcap-dev zlib1g-dev libzstd-dev liblz4-dev liblzma-dev
	libcurl4-openssl-dev libsystemd-dev libsqlite3-dev libmicrohttpd-dev librdkafka-dev libpq-dev libarchive-dev libseccomp-dev tor-geoipdb ca-certificates"
demo="iproute2 util-linux procps postgresql-15 jq curl openssl dnsmasq-base"
test="libcriterion-dev mmdb-bin tcpdump tshark nftables jq python3 openssl ethtool age zstd lz4 xz-utils curl dnsmasq-base bind9-dnsutils
	lintian dpkg-dev clang-format cppcheck rsyslog rsyslog-gnutls prometheus zsh"

vm="qemu-system-x86 mmdebstrap cpio kmod e2fsprogs make"

want=${1:-build}
case $want in
build) list=$build ;;
demo) list="$build $demo" ;;
test) list="$build $demo $test" ;;
vm) list="$build $vm" ;;
*) echo "deps.sh: build, demo, test or vm, not '$want'" >&2; exit 2 ;;
esac

missing=
for p in $list; do
	s=$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) || s=
	[ "$s" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps.sh: no apt-get here; these Debian packages are missing:$missing" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "deps.sh: missing packages, which only root can install (sudo make deps):$missing" >&2
	exit 1
fi

echo "deps: installing from Debian:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
rc=/usr/sbin/policy-rc.d quiet=
conf=/etc/postgresql-common/createcluster.d/cordon-deps.conf
trap 'rm -f "$log" "$conf" $quiet' EXIT
case $missing in
*postgresql*)	# the tests make their own clusters: do not start one on this host
	mkdir -p "${conf%/*}"
	echo "create_main_cluster = false" >"$conf" ;;
esac
case $missing in
*rsyslog*|*prometheus*)	# receivers for the tests, which start their own: not this host's
	[ -e $rc ] || { quiet=$rc; printf '#!/bin/sh\nexit 101\n' >$rc; chmod 755 $rc; } ;;
esac

retry() {
	for wait in 2 5 10 0; do
		"$@" >"$log" 2>&1 && return 0
		[ $wait = 0 ] || sleep $wait
	done
	echo "deps.sh: '$*' failed four times; its last lines:" >&2
	tail -n 15 "$log" >&2
	return 1
}
retry apt-get -q -o Acquire::Retries=3 update
# shellcheck disable=SC2086
retry apt-get -qy -o Dpkg::Options::=--force-confold --no-install-recommends install $missing
for s in rsyslog prometheus prometheus-node-exporter; do
	case "$missing " in
	*" $s "*) command -v systemctl >/dev/null && systemctl -q disable $s 2>/dev/null || : ;;
	esac
done
echo "deps: done"
