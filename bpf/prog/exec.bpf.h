/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * exec.bpf.h - what a process runs: executable and arguments, noted in the kernel when it makes a
 * socket.
 *
 * A client that gets EPERM is gone within a millisecond; on a busy host its /proc entry is gone
 * before the agent looks. So the first socket() of a process leaves a note here, and a refused
 * connect() renews it (exec may lie in between). The path is walked from the file upwards through
 * its mounts, a component a slot, and put together by read_image.c. Arguments are what the process
 * wrote there: shown, never trusted.
 */
#ifndef BPF_PROG_EXEC_BPF_H
#define BPF_PROG_EXEC_BPF_H
#include "bpf/prog/process.bpf.h"

struct qstr {
	const unsigned char *name;
} __attribute__((preserve_access_index));
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} __attribute__((preserve_access_index));
struct vfsmount {
	struct dentry *mnt_root;
} __attribute__((preserve_access_index));
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} __attribute__((preserve_access_index));
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} __attribute__((preserve_access_index));
struct file {
	struct path f_path;
} __attribute__((preserve_access_index));
struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end;
} __attribute__((preserve_access_index));
struct task_struct___mm {
	struct mm_struct *mm;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_image);
} image_scratch SEC(".maps");

static __always_inline struct mount *mount_of(struct vfsmount *m)
{
	return (struct mount *)((char *)m - bpf_core_field_offset(struct mount, mnt));
}

/* Where the walk stands: kernel addresses, read with bpf_probe_read_kernel only. */
struct image_walk {
	__u64 dentry, mount;
	__u32 parts, pad;
};

/* One step upwards; 0 at the top. A global function: a loop around it is a loop around one path to
 * the verifier. */
__noinline int image_step(struct image_walk *w)
{
	struct abi_image *i;
	struct mount *m, *up;
	struct dentry *d;
	__u32 zero = 0, n;

	i = bpf_map_lookup_elem(&image_scratch, &zero);
	if (!w || !i)
		return 0;
	d = (struct dentry *)w->dentry;
	m = (struct mount *)w->mount;
	n = w->parts;
	if (n >= ABI_IMAGE_PARTS)
		return 0;
	if (d == BPF_CORE_READ(m, mnt.mnt_root)) {
		up = BPF_CORE_READ(m, mnt_parent);
		w->dentry = (__u64)BPF_CORE_READ(m, mnt_mountpoint);
		w->mount = (__u64)up;
		return up != m;
	}
	bpf_probe_read_kernel_str(i->part[n], sizeof(i->part[n]), BPF_CORE_READ(d, d_name.name));
	w->parts = n + 1;
	w->dentry = (__u64)BPF_CORE_READ(d, d_parent);
	return 1;
}

/* Components from the file up to the root of all mounts. */
static __always_inline void image_path(struct abi_image *i, struct file *f)
{
	struct image_walk w = {};

	w.dentry = (__u64)BPF_CORE_READ(f, f_path.dentry);
	w.mount = (__u64)mount_of(BPF_CORE_READ(f, f_path.mnt));
	for (int step = 0; step < ABI_IMAGE_STEPS; step++)
		if (!image_step(&w))
			break;
	i->parts = w.parts;
}

static __always_inline void image_arguments(struct abi_image *i, struct mm_struct *mm)
{
	unsigned long from = BPF_CORE_READ(mm, arg_start), to = BPF_CORE_READ(mm, arg_end);
	__u64 n = to - from;

	_Static_assert(!(sizeof(i->arguments) & (sizeof(i->arguments) - 1)), "a mask bounds it");

	if (to <= from)
		return;
	i->cut = n > sizeof(i->arguments);
	if (n >= sizeof(i->arguments)) {
		if (!bpf_probe_read_user(i->arguments, sizeof(i->arguments), (const void *)from))
			i->length = sizeof(i->arguments);
		return;
	}
	asm volatile("" : "+r"(n)); /* the verifier wants to see the mask, clang to drop it */
	n &= sizeof(i->arguments) - 1;
	if (!bpf_probe_read_user(i->arguments, (__u32)n, (const void *)from))
		i->length = (__u32)n;
}

/* again: even when there is a note of this process (it may have called exec since). */
__noinline int image_note(const struct abi_process *p, int again)
{
	struct task_struct___mm *task = (void *)bpf_get_current_task();
	struct abi_image_key key = {};
	struct abi_image *i;
	struct mm_struct *mm;
	struct file *exe;
	__u32 zero = 0;

	if (!p)
		return 0;
	key.start_boot = p->start_boot;
	key.pid = p->pid;
	key.exec = p->exec;
	if (!again && bpf_map_lookup_elem(&images, &key))
		return 0;
	i = bpf_map_lookup_elem(&image_scratch, &zero);
	mm = BPF_CORE_READ(task, mm);
	if (!i || !mm) /* a kernel thread */
		return 0;
	exe = BPF_CORE_READ(mm, exe_file);
	i->parts = 0;
	i->length = 0;
	i->cut = 0;
	if (exe)
		image_path(i, exe);
	image_arguments(i, mm);
	bpf_map_update_elem(&images, &key, i, BPF_ANY);
	return 0;
}
#endif
