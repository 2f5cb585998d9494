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
 *
 * Rules with 'over' stand before it in the chain, in their order: each decides when it is over, else the
 * next link does. What passes is counted by every one of them, whichever decides. Where such a rule only
 * may match, those behind it count as over if that is stricter.
 *
 * In a policy with many subjects (decide.h: wide) a decision says whether it is sure: no rule that only may match
 * was looked at. Such a policy has no 'over'.
 */
#include <errno.h>
#include <string.h>
#include "rules/compile/compile_private.h"

struct decide_decision compile_decision(const struct build *b, size_t rule, uint64_t until,
					uint16_t next)
{
	const struct rule *r = rule ? &b->p->rules[rule - 1] : NULL;
	struct decide_decision d;

	memset(&d, 0, sizeof(d)); /* decisions are compared as bytes */
	d.rule = (uint16_t)rule;
	d.next = next;
	d.action = (uint8_t)(r ? r->action : DECIDE_BLOCK);
	d.until = until * 1000000000ull;
	d.severity = r ? rule_severity(r) : 3;
	return d;
}

int64_t compile_decision_add(struct build *b, const struct decide_decision *d)
{
	int64_t i = keys_add(&b->decisions, d);

	return i == -E2BIG ? compile_too_big(b, "decisions", DECIDE_DECISIONS_MAX) : i;
}

static bool is_set(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

/* The actions are numbered from mild to strict. */
_Static_assert(DECIDE_ALLOW < DECIDE_ALERT && DECIDE_ALERT < DECIDE_BLOCK, "stricter is more");

/* Who decides at 'now' (Unix seconds; 0: before any rule ends) when the meters of 'over' (bits) are, as index
 * + 1; 0 = the default. *until: when one of the rules that were looked at ends; INT64_MAX = never. */
static size_t strictest(const struct build *b, const struct cell *c, int64_t now, uint32_t over,
			int64_t *until, bool *sure)
{
	size_t best = 0;

	*until = INT64_MAX;
	*sure = true;
	for (size_t w = 0; w < b->words; w++)
		for (uint64_t left = c->may[w]; left; left &= left - 1) {
			size_t i = w * 64 + (size_t)__builtin_ctzll(left);
			const struct rule *r = &b->p->rules[i];

			if (r->until && r->until <= now)
				continue;
			if (r->until && r->until < *until)
				*until = r->until;
			if (b->meter[i] && !(over >> (b->meter[i] - 1) & 1))
				continue;
			if (!best || r->action > b->p->rules[best - 1].action)
				best = i + 1;
			if (is_set(c->sure, i))
				return best;
			*sure = false;
		}
	return best && b->p->rules[best - 1].action == DECIDE_BLOCK ? best : 0;
}

/* What decides from one date to the next. */
struct span {
	size_t rule;	  /* when nothing is over */
	uint32_t charges; /* bit by meter */
	unsigned nover;
	struct {
		size_t rule;
		uint8_t meter;
	} over[DECIDE_CHAIN_MAX];
	int64_t until; /* INT64_MAX = for ever */
	bool sure;
};

/* The rules behind the i-th that are taken as over when it is: what could make it stricter. */
static uint32_t over_with(const struct build *b, const struct cell *c, size_t i)
{
	uint32_t over = 1u << (b->meter[i] - 1);

	for (size_t k = i + 1; k < b->p->nrules; k++)
		if (b->meter[k] && is_set(c->may, k) &&
		    (!is_set(c->sure, k) || b->p->rules[k].action == DECIDE_BLOCK))
			over |= 1u << (b->meter[k] - 1);
	return over;
}

/* One link for each rule with 'over' that the cell reaches and that decides when it is. */
static int span_over(struct build *b, const struct cell *c, int64_t now, struct span *s)
{
	for (size_t i = 0; i < b->p->nrules; i++) {
		const struct rule *r = &b->p->rules[i];
		int64_t until;
		size_t rule;
		bool sure;

		if (b->meter[i] && is_set(c->may, i) && (!r->until || r->until > now)) {
			rule = strictest(b, c, now, over_with(b, c, i), &until, &sure);
			if (rule == s->rule || s->charges >> (b->meter[i] - 1) & 1)
				continue;
			if (s->nover == DECIDE_CHAIN_MAX - 1)
				return compile_too_big(b, "rules with 'over' for one packet",
						       DECIDE_CHAIN_MAX - 1);
			s->over[s->nover].rule = rule;
			s->over[s->nover++].meter = b->meter[i];
			s->charges |= 1u << (b->meter[i] - 1);
		} else if (is_set(c->sure, i) && (!r->until || r->until > now)) {
			break;
		}
	}
	return 0;
}

static bool span_same(const struct span *a, const struct span *b)
{
	bool same = a->rule == b->rule && a->nover == b->nover && a->sure == b->sure;

	for (unsigned i = 0; same && i < a->nover; i++)
		same = a->over[i].rule == b->over[i].rule && a->over[i].meter == b->over[i].meter;
	return same;
}

/* The head of the span's links, in front of what comes after its date. */
static int64_t span_link(struct build *b, const struct span *s, uint16_t next)
{
	uint64_t until = s->until == INT64_MAX ? 0 : (uint64_t)s->until;
	struct decide_decision d = compile_decision(b, s->rule, until, next);
	int64_t head;

	d.charges = s->charges;
	d.sure = s->sure;
	if (!s->rule && !s->charges &&
	    !s->sure) /* the default: it is there already, and nothing comes after it */
		return next;
	head = compile_decision_add(b, &d);
	for (unsigned i = s->nover; i-- && head >= 0;) {
		d = compile_decision(b, s->over[i].rule, until, next);
		d.charges = s->charges;
		d.over = s->over[i].meter;
		d.under = (uint16_t)head;
		head = compile_decision_add(b, &d);
	}
	return head;
}

static int64_t chain(struct build *b, const struct cell *c)
{
	struct span spans[DECIDE_CHAIN_MAX];
	int64_t now = 0, next = DECIDE_NONE;
	unsigned n = 0, most = 0;
	int err;

	while (now != INT64_MAX) {
		struct span s = {.rule = strictest(b, c, now, 0, &s.until, &s.sure)};

		s.sure = s.sure && b->wide;
		err = span_over(b, c, now, &s);
		if (err)
			return err;
		now = s.until;
		if (n && span_same(&spans[n - 1], &s)) {
			spans[n - 1].until = s.until;
			continue;
		}
		if (s.nover > most)
			most = s.nover;
		if (n + most >= DECIDE_CHAIN_MAX)
			return compile_too_big(
				b,
				most ? "rules with 'until' and 'over' that follow each other for one packet"
				     : "rules with 'until' that follow each other for one packet",
				DECIDE_CHAIN_MAX - 1);
		spans[n++] = s;
	}
	for (; n && next >= 0; n--)
		next = span_link(b, &spans[n - 1], (uint16_t)next);
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
	return any || b->wide ? chain(b, c) : DECIDE_NONE;
}
