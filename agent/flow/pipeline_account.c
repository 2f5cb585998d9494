/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_account.c - what was counted, as lines that a report can show. */
#include <errno.h>
#include <stdlib.h>
#include "agent/flow/pipeline_private.h"

static int by_address(const void *a, const void *b)
{
	const struct pipeline_destination *x = a, *y = b;
	int c = ip_cmp(&x->address, &y->address);

	if (c)
		return c;
	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	if (x->egress != y->egress)
		return x->egress ? -1 : 1;
	if (x->verdict != y->verdict)
		return x->verdict < y->verdict ? -1 : 1;
	if (x->rule_index != y->rule_index)
		return (int)x->rule_index - (int)y->rule_index;
	return x->class < y->class ? -1 : x->class > y->class;
}

int pipeline_destinations(struct pipeline *p, struct pipeline_destination **ret, size_t *n)
{
	const struct destinations *a = &p->destinations;
	const struct engine *e = p->engine;
	struct pipeline_destination *out = calloc(a->nlines, sizeof(*out));

	if (!out)
		return -ENOMEM;
	for (uint32_t i = 1; i < a->nlines; i++) {
		const struct destination_line *l = &a->line[i];
		const struct destination *d = &a->destination[l->destination];
		const struct place *place = &engine_class(e, l->class)->place;

		out[i - 1] = (struct pipeline_destination){
			.address = d->v ? ip_from_bytes(d->v, d->address) : (struct ip){.v = 0},
			.egress = l->egress,
			.layer = l->layer,
			.place = place,
			.provider = engine_string(e, place->provider),
			.region = engine_string(e, place->region),
			.verdict = l->action,
			.rule_index = l->rule,
			.class = l->class,
			.rule = l->rule && l->rule <= e->policy->nrules
					? &e->policy->rules[l->rule - 1]
					: NULL,
			.packets = l->packets,
			.bytes = l->bytes,
			.first_ns = l->first_ns,
			.last_ns = l->last_ns,
			.flows = l->flows};
	}
	qsort(out, a->nlines - 1, sizeof(*out), by_address);
	*ret = out;
	*n = a->nlines - 1;
	return 0;
}

const struct pipeline_tallies *pipeline_tallies(const struct pipeline *p)
{
	return &p->tallies;
}
