/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt.c - what the last agent left in force, asked of the programs that its pinned links hold.
 *
 * The pins may be incomplete or of another version; the attached program knows better: it names the
 * maps that it reads. So the mode in force is found whatever became of the pins, a map whose pin is
 * gone is found again, and the totals of the last generation are not lost with its agent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"

#define MAPS_MAX 64 /* of one program */

/* A descriptor of the program that a pinned link holds, or -errno. *cgroup: where it is attached. */
static int program_of(const struct kernel *k, enum hook h, uint64_t *cgroup)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);
	_close_ int link = -1;
	int prog;

	link = pin_get(k, hook_pin(h));
	if (link < 0)
		return link;
	if (bpf_obj_get_info_by_fd(link, &i, &len))
		return -errno;
	if (cgroup)
		*cgroup = i.type == BPF_LINK_TYPE_CGROUP ? i.cgroup.cgroup_id : 0;
	prog = bpf_prog_get_fd_by_id(i.prog_id);
	return prog < 0 ? -errno : prog;
}

/* The program's map of this name: a descriptor, or -errno. */
static int map_of(int prog, const char *name, struct bpf_map_info *ret)
{
	__u32 ids[MAPS_MAX], len;
	struct bpf_prog_info p = {.nr_map_ids = MAPS_MAX, .map_ids = (__u64)(uintptr_t)ids};

	len = sizeof(p);
	if (bpf_obj_get_info_by_fd(prog, &p, &len))
		return -errno;
	for (__u32 i = 0; i < p.nr_map_ids && i < MAPS_MAX; i++) {
		_close_ int fd = bpf_map_get_fd_by_id(ids[i]);

		*ret = (struct bpf_map_info){};
		len = sizeof(*ret);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, ret, &len) &&
		    !strncmp(ret->name, name, sizeof(ret->name) - 1))
			return TAKE_FD(fd);
	}
	return -ENOENT;
}

int adopt_map(const struct kernel *k, const char *name)
{
	struct bpf_map_info i;

	for (enum hook h = 0; h < HOOKS; h++) {
		_close_ int prog = program_of(k, h, NULL);
		int fd = prog < 0 ? prog : map_of(prog, name, &i);

		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

/* Settings of any version: the mode always, the rest where it is known to be. That a number was given is no harm when
 * it was another version that gave it. */
static void left_settings(struct left *l, int fd, uint32_t bytes)
{
	struct abi_settings *s = malloc(bytes > sizeof(*s) ? bytes : sizeof(*s));
	__u32 zero = 0;

	if (s && bytes >= 8 && !bpf_map_lookup_elem(fd, &zero, s)) {
		l->found = true;
		l->mode = s->mode ? MODE_ENFORCE : MODE_MONITOR;
		if (s->version >= ABI_HEAD_VERSION &&
		    bytes >= offsetof(struct abi_settings, wall_offset)) {
			l->requested = s->requested;
			l->trial_until = s->trial_until;
			l->generations = s->generations;
		}
		if (s->version == ABI_VERSION && bytes >= sizeof(*s))
			memcpy(l->retired, s->retired, sizeof(l->retired));
	}
	free(s);
}

void adopt_left(struct kernel *k)
{
	uint64_t cgroup = 0;
	_close_ int prog = program_of(k, HOOK_EGRESS, &cgroup), fd = -1;
	struct bpf_map_info i = {};
	__u32 len = sizeof(i);

	k->left = (struct left){};
	fd = prog < 0 ? prog : map_of(prog, state_name(STATE_SETTINGS), &i);
	if (fd >= 0) {
		k->left.settings_id = i.id;
		k->left.attached = cgroup != 0;
	} else {
		fd = pin_get(k, state_name(STATE_SETTINGS));
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &i, &len))
			return;
	}
	left_settings(&k->left, fd, i.value_size);
}

static int actions_of(struct generation *g, int prog)
{
	_close_ int fd = -1;
	struct decide_decision *d = NULL;
	struct bpf_map_info i;
	__u32 zero = 0;
	int err = 0;

	fd = map_of(prog, "r_decisions", &i);
	if (fd < 0 || i.value_size / sizeof(*d) < g->ndecisions)
		return fd < 0 ? fd : -EINVAL;
	d = malloc(i.value_size);
	g->actions = malloc(g->ndecisions);
	if (!d || !g->actions)
		err = -ENOMEM;
	else if (bpf_map_lookup_elem(fd, &zero, d))
		err = -errno;
	for (uint32_t n = 0; !err && n < g->ndecisions; n++)
		g->actions[n] = d[n].action & 3;
	free(d);
	return err;
}

struct generation *adopt_generation(const struct kernel *k)
{
	_close_ int prog = program_of(k, HOOK_EGRESS, NULL);
	struct generation *g;
	struct bpf_map_info i;

	/* other settings, another version: its totals are not of our form */
	if (prog < 0 || !k->left.settings_id ||
	    k->left.settings_id != pin_map_id(k->state[STATE_SETTINGS]))
		return NULL;
	g = generation_new(0);
	if (!g)
		return NULL;
	g->totals = map_of(prog, "totals", &i);
	if (g->totals >= 0 && i.value_size == sizeof(struct abi_total) && i.max_entries)
		g->ndecisions = i.max_entries;
	if (g->ndecisions && !actions_of(g, prog))
		return g;
	generation_free(g);
	return NULL;
}
