/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * option.bpf.h - socket options that open a way out which no egress hook sees: what is sent by it goes to the driver
 * directly. A process of the cgroup is refused them while the policy is enforced, and told in either mode.
 *
 * AF_PACKET: PACKET_QDISC_BYPASS, and PACKET_TX_RING, which with it is a packet generator. AF_XDP: XDP_TX_RING; who
 * only receives makes none. Sockets that are older than the agent, and those of other cgroups, keep what they have.
 */
#ifndef BPF_PROG_OPTION_BPF_H
#define BPF_PROG_OPTION_BPF_H
#include "bpf/prog/account.bpf.h"

#define SOL_PACKET	    263
#define PACKET_TX_RING	    13
#define PACKET_QDISC_BYPASS 20
#define SOL_XDP		    283
#define XDP_TX_RING	    3
#define OPTION_BYTES                                                                               \
	4096 /* the kernel shows no more of a value; what it does not show must be left to it */

static __always_inline bool option_hides(const struct bpf_sockopt *ctx)
{
	if (ctx->level == SOL_PACKET)
		return ctx->optname == PACKET_TX_RING || ctx->optname == PACKET_QDISC_BYPASS;
	return ctx->level == SOL_XDP && ctx->optname == XDP_TX_RING;
}

static __noinline int option_tell(__u32 enforced)
{
	struct abi_verdict v = {.generation = generation,
				.hook = ABI_HOOK_OPTION,
				.why = ABI_WHY_OPTION,
				.action = DECIDE_BLOCK,
				.enforced = enforced & 1};
	struct abi_process process = {};
	struct abi_key k = {};

	process_read_task(&process);
	process.uid = (__u32)bpf_get_current_uid_gid();
	process.cgroup = bpf_get_current_cgroup_id();
	image_note(&process, 1);
	return account_fold(&k, &process, &v, 0, 0);
}

SEC("cgroup/setsockopt")
int option(struct bpf_sockopt *ctx)
{
	__u32 told;

	if (ctx->optlen > OPTION_BYTES)
		ctx->optlen = 0;
	if (!option_hides(ctx))
		return PASS;
	told = enforcing(); /* once: a trial may end meanwhile */
	option_tell(told);
	if (!told)
		return PASS;
	count(ABI_OPTION_DENIED);
	return DROP;
}
#endif
