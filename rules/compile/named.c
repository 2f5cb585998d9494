/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * named.c - the decision for a flow whose name is known: the rules in their order, as explain.c reads them.
 *
 * The matrix holds what decides while no name is known. A name comes once a flow, if it comes: the rules
 * are walked then, and no table grows with the names of a policy. tests/rules/named_test.c compares the
 * two where there is no name.
 */
#include <string.h>
#include "rules/compile/compile_private.h"

static enum tri least(enum tri a, enum tri b)
{
	if (a == TRI_NO || b == TRI_NO)
		return TRI_NO;
	return a == TRI_DEPENDS || b == TRI_DEPENDS ? TRI_DEPENDS : TRI_YES;
}

static enum tri matches(const struct compiled *c, const struct rule *r,
			const struct place_class *pc, const struct decide_packet *pkt,
			const struct rule_names *names)
{
	const struct subject_def *by;
	enum tri t;

	if ((r->opened == RULE_OPENED_HERE && pkt->opened != OPENED_HERE) ||
	    (r->opened == RULE_OPENED_PEER && pkt->opened != OPENED_PEER))
		return TRI_NO;
	t = least(eval_name(r, names), eval_service(r, pkt->proto, pkt->has_port, pkt->port));
	t = least(t, compiled_sender(c, r, pkt, &by));
	return eval_settle(r, t) && eval_to(&c->core->eval, r, pc) ? t : TRI_NO;
}

/* cell.c: of the rules that may match, down to the first that certainly does, the strictest. */
static const struct rule *strictest(const struct compiled *c, const struct place_class *pc,
				    const struct decide_packet *pkt, int64_t now,
				    const struct rule_names *names, int64_t *until)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < c->policy->nrules; i++) {
		const struct rule *r = &c->policy->rules[i];
		enum tri t;

		if (r->until && r->until <= now)
			continue;
		t = matches(c, r, pc, pkt, names);
		if (t == TRI_NO)
			continue;
		if (r->until && r->until < *until)
			*until = r->until;
		if (c->rule_meter[i] && !(pkt->over >> (c->rule_meter[i] - 1) & 1))
			continue;
		if (!best || r->action > best->action)
			best = r;
		if (t == TRI_YES)
			return best;
	}
	return best && best->action == DECIDE_BLOCK ? best : NULL;
}

/* What counts the packet: every rule with 'over' that it comes to, whichever decides. */
static uint32_t charges(const struct compiled *c, const struct place_class *pc,
			const struct decide_packet *pkt, int64_t now,
			const struct rule_names *names)
{
	uint32_t ret = 0;

	for (size_t i = 0; c->nmeters && i < c->policy->nrules; i++) {
		const struct rule *r = &c->policy->rules[i];
		enum tri t = r->until && r->until <= now ? TRI_NO : matches(c, r, pc, pkt, names);

		if (t != TRI_NO && c->rule_meter[i])
			ret |= 1u << (c->rule_meter[i] - 1);
		else if (t == TRI_YES)
			break;
	}
	return ret;
}

void compiled_decide_named(const struct compiled *c, const struct place_class *pc,
			   struct decide_packet pkt, uint32_t source_class, uint64_t now_ns,
			   const struct rule_names *names, struct decide_decision *ret)
{
	int64_t until = INT64_MAX;
	const struct rule *r;

	memset(ret, 0, sizeof(*ret));
	if (eval_local(pc)) {
		ret->action = DECIDE_LOCAL;
		return;
	}
	pkt.mask |= compiled_source_mask(c, source_class);
	r = strictest(c, pc, &pkt, (int64_t)(now_ns / 1000000000u), names, &until);
	ret->action = (uint8_t)(r ? r->action : DECIDE_BLOCK);
	ret->severity = r ? rule_severity(r) : 3;
	ret->rule = (uint16_t)(r ? r - c->policy->rules + 1 : 0);
	ret->over = r ? c->rule_meter[r - c->policy->rules] : 0;
	ret->charges = charges(c, pc, &pkt, (int64_t)(now_ns / 1000000000u), names);
	if (until != INT64_MAX)
		ret->until = (uint64_t)until * 1000000000u;
}
