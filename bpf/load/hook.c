/* SPDX-License-Identifier: BSD-2-Clause */
/* hook.c - the hooks that cordon takes, a row each: program, attach type, whether it may be missing. */
#include "bpf/load/kernel_private.h"

static const struct hook_def hook_defs[HOOKS] = {
	[HOOK_EGRESS] = {"egress", "link_egress", BPF_CGROUP_INET_EGRESS, true},
	[HOOK_CONNECT4] = {"connect4", "link_connect4", BPF_CGROUP_INET4_CONNECT, false},
	[HOOK_CONNECT6] = {"connect6", "link_connect6", BPF_CGROUP_INET6_CONNECT, false},
	[HOOK_SENDMSG4] = {"sendmsg4", "link_sendmsg4", BPF_CGROUP_UDP4_SENDMSG, false},
	[HOOK_SENDMSG6] = {"sendmsg6", "link_sendmsg6", BPF_CGROUP_UDP6_SENDMSG, false},
	[HOOK_INGRESS] = {"ingress", "link_ingress", BPF_CGROUP_INET_INGRESS, false},
	[HOOK_OPTION] = {"option", "link_option", BPF_CGROUP_SETSOCKOPT, false},
	[HOOK_SOCK_CREATE] = {"sock_create", "link_sock_create", BPF_CGROUP_INET_SOCK_CREATE,
			      false},
	[HOOK_SOCK_RELEASE] = {"sock_release", "link_sock_release", BPF_CGROUP_INET_SOCK_RELEASE,
			       false},
	[HOOK_STATE] = {"sock_state", "link_sock_state", BPF_TRACE_RAW_TP, false},
};

const struct hook_def *hook_def(enum hook h)
{
	return &hook_defs[h];
}

const char *hook_pin(enum hook h)
{
	return hook_defs[h].pin;
}
