# LIMIT 900
# systemd_vm.sh - the unit under a real systemd: before the network, READY, reload, a restarted database, kill -9, stop.
. "$ROOT/tests/lib/tap.sh"
. "$ROOT/tests/vm/image.sh"
for p in qemu-system-x86_64 mmdebstrap cpio; do
	command -v $p >/dev/null || { skip "vm/systemd" "$p is not installed (agent/install/deps.sh vm)"; exit 0; }
done
[ "$(uname -m)" = x86_64 ] || { skip "vm/systemd" "the image is for x86_64"; exit 0; }
vm_image >&2 || vm_image >&2 || vm_image >&2 || { skip "vm/systemd" "mmdebstrap could not make the image, three times"; exit 0; }

tree=$TMPDIR/tree
cp -ax "$VM/root" "$tree"
make -s -C "$ROOT" install DESTDIR="$tree" PREFIX=/usr/local >/dev/null || { not_ok install "make install failed"; exit 1; }
ok install
cat >"$tree/etc/cordon/cordon.conf" <<'X'
home  DE
mode  enforce
feed  file "/var/log/cordon/alerts.json" format ecs
allow to eea
block from unit "postgresql@*.service" to any severity critical
allow to any
X
cat >"$tree/etc/systemd/system/vmtest.service" <<'X'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /root/inside.sh
ExecStopPost=/bin/systemctl poweroff --force
X
cp "$ROOT/tests/vm/inside.sh" "$tree/root/inside.sh"
w=$tree/etc/systemd/system
mkdir -p "$w/graphical.target.wants" "$w/sysinit.target.wants"
ln -sf ../vmtest.service "$w/graphical.target.wants/vmtest.service"
ln -sf /dev/null "$w/serial-getty@ttyS0.service"
SYSTEMD_OFFLINE=1 chroot "$tree" systemctl enable cordon >&2 || not_ok enable "systemctl enable failed"
printf 'host all all all trust\n' >>"$tree/etc/postgresql/15/main/pg_hba.conf"
printf "listen_addresses = '*'\nfsync = off\n" >>"$tree/etc/postgresql/15/main/postgresql.conf"

vm_disk "$tree" "$TMPDIR/disk" && rm -rf "$tree"
vm_boot "$TMPDIR/disk" "${VM_LIMIT:-240}" || not_ok poweroff "the machine did not end by itself"
tr -d '\r' <"$VM/out" | tee "$TMPDIR/out"
grep -q '^ok end' "$TMPDIR/out" || { not_ok end "the script inside did not come to its end"; tail -n 20 "$VM/console" >&2; }
grep -q '^not ok' "$TMPDIR/out" && tap_bad=1
tap_end
