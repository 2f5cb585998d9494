/* SPDX-License-Identifier: BSD-2-Clause */
/* decide.c - user space's reading of decide.h: plain arrays where the kernel has maps. */
#include <string.h>
#include "rules/compile/compile_private.h"

static uint32_t read_array(const struct compiled *c, enum decide_array array, uint32_t index)
{
	bool bytes = array == DECIDE_TCP || array == DECIDE_UDP || array == DECIDE_PROTO;

	if (index >= c->bytes[array] / (bytes ? 1 : 2))
		return UINT32_MAX; /* out of every range that decide_cell checks: block */
	return bytes ? ((const uint8_t *)c->array[array])[index]
		     : ((const uint16_t *)c->array[array])[index];
}

static const struct decide_decision *read_decision(const struct compiled *c, uint32_t index)
{
	return &c->decisions[index < c->header.decisions ? index : DECIDE_NONE];
}

#define DECIDE_READ(ctx, array, index) read_array(ctx, array, index)
#define DECIDE_DECISION(ctx, index)    read_decision(ctx, index)
#define DECIDE_OVER(ctx, over, meter)  ((over) >> (meter)&1)
#include "rules/decide.h"

/* Which of two verdicts is worse; local is no verdict. */
static unsigned badness(const struct decide_decision *d)
{
	static const uint8_t order[] = {
		[DECIDE_LOCAL] = 0, [DECIDE_ALLOW] = 1, [DECIDE_ALERT] = 2, [DECIDE_BLOCK] = 3};

	return d->action < sizeof(order) ? order[d->action] : 3;
}

static const struct decide_decision *as_one(const struct compiled *c, const struct decide_packet *p,
					    uint64_t now_ns)
{
	return decide_follow(c, decide_cell(&c->header, c, p), now_ns, p->over);
}

/* decide.h's invariant 4; the default (rule 0) comes after all rules. */
static const struct decide_decision *as_all(const struct compiled *c, struct decide_packet *p,
					    uint64_t now_ns)
{
	const struct decide_decision *sure = NULL, *maybe = NULL, *d;
	uint64_t left = p->mask & (UINT64_MAX >> (64 - c->header.subjects));

	do {
		p->subject = (uint8_t)(left ? __builtin_ctzll(left) + 1 : 0);
		d = as_one(c, p, now_ns);
		if (d->sure && (!sure || (uint16_t)(d->rule - 1) < (uint16_t)(sure->rule - 1)))
			sure = d;
		else if (!d->sure && (!maybe || badness(d) > badness(maybe)))
			maybe = d;
		left &= left - 1;
	} while (left);
	return !sure || (maybe && badness(maybe) > badness(sure)) ? maybe : sure;
}

uint64_t compiled_source_mask(const struct compiled *c, uint32_t class)
{
	const void *masks = c->array[DECIDE_SUBJ_OF];

	if (class >= c->header.classes)
		return 0;
	return DECIDE_WIDE(c->header.subjects) ? ((const uint64_t *)masks)[class]
					       : ((const uint16_t *)masks)[class];
}

const struct decide_decision *compiled_decide(const struct compiled *c,
					      const struct decide_packet *pkt,
					      uint32_t source_class, uint64_t now_ns)
{
	struct decide_packet p = *pkt;

	p.mask |= compiled_source_mask(c, source_class);
	return DECIDE_WIDE(c->header.subjects) ? as_all(c, &p, now_ns) : as_one(c, &p, now_ns);
}

const struct decide_decision *
compiled_decide_worst(const struct compiled *c, struct decide_packet pkt, const uint32_t *classes,
		      unsigned n, uint32_t source_class, uint64_t now_ns, unsigned *which)
{
	const struct decide_decision *worst = NULL, *d;

	*which = 0;
	for (unsigned i = 0; i < n; i++) {
		pkt.place = classes[i];
		d = compiled_decide(c, &pkt, source_class, now_ns);
		if (!worst || badness(d) > badness(worst)) {
			worst = d;
			*which = i;
		}
	}
	return worst ? worst : &c->decisions[DECIDE_NONE];
}

static uint64_t mask_of(const struct compiled *c, const struct sender *who)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < c->header.subjects; i++)
		if (eval_sender(c->subjects[i], who))
			mask |= 1ull << i;
	return mask;
}

uint64_t compiled_cgroup_mask(const struct compiled *c, const char *path)
{
	return mask_of(c, &(struct sender){.cgroup = path});
}

uint64_t compiled_user_mask(const struct compiled *c, const char *user_name, uint32_t uid)
{
	return mask_of(c, &(struct sender){.user = user_name, .has_uid = true, .uid = uid});
}
