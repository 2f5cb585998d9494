/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_sweep.c - many flows end: the idle ones when the table is full, all of them at the end. */
#include <errno.h>
#include <stdlib.h>
#include "agent/flow/pipeline_private.h"

#define DESTINATIONS_SPARE 65536u

struct sweep {
	struct pipeline *p;
	const struct engine *engine;
	uint64_t before_ns;
	uint64_t by_age[65]; /* flows by the bits of their idle time */
	unsigned bits;	     /* drop those with as many, or more */
	struct flow *batch[PIPELINE_BATCH];
	unsigned nbatch;
	struct flow **ordered; /* owned */
	size_t nordered;
	int error;
};

static unsigned age_bits(const struct sweep *s, const struct flow *f)
{
	uint64_t age = s->p->counts.last_ns > f->last_ns ? s->p->counts.last_ns - f->last_ns : 0;

	return age ? 64 - (unsigned)__builtin_clzll(age) : 0;
}

static bool count_ages(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;

	(void)m;
	s->by_age[age_bits(s, f)]++;
	return false;
}

static bool collect_aged(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;

	(void)m;
	if (age_bits(s, f) >= s->bits)
		s->ordered[s->nordered++] = f;
	return false;
}

static bool drop_aged(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;

	(void)m;
	if (age_bits(s, f) < s->bits)
		return false;
	s->p->counts.evicted++;
	return true;
}

static int by_first(const void *a, const void *b, void *more)
{
	const struct flow *f = *(struct flow *const *)a, *g = *(struct flow *const *)b;
	const struct flow_more *x = &((const struct flow_more *)more)[f->more];
	const struct flow_more *y = &((const struct flow_more *)more)[g->more];

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	if (x->capture != y->capture)
		return x->capture < y->capture ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return memcmp(&f->id, &g->id, sizeof(f->id));
}

/* Ends those that are idle for so long in the order of their first packets, not in that of the table, which is another in
 * each run: who gets the last line of a table that fills up must not depend on it. */
static void end_in_order(struct sweep *s)
{
	struct pipeline *p = s->p;

	s->ordered = reallocarray(NULL, p->flows.used + 1, sizeof(struct flow *));
	if (!s->ordered) {
		s->error = -ENOMEM;
		return;
	}
	flow_table_sweep(&p->flows, collect_aged, s);
	qsort_r(s->ordered, s->nordered, sizeof(struct flow *), by_first, p->flows.more);
	for (size_t i = 0; i < s->nordered; i++) {
		int r = pipeline_end_flow(p, s->ordered[i], s->engine);

		if (r < 0)
			s->error = r;
	}
	free(s->ordered);
	s->ordered = NULL;
}

/* The table is full: the longest idle go, by powers of two of their idle time, at least an eighth
 * of all. Which ones does not depend on where they stand in the table, so that two runs agree. */
int pipeline_make_room(struct pipeline *p)
{
	struct sweep s = {.p = p, .engine = p->engine, .bits = 65};
	uint64_t have = 0;

	flow_table_sweep(&p->flows, count_ages, &s);
	while (s.bits && have < p->flows.max / 8 + 1)
		have += s.by_age[--s.bits];
	end_in_order(&s);
	flow_table_sweep(&p->flows, drop_aged, &s);
	return s.error;
}

static bool drop_idle(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;
	int r;

	(void)m;
	if (f->last_ns >= s->before_ns)
		return false;
	r = pipeline_end_flow(s->p, f, s->engine);
	if (r < 0)
		s->error = r;
	return true;
}

static bool find_destination(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;
	struct ip dst = flow_dst(&f->id);
	int r = destinations_find(&s->p->destinations, s->p->engine, &dst,
				  destinations_hash(&s->p->destinations, &dst), &m->destination);

	if (r < 0) { /* as past the limit */
		m->destination = 0;
		s->error = r;
	}
	return false;
}

/* Live, the account is only a memory of looked-up places: one that is much larger than the flows
 * begins anew. */
static void shrink_account(struct pipeline *p, struct sweep *s)
{
	struct destinations fresh;

	if (p->cfg.replay ||
	    p->destinations.ndestinations < DESTINATIONS_SPARE + 2 * p->flows.used ||
	    destinations_new(&fresh, p->destinations.max) < 0)
		return;
	destinations_free(&p->destinations);
	p->destinations = fresh;
	flow_table_sweep(&p->flows, find_destination, s);
}

int pipeline_expire(struct pipeline *p, uint64_t idle_since_ns)
{
	struct sweep s = {.p = p, .engine = p->engine, .before_ns = idle_since_ns};

	flow_table_sweep(&p->flows, drop_idle, &s);
	shrink_account(p, &s);
	return s.error;
}

/* Ends the flow's part under the old engine and asks the new one. */
static bool ask_again(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;
	int r = pipeline_end_flow(s->p, f, s->engine);

	pipeline_judge(s->p, f, f->last_ns);
	m->first_ns = f->last_ns;
	if (r < 0)
		s->error = r;
	return false;
}

int pipeline_engine(struct pipeline *p, const struct engine *e)
{
	struct sweep s = {.p = p, .engine = p->engine};

	p->engine = e;
	s.error = pipeline_distance_new(p);
	destinations_relocate(&p->destinations, e);
	flow_table_sweep(&p->flows, ask_again, &s);
	return s.error;
}

/* Flows stand in random order, and each points to its other half, its destination and that one's
 * line: the memory of a whole batch is asked for, a step ahead each time. */
static void end_batch(struct sweep *s)
{
	const struct destinations *a = &s->p->destinations;
	const struct flow_more *more = s->p->flows.more;

	for (unsigned i = 0; i < s->nbatch; i++)
		__builtin_prefetch(&a->destination[more[s->batch[i]->more].destination]);
	for (unsigned i = 0; i < s->nbatch; i++)
		__builtin_prefetch(
			&a->line[a->destination[more[s->batch[i]->more].destination].first_line],
			1);
	for (unsigned i = 0; i < s->nbatch; i++) {
		int r = pipeline_end_flow(s->p, s->batch[i], s->engine);

		if (r < 0)
			s->error = r;
	}
	s->nbatch = 0;
}

static bool end_all(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;

	__builtin_prefetch(m);
	__builtin_prefetch((const char *)m + sizeof(*m) - 1);
	s->batch[s->nbatch++] = f;
	if (s->nbatch == PIPELINE_BATCH)
		end_batch(s);
	return false;
}

static bool drop_all(void *arg, struct flow *f, struct flow_more *m)
{
	(void)arg;
	(void)f;
	(void)m;
	return true;
}

/* More eras than a flow's id can tell apart: what is known ends, and they are counted anew. */
int pipeline_flush(struct pipeline *p)
{
	struct sweep s = {.p = p, .engine = p->engine};

	flow_table_sweep(&p->flows, end_all, &s);
	end_batch(&s);
	flow_table_sweep(&p->flows, drop_all, &s);
	p->neras = p->last_era = 0;
	return s.error;
}

int pipeline_end_all(struct pipeline *p)
{
	struct sweep s = {.p = p, .engine = p->engine};

	if (p->cfg.tallies_max) { /* tables that may fill up */
		end_in_order(&s);
	} else {
		flow_table_sweep(&p->flows, end_all, &s);
		end_batch(&s);
	}
	pipeline_put_ended(p);
	return s.error;
}
