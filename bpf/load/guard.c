/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard.c - what somebody else may have changed while we run: compared with what must be, and put
 * back.
 *
 * Looked at several times a second, so it costs a system call a fact and makes nothing when all is
 * well. What cannot be looked at (no descriptor is left, say) is not a finding: nobody is accused
 * of what we could not see.
 */
#include <errno.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"

struct guard {
	struct kernel *k;
	struct kernel_finding *ret;
	size_t max, n;
	int blind; /* -errno: something could not be looked at */
};

static void found(struct guard *g, enum kernel_fault fault, const char *what, int error)
{
	if (g->n < g->max)
		g->ret[g->n++] = (struct kernel_finding){fault, what, error};
}

static int link_info(int fd, struct bpf_link_info *ret)
{
	__u32 len = sizeof(*ret);

	*ret = (struct bpf_link_info){};
	return bpf_obj_get_info_by_fd(fd, ret, &len) ? -errno : 0;
}

/* The hook's link is there, on our cgroup, and holds our program. */
static void guard_hook(struct guard *g, enum hook h)
{
	struct kernel *k = g->k;
	struct bpf_link_info i = {};
	int err = k->link[h] < 0 ? -ENOLINK : link_info(k->link[h], &i);

	if (err && err != -ENOLINK) {
		g->blind = err;
		return;
	}
	if (err || (h != HOOK_STATE && i.cgroup.cgroup_id != k->cgroup_id))
		found(g, KERNEL_FAULT_DETACHED, hook_def(h)->name, swap_mend(k, h));
	else if (i.prog_id != k->program[h])
		found(g, KERNEL_FAULT_PROGRAM, hook_def(h)->name, swap_mend(k, h));
}

static void guard_cgroup(struct guard *g)
{
	int r = kernel_cgroup_follow(g->k);

	if (r == 0)
		found(g, KERNEL_FAULT_CGROUP_GONE, g->k->cgroup, -ENOENT);
	for (enum hook h = 0; r > 0 && h < HOOKS; h++)
		if (g->k->program[h] && r == 2 && h != HOOK_STATE)
			r = swap_mend(g->k, h) ? -EIO : 2;
	if (r == 2)
		names_attach(g->k); /* refused: status says so */
	if (r == 2)
		found(g, KERNEL_FAULT_CGROUP_NEW, g->k->cgroup, 0);
	if (r < 0)
		g->blind = r;
	for (enum hook h = 0; r == 1 && h < HOOKS; h++)
		if (g->k->program[h])
			guard_hook(g, h);
}

/* The device holds our program, and nobody judges before it. */
static void guard_device(struct guard *g, struct device *d)
{
	enum kernel_fault fault;
	uint32_t prog;
	bool first;
	int err = device_look(d, &prog, &first);

	if (err == -ENODEV || (!err && prog == d->program && first))
		return;
	if (err && err != -ENOLINK && err != -ENOENT) {
		g->blind = err;
		return;
	}
	fault = err		     ? KERNEL_FAULT_DETACHED
		: prog == d->program ? KERNEL_FAULT_ORDER
				     : KERNEL_FAULT_PROGRAM;
	err = device_set(g->k, d, g->k->now);
	if (err != -ENODEV)
		found(g, fault, d->name, err);
}

/* The list of devices is asked for by who is told of new ones; and once a second, should that be lost. */
static void guard_devices(struct guard *g)
{
	struct kernel *k = g->k;

	if (!k->now || !k->devices)
		return;
	if (k->guarded++ % 4 == 0)
		kernel_devices_follow(k);
	for (size_t i = 0; i < k->ndevices; i++)
		if (k->device[i].program)
			guard_device(g, &k->device[i]);
		else if (k->device[i].error && k->device[i].error != -ENODEV)
			found(g, KERNEL_FAULT_DEVICE, k->device[i].name, k->device[i].error);
	if (k->devices_left_out)
		found(g, KERNEL_FAULT_DEVICE, k->left_out, k->left_out_error);
}

static void guard_mode(struct guard *g)
{
	struct kernel *k = g->k;

	if (__atomic_load_n(&k->settings->mode, __ATOMIC_ACQUIRE) == (uint32_t)k->mode &&
	    __atomic_load_n(&k->settings->trial_until, __ATOMIC_ACQUIRE) == k->trial_until)
		return;
	kernel_trial(k, k->trial_until);
	kernel_mode(k, k->mode);
	found(g, KERNEL_FAULT_MODE, k->mode == MODE_ENFORCE ? "enforce" : "monitor", 0);
}

static uint32_t link_id(int fd)
{
	struct bpf_link_info i;

	return fd >= 0 && !link_info(fd, &i) ? i.id : 0;
}

/* Nothing there, or something else than ours. */
static void guard_pin(struct guard *g, const char *name, int fd, bool is_link)
{
	_close_ int there = pin_get(g->k, name);
	bool same = there >= 0 &&
		    (is_link ? link_id(there) == link_id(fd) : pin_map_id(there) == pin_map_id(fd));

	if (same)
		return;
	if (there < 0 && there != -ENOENT) {
		/* EPERM, EACCES, EINVAL: another kind of thing has the name */
		if (there == -EMFILE || there == -ENFILE || there == -ENOMEM) {
			g->blind = there;
			return;
		}
	}
	found(g, there < 0 ? KERNEL_FAULT_PIN_GONE : KERNEL_FAULT_PIN_OTHER, name,
	      pin_put(g->k, name, fd));
}

static void guard_pins(struct guard *g)
{
	struct kernel *k = g->k;

	if (mkdir(k->pins, 0700) && errno != EEXIST) {
		g->blind = -errno;
		return;
	}
	for (enum hook h = 0; h < HOOKS; h++)
		if (k->link[h] >= 0)
			guard_pin(g, hook_pin(h), k->link[h], true);
	for (enum state_map m = 0; m < STATE_MAPS; m++)
		if (k->state[m] >= 0)
			guard_pin(g, state_name(m), k->state[m], false);
	for (size_t i = 0; i < k->ndevices; i++)
		if (k->device[i].link >= 0)
			guard_pin(g, device_pin(&k->device[i]), k->device[i].link, true);
}

int kernel_guard(struct kernel *k, struct kernel_finding *ret, size_t max, int *blind)
{
	struct guard g = {.k = k, .ret = ret, .max = max};

	guard_mode(&g);
	guard_cgroup(&g);
	guard_devices(&g);
	guard_pins(&g);
	*blind = g.blind;
	return (int)g.n;
}

int kernel_repin(struct kernel *k)
{
	struct kernel_finding f[HOOKS + STATE_MAPS + KERNEL_DEVICES_MAX] = {0};
	struct guard g = {.k = k, .ret = f, .max = HOOKS + STATE_MAPS + KERNEL_DEVICES_MAX};

	guard_pins(&g);
	for (size_t i = 0; i < g.n; i++)
		if (f[i].error)
			return f[i].error;
	return g.blind ? g.blind : (int)g.n;
}
