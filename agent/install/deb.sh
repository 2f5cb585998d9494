#!/bin/sh
# deb.sh - builds the Debian package from what 'make install' installs: deb.sh BUILD VERSION; prints the package's path.
set -eu
cd "$(dirname "$0")/../.."
build=$1 version=$2 here=agent/install/debian
root=$build/deb/root work=$build/deb/work
arch=$(dpkg --print-architecture)
rm -rf "$build/deb"
mkdir -p "$root/DEBIAN" "$work/debian"
umask 022
make -s install B="$build" DESTDIR="$root" PREFIX=/usr >/dev/null
strip --strip-unneeded "$root/usr/bin/cordon"
install -D -m 644 $here/logrotate "$root/etc/logrotate.d/cordon"
doc=$root/usr/share/doc/cordon
install -D -m 644 README.md "$doc/README.md"
{
	echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
	printf 'Upstream-Name: cordon\n\nFiles: *\nCopyright: the cordon authors\nLicense: BSD-2-Clause\n'
	sed 's/^[[:space:]]*$/./; s/^/ /' LICENSE
} >"$doc/copyright"
{
	printf 'cordon (%s) stable; urgency=medium\n\n  * See README.md and cordon(8).\n\n' "$version"
	printf ' -- cordon maintainers <cordon@example.org>  %s\n' "$(date -uR -d "@${SOURCE_DATE_EPOCH:-0}")"
} | gzip -9n >"$doc/changelog.gz"
find "$root/usr/share/man" -type f -exec gzip -9n {} +
(cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
for s in postinst prerm postrm; do install -m 755 $here/$s "$root/DEBIAN/$s"; done

printf 'Source: cordon\n\nPackage: cordon\nArchitecture: any\nDescription: x\n' >"$work/debian/control"
bin=$(realpath "$root/usr/bin/cordon")
depends=$(cd "$work" && dpkg-shlibdeps --ignore-missing-info -O "$bin" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "deb.sh: dpkg-shlibdeps does not say what the binary needs" >&2; exit 1; }
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" $here/control.in >"$root/DEBIAN/control"
deb=$build/cordon_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null
echo "$deb"
