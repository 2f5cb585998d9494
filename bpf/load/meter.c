/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.c - the meters of rules with 'over': made when a policy names them, kept over reloads and restarts by
 * their key, and dropped when no policy names them any more.
 */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"

static bool names(const struct compiled *c, uint64_t key)
{
	for (unsigned i = 0; i < c->nmeters; i++)
		if (c->meter[i].key == key)
			return true;
	return false;
}

int meters_make(const struct kernel *k, const struct compiled *c, struct diag_sink *d)
{
	for (unsigned i = 0; i < c->nmeters; i++) {
		const struct rule *r = &c->policy->rules[c->meter_rule[i]];
		struct abi_meter none = {};
		int err;

		if (!bpf_map_update_elem(k->state[STATE_METERS], &c->meter[i].key, &none,
					 BPF_NOEXIST)) {
			diag_warn(
				d, c->policy->file, r->line,
				"'over' counts from now on: nothing is known of what left before");
			continue;
		}
		err = -errno;
		if (err == -EEXIST)
			continue;
		diag_error(d, r->file ? r->file : c->policy->file, r->line,
			   "cannot make the meter of 'over': %s", strerror(-err));
		return err;
	}
	return 0;
}

/* All keys first: a walk begins again when the key that it is at goes. */
void meters_keep(const struct kernel *k, const struct compiled *c)
{
	uint64_t key[ABI_METERS_MAX];
	size_t n = 0;

	while (n < ABI_METERS_MAX &&
	       !bpf_map_get_next_key(k->state[STATE_METERS], n ? &key[n - 1] : NULL, &key[n]))
		n++;
	for (size_t i = 0; i < n; i++)
		if (!names(c, key[i]))
			bpf_map_delete_elem(k->state[STATE_METERS], &key[i]);
}

int kernel_meter_now(const struct kernel *k, const struct decide_meter *m, uint64_t *ret_used)
{
	struct abi_meter now;
	struct timespec t;
	uint64_t ns;

	if (bpf_map_lookup_elem(k->state[STATE_METERS], &m->key, &now))
		return -errno;
	clock_gettime(CLOCK_BOOTTIME, &t);
	ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + k->settings->meter_offset;
	meter_turn(&now.meter, ns / m->step_ns);
	*ret_used = now.meter.used;
	return 0;
}

int kernel_meter(const struct kernel *k, uint64_t key, uint64_t *ret_used)
{
	struct abi_meter m;

	if (bpf_map_lookup_elem(k->state[STATE_METERS], &key, &m))
		return -errno;
	*ret_used = m.meter.used;
	return 0;
}
