/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* process.bpf.h - who runs now: read in the kernel at socket() and connect(), never from /proc
 * later. */
#ifndef BPF_PROG_PROCESS_BPF_H
#define BPF_PROG_PROCESS_BPF_H
#include "bpf/prog/state.bpf.h"
#include <bpf/bpf_core_read.h>

/* Only the fields that are used; libbpf finds where they stand in the running kernel (CO-RE). */
struct task_struct {
	struct task_struct *group_leader;
	__u64 start_boottime;
	int tgid;
	char comm[16];
	__u32 self_exec_id; /* 64 bits since 5.7: the low half, on little-endian */
} __attribute__((preserve_access_index));

static __always_inline void process_read(struct abi_process *p)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();

	p->pid = bpf_get_current_pid_tgid() >> 32;
	p->uid = (__u32)bpf_get_current_uid_gid();
	p->cgroup = bpf_get_current_cgroup_id();
	p->start_boot = BPF_CORE_READ(task, group_leader, start_boottime);
	p->exec = BPF_CORE_READ(task, group_leader, self_exec_id);
	bpf_get_current_comm(p->comm, sizeof(p->comm));
}

/* The same where the helpers of a system call are missing: on a device's hook. Cgroup, user and cookie are
 * the socket's, and the caller's to fill in. */
static __always_inline void process_read_task(struct abi_process *p)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();

	p->pid = (__u32)BPF_CORE_READ(task, tgid);
	p->start_boot = BPF_CORE_READ(task, group_leader, start_boottime);
	p->exec = BPF_CORE_READ(task, group_leader, self_exec_id);
	BPF_CORE_READ_INTO(&p->comm, task, comm);
}
#endif
