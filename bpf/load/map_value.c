/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_value.c - turns "load this map" into "load the address of this map's element" in programs that
 * are about to be loaded.
 *
 * The kernel knows both instructions (BPF_PSEUDO_MAP_FD and BPF_PSEUDO_MAP_VALUE, 5.2), clang has a
 * way to write the second only for sections whose size stands in the object file, and our arrays
 * are sized when they are filled. libbpf lets a loader look at a program between its relocations
 * and its load: that is where this is done. The verifier sees the result, so a mistake here is a
 * program that does not load, never one that reads elsewhere.
 */
#include <errno.h>
#include <linux/bpf.h>
#include "bpf/load/kernel_private.h"

#define DIRECT_MAX 32

static _Thread_local int direct_fd[DIRECT_MAX];
static _Thread_local int direct_count;

static bool is_direct(int fd)
{
	for (int i = 0; i < direct_count; i++)
		if (direct_fd[i] == fd)
			return true;
	return false;
}

static int direct_prepare(struct bpf_program *p, struct bpf_prog_load_opts *opts, long cookie)
{
	struct bpf_insn *insn = (struct bpf_insn *)(uintptr_t)bpf_program__insns(p);
	size_t n = bpf_program__insn_cnt(p);

	(void)opts;
	(void)cookie;
	for (size_t i = 0; i + 1 < n; i++) {
		if (insn[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insn[i].src_reg == BPF_PSEUDO_MAP_FD && is_direct(insn[i].imm)) {
			insn[i].src_reg = BPF_PSEUDO_MAP_VALUE;
			insn[i + 1].imm = 0; /* offset in the value */
		}
		i++; /* it has two halves */
	}
	return 0;
}

/* Once a process: programs of these sections pass through direct_prepare. */
int map_value_register(void)
{
	static const struct {
		const char *section;
		enum bpf_prog_type type;
		enum bpf_attach_type attach;
	} rows[] = {
		{"cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS},
		{"cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS},
		{"cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT},
		{"cgroup/connect6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT},
		{"cgroup/sendmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG},
		{"cgroup/sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG},
		{"cgroup/setsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT},
		{"tc", BPF_PROG_TYPE_SCHED_CLS,
		 (enum bpf_attach_type)0}, /* the look-up's benchmark */
	};
	LIBBPF_OPTS(libbpf_prog_handler_opts, o, .prog_prepare_load_fn = direct_prepare);
	static bool done;

	for (size_t i = 0; !done && i < sizeof(rows) / sizeof(*rows); i++) {
		int id = libbpf_register_prog_handler(rows[i].section, rows[i].type, rows[i].attach,
						      &o);

		if (id < 0)
			return id;
	}
	done = true;
	return 0;
}

int map_value_add(const struct bpf_map *m)
{
	if (!m)
		return 0;
	if (direct_count == DIRECT_MAX)
		return -ENOSPC;
	direct_fd[direct_count++] = bpf_map__fd(m);
	return 0;
}

int map_value_begin(const struct bpf_map *m)
{
	direct_count = 0;
	return map_value_add(m);
}
