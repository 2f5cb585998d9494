/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_age.c - max-age: the age that counts is that of the claim which decides a place.
 *
 * A list of 2024 that nothing rests on makes nothing stale, and a fresh file beside it makes nothing fresh
 * that it does not say. A places.mmdb is as old as each file in it. What a 'place' line says does not grow
 * old; what nobody can date counts as too old.
 */
#include <string.h>
#include "agent/engine/engine_age.h"

#define NUMBERS (UINT8_MAX + 1) /* struct place.source */

/* A geo line speaks of its own file; those without a path, and those of files that are not there because
 * others were asked for, of all: the strictest. */
static int64_t max_age(const struct policy *p, const struct source *given)
{
	int64_t own = 0, any = 0;
	bool found = false;

	for (size_t i = 0; i < p->ngeo; i++) {
		const struct policy_geo *g = &p->geo[i];

		if (given->path && !strcmp(g->path, given->path)) {
			found = true;
			own = g->max_age;
		}
		if (g->max_age && (!any || g->max_age < any))
			any = g->max_age;
	}
	return found ? own : any;
}

const struct source *engine_decider(const struct engine *e, const struct place *p, int64_t now,
				    int64_t *age, int64_t *max)
{
	const struct source *given, *s = places_numbered(e->places, p->source, &given);

	*age = *max = 0;
	if (!s || s->kind == SOURCE_PLACE_LINES)
		return s;
	*age = s->date > 0 ? now - s->date : -1;
	*max = max_age(e->policy, given);
	return s;
}

static bool over(int64_t age, int64_t max)
{
	return max && (age < 0 || age > max);
}

/* By how much: what has no date is over by most. */
static int64_t excess(int64_t age, int64_t max)
{
	return age < 0 ? INT64_MAX : age - max;
}

static void note(struct engine_age *oldest, const struct source *s, int64_t age, int64_t max)
{
	bool first = !oldest->source;

	oldest->others += !first;
	if (first || excess(age, max) > excess(oldest->age, oldest->max)) {
		oldest->source = s;
		oldest->age = age;
		oldest->max = max;
	}
}

static bool stale_blocks(const struct policy *p)
{
	for (size_t i = 0; i < p->ngeo; i++)
		if (p->geo[i].max_age && p->geo[i].stale == DECIDE_BLOCK)
			return true;
	return false;
}

int64_t engine_ages(struct engine *e, int64_t now, struct place_class *classes, size_t n)
{
	bool seen[NUMBERS] = {false}, stale[NUMBERS] = {false};
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		struct place *p = &classes[i].place;
		const struct source *s;
		int64_t age, max;

		if (!seen[p->source]) {
			seen[p->source] = true;
			s = engine_decider(e, p, now, &age, &max);
			stale[p->source] = s && over(age, max);
			if (stale[p->source])
				note(&e->oldest, s, age, max);
			else if (s && max && s->date + max + 1 < next)
				next = s->date + max + 1;
		}
		if (stale[p->source])
			p->flags |= PLACE_STALE;
	}
	e->stale = e->oldest.source && stale_blocks(e->policy);
	return next;
}
