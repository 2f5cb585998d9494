/* SPDX-License-Identifier: BSD-2-Clause */
/* meter.c - what rules with 'over' count, and under which key: one that stays when the policy is loaded again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rules/compile/compile_private.h"

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n; n--)
		h = (h ^ *p++) * 0x100000001b3ull; /* FNV-1a */
	return h;
}

/* A label stays when the rule is edited, and with it what was counted; without one, the rule's canonical text is
 * its name. Another duration has other steps, and counts anew. */
static int key_of(uint64_t *ret, const struct rule *r)
{
	char *text = r->label ? NULL : rule_print(r);
	const char *name = r->label ? r->label : text;

	if (!name)
		return -ENOMEM;
	*ret = hash(0xcbf29ce484222325ull, name, strlen(name) + 1);
	*ret = hash(*ret, &r->per, sizeof(r->per));
	free(text);
	return 0;
}

static int meter_of(struct build *b, size_t rule)
{
	const struct rule *r = &b->p->rules[rule];
	struct compiled *c = b->c;
	unsigned i = 0;
	uint64_t key;
	int err = key_of(&key, r);

	if (err)
		return err;
	while (i < c->nmeters && c->meter[i].key != key)
		i++;
	if (i == DECIDE_METERS_MAX)
		return compile_too_big(b, "rules with 'over'", DECIDE_METERS_MAX);
	if (i == c->nmeters) {
		c->nmeters++;
		c->meter_rule[i] = (uint16_t)rule;
		c->meter[i] = (struct decide_meter){.key = key,
						    .limit = r->over,
						    .step_ns = (uint64_t)r->per * 1000000000ull /
							       METER_STEPS};
	} else if (r->over < c->meter[i].limit) {
		c->meter[i].limit = r->over; /* two of one label: the stricter */
	}
	b->meter[rule] = (uint8_t)(i + 1);
	c->header.needs |= DECIDE_NEEDS_OVER;
	return 0;
}

int compile_meters(struct build *b)
{
	b->meter = arena_alloc(b->keep, b->p->nrules + 1, 1);
	if (!b->meter)
		return -ENOMEM;
	b->c->rule_meter = b->meter;
	for (size_t i = 0; i < b->p->nrules; i++) {
		int err = b->p->rules[i].over && (b->alive[i / 64] >> (i % 64) & 1) ? meter_of(b, i)
										    : 0;

		if (err)
			return err;
	}
	return 0;
}
