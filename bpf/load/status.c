/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c - what is in force, asked of the kernel and not of our memory; and what this version
 * does not see. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"

static const char *const not_covered[] = {
	"forwarded packets (routers, containers and virtual machines behind this host): only sockets of the cgroup are "
	"judged",
	"frames of AF_PACKET sockets: they do not pass the socket hook; their ways past every hook (PACKET_QDISC_BYPASS, "
	"PACKET_TX_RING, AF_XDP) are refused while the policy is enforced, but not to sockets that had them before",
	"the outer packets of kernel tunnels (WireGuard, IPsec, VXLAN, GRE, IPIP): their inner packets are judged, the "
	"tunnel's endpoint is not",
	"RDMA and devices handed to user space (DPDK, VFIO)",
	"the empty SYN-ACK of a listener on old kernels that do not run the hook for it (Debian's 6.1 does): what follows is "
	"judged",
	NULL,
};

const char *const *kernel_not_covered(void)
{
	return not_covered;
}

static int prog_info(uint32_t id, char name[17], char tag[17])
{
	_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info i = {};
	__u32 len = sizeof(i);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &i, &len))
		return -errno;
	if (name)
		snprintf(name, 17, "%.16s", i.name);
	for (int b = 0; tag && b < 8; b++)
		snprintf(tag + 2 * b, 3, "%02x", i.tag[b]);
	return 0;
}

static void hook_status(const struct kernel *k, enum hook h, struct kernel_hook *ret)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);

	ret->name = hook_def(h)->name;
	ret->wanted = k->program[h] != 0;
	if (k->link[h] < 0 || bpf_obj_get_info_by_fd(k->link[h], &i, &len))
		return;
	ret->link_id = i.id;
	ret->prog_id = i.prog_id;
	/* detached by force, or with its cgroup: the link is there, its cgroup id is 0; updated to a
	 * program that is not ours: it is there, and judges nothing of ours */
	ret->attached = (h == HOOK_STATE || (k->cgroup_id && i.cgroup.cgroup_id == k->cgroup_id)) &&
			(!k->program[h] || i.prog_id == k->program[h]);
	prog_info(i.prog_id, NULL, ret->tag);
}

static void neighbours(const struct kernel *k, const struct kernel_hook *own, enum hook h,
		       struct kernel_status *ret)
{
	__u32 ids[KERNEL_NEIGHBOURS_MAX], n = KERNEL_NEIGHBOURS_MAX;

	if (h == HOOK_STATE ||
	    bpf_prog_query(k->cgroup_fd, hook_def(h)->type, BPF_F_QUERY_EFFECTIVE, NULL, ids, &n))
		return;
	for (__u32 i = 0; i < n && ret->nneighbours < KERNEL_NEIGHBOURS_MAX; i++) {
		struct kernel_neighbour *to = &ret->neighbour[ret->nneighbours];

		if (ids[i] == own->prog_id)
			continue;
		to->hook = own->name;
		to->prog_id = ids[i];
		prog_info(ids[i], to->name, NULL);
		ret->nneighbours++;
	}
}

int kernel_status(struct kernel *k, struct kernel_status *ret)
{
	_Static_assert(HOOKS <= KERNEL_HOOKS_MAX, "every hook has a row");
	*ret = (struct kernel_status){
		.generation = k->now ? k->now->number : 0,
		.adopted = k->adopted,
		.mode = k->settings->mode ? MODE_ENFORCE : MODE_MONITOR,
		.cgroup_id = k->cgroup_id,
		.whole_host = k->whole_host,
		.nhooks = HOOKS,
		.table_bytes = k->now ? k->now->places->bytes : 0,
	};
	snprintf(ret->cgroup, sizeof(ret->cgroup), "%s", k->cgroup);
	snprintf(ret->pins, sizeof(ret->pins), "%s", k->pins);
	for (enum hook h = 0; h < HOOKS; h++) {
		hook_status(k, h, &ret->hook[h]);
		neighbours(k, &ret->hook[h], h, ret);
	}
	return 0;
}

int kernel_pinned_cgroup(uint64_t *ret, const char *pins)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);
	char path[512];
	_close_ int fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/link_egress", pins) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &i, &len))
		return -errno;
	*ret = i.cgroup.cgroup_id;
	return 0;
}
