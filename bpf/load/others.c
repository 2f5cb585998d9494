/* SPDX-License-Identifier: BSD-2-Clause */
/* others.c - programs of somebody else on the hooks that cordon takes, and on the devices, with no agent needed. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/tcx.h"

struct others {
	struct kernel_other *row;
	size_t n, max;
	const char *pins;
};

/* What the link of this pin holds; 0: nothing is pinned there. */
static uint32_t pinned(const struct others *o, const char *name)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);
	char path[320];
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", o->pins, name);
	fd = bpf_obj_get(path);
	return fd < 0 || bpf_obj_get_info_by_fd(fd, &i, &len) ? 0 : i.prog_id;
}

static void found(struct others *o, uint32_t id, uint32_t own, const char *kind, const char *where)
{
	struct bpf_prog_info i = {};
	__u32 len = sizeof(i);
	_close_ int fd = -1;
	struct kernel_other *to;

	if (!id || id == own || o->n == o->max)
		return;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &i, &len))
		return; /* it went */
	/* the agent's copies of names have no pin (names.c) */
	if (strcmp(i.name, "names_out") == 0 || strcmp(i.name, "names_in") == 0)
		return;
	to = &o->row[o->n++];
	*to = (struct kernel_other){.program = id};
	snprintf(to->name, sizeof(to->name), "%.16s", i.name);
	snprintf(to->where, sizeof(to->where), "%s%s%.16s", kind, *where ? " " : "", where);
}

static int on_cgroup(struct others *o, int cgroup)
{
	__u32 ids[KERNEL_NEIGHBOURS_MAX];

	for (enum hook h = 0; h < HOOKS; h++) {
		__u32 n = KERNEL_NEIGHBOURS_MAX;
		uint32_t own = pinned(o, hook_pin(h));

		if (h == HOOK_STATE)
			continue;
		if (bpf_prog_query(cgroup, hook_def(h)->type, 0, NULL, ids, &n)) {
			if (errno == EPERM || errno == EACCES)
				return -errno;
			continue; /* a hook that this kernel lacks */
		}
		for (__u32 i = 0; i < n; i++)
			found(o, ids[i], own, hook_def(h)->name, "");
	}
	return 0;
}

static void on_device(struct others *o, const struct if_nameindex *d)
{
	struct tcx_programs p = {};
	char pin[32];
	__u32 id = 0;

	if (!bpf_xdp_query_id((int)d->if_index, 0, &id))
		found(o, id, 0, "xdp", d->if_name);
	snprintf(pin, sizeof(pin), "device_%u", d->if_index);
	if (tcx_supported() && !tcx_query(&p, d->if_index))
		for (uint32_t i = 0; i < p.n && i < TCX_PROGRAMS_MAX; i++)
			found(o, p.prog[i], pinned(o, pin), "tcx", d->if_name);
}

int kernel_others(struct kernel_other *ret, size_t max, const char *cgroup, const char *pins)
{
	struct others o = {.row = ret, .max = max, .pins = pins};
	struct if_nameindex *d = if_nameindex();
	int r = 0;

	if (cgroup) {
		_close_ int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = fd < 0 ? -errno : on_cgroup(&o, fd);
	}
	for (size_t i = 0; d && !r && d[i].if_index; i++)
		on_device(&o, &d[i]);
	if (d)
		if_freenameindex(d);
	return r ? r : (int)o.n;
}
