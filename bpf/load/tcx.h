/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcx.h - a program on what leaves by a device: a TCX link where the kernel has them (6.6), else a filter
 * of clsact. 0 or a descriptor, or -errno; -ENODEV: the device is gone.
 */
#ifndef BPF_LOAD_TCX_H
#define BPF_LOAD_TCX_H
#include <stdbool.h>
#include <stdint.h>

bool tcx_supported(void); /* asked once */
/* Before all others that are there. */
int tcx_link(uint32_t ifindex, int prog);

#define TCX_PROGRAMS_MAX 64
struct tcx_programs {
	uint32_t n;
	uint32_t prog[TCX_PROGRAMS_MAX], link[TCX_PROGRAMS_MAX]; /* in their order; link 0: none */
};
/* What stands there now, into *ret, which is empty. */
int tcx_query(struct tcx_programs *ret, uint32_t ifindex);
/* The device that the link is on; 0: it is gone. -EINVAL: the link is of another kind. */
int tcx_link_device(uint32_t *ret, uint32_t *prog, uint32_t *id, int link);

/* The filter of ours, made or replaced. */
int clsact_set(uint32_t ifindex, int prog);
int clsact_drop(uint32_t ifindex);
/* The program of our filter; -ENOENT. */
int clsact_query(uint32_t *ret_prog, uint32_t ifindex);
#endif
