/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.c - opening, publishing, and what the agent tells the programs between generations. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <bpf/bpf.h>
#include "bpf/load/cgroup2.h"
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"
#include "bpf/load/tcx.h"

/* How deep the cgroup is below the root; -errno. */
static int cgroup_level(int cgroup)
{
	_close_ int at = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st, up;
	int level = 0;

	while (at >= 0 && !fstat(at, &st)) {
		_close_ int next =
			st.st_ino == 1 ? -1 : openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (st.st_ino == 1)
			return level;
		if (next < 0 || fstat(next, &up))
			break;
		if (up.st_dev != st.st_dev) /* the mount's own root */
			return level;
		level++;
		cleanup_close(&at);
		at = TAKE_FD(next);
	}
	return -errno;
}

/* The programs read it at every packet: what stays is not written, and between two cgroups, of which the first is
 * gone, there is none. 0 or -errno: then nothing was changed. */
static int scope_set(struct kernel *k)
{
	struct abi_settings *s = k->settings;
	bool all = k->devices == KERNEL_DEVICES_ALL;
	int level = 0;

	if (!s)
		return 0;
	if (s->scope_cgroup != k->cgroup_id) {
		level = k->cgroup_fd < 0 ? 0 : cgroup_level(k->cgroup_fd);
		if (level < 0)
			return level;
	}
	if (all)
		__atomic_store_n(&s->scope_all, 1, __ATOMIC_RELEASE);
	if (s->scope_cgroup != k->cgroup_id) {
		__atomic_store_n(&s->scope_cgroup, 0, __ATOMIC_RELEASE);
		s->scope_level = (uint32_t)level;
		__atomic_store_n(&s->scope_cgroup, k->cgroup_id, __ATOMIC_RELEASE);
	}
	if (!all)
		__atomic_store_n(&s->scope_all, 0, __ATOMIC_RELEASE);
	return 0;
}

/* The directory of that name now: it may be another one than before, or none. */
static int cgroup_enter(struct kernel *k)
{
	_close_ int fd = open(k->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	cleanup_close(&k->cgroup_fd);
	k->cgroup_fd = TAKE_FD(fd);
	k->cgroup_id = st.st_ino; /* kernfs: the 64-bit cgroup id */
	k->whole_host = k->cgroup_id == ABI_CGROUP_ROOT;
	return scope_set(k);
}

static int cgroup_open(struct kernel *k, const char *path, struct diag_sink *d)
{
	char mount[256];
	int err;

	if (cgroup2_mount(mount, sizeof(mount))) {
		diag_error(d, NULL, 0,
			   "no cgroup2 file system is mounted (mount "
			   "-t cgroup2 none /sys/fs/cgroup)");
		return -ENOTSUP;
	}
	if (!path)
		path = mount;
	if (strlen(path) >= sizeof(k->cgroup))
		return -ENAMETOOLONG;
	memcpy(k->cgroup, path, strlen(path) + 1);
	err = cgroup_enter(k);
	/* a unit that does not run has none: it is entered when it comes (guard.c) */
	if (err == -ENOENT && !strncmp(path, mount, strlen(mount)) && path[strlen(mount)] == '/')
		return 0;
	if (err)
		diag_error(d, path, 0, "cannot open the cgroup: %s", strerror(-err));
	return err;
}

int kernel_cgroup_follow(struct kernel *k)
{
	struct stat st;

	if (stat(k->cgroup, &st)) {
		if (errno != ENOENT)
			return -errno;
		cleanup_close(&k->cgroup_fd);
		k->cgroup_id = 0;
		return scope_set(k);
	}
	if (k->cgroup_fd >= 0 && st.st_ino == k->cgroup_id) {
		int err = scope_set(k); /* when it could not be set before */

		return err ? err : 1;
	}
	return cgroup_enter(k) ? -errno : 2;
}

static int64_t clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int kernel_clock(struct kernel *k)
{
	int64_t boot = clock_of(CLOCK_BOOTTIME);

	k->boot_to_wall = clock_of(CLOCK_REALTIME) - boot;
	k->mono_to_boot = boot - clock_of(CLOCK_MONOTONIC);
	__atomic_store_n(&k->settings->wall_offset, (uint64_t)k->boot_to_wall, __ATOMIC_RELEASE);
	return 0;
}

int kernel_open(struct kernel **ret, const struct kernel_config *cfg, struct diag_sink *d)
{
	const char *pins = cfg->pins ? cfg->pins : KERNEL_PINS;
	struct kernel *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	if (cfg->devices && !tcx_supported()) { /* clsact is not shown to do it yet */
		diag_error(d, NULL, 0,
			   "judging on devices needs TCX (Linux 6.6): run without --devices");
		free(k);
		return -ENOTSUP;
	}
	k->cgroup_fd = k->pins_fd = k->epoll = -1;
	memset(k->state, 0xff, sizeof(k->state));
	memset(k->link, 0xff, sizeof(k->link));
	k->no_sendmsg = cfg->no_sendmsg;
	k->devices = cfg->devices;
	snprintf(k->pins, sizeof(k->pins), "%s", pins);
	err = cgroup_open(k, cfg->cgroup, d);
	if (!err)
		err = pin_directory(pins, &k->pins_fd, d);
	if (!err)
		adopt_left(k);
	if (!err)
		err = state_open(k, cfg, d);
	if (!err)
		err = records_open(k, d);
	if (err) {
		kernel_close(k);
		return err;
	}
	kernel_clock(k);
	k->adopted = swap_adopt(k);
	devices_adopt(k);
	k->before = adopt_generation(k);
	*ret = k;
	return 0;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	names_close(k);
	records_close(k);
	generation_free(k->now);
	generation_free(k->before);
	if (k->settings)
		munmap(k->settings, sizeof(*k->settings));
	observe_bpf__destroy(k->observe);
	for (enum hook h = 0; h < HOOKS; h++)
		cleanup_close(&k->link[h]);
	devices_close(k);
	for (enum state_map m = 0; m < STATE_MAPS; m++)
		cleanup_close(&k->state[m]);
	cleanup_close(&k->cgroup_fd);
	cleanup_close(&k->pins_fd);
	free(k);
}

/* The hooks go first, the packet hook last of them: as long as anything stands, it is the one that
 * decides. */
int kernel_detach(struct kernel *k, struct diag_sink *d)
{
	char path[sizeof(k->pins)];
	int err = 0;

	devices_detach(k);
	for (int h = HOOKS - 1; h >= 0; h--) {
		if (k->link[h] >= 0)
			/* tracing links cannot: closing the last descriptor does it */
			bpf_link_detach(k->link[h]);
		cleanup_close(&k->link[h]);
		if (pin_drop(k, hook_pin((enum hook)h)))
			err = -errno;
	}
	for (enum state_map m = 0; m < STATE_MAPS; m++)
		if (pin_drop(k, state_name(m)))
			err = -errno;
	snprintf(path, sizeof(path), "%s", k->pins);
	if (err)
		diag_error(d, path, 0, "cannot remove all pins: %s", strerror(-err));
	kernel_close(k);
	if (!err && rmdir(path) && errno != ENOTEMPTY)
		err = -errno;
	return err;
}

/* The old generation's totals are in the settings as soon as its programs run no more: a killed agent
 * takes none of them along. Packets that were in them at the swap are fetched by the next look. */
static void generation_retire(struct kernel *k, struct generation *g)
{
	if (k->now) { /* at first, 'before' is what the last agent left */
		totals_retire(k);
		generation_free(k->before);
		k->before = k->now;
		memset(k->before_retired, 0, sizeof(k->before_retired));
	}
	k->now = g;
	totals_retire(k);
}

int kernel_publish(struct kernel *k, const struct kernel_generation *kg,
		   struct kernel_published *ret, struct diag_sink *d)
{
	/* does a program that runs now read the settings? then their mode changes after the policy
	 * it belongs to is in force; else the new programs must find it */
	bool unread = k->link[HOOK_EGRESS] < 0 ||
		      (!k->now && k->left.settings_id != pin_map_id(k->state[STATE_SETTINGS]));
	struct kernel_published p = {};
	struct generation *g;
	int64_t start;
	int err = generation_make(&g, k, kg, &p, d);

	if (err)
		return err;
	kernel_clock(k);
	kernel_cgroup_follow(k);
	start = clock_of(CLOCK_MONOTONIC);
	if (!k->now)
		swap_observer(k, d);
	if (unread)
		kernel_mode(k, kg->mode);
	err = scope_set(k);
	err = err ? err : swap_in(k, g, k->now, d);
	if (err) {
		generation_free(g);
		return err;
	}
	kernel_mode(k, kg->mode);
	p.ns_swap = (uint64_t)(clock_of(CLOCK_MONOTONIC) - start);
	generation_retire(k, g);
	meters_keep(k, kg->compiled);
	if (ret)
		*ret = p;
	return 0;
}

int kernel_mode(struct kernel *k, enum policy_mode mode)
{
	k->mode = mode;
	__atomic_store_n(&k->settings->mode, (uint32_t)mode, __ATOMIC_RELEASE);
	return 0;
}

void kernel_trial(struct kernel *k, uint64_t until)
{
	k->trial_until = until;
	__atomic_store_n(&k->settings->trial_until, until, __ATOMIC_RELEASE);
}

void kernel_requested(struct kernel *k, bool on)
{
	k->settings->requested = on;
}

void kernel_left(const struct kernel *k, struct kernel_left *ret)
{
	*ret = (struct kernel_left){.found = k->left.found,
				    .attached = k->left.attached,
				    .mode = k->left.mode,
				    .requested = k->left.requested,
				    .trial_until = k->left.trial_until};
}

int kernel_cgroup_set(struct kernel *k, uint64_t cgroup_id, uint64_t mask)
{
	if (!k->now)
		return -ENODATA;
	return bpf_map_update_elem(k->now->cgroups, &cgroup_id,
				   &(struct abi_mask){.subjects = mask}, BPF_ANY)
		       ? -errno
		       : 0;
}

int kernel_cgroup_forget(struct kernel *k, uint64_t cgroup_id)
{
	if (!k->now)
		return -ENODATA;
	return bpf_map_delete_elem(k->now->cgroups, &cgroup_id) ? -errno : 0;
}

int kernel_user_set(struct kernel *k, uint32_t uid, uint64_t mask)
{
	if (!k->now)
		return -ENODATA;
	return bpf_map_update_elem(k->now->users, &uid, &(struct abi_mask){.subjects = mask},
				   BPF_ANY)
		       ? -errno
		       : 0;
}

int kernel_own_address_set(struct kernel *k, const struct ip *ip, bool on)
{
	struct abi_own o = {.family = ip->v};
	uint8_t one = 1;

	memcpy(o.address, ip->b, sizeof(o.address));
	if (on)
		return bpf_map_update_elem(k->state[STATE_OWN], &o, &one, BPF_ANY) ? -errno : 0;
	return bpf_map_delete_elem(k->state[STATE_OWN], &o) && errno != ENOENT ? -errno : 0;
}

static __u64 *ports_of(struct kernel *k, uint8_t proto)
{
	if (proto == 6)
		return k->settings->listening[0];
	return proto == 17 ? k->settings->listening[1] : NULL;
}

int kernel_listen_port_set(struct kernel *k, uint8_t proto, uint16_t port, bool on)
{
	__u64 *ports = ports_of(k, proto), bit = 1ull << (port & 63);

	if (!ports)
		return -EINVAL;
	if (on)
		__atomic_fetch_or(&ports[port >> 6], bit, __ATOMIC_RELEASE);
	else
		__atomic_fetch_and(&ports[port >> 6], ~bit, __ATOMIC_RELEASE);
	return 0;
}

int kernel_listen_ports(struct kernel *k, uint8_t proto, const uint64_t bitmap[65536 / 64])
{
	__u64 *ports = ports_of(k, proto);

	if (!ports)
		return -EINVAL;
	for (int i = 0; i < 65536 / 64; i++)
		__atomic_store_n(&ports[i], bitmap[i], __ATOMIC_RELEASE);
	return 0;
}
