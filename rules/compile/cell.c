/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell.c - one cell of the matrix: which rule decides, and until when.
 *
 * A rule of the cell may match or certainly matches. It only may when it asks for what is not known:
 * a port of a later fragment, a cgroup that nobody resolved yet, a user in a capture, a name at the first packet. Were the facts
 * known, any of the rules that may match could turn out to be the first that does, down to the first
 * that certainly does. So the strictest action among these decides (block, alert, allow; the first
 * rule of it is named). When no rule certainly matches, the default does: block.
 *
 *     1  alert port 123    may        \
 *     2  allow to eea      no          > block: rule 3
 *     3  block port 25     may        /
 *     4  allow to any      certainly  <- no rule after this one counts
 *
 * Rules with 'until' drop out one by one: each time what is left decides anew, and the decisions
 * form a chain in which each says when the next one takes over.
 */
#include <errno.h>
#include <string.h>
#include "rules/compile/compile_private.h"

int64_t compile_decision(struct build *b, size_t rule, uint64_t until, uint16_t next)
{
	const struct rule *r = rule ? &b->p->rules[rule - 1] : NULL;
	struct decide_decision d;
	int64_t i;

	memset(&d, 0, sizeof(d));
	d.rule = (uint16_t)rule;
	d.next = next;
	d.action = (uint8_t)(r ? r->action : DECIDE_BLOCK);
	d.until = until * 1000000000ull;
	d.severity = r ? rule_severity(r) : 3;
	i = keys_add(&b->decisions, &d);
	return i == -E2BIG ? compile_too_big(b, "decisions", DECIDE_DECISIONS_MAX) : i;
}

static bool is_set(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

/* The actions are numbered from mild to strict. */
_Static_assert(DECIDE_ALLOW < DECIDE_ALERT && DECIDE_ALERT < DECIDE_BLOCK, "stricter is more");

/* Who decides at 'now' (Unix seconds; 0: before any rule ends), as index + 1; 0 = the default.
 * *until: when one of the rules that were looked at ends; INT64_MAX = never. */
static size_t strictest(const struct build *b, const struct cell *c, int64_t now, int64_t *until)
{
	size_t best = 0;

	*until = INT64_MAX;
	for (size_t w = 0; w < b->words; w++)
		for (uint64_t left = c->may[w]; left; left &= left - 1) {
			size_t i = w * 64 + (size_t)__builtin_ctzll(left);
			const struct rule *r = &b->p->rules[i];

			if (r->until && r->until <= now)
				continue;
			if (r->until && r->until < *until)
				*until = r->until;
			if (!best || r->action > b->p->rules[best - 1].action)
				best = i + 1;
			if (is_set(c->sure, i))
				return best;
		}
	return best && b->p->rules[best - 1].action == DECIDE_BLOCK ? best : 0;
}

struct link {
	size_t rule;
	int64_t until; /* INT64_MAX = for ever */
};

static int64_t chain(struct build *b, const struct cell *c)
{
	struct link links[DECIDE_CHAIN_MAX] = {0};
	int64_t now = 0, next = DECIDE_NONE;
	unsigned n = 0;

	while (now != INT64_MAX) {
		int64_t until;
		size_t rule = strictest(b, c, now, &until);

		if (n && links[n - 1].rule == rule) {
			links[n - 1].until = until;
		} else if (n == DECIDE_CHAIN_MAX) {
			return compile_too_big(
				b, "rules with 'until' that follow each other for one packet",
				DECIDE_CHAIN_MAX - 1);
		} else {
			links[n++] = (struct link){rule, until};
		}
		now = until;
	}
	for (; n && next >= 0; n--) {
		const struct link *l = &links[n - 1];

		if (!l->rule) /* the default: it is there already, and nothing comes after it */
			continue;
		next = compile_decision(b, l->rule, l->until == INT64_MAX ? 0 : (uint64_t)l->until,
					(uint16_t)next);
	}
	return next;
}

int64_t compile_cell(struct build *b, const struct cell *c)
{
	uint64_t any = 0;

	for (size_t w = 0; w < b->words; w++) {
		c->may[w] = c->row[w] & c->service[w] & c->column[w] & c->opened[w];
		c->sure[w] = c->may[w] & c->service[b->words + w] & c->column[b->words + w] &
			     ~b->named[w];
		any |= c->may[w];
	}
	return any ? chain(b, c) : DECIDE_NONE;
}
