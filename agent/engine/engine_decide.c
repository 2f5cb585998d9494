/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_decide.c - asks the compiled policy about one destination, and tells what leaves from what
 * stays. */
#include <string.h>
#include "agent/engine/engine.h"
#include "rules/exempt.h"

#define CLASSES (2 * TABLE_EMBED_MAX)

static uint8_t severity_of(const struct decide_decision *d)
{
	if (d->severity)
		return d->severity;
	return d->action == DECIDE_BLOCK ? 3 : d->action == DECIDE_ALERT ? 2 : 0;
}

const struct place_class *engine_class(const struct engine *e, uint32_t class)
{
	return e->classes && class < table_classes(e->table) ? &e->classes[class]
							     : table_class(e->table, class);
}

/* Of several classes the worst, as compiled_decide_worst. */
static unsigned decide_named(const struct engine *e, const struct engine_query *q,
			     const struct decide_packet *pkt, const uint32_t *classes, unsigned n,
			     uint32_t source, struct decide_decision *ret)
{
	unsigned which = 0;

	for (unsigned i = 0; i < n; i++) {
		struct decide_decision d;
		bool local = ret->action == DECIDE_LOCAL;

		compiled_decide_named(e->compiled, engine_class(e, classes[i]), *pkt, source,
				      q->now_ns, q->names, &d);
		if (i && (d.action == DECIDE_LOCAL || (!local && d.action <= ret->action)))
			continue;
		*ret = d;
		which = i;
	}
	return which;
}

void engine_decide_classes(const struct engine *e, const struct engine_query *q,
			   const uint32_t *classes, unsigned n, struct engine_verdict *ret)
{
	const struct compiled *c = e->compiled;
	struct decide_packet pkt = {.mask = q->mask,
				    .port = q->port,
				    .proto = q->proto,
				    .opened = (uint8_t)q->opened,
				    .known = (uint8_t)q->known,
				    .has_port = q->has_port,
				    .over = q->over};
	uint32_t all[CLASSES], source = UINT32_MAX;
	unsigned which = 0;

	if (n > TABLE_EMBED_MAX)
		n = TABLE_EMBED_MAX;
	memcpy(all, classes, n * sizeof(*all));
	if (q->final)
		n += table_classes_of(e->table, q->final, all + n);
	if (q->src && (c->header.needs & DECIDE_NEEDS_SOURCE))
		source = table_lookup(e->table, q->src);
	if (q->names && c->named) {
		which = decide_named(e, q, &pkt, all, n, source, &ret->by_name);
		ret->decision = &ret->by_name;
	} else if (n == 1) {
		pkt.place = all[0];
		ret->decision = compiled_decide(c, &pkt, source, q->now_ns);
	} else {
		ret->decision = compiled_decide_worst(c, pkt, all, n, source, q->now_ns, &which);
	}
	ret->class = all[which];
	ret->where = engine_class(e, all[which]);
	ret->embedded = n > 1;
	ret->action = ret->decision->action;
	ret->severity = severity_of(ret->decision);
	ret->rule = ret->decision->rule && ret->decision->rule <= e->policy->nrules
			    ? &e->policy->rules[ret->decision->rule - 1]
			    : NULL;
}

void engine_decide(const struct engine *e, const struct engine_query *q, struct engine_verdict *ret)
{
	uint32_t classes[TABLE_EMBED_MAX];
	unsigned n = table_classes_of(e->table, q->dst, classes);

	engine_decide_classes(e, q, classes, n, ret);
	if (classes[0] != table_lookup(e->table, q->dst))
		ret->embedded = true;
}

static bool private_address(const struct ip *ip)
{
	const uint8_t *b = ip->b;

	if (ip->v == 6)
		return exempt_private6(b[0]) || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
	return exempt_private4(ip_v4(ip)) || (b[0] == 169 && b[1] == 254);
}

bool engine_inside(const struct engine *e, const struct ip *ip)
{
	if (!e->policy->ninside)
		return private_address(ip);
	return place_class_in(table_class(e->table, table_lookup(e->table, ip)), POLICY_SET_INSIDE);
}

enum engine_reach engine_reach(const struct engine *e, const struct ip *dst)
{
	const struct place_class *c = table_class(e->table, table_lookup(e->table, dst));

	if (c->place.scope == SCOPE_LOCAL)
		return REACH_LOCAL;
	if (e->policy->ninside)
		return place_class_in(c, POLICY_SET_INSIDE) ? REACH_INSIDE : REACH_OUTSIDE;
	if (!private_address(dst))
		return REACH_OUTSIDE;
	return c->place.country ? REACH_PLACED : REACH_INSIDE;
}

bool engine_leaves(enum engine_reach dst, const struct ip *src)
{
	return dst == REACH_OUTSIDE || (dst == REACH_PLACED && (!src || private_address(src)));
}

bool engine_egress(const struct engine *e, const struct ip *src, const struct ip *dst)
{
	return engine_leaves(engine_reach(e, dst), src);
}

const char *engine_source(const struct engine *e, const struct source *s, int64_t *date)
{
	bool own = s->kind == SOURCE_PLACE_LINES;

	*date = own ? e->policy_date : s->date;
	return own ? e->policy->sha256 : s->sha256;
}

const char *engine_string(const struct engine *e, uint32_t index)
{
	return index ? places_string(e->places, index) : "";
}
