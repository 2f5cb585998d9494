/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_sets.c - the policy's sets of addresses as one sorted list of boundaries, each with the sets
 * that hold from there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/lookup/table_private.h"

#define MASK_WORDS (PLACE_SETS_MAX / 64)

struct piece {
	u128 first, last;
};
struct event {
	u128 at;
	uint16_t set;
	bool in;
};
struct build {
	const struct places *p;
	bool is6;
	struct piece *pieces; /* of the set at hand */
	size_t npieces, piece_room;
	struct event *events;
	size_t nevents, event_room;
	int error;
};

static void *grown(void *v, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 256;
	void *n = realloc(v, more * size);

	if (n)
		*room = more;
	return n;
}

static void add_piece(void *arg, const struct ip *first, const struct ip *last)
{
	struct build *b = arg;

	if (b->error || (first->v == 6) != b->is6)
		return;
	if (b->npieces == b->piece_room) {
		void *v = grown(b->pieces, &b->piece_room, sizeof(*b->pieces));

		if (!v) {
			b->error = -ENOMEM;
			return;
		}
		b->pieces = v;
	}
	b->pieces[b->npieces++] = (struct piece){ip_number(first), ip_number(last)};
}

static void add_event(struct build *b, u128 at, size_t set, bool in)
{
	if (b->error)
		return;
	if (b->nevents == b->event_room) {
		void *v = grown(b->events, &b->event_room, sizeof(*b->events));

		if (!v) {
			b->error = -ENOMEM;
			return;
		}
		b->events = v;
	}
	b->events[b->nevents++] = (struct event){at, (uint16_t)set, in};
}

static int by_first(const void *pa, const void *pb)
{
	const struct piece *a = pa, *b = pb;

	return a->first < b->first ? -1 : a->first > b->first;
}

static int by_address(const void *pa, const void *pb)
{
	const struct event *a = pa, *b = pb;

	return a->at < b->at ? -1 : a->at > b->at;
}

/* The union of the pieces, as an event where it begins and one behind its end. */
static void add_union(struct build *b, size_t set)
{
	u128 first, last;

	if (!b->npieces)
		return;
	qsort(b->pieces, b->npieces, sizeof(*b->pieces), by_first);
	first = b->pieces[0].first;
	last = b->pieces[0].last;
	for (size_t i = 1; i <= b->npieces; i++) {
		if (i < b->npieces &&
		    (last == ip_number_max(b->is6) || b->pieces[i].first <= last + 1)) {
			if (b->pieces[i].last > last)
				last = b->pieces[i].last;
			continue;
		}
		add_event(b, first, set, true);
		if (last < ip_number_max(b->is6))
			add_event(b, last + 1, set, false);
		if (i < b->npieces) {
			first = b->pieces[i].first;
			last = b->pieces[i].last;
		}
	}
}

static void add_set(struct build *b, const struct table_set *s, size_t number)
{
	b->npieces = 0;
	for (size_t i = 0; i < s->ncidrs; i++) {
		struct ip first = cidr_first(&s->cidrs[i]), last = cidr_last(&s->cidrs[i]);

		add_piece(b, &first, &last);
	}
	if (s->asn)
		places_asn_ranges(b->p, s->asn, add_piece, b);
	add_union(b, number);
}

static int sweep(struct policy_set_ranges *ret, struct table *t, const struct build *b)
{
	uint64_t mask[MASK_WORDS] = {0};
	size_t i = 0;

	ret->v = calloc(b->nevents + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	ret->v[ret->n++] = (struct policy_set_range){0, 0};
	while (i < b->nevents) {
		u128 at = b->events[i].at;
		struct policy_set_range *o;
		int r;

		for (; i < b->nevents && b->events[i].at == at; i++)
			mask[b->events[i].set / 64] ^= 1ULL << b->events[i].set % 64;
		o = at ? &ret->v[ret->n++] : &ret->v[0];
		o->first = at;
		r = intern_add(&t->masks, mask, &o->mask);
		if (r)
			return r;
	}
	return 0;
}

int policy_sets_build(struct policy_set_ranges *ret, struct table *t, const struct places *p,
		      const struct table_set *sets, size_t nsets, bool is6)
{
	struct build b = {.p = p, .is6 = is6};

	*ret = (struct policy_set_ranges){0};
	for (size_t i = 0; i < nsets; i++)
		add_set(&b, &sets[i], i);
	if (b.nevents)
		qsort(b.events, b.nevents, sizeof(*b.events), by_address);
	if (!b.error)
		b.error = sweep(ret, t, &b);
	free(b.pieces);
	free(b.events);
	return b.error;
}
