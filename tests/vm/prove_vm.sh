# LIMIT 900
# prove_vm.sh - 'cordon prove' on Debian's own kernel (6.1, which has no TCX): a part of it, for a shot takes seconds there.
. "$ROOT/tests/lib/tap.sh"
. "$ROOT/tests/vm/image.sh"
for p in qemu-system-x86_64 mmdebstrap cpio; do
	command -v $p >/dev/null || { skip "vm/prove" "$p is not installed (agent/install/deps.sh vm)"; exit 0; }
done
[ "$(uname -m)" = x86_64 ] || { skip "vm/prove" "the image is for x86_64"; exit 0; }
vm_image >&2 || vm_image >&2 || vm_image >&2 || { skip "vm/prove" "mmdebstrap could not make the image, three times"; exit 0; }

tree=$TMPDIR/tree
cp -ax "$VM/root" "$tree"
make -s -C "$ROOT" install DESTDIR="$tree" PREFIX=/usr/local >/dev/null || { not_ok install "make install failed"; exit 1; }
cat >"$tree/root/prove.sh" <<'X'
#!/bin/bash
# the first process of the machine: no systemd, nothing else that sends
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t devtmpfs dev /dev 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs sec /sys/kernel/security 2>/dev/null
ip link set lo up
exec >/dev/ttyS1 2>&1
uname -r
# the programs that copy names beside the others
printf 'mode monitor\nalert to any\n' >/tmp/names.conf
cordon run --policy /tmp/names.conf --alerts /tmp/alerts --control /tmp/control --detach-on-exit &
agent=$!
for i in $(seq 300); do
	cordon status --control /tmp/control --json 2>/dev/null | tr -d ' \n' | grep -o '"names":{[^}]*}' >/tmp/names && break
	sleep 1
done
grep -q '"on":true' /tmp/names && grep -q '"attached":true' /tmp/names && echo "ok names" || echo "not ok names - $(cat /tmp/names)"
kill $agent
wait $agent
# more subjects than have a column for each mask: another path of the programs
for i in $(seq 30); do echo "alert from address 10.$i.0.0/16, cgroup \"/c$i\" to DE port $i"; done >/tmp/wide.conf
echo "block to any" >>/tmp/wide.conf
cordon run --policy /tmp/wide.conf --alerts /tmp/alerts --control /tmp/control --detach-on-exit &
agent=$!
for i in $(seq 300); do
	cordon status --control /tmp/control --json 2>/dev/null | tr -d ' \n' >/tmp/wide && grep -q '"attached":true' /tmp/wide && break
	kill -0 $agent 2>/dev/null || break
	sleep 1
done
grep -q '"attached":true' /tmp/wide && echo "ok wide" || echo "not ok wide - $(head -c 300 /tmp/wide)"
kill $agent
wait $agent
# a shot takes seconds under emulation: those that a kernel's version can change
for what in "--only udp-sendto" "--only in-tcp" "--only packet-xdp" "--only path-dnat"; do
	cordon prove $what
	rc=$?
	[ $rc = 0 ] && echo "ok prove_${what##* }" || echo "not ok prove_${what##* } - exit $rc"
done
cordon prove --devices --only udp-name 2>&1 | grep -q 'needs TCX' && echo "ok devices_refused" || echo "not ok devices_refused - no word of TCX"
[ -z "$(ls /run | grep cordon-prove)$(ls /sys/fs/cgroup | grep cordon-prove)" ] && echo "ok nothing_left" || echo "not ok nothing_left - something is"
echo "ok end"
sync
echo o >/proc/sysrq-trigger
sleep 60
X
chmod 755 "$tree/root/prove.sh"
vm_disk "$tree" "$TMPDIR/disk" && rm -rf "$tree"
VM_INIT=/root/prove.sh vm_boot "$TMPDIR/disk" "${VM_LIMIT:-600}" || not_ok poweroff "the machine did not end by itself"
tr -d '\r' <"$VM/out" | tee "$TMPDIR/out"
grep -q '^ok end' "$TMPDIR/out" || { not_ok end "the script inside did not come to its end"; tail -n 20 "$VM/console" >&2; }
check tried grep -qE '^1 techniques, .* 1 stopped' "$TMPDIR/out"
grep -q '^not ok' "$TMPDIR/out" && tap_bad=1
tap_end
