/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_port.c - without a port, 'explain' says what each port would get: the verdict above is that of
 * a packet whose port nobody knows, the strictest of all. */
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/cmd/explain.h"
#include "agent/event/event_text.h"
#include "geo/base/cleanup.h"

#define PORTS	   65536u
#define STARTS_MAX 4096 /* ports at which some rule's service begins or ends */

struct answer {
	uint32_t ports; /* how many get it */
	const struct rule *rule;
	enum decide_action action;
	char text[256]; /* which */
	bool cut;
};
struct by_port {
	uint32_t start[STARTS_MAX];
	size_t nstarts;
	struct answer *answers;
	size_t n, room;
};

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Between two neighbours every port gets the same. False: more than there is room for. */
static bool find_starts(struct by_port *b, const struct policy *p, uint8_t proto)
{
	b->start[b->nstarts++] = 0;
	for (size_t i = 0; i < p->nrules; i++) {
		const struct service_def *s = p->rules[i].service;

		for (size_t j = 0; s && j < s->natoms; j++) {
			if (s->atoms[j].proto != proto || s->atoms[j].any_port)
				continue;
			if (b->nstarts + 2 > STARTS_MAX)
				return false;
			b->start[b->nstarts++] = s->atoms[j].first;
			b->start[b->nstarts++] = s->atoms[j].last + 1u;
		}
	}
	qsort(b->start, b->nstarts, sizeof(*b->start), ascending);
	return true;
}

static struct answer *answer_of(struct by_port *b, const struct engine_verdict *v)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->answers[i].rule == v->rule && b->answers[i].action == v->action)
			return &b->answers[i];
	if (b->n == b->room) {
		size_t room = b->room ? 2 * b->room : 16;
		struct answer *a = reallocarray(b->answers, room, sizeof(*a));

		if (!a)
			return NULL;
		b->answers = a;
		b->room = room;
	}
	b->answers[b->n] = (struct answer){.rule = v->rule, .action = v->action};
	return &b->answers[b->n++];
}

static void add_range(struct answer *a, uint32_t first, uint32_t last)
{
	size_t n = strlen(a->text);
	char one[32];

	if (first == last)
		text_put(one, sizeof(one), "%s%u", n ? ", " : "", first);
	else
		text_put(one, sizeof(one), "%s%u-%u", n ? ", " : "", first, last);
	a->ports += last - first + 1;
	a->cut |= n + strlen(one) + sizeof(", ...") > sizeof(a->text);
	if (!a->cut)
		text_put(a->text + n, sizeof(a->text) - n, "%s", one);
}

static bool ask_all(struct by_port *b, const struct engine *e, const struct engine_query *q)
{
	size_t before = 0; /* the answer of the range that goes on */
	uint32_t first = 0;

	for (size_t i = 0; i < b->nstarts; i++) {
		uint32_t at = b->start[i];
		struct engine_query one = *q;
		struct engine_verdict v;
		struct answer *a;

		if (at >= PORTS || (i && at == b->start[i - 1]))
			continue;
		one.has_port = true;
		one.port = (uint16_t)at;
		engine_decide(e, &one, &v);
		a = answer_of(b, &v);
		if (!a)
			return false;
		if (at && (size_t)(a - b->answers) != before) {
			add_range(&b->answers[before], first, at - 1);
			first = at;
		}
		before = (size_t)(a - b->answers);
	}
	add_range(&b->answers[before], first, PORTS - 1);
	return true;
}

static json_t *answer_json(const struct answer *a, bool others)
{
	json_t *o = json_object();

	json_object_set_new(o, "ports", others ? json_null() : json_string(a->text));
	json_object_set_new(o, "more", json_boolean(!others && a->cut));
	json_object_set_new(o, "action", json_string(event_verdict_name(a->action)));
	json_object_set_new(o, "line", a->rule ? json_integer(a->rule->line) : json_null());
	return o;
}

json_t *explain_by_port(const struct engine *e, const struct engine_query *q)
{
	_free_ struct by_port *b = calloc(1, sizeof(*b));
	json_t *ret = json_array();
	size_t most = 0;

	if (b && !q->has_port && find_starts(b, e->policy, q->proto) && ask_all(b, e, q) &&
	    b->n > 1) {
		for (size_t i = 1; i < b->n; i++)
			most = b->answers[i].ports > b->answers[most].ports ? i : most;
		for (size_t i = 0; i < b->n; i++)
			if (i != most)
				json_array_append_new(ret, answer_json(&b->answers[i], false));
		json_array_append_new(ret, answer_json(&b->answers[most], true));
	}
	if (b)
		free(b->answers);
	return ret;
}
