/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.c - why a rule decides and the others do not, and what would make another one decide. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules/parse/calendar.h"
#include "rules/compile/compile_private.h"
#include "rules/parse/print.h"
#include "rules/parse/proto.h"

static void say(char buf[160], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(char buf[160], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, 160, fmt, ap);
	va_end(ap);
}

enum tri compiled_sender(const struct compiled *c, const struct rule *r,
			 const struct decide_packet *pkt, const struct subject_def **by)
{
	enum tri ret = r->nfrom ? TRI_NO : TRI_YES, t;

	for (size_t i = 0; i < r->nfrom && ret != TRI_YES; i++) {
		bool matches = false;

		for (uint32_t b = 0; b < c->header.subjects; b++)
			matches |= (pkt->mask >> b & 1) &&
				   compile_same_subject(c->subjects[b], r->from[i]);
		t = eval_subject(r->from[i], matches, pkt->known);
		if (t != TRI_NO) {
			ret = t;
			*by = r->from[i];
		}
	}
	return ret;
}

static bool allowed_but_for_status(const struct eval *e, const struct rule *r,
				   const struct place_class *pc)
{
	struct rule as_block = *r;

	as_block.action = DECIDE_BLOCK;
	return r->action == DECIDE_ALLOW && eval_to(e, &as_block, pc);
}

static void why_not_place(const struct compiled *c, const struct rule *r,
			  const struct place_class *pc, char why[160])
{
	struct writer t = {0};
	char *zone;

	if (eval_under(&c->core->eval, r, pc)) {
		say(why, "the destination is none of its places");
		return;
	}
	print_under(&t, r);
	zone = writer_take(&t);
	if (pc->place.jurisdiction)
		say(why, "the operator's law is not%s", zone ? zone : "");
	else
		say(why, "the operator is not known, so not%s", zone ? zone : "");
	free(zone);
}

static void why_not_service(const struct rule *r, const struct decide_packet *pkt, char why[160])
{
	const char *name = proto_name(pkt->proto);

	if (pkt->has_port)
		say(why, "%s port %u is not its service", name ? name : "the", pkt->port);
	else
		say(why, "protocol %s%.0u is not its service", name ? name : "",
		    name ? 0 : pkt->proto);
	(void)r;
}

/* How much has left is known where packets are counted, and not here. */
static void why_not_over(const struct rule *r, char why[160])
{
	struct writer t = {0};
	char *text;

	print_over(&t, r);
	text = writer_take(&t);
	say(why, "it decides only once%s has left", text ? text : " its limit");
	free(text);
}

static const char *subject_name(const struct subject_def *s)
{
	return s && s->name ? s->name : "its subject";
}

struct check {
	const struct compiled *c;
	const struct place_class *pc;
	const struct decide_packet *pkt;
	int64_t now; /* Unix seconds */
};

static unsigned place_fails(const struct eval *e, const struct rule *r,
			    const struct place_class *pc)
{
	if (eval_to(e, r, pc))
		return 0;
	if (allowed_but_for_status(e, r, pc))
		return EXPLAIN_STATUS;
	return eval_under(e, r, pc) ? EXPLAIN_TO : EXPLAIN_UNDER;
}

/* Every condition that fails, and a sentence for the first. */
static void check_rule(const struct check *k, struct explain_step *s)
{
	const struct rule *r = s->rule;
	const struct subject_def *by = NULL;
	enum tri from = compiled_sender(k->c, r, k->pkt, &by);
	enum tri service = eval_service(r, k->pkt->proto, k->pkt->has_port, k->pkt->port);
	const struct eval *e = &k->c->core->eval;
	bool depends = from == TRI_DEPENDS || service == TRI_DEPENDS || r->name;
	char date[CALENDAR_STRLEN];

	s->fails |= r->until && k->now >= r->until ? EXPLAIN_UNTIL : 0u;
	s->fails |= place_fails(e, r, k->pc);
	s->fails |= !eval_settle(r, from) ? EXPLAIN_FROM : 0u;
	s->fails |= !eval_settle(r, service) ? EXPLAIN_SERVICE : 0u;
	s->fails |= (r->opened == RULE_OPENED_HERE && k->pkt->opened != OPENED_HERE) ||
				    (r->opened == RULE_OPENED_PEER && k->pkt->opened != OPENED_PEER)
			    ? EXPLAIN_OPENED
			    : 0u;
	s->fails |= !eval_settle(r, eval_name(r, NULL)) ? EXPLAIN_NAME : 0u;
	s->fails |= r->over ? EXPLAIN_OVER : 0u;
	s->matches = s->fails ? 0 : depends ? -1 : 1;
	if (s->fails & EXPLAIN_UNTIL)
		say(s->why, "it ended on %s", calendar_format(date, r->until));
	else if (s->fails & EXPLAIN_STATUS)
		say(s->why,
		    e->stale && k->pc->place.flags & PLACE_STALE
			    ? "what says where it is is older than the policy allows, and then no allow rule takes its word"
			    : "the place is %s, and an allow rule by country or zone takes known places only",
		    place_status_name((enum place_status)k->pc->place.status));
	else if (s->fails & (EXPLAIN_TO | EXPLAIN_UNDER))
		why_not_place(k->c, r, k->pc, s->why);
	else if (s->fails & EXPLAIN_FROM)
		say(s->why,
		    from == TRI_DEPENDS ? "whether the sender is %s is not known"
					: "the sender is not %s",
		    r->nfrom == 1 ? subject_name(r->from[0]) : "one of its subjects");
	else if (s->fails & EXPLAIN_SERVICE)
		why_not_service(r, k->pkt, s->why);
	else if (s->fails & EXPLAIN_OPENED)
		say(s->why, "the %s opened the flow",
		    k->pkt->opened == OPENED_HERE ? "host" : "peer");
	else if (s->fails & EXPLAIN_NAME)
		say(s->why, "whether it is meant for %s is known only once the flow says so",
		    r->name);
	else if (s->fails & EXPLAIN_OVER)
		why_not_over(r, s->why);
	else if (from == TRI_DEPENDS)
		say(s->why, "whether the sender is %s is not known, and then it matches",
		    subject_name(by));
	else if (service == TRI_DEPENDS)
		say(s->why, "the port is not known, and then it matches");
	else if (r->name)
		say(s->why, "until the flow names somebody else than %s, it matches", r->name);
	else
		say(s->why, "all that it asks is so");
}

/* A rule ahead of the one that decides, with a single condition that fails, would decide without
 * it. */
static void suggest(struct explain_step *s, bool stale)
{
	static const char *const actions[] = {"allow", "alert on", "block"};
	struct writer t = {0};
	char *part, where[POLICY_WHERE];

	if (s->fails == EXPLAIN_STATUS) {
		say(s->change,
		    "%s would %s it if its place were %s; a 'place' line can say where it is",
		    policy_where(where, s->rule->file, s->rule->line), actions[s->rule->action],
		    stale ? "not out of date" : "known");
		return;
	}
	if (s->fails == EXPLAIN_FROM)
		print_from(&t, s->rule);
	else if (s->fails == EXPLAIN_TO)
		print_to(&t, s->rule);
	else if (s->fails == EXPLAIN_UNDER)
		print_under(&t, s->rule);
	else if (s->fails == EXPLAIN_SERVICE) {
		print_service(&t, s->rule);
		print_proto(&t, s->rule);
		print_port(&t, s->rule);
	} else if (s->fails == EXPLAIN_OPENED)
		print_opened(&t, s->rule);
	else if (s->fails == EXPLAIN_NAME)
		print_name(&t, s->rule);
	else if (s->fails == EXPLAIN_OVER)
		print_over(&t, s->rule);
	else
		return;
	part = writer_take(&t);
	if (part)
		say(s->change, "%s would %s it if it %s%s",
		    policy_where(where, s->rule->file, s->rule->line), actions[s->rule->action],
		    s->fails == EXPLAIN_TO ? "went" : "were", part);
	free(part);
}

/* cell.c says why: of the rules that may match, down to the first that certainly does, the
 * strictest; n = the default. */
static size_t decider(struct explain_step *s, size_t n)
{
	size_t best = n, i = 0;

	for (; i < n; i++) {
		if (s[i].matches && (best == n || s[i].rule->action > s[best].rule->action))
			best = i;
		if (s[i].matches > 0)
			break;
	}
	if (i == n && best < n && s[best].rule->action != DECIDE_BLOCK)
		best = n; /* none is certain: the default is as strict as any */
	for (i = 0; i < n && (i < best || best == n); i++)
		if (s[i].matches < 0)
			say(s[i].why, "%s, and a stricter rule may match too",
			    s[i].rule->service && !s[i].rule->nfrom
				    ? "the port is not known"
				    : "what it asks of the sender is not known");
	return best;
}

size_t compiled_explain(const struct compiled *c, const struct place_class *pc,
			const struct decide_packet *pkt, uint64_t now_ns, struct explain_step *out,
			size_t max)
{
	const struct policy *p = c->policy;
	struct check k = {c, pc, pkt, (int64_t)(now_ns / 1000000000u)};
	size_t n = p->nrules < max ? p->nrules : max, best;

	for (size_t i = 0; i < n; i++) {
		out[i] = (struct explain_step){.rule = &p->rules[i]};
		check_rule(&k, &out[i]);
	}
	if (eval_local(pc))
		return n;
	best = decider(out, n);
	if (best < n)
		out[best].decides = 1;
	for (size_t i = 0; i < best; i++)
		suggest(&out[i], c->stale && pc->place.flags & PLACE_STALE);
	return n;
}
