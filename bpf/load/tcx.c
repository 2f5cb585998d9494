/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcx.c - the bpf system call for TCX, whose words libbpf 1.1 does not have, and libbpf's clsact.
 *
 * The values are of the kernel's include/uapi/linux/bpf.h (6.6).
 */
#include "bpf/load/tcx.h"
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define TCX_EGRESS	47
#define TCX_BEFORE	(1u << 3)
#define LINK_TYPE_TCX	11
#define CLSACT_HANDLE	0xc0
#define CLSACT_PRIORITY 1
#define LOOPBACK	1

/* BPF_PROG_QUERY's part of union bpf_attr, with what 6.6 added. */
struct query {
	uint32_t target, type, flags, attach_flags;
	uint64_t progs;
	uint32_t count, pad;
	uint64_t prog_flags, links, link_flags, revision;
};

static int query(struct query *q)
{
	return syscall(SYS_bpf, BPF_PROG_QUERY, q, sizeof(*q)) < 0 ? -errno : 0;
}

bool tcx_supported(void)
{
	static int known = -1;
	struct query q = {.target = LOOPBACK, .type = TCX_EGRESS};

	if (known < 0)
		known = !query(&q);
	return known;
}

int tcx_query(struct tcx_programs *ret, uint32_t ifindex)
{
	struct query q = {.target = ifindex,
			  .type = TCX_EGRESS,
			  .progs = (uint64_t)(uintptr_t)ret->prog,
			  .links = (uint64_t)(uintptr_t)ret->link,
			  .count = TCX_PROGRAMS_MAX};
	int err;

	err = query(&q);
	if (!err || err == -ENOSPC)
		ret->n = q.count < TCX_PROGRAMS_MAX ? q.count : TCX_PROGRAMS_MAX;
	return err == -ENOSPC ? 0 : err;
}

int tcx_link(uint32_t ifindex, int prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = TCX_BEFORE);
	int fd = bpf_link_create(prog, (int)ifindex, (enum bpf_attach_type)TCX_EGRESS, &o);

	return fd < 0 ? -errno : fd;
}

/* struct bpf_link_info has no tcx in this header: the device and the kind of hook stand where a
 * network namespace's link has its two numbers. */
int tcx_link_device(uint32_t *ret, uint32_t *prog, uint32_t *id, int link)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);

	if (bpf_obj_get_info_by_fd(link, &i, &len))
		return -errno;
	if ((uint32_t)i.type != LINK_TYPE_TCX || i.netns.attach_type != TCX_EGRESS)
		return -EINVAL;
	*ret = i.netns.netns_ino;
	*prog = i.prog_id;
	*id = i.id;
	return 0;
}

static void hook_of(struct bpf_tc_hook *h, uint32_t ifindex)
{
	*h = (struct bpf_tc_hook){.sz = sizeof(*h),
				  .ifindex = (int)ifindex,
				  .attach_point = BPF_TC_EGRESS};
}

int clsact_set(uint32_t ifindex, int prog)
{
	LIBBPF_OPTS(bpf_tc_opts, o, .prog_fd = prog, .flags = BPF_TC_F_REPLACE,
		    .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	struct bpf_tc_hook h;
	int err;

	hook_of(&h, ifindex);
	err = bpf_tc_hook_create(&h);
	if (err && err != -EEXIST)
		return err;
	return bpf_tc_attach(&h, &o);
}

int clsact_drop(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_opts, o, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	struct bpf_tc_hook h;

	hook_of(&h, ifindex);
	return bpf_tc_detach(&h, &o);
}

int clsact_query(uint32_t *ret_prog, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_opts, o, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	struct bpf_tc_hook h;
	int err;

	hook_of(&h, ifindex);
	err = bpf_tc_query(&h, &o);
	if (!err)
		*ret_prog = o.prog_id;
	return err == -EINVAL ? -ENOENT : err; /* no clsact there */
}
