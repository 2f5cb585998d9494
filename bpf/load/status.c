/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c - what is in force, asked of the kernel and not of our memory; and what this version
 * does not see. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/tcx.h"

static const char *const not_covered[] = {
	"without 'run --devices', what no socket of IP sends: forwarded packets (containers and virtual machines behind this "
	"host), frames of AF_PACKET sockets, the outer packets of kernel tunnels (WireGuard, VXLAN, GRE, IPIP)",
	"the packet inside a packet to an allowed relay, and frames past every hook (PACKET_QDISC_BYPASS, a PACKET_TX_RING, "
	"AF_XDP) from sockets that are older than the agent or of no judged cgroup: to others they are refused",
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

static void devices_status(const struct kernel *k, struct kernel_status *ret)
{
	ret->devices = k->devices;
	ret->devices_by = tcx_supported() ? "tcx" : "clsact";
	ret->devices_left_out = k->devices_left_out;
	for (size_t i = 0; i < k->ndevices; i++) {
		const struct device *d = &k->device[i];
		struct kernel_device *to = &ret->device[ret->ndevices++];
		bool first;

		memcpy(to->name, d->name, sizeof(to->name));
		to->ifindex = d->ifindex;
		to->attached = !device_look(d, &to->prog_id, &first) && first &&
			       (!d->program || to->prog_id == d->program);
	}
}

/* What the programs do: of a trial that is over, nothing is enforced. */
static enum policy_mode in_force(const struct abi_settings *s)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return s->mode && (!s->trial_until ||
			   (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec <
				   s->trial_until)
		       ? MODE_ENFORCE
		       : MODE_MONITOR;
}

int kernel_status(struct kernel *k, struct kernel_status *ret)
{
	_Static_assert(HOOKS <= KERNEL_HOOKS_MAX, "every hook has a row");
	*ret = (struct kernel_status){
		.generation = k->now ? k->now->number : 0,
		.adopted = k->adopted,
		.mode = in_force(k->settings),
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
	devices_status(k, ret);
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
