/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - the second net's hooks: one program a device of the agent's network namespace.
 *
 * A device is known by its index in this namespace. Its link is pinned as device_INDEX, so that it holds
 * without an agent; a device that goes takes its link along, and its pin is dropped at the next look. A
 * filter of clsact (kernels before 6.6) needs no pin: the device holds it.
 *
 * A pinned link counts as ours only when the kernel names it among the links of that device here: the
 * same index in another namespace is another device. The loopback device has none: what is on it does not
 * leave, and what is redirected from it leaves by another.
 */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"
#include "bpf/load/tcx.h"

#define LOOPBACK 1
#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823 /* linux/if_arp.h, whose names are those of net/if_arp.h */
#endif

const char *device_pin(const struct device *d)
{
	return d->pin;
}

static struct device *device_of(struct kernel *k, uint32_t ifindex)
{
	for (size_t i = 0; i < k->ndevices; i++)
		if (k->device[i].ifindex == ifindex)
			return &k->device[i];
	return NULL;
}

/* Does what leaves by it begin with Ethernet's header? 1, 0; -1: another kind of link, -errno. */
static int device_ether(const char *name)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &r))
		return -errno;
	switch (r.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
		return 1;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return 0;
	default:
		return -EPFNOSUPPORT;
	}
}

static int program_of(const struct generation *g, const struct device *d)
{
	return bpf_program__fd(d->ether ? g->skel->progs.device : g->skel->progs.device_ip);
}

/* The link is on this device, here, and nobody stands before it. */
static int link_state(const struct device *d, int link, uint32_t *prog, bool *first)
{
	struct tcx_programs p = {};
	uint32_t ifindex, id;
	int err = tcx_link_device(&ifindex, prog, &id, link);

	if (!err && ifindex != d->ifindex)
		err = -ENOLINK;
	if (!err)
		err = tcx_query(&p, d->ifindex);
	for (uint32_t i = 0; !err && i < p.n; i++)
		if (p.link[i] == id) {
			*first = i == 0;
			return 0;
		}
	return err ? err : -ENOLINK;
}

int device_look(const struct device *d, uint32_t *prog, bool *first)
{
	*first = true;
	*prog = 0;
	if (!tcx_supported())
		return clsact_query(prog, d->ifindex);
	return d->link < 0 ? -ENOLINK : link_state(d, d->link, prog, first);
}

static int link_new(const struct kernel *k, struct device *d, int prog)
{
	_close_ int fd = tcx_link(d->ifindex, prog);
	int err;

	if (fd < 0)
		return fd;
	err = pin_put(k, d->pin, fd);
	if (err)
		return err;
	cleanup_close(&d->link); /* the new one is in force: never none */
	d->link = TAKE_FD(fd);
	return 0;
}

/* The kernel takes a program once a device, so that it cannot stand before the other one first and leave its
 * place then. What stands before it has had the first word anyway. */
static int link_again(const struct kernel *k, struct device *d, int prog)
{
	bpf_link_detach(d->link);
	return link_new(k, d, prog);
}

int device_set(struct kernel *k, struct device *d, const struct generation *g)
{
	int prog = program_of(g, d), err;
	struct bpf_prog_info i = {};
	__u32 len = sizeof(i);
	uint32_t has;
	bool first;

	if (!tcx_supported())
		err = clsact_set(d->ifindex, prog);
	else if (d->link < 0 || link_state(d, d->link, &has, &first))
		err = link_new(k, d, prog);
	else if (!first)
		err = link_again(k, d, prog);
	else
		err = bpf_link_update(d->link, prog, NULL) ? link_new(k, d, prog) : 0;
	if (!err && !bpf_obj_get_info_by_fd(prog, &i, &len))
		d->program = i.id;
	return err;
}

static void device_forget(struct kernel *k, size_t at)
{
	pin_drop(k, k->device[at].pin);
	cleanup_close(&k->device[at].link);
	memmove(&k->device[at], &k->device[at + 1], (k->ndevices - at - 1) * sizeof(k->device[0]));
	k->ndevices--;
}

/* What an earlier agent left on it, if that is there still. */
static void device_adopt(const struct kernel *k, struct device *d)
{
	_close_ int fd = -1;
	uint32_t prog;
	bool first;

	fd = pin_get(k, d->pin);
	if (fd >= 0 && !link_state(d, fd, &prog, &first))
		d->link = TAKE_FD(fd);
}

static int device_add(struct kernel *k, uint32_t ifindex, const char *name)
{
	struct device d = {.ifindex = ifindex, .link = -1};
	int ether = device_ether(name);

	if (ether < 0)
		return ether;
	if (k->ndevices == KERNEL_DEVICES_MAX)
		return -ENOSPC;
	d.ether = ether;
	snprintf(d.name, sizeof(d.name), "%s", name);
	snprintf(d.pin, sizeof(d.pin), DEVICE_PIN "%u", ifindex);
	if (tcx_supported())
		device_adopt(k, &d);
	k->device[k->ndevices++] = d;
	return 0;
}

static bool is_listed(const struct if_nameindex *list, uint32_t ifindex)
{
	for (; list->if_index; list++)
		if (list->if_index == ifindex)
			return true;
	return false;
}

/* The set of devices as it is now. Those that it does not hold are counted: too many, or of a kind of link that
 * the programs cannot read. */
static int devices_list(struct kernel *k)
{
	struct if_nameindex *list = if_nameindex();
	unsigned left_out = 0;

	if (!list)
		return -errno;
	for (size_t i = 0; i < k->ndevices;) {
		if (is_listed(list, k->device[i].ifindex))
			i++;
		else
			device_forget(k, i);
	}
	for (const struct if_nameindex *l = list; l->if_index; l++) {
		struct device *d = device_of(k, l->if_index);
		int err = 0;

		if (d)
			snprintf(d->name, sizeof(d->name), "%s", l->if_name);
		else if (l->if_index != LOOPBACK)
			err = device_add(k, l->if_index, l->if_name);
		if (!err || err == -ENODEV)
			continue;
		left_out++;
		snprintf(k->left_out, sizeof(k->left_out), "%s", l->if_name);
		k->left_out_error = err;
	}
	if_freenameindex(list);
	k->devices_left_out = left_out;
	return 0;
}

int devices_adopt(struct kernel *k)
{
	return k->devices ? devices_list(k) : 0;
}

int devices_swap(struct kernel *k, const struct generation *g, const char **ret_name)
{
	int err = k->devices ? devices_list(k) : 0;

	for (size_t i = 0; !err && i < k->ndevices; i++) {
		err = device_set(k, &k->device[i], g);
		if (err == -ENODEV)
			err = 0; /* it went just now */
		*ret_name = k->device[i].name;
	}
	return err;
}

int kernel_devices_follow(struct kernel *k)
{
	int err, added = 0;

	if (!k->devices || !k->now)
		return 0;
	err = devices_list(k);
	for (size_t i = 0; i < k->ndevices; i++) {
		int e = 0;

		if (k->device[i].program)
			continue;
		e = device_set(k, &k->device[i], k->now);
		k->device[i].error = e;
		added += !e;
		if (e && e != -ENODEV)
			err = err ? err : e;
	}
	return err ? err : added;
}

/* Pins of devices that are not here any more, or of another namespace. */
static void pins_clean(struct kernel *k, bool all)
{
	DIR *dir = opendir(k->pins);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		size_t n = strlen(DEVICE_PIN);

		if (strncmp(e->d_name, DEVICE_PIN, n) != 0)
			continue;
		if (all || !device_of(k, (uint32_t)strtoul(e->d_name + n, NULL, 10)))
			pin_drop(k, e->d_name);
	}
	if (dir)
		closedir(dir);
}

void devices_clean(struct kernel *k)
{
	pins_clean(k, !k->devices);
}

/* A filter of clsact that is by its name ours. */
static bool is_ours(const struct device *d)
{
	_close_ int fd = -1;
	struct bpf_prog_info i = {};
	__u32 len = sizeof(i);
	uint32_t prog;

	if (clsact_query(&prog, d->ifindex))
		return false;
	fd = bpf_prog_get_fd_by_id(prog);
	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &i, &len) &&
	       (!strcmp(i.name, "device") || !strcmp(i.name, "device_ip"));
}

void devices_detach(struct kernel *k)
{
	devices_list(k);
	for (size_t i = 0; i < k->ndevices; i++) {
		if (k->device[i].link >= 0)
			bpf_link_detach(k->device[i].link);
		else if (!tcx_supported() && is_ours(&k->device[i]))
			clsact_drop(k->device[i].ifindex);
	}
	devices_close(k);
	pins_clean(k, true);
}

void devices_close(struct kernel *k)
{
	for (size_t i = 0; i < k->ndevices; i++)
		cleanup_close(&k->device[i].link);
	k->ndevices = 0;
}
