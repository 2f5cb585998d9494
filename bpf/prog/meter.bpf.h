/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* meter.bpf.h - rules/meter.h over a map: how much has left under rules with 'over', of all processors, over
 * generations and agents. Asked and counted under the meter's lock; between the two another processor's packet may
 * pass, so that the limit is held to a packet for each processor. A meter that is not there is over. */
#ifndef BPF_PROG_METER_BPF_H
#define BPF_PROG_METER_BPF_H
#include "bpf/prog/state.bpf.h"

const volatile struct decide_meter meter_of[DECIDE_METERS_MAX] = {};

/* Unix time as it was when the state was made: a clock that is set later empties no window. */
static __always_inline __u64 meter_step(__u64 step_ns)
{
	const volatile struct abi_settings *s = flat_address(settings);

	return (bpf_ktime_get_boot_ns() + s->meter_offset) / step_ns;
}

/* Would the packet take it over its limit? */
__noinline __u32 meter_asked(__u32 i, __u32 bytes)
{
	struct abi_meter *m;
	__u64 key, step;
	__u32 over;

	if (i >= DECIDE_METERS_MAX)
		return 1;
	key = meter_of[i].key;
	m = bpf_map_lookup_elem(&meters, &key);
	if (!m)
		return 1;
	step = meter_step(meter_of[i].step_ns);
	bpf_spin_lock(&m->lock);
	meter_turn(&m->meter, step);
	over = (__u32)meter_over(&m->meter, bytes, meter_of[i].limit);
	bpf_spin_unlock(&m->lock);
	return over;
}

__noinline int meter_count(__u32 i, __u32 bytes)
{
	struct abi_meter *m;
	__u64 key, step;

	if (i >= DECIDE_METERS_MAX)
		return 0;
	key = meter_of[i].key;
	m = bpf_map_lookup_elem(&meters, &key);
	if (!m)
		return 0;
	step = meter_step(meter_of[i].step_ns);
	bpf_spin_lock(&m->lock);
	meter_turn(&m->meter, step);
	meter_add(&m->meter, bytes);
	bpf_spin_unlock(&m->lock);
	return 0;
}
#endif
