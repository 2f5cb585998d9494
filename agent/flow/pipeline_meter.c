/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_meter.c - what has left under rules with 'over', by the packets' time: the kernel's own window
 * (rules/meter.h). */
#include "agent/flow/pipeline_private.h"

/* Of this key; one that no rule of the engine has makes room: there are as many as rules can have. */
static struct meter *meter_of(struct pipeline *p, const struct compiled *c, uint64_t key)
{
	struct pipeline_meter *spare = &p->meter[0];

	for (unsigned i = 0; i < DECIDE_METERS_MAX; i++) {
		struct pipeline_meter *m = &p->meter[i];
		bool named = false;

		if (m->key == key)
			return &m->meter;
		for (unsigned k = 0; k < c->nmeters; k++)
			named |= c->meter[k].key == m->key;
		if (!named)
			spare = m;
	}
	*spare = (struct pipeline_meter){.key = key};
	return &spare->meter;
}

uint32_t pipeline_meters_over(struct pipeline *p, const struct engine *e, uint64_t now_ns,
			      uint32_t bytes)
{
	const struct compiled *c = e->compiled;
	uint32_t over = 0;

	for (unsigned i = 0; i < c->nmeters; i++) {
		struct meter *m = meter_of(p, c, c->meter[i].key);

		meter_turn(m, now_ns / c->meter[i].step_ns);
		if (meter_over(m, bytes, c->meter[i].limit))
			over |= 1u << i;
	}
	return over;
}

void pipeline_meters_add(struct pipeline *p, const struct engine *e, uint32_t charges,
			 uint32_t bytes)
{
	const struct compiled *c = e->compiled;

	for (unsigned i = 0; i < c->nmeters; i++)
		if (charges >> i & 1)
			meter_add(meter_of(p, c, c->meter[i].key), bytes);
}

uint64_t pipeline_meters_used(struct pipeline *p, const struct engine *e, uint16_t rule)
{
	const struct compiled *c = e->compiled;

	for (unsigned i = 0; i < c->nmeters; i++)
		if (c->meter_rule[i] + 1 == rule)
			return meter_of(p, c, c->meter[i].key)->used;
	return 0;
}
