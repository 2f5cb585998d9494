/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c - the maps that outlive a generation and an agent: adopted from their pins, or made.
 *
 * What is read back from a pin was written by an earlier agent, maybe an older one, maybe not by
 * us: type, sizes and version are checked before anything is used. What does not fit is replaced,
 * and said.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"

static const char *const state_names[STATE_MAPS] = {
	[STATE_SLOTS] = "slots",
	[STATE_FOLDS] = "folds",
	[STATE_HANDSHAKES] = "handshakes",
	[STATE_DENIAL_RING] = "denial_ring",
	[STATE_FLOW_RING] = "flow_ring",
	[STATE_ASK_RING] = "ask_ring",
	[STATE_SETTINGS] = "settings",
	[STATE_COUNTERS] = "counters",
	[STATE_OWN] = "own",
	[STATE_IMAGES] = "images",
	[STATE_FOLD_ROOM] = "fold_room",
	[STATE_HEARD] = "heard",
	[STATE_METERS] = "meters",
};

const char *state_name(enum state_map m)
{
	return state_names[m];
}

static struct bpf_map *state_of(struct bpf_object *o, enum state_map m)
{
	return bpf_object__find_map_by_name(o, state_names[m]);
}

/* Is it the map that the object declares? Ring sizes may differ: the one that is there stays. */
static bool state_fits(int fd, const struct bpf_map *want)
{
	struct bpf_map_info have = {};
	__u32 len = sizeof(have);

	if (bpf_obj_get_info_by_fd(fd, &have, &len))
		return false;
	if (have.type != bpf_map__type(want) || have.key_size != bpf_map__key_size(want) ||
	    have.value_size != bpf_map__value_size(want))
		return false;
	return have.type == BPF_MAP_TYPE_RINGBUF || have.max_entries == bpf_map__max_entries(want);
}

static int state_version(int settings_fd)
{
	struct abi_settings *s = mmap(NULL, sizeof(*s), PROT_READ, MAP_SHARED, settings_fd, 0);
	int version;

	if (s == MAP_FAILED)
		return -errno;
	version = (int)s->version;
	munmap(s, sizeof(*s));
	return version;
}

/* All of them or none: records of one version do not go with slots of another. A map whose pin
 * somebody removed is found by the program that uses it. */
static bool state_adopt(struct kernel *k, struct bpf_object *o, struct diag_sink *d)
{
	bool pinned[STATE_MAPS];
	int found = 0, fit = 0;

	for (enum state_map m = 0; m < STATE_MAPS; m++) {
		k->state[m] = pin_get(k, state_names[m]);
		pinned[m] = k->state[m] >= 0;
		if (k->state[m] == -ENOENT)
			k->state[m] = adopt_map(k, state_names[m]);
		if (k->state[m] < 0)
			continue;
		found++;
		fit += state_fits(k->state[m], state_of(o, m));
	}
	if (found == STATE_MAPS && fit == STATE_MAPS &&
	    state_version(k->state[STATE_SETTINGS]) == ABI_VERSION) {
		for (enum state_map m = 0; m < STATE_MAPS; m++)
			if (!pinned[m])
				pin_put(k, state_names[m], k->state[m]); /* else the guard will */
		return true;
	}
	if (found)
		diag_warn(
			d, k->pins, 0,
			"the maps pinned there are of another version (%d of %d found, "
			"%d fit): replaced; counts of open flows, and of rules with 'over', start again",
			found, STATE_MAPS, fit);
	for (enum state_map m = 0; m < STATE_MAPS; m++)
		cleanup_close(&k->state[m]);
	return false;
}

static uint64_t wall_offset(void)
{
	struct timespec wall, boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (uint64_t)(wall.tv_sec - boot.tv_sec) * 1000000000u + (uint64_t)wall.tv_nsec -
	       (uint64_t)boot.tv_nsec;
}

/* New settings say what is in force before anybody can find them: an agent that is killed between
 * here and its first swap must not leave a weaker mode to the next. */
static int settings_begin(const struct kernel *k, int fd)
{
	struct abi_settings *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (s == MAP_FAILED)
		return -errno;
	s->version = ABI_VERSION;
	s->mode = k->left.mode;
	s->requested = k->left.requested;
	s->trial_until = k->left.trial_until;
	s->generations = k->left.generations;
	s->meter_offset = wall_offset();
	memcpy(s->retired, k->left.retired, sizeof(s->retired));
	munmap(s, sizeof(*s));
	return 0;
}

static int state_make(struct kernel *k, struct bpf_object *o, struct diag_sink *d)
{
	int err = settings_begin(k, bpf_map__fd(state_of(o, STATE_SETTINGS)));

	if (err) {
		diag_error(d, k->pins, 0, "cannot write the settings: %s", strerror(-err));
		return err;
	}
	for (enum state_map m = 0; m < STATE_MAPS; m++) {
		k->state[m] = fcntl(bpf_map__fd(state_of(o, m)), F_DUPFD_CLOEXEC, 3);
		err = k->state[m] < 0 ? -errno : pin_put(k, state_names[m], k->state[m]);
		if (err) {
			diag_error(d, k->pins, 0, "cannot pin the map '%s': %s", state_names[m],
				   strerror(-err));
			return err;
		}
	}
	return 0;
}

int state_reuse(const struct kernel *k, struct bpf_object *o)
{
	for (enum state_map m = 0; m < STATE_MAPS; m++) {
		int err = bpf_map__reuse_fd(state_of(o, m), k->state[m]);

		if (err)
			return err;
	}
	return 0;
}

uint64_t state_tick_ns(void)
{
	struct timespec t = {};

	/* the coarse clocks advance with the tick: their resolution is 1 / CONFIG_HZ */
	return !clock_getres(CLOCK_MONOTONIC_COARSE, &t) && t.tv_nsec ? (uint64_t)t.tv_nsec
								      : 4000000;
}

static int settings_map(struct kernel *k, struct diag_sink *d)
{
	void *p = mmap(NULL, sizeof(*k->settings), PROT_READ | PROT_WRITE, MAP_SHARED,
		       k->state[STATE_SETTINGS], 0);

	if (p == MAP_FAILED) {
		int err = -errno;

		diag_error(d, k->pins, 0, "cannot map the settings: %s", strerror(-err));
		return err;
	}
	k->settings = p;
	k->mode = k->settings->mode ? MODE_ENFORCE : MODE_MONITOR;
	k->trial_until = k->settings->trial_until;
	return 0;
}

static int observer_open(struct kernel *k, const struct kernel_config *cfg, struct diag_sink *d)
{
	struct bpf_object *o;

	libbpf_log_begin();
	k->observe = observe_bpf__open();
	if (!k->observe) {
		int err = -errno;

		diag_error(d, NULL, 0, "cannot open the observer program: %s", libbpf_log_text());
		return err;
	}
	o = k->observe->obj;
	k->observe->rodata->tick_ns = state_tick_ns();
	if (cfg->denial_ring)
		bpf_map__set_max_entries(state_of(o, STATE_DENIAL_RING), cfg->denial_ring);
	if (cfg->flow_ring)
		bpf_map__set_max_entries(state_of(o, STATE_FLOW_RING), cfg->flow_ring);
	bpf_program__set_autoload(k->observe->progs.live_flows, !k->by_files);
	bpf_program__set_autoload(k->observe->progs.live_files, k->by_files);
	return 0;
}

static int observer_load(struct kernel *k, bool adopted)
{
	int err = adopted ? state_reuse(k, k->observe->obj) : 0;

	return err ? err : observe_bpf__load(k->observe);
}

/* Loads the observer, with the pinned maps or with new ones. */
int state_open(struct kernel *k, const struct kernel_config *cfg, struct diag_sink *d)
{
	bool adopted;
	int err;

	k->by_files = cfg->by_files;
	err = observer_open(k, cfg, d);
	if (err)
		return err;
	adopted = state_adopt(k, k->observe->obj, d);
	if (!adopted && cfg->look) {
		diag_error(d, k->pins, 0, "what is pinned there is not of this version");
		return -ESTALE;
	}
	err = observer_load(k, adopted);
	if (err &&
	    !k->by_files) { /* some kernels refuse the iterator over the sockets' storage: once more, by their files */
		observe_bpf__destroy(k->observe);
		k->observe = NULL;
		k->by_files = true;
		err = observer_open(k, cfg, d);
		if (err)
			return err;
		err = observer_load(k, adopted);
	}
	if (err) {
		diag_error(d, NULL, 0, "the kernel does not take the observer program: %s (%s)",
			   strerror(-err), libbpf_log_text());
		return err;
	}
	if (!adopted)
		err = state_make(k, k->observe->obj, d);
	return err ? err : settings_map(k, d);
}
