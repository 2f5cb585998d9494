/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap.c - a new generation takes over: one link update a hook, never a moment without a program.
 *
 * bpf_link_update exchanges the program under a running hook; a packet meets the old or the new
 * one, never none and never half of each (a program's maps are its own). A link that cannot be
 * updated (first start, another cgroup, a cgroup that was deleted) is made anew and takes the pin
 * of the old one after it is in force.
 */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"

/* Is the link in force, of the right kind, on our cgroup? A link whose cgroup was deleted has
 * cgroup id 0. */
static bool link_good(const struct kernel *k, int fd, enum hook h)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);

	if (bpf_obj_get_info_by_fd(fd, &i, &len))
		return false;
	if (h == HOOK_STATE)
		return i.type == BPF_LINK_TYPE_TRACING ||
		       i.type == BPF_LINK_TYPE_RAW_TRACEPOINT; /* by kernel */
	return i.type == BPF_LINK_TYPE_CGROUP && i.cgroup.attach_type == hook_def(h)->type &&
	       k->cgroup_id && i.cgroup.cgroup_id == k->cgroup_id;
}

int swap_adopt(struct kernel *k)
{
	for (enum hook h = 0; h < HOOKS; h++) {

		k->link[h] = pin_get(k, hook_pin(h));
		if (k->link[h] >= 0 && !link_good(k, k->link[h], h))
			/* its pin stays, and what it enforces, until we have our own */
			cleanup_close(&k->link[h]);
		if (k->link[h] < 0)
			k->link[h] = -1;
	}
	return k->link[HOOK_EGRESS] >= 0;
}

static int link_new(struct kernel *k, enum hook h, int prog)
{
	_close_ int fd = -1;
	int err;

	if (h != HOOK_STATE && k->cgroup_fd < 0)
		return 0; /* there is no cgroup yet: guard.c attaches when it comes */
	if (h == HOOK_STATE)
		fd = bpf_raw_tracepoint_open(NULL, prog);
	else
		fd = bpf_link_create(prog, k->cgroup_fd, hook_def(h)->type, NULL);
	if (fd < 0)
		return -errno;
	err = pin_put(k, hook_pin(h), fd);
	if (err)
		return err;
	cleanup_close(&k->link[h]);
	k->link[h] = TAKE_FD(fd);
	return 0;
}

static uint32_t program_id(int prog)
{
	struct bpf_prog_info i = {};
	__u32 len = sizeof(i);

	return !bpf_obj_get_info_by_fd(prog, &i, &len) ? i.id : 0;
}

static int link_set(struct kernel *k, enum hook h, int prog)
{
	int err = 0;

	/* ENOLINK: somebody detached it by force */
	if (h == HOOK_STATE || k->link[h] < 0 || !link_good(k, k->link[h], h) ||
	    bpf_link_update(k->link[h], prog, NULL))
		err = link_new(k, h, prog);
	if (!err)
		k->program[h] = program_id(prog);
	return err;
}

static void link_drop(struct kernel *k, enum hook h)
{

	cleanup_close(&k->link[h]);
	k->program[h] = 0;
	pin_drop(k, hook_pin(h));
}

/* Back to what was: the old generation's programs are still loaded. */
static void swap_back(struct kernel *k, const struct generation *old, enum hook upto)
{
	const char *name;

	if (old && upto > HOOK_GENERATION_LAST)
		devices_swap(k, old, &name);
	for (enum hook h = 0; old && h < upto; h++)
		if (k->link[h] >= 0)
			link_set(k, h, generation_program(old, h));
}

static void swap_failed(const struct kernel *k, enum hook h, int err, enum diag_level level,
			struct diag_sink *d)
{
	diag_at(d, level, k->cgroup, 0, 0, 0, "cannot attach '%s': %s%s", hook_def(h)->name,
		strerror(-err), level == DIAG_WARNING ? "; going on without it" : "");
}

/* The second net, after the first: what it need not look at is what the first has judged. */
static int swap_devices(struct kernel *k, const struct generation *g, const struct generation *old,
			struct diag_sink *d)
{
	const char *name = "";
	int err = devices_swap(k, g, &name);

	if (err) {
		diag_error(d, name, 0, "cannot attach to the network device: %s", strerror(-err));
		swap_back(k, old, HOOK_GENERATION_LAST + 1);
		return err;
	}
	devices_clean(k);
	return 0;
}

int swap_in(struct kernel *k, const struct generation *g, const struct generation *old,
	    struct diag_sink *d)
{
	for (enum hook h = 0; h <= HOOK_GENERATION_LAST; h++) {
		bool had = k->link[h] >= 0;
		int err;

		if (k->no_sendmsg && (h == HOOK_SENDMSG4 || h == HOOK_SENDMSG6)) {
			link_drop(k, h);
			continue;
		}
		err = link_set(k, h, generation_program(g, h));
		if (!err)
			continue;
		/* an optional hook that never was there may stay away; one that was must not keep
		 * an old policy */
		if (!hook_def(h)->required && !had) {
			swap_failed(k, h, err, DIAG_WARNING, d);
			continue;
		}
		swap_failed(k, h, err, DIAG_ERROR, d);
		swap_back(k, old, h);
		return err;
	}
	return swap_devices(k, g, old, d);
}

static int observer_program(const struct kernel *k, enum hook h)
{
	const struct bpf_program *p = h == HOOK_SOCK_CREATE    ? k->observe->progs.sock_create
				      : h == HOOK_SOCK_RELEASE ? k->observe->progs.sock_release
							       : k->observe->progs.sock_state;

	return bpf_program__fd(p);
}

int swap_observer(struct kernel *k, struct diag_sink *d)
{
	for (enum hook h = HOOK_GENERATION_LAST + 1; h < HOOKS; h++) {
		int err = link_set(k, h, observer_program(k, h));

		if (err)
			swap_failed(k, h, err, DIAG_WARNING, d);
	}
	return 0;
}

int swap_mend(struct kernel *k, enum hook h)
{
	if (h > HOOK_GENERATION_LAST)
		return link_set(k, h, observer_program(k, h));
	return k->now ? link_set(k, h, generation_program(k->now, h)) : -ENODATA;
}
