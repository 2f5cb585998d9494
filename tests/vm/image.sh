# image.sh - a Debian 12 with systemd, PostgreSQL and its own kernel, made once by mmdebstrap into $VM; source it.
#
# vm_image: 0 when $VM/root, $VM/vmlinuz and $VM/initrd are there. vm_disk TREE FILE: an ext4 image of the tree.
# vm_boot DISK SECONDS (VM_INIT=program instead of systemd): boots under emulation (KVM may be absent or nested) with ttyS1 into $VM/out; 0 when it powered off.
VM=$ROOT/build/vm
VM_PACKAGES=systemd,systemd-sysv,linux-image-amd64,udev,dbus,iproute2,nftables,procps,kmod,busybox-static,tor-geoipdb
VM_PACKAGES=$VM_PACKAGES,libbpf1,libmaxminddb0,libjansson4,libssl3,libpcap0.8,zlib1g,libzstd1,liblz4-1,liblzma5,libcurl4,libsystemd0,libsqlite3-0,libmicrohttpd12,librdkafka1,libpq5,libarchive13,libseccomp2,libloc1,postgresql-15

vm_image() {
	local k m
	[ -e "$VM/initrd" ] && return 0
	rm -rf "$VM"
	mkdir -p "$VM"
	# in a mount namespace of its own: nothing stays mounted, whatever happens
	unshare --mount mmdebstrap --quiet --variant=minbase --include=$VM_PACKAGES --skip=output/dev bookworm "$VM/root" || return 1
	k=$(ls "$VM/root/lib/modules")
	cp "$VM/root/boot/vmlinuz-$k" "$VM/vmlinuz"
	initrd "$k" || return 1
	# nothing in there has this hardware
	(cd "$VM/root/lib/modules/$k/kernel/drivers" && rm -rf gpu media sound infiniband iio staging usb hid scsi ata \
		net/wireless net/ethernet isdn)
	rm -rf "$VM/root"/boot/* "$VM/root"/usr/share/{doc,locale,man}/* "$VM/root"/var/cache/apt/* "$VM/root"/var/lib/apt/lists/*
	mv "$VM/initrd.new" "$VM/initrd"
}
# the smallest thing that mounts the disk: busybox and the modules of virtio and ext4, in the order of their needs
initrd() { # KERNEL
	local d=$VM/initrd.d m
	mkdir -p "$d/bin" "$d/m" "$d/new" "$d/proc" "$d/dev"
	cp "$VM/root/bin/busybox" "$d/bin/"
	for m in virtio_pci virtio_blk ext4 crc32c_generic; do
		/sbin/modprobe -d "$VM/root" -S "$1" --show-depends $m
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$VM/modules"
	while read -r m; do cp "$m" "$d/m/"; done <"$VM/modules"
	{
		echo '#!/bin/busybox sh'
		echo '/bin/busybox mount -t proc proc /proc; /bin/busybox mount -t devtmpfs dev /dev'
		while read -r m; do echo "/bin/busybox insmod /m/${m##*/}"; done <"$VM/modules"
		echo 'while [ ! -e /dev/vda ]; do /bin/busybox sleep 0.1; done'
		echo '/bin/busybox mount -t ext4 /dev/vda /new; /bin/busybox umount /proc'
		echo 'exec /bin/busybox switch_root /new ${vm_init:-/lib/systemd/systemd}'
	} >"$d/init"
	chmod 755 "$d/init"
	(cd "$d" && find . | cpio --quiet -o -H newc) | gzip >"$VM/initrd.new"
	rm -rf "$d"
}
vm_disk() { # TREE FILE
	/sbin/mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$1" "$2" 2G
}
vm_boot() { # DISK SECONDS
	: >"$VM/out"
	timeout --kill-after=5 "$2" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -nodefaults -no-user-config \
		-display none -no-reboot -kernel "$VM/vmlinuz" -initrd "$VM/initrd" \
		-append "console=ttyS0 panic=-1 quiet random.trust_cpu=on ${VM_INIT:+vm_init=$VM_INIT}" \
		-drive "file=$1,if=virtio,format=raw,cache=unsafe" \
		-serial "file:$VM/console" -serial "file:$VM/out" </dev/null
}
