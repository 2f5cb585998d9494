/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flatten.c - the overlapping ranges of one source become disjoint ones: the more specific wins,
 * field by field.
 *
 * A sweep over the sorted spans keeps those that are open at the current address, the most
 * specific first:
 *
 *     AMAZON  |-----------------------------|
 *     EC2             |-------------|
 *     open:    AMAZON | EC2, AMAZON | AMAZON
 *     flat:    AMAZON | EC2 over it | AMAZON
 *
 * Among equal ranges one that says 'unprovable' or 'disputed' comes before one that says a
 * country; then file order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/claims/store.h"

struct open {
	struct span span;
	uint32_t raw; /* index */
	bool doubt;
};
struct sweep {
	struct places *p;
	const struct spans *raw;
	struct spans *out;
	struct open open[FLATTEN_DEPTH_MAX];
	size_t nopen;
	struct claim_value last; /* what the last set of open spans came to, with its number */
	uint32_t last_number;
};

static int by_first4(const void *pa, const void *pb)
{
	const struct span4 *a = pa, *b = pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	return a->where < b->where ? -1 : a->where > b->where;
}

static int by_first6(const void *pa, const void *pb)
{
	const struct span6 *a = pa, *b = pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	return a->where < b->where ? -1 : a->where > b->where;
}

/* Sorted by first, the wider before the narrower. Returns whether they are disjoint. */
static bool sort_spans(struct spans *s)
{
	bool sorted = true, disjoint = true;

	for (size_t i = 1; i < s->n && sorted; i++) {
		struct span a = spans_get(s, i - 1), b = spans_get(s, i);

		disjoint &= a.last < b.first;
		sorted = a.last < b.first || (a.first < b.first) ||
			 (a.first == b.first && a.last > b.last);
	}
	if (sorted)
		return disjoint;
	if (s->is6)
		qsort(s->v6, s->n, sizeof(*s->v6), by_first6);
	else
		qsort(s->v4, s->n, sizeof(*s->v4), by_first4);
	for (size_t i = 1; i < s->n; i++)
		if (spans_get(s, i - 1).last >= spans_get(s, i).first)
			return false;
	return true;
}

/* a before b: narrower, then doubt, then first in the file. */
static bool more_specific(const struct open *a, const struct open *b)
{
	u128 wa = a->span.last - a->span.first, wb = b->span.last - b->span.first;

	if (wa != wb)
		return wa < wb;
	if (a->doubt != b->doubt)
		return a->doubt;
	return a->span.where < b->span.where;
}

static bool same_span(const struct span *a, const struct span *b)
{
	return a->first == b->first && a->last == b->last && a->claim_value == b->claim_value;
}

static int open_span(struct sweep *w, size_t i)
{
	struct open o = {.span = spans_get(w->raw, i), .raw = (uint32_t)i};
	const struct claim_value *s = places_claim_value(w->p, o.span.claim_value);
	size_t at = 0;

	for (size_t k = 0; k < w->nopen; k++)
		if (same_span(&w->open[k].span, &o.span))
			return 0;
	o.doubt = s->status == PLACE_UNPROVABLE || s->status == PLACE_DISPUTED;
	while (at < w->nopen && more_specific(&w->open[at], &o))
		at++;
	if (w->nopen == FLATTEN_DEPTH_MAX)
		return -E2BIG;
	memmove(&w->open[at + 1], &w->open[at], (w->nopen - at) * sizeof(o));
	w->open[at] = o;
	w->nopen++;
	return 0;
}

static void close_before(struct sweep *w, u128 address)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nopen; i++)
		if (w->open[i].span.last >= address)
			w->open[n++] = w->open[i];
	w->nopen = n;
}

#define FILL(field)                                                                                \
	do {                                                                                       \
		if (!ret->field)                                                                   \
			ret->field = s->field;                                                     \
	} while (0)

static void fill(struct claim_value *ret, const struct claim_value *s, bool *where)
{
	bool same = !ret->provider || !s->provider || ret->provider == s->provider;

	if (!*where &&
	    (s->country || s->status == PLACE_UNPROVABLE || s->status == PLACE_DISPUTED)) {
		ret->country = s->country;
		ret->status = s->status;
		ret->grade = s->grade;
		ret->reason = s->reason;
		*where = true;
	}
	if (same) {
		FILL(region);
		FILL(service);
	}
	ret->flags |= s->flags;
	FILL(provider);
	FILL(platform);
	FILL(jurisdiction);
	FILL(asn);
	FILL(operator);
}

static int resolve(struct sweep *w, uint32_t *ret)
{
	struct claim_value s = {.status = PLACE_KNOWN};
	bool where = false;
	int r;

	if (w->nopen == 1) {
		*ret = w->open[0].span.claim_value;
		return 0;
	}
	for (size_t i = 0; i < w->nopen; i++)
		fill(&s, places_claim_value(w->p, w->open[i].span.claim_value), &where);
	if (w->last_number && !memcmp(&s, &w->last, sizeof(s))) {
		*ret = w->last_number;
		return 0;
	}
	r = intern_add(&w->p->claim_values, &s, ret);
	w->last = s;
	w->last_number = r ? 0 : *ret;
	return r;
}

/* The piece that starts at 'at': up to where the next span opens or an open one ends. */
static int emit(struct sweep *w, u128 *at, size_t next)
{
	struct span piece = {.first = *at};
	int r;

	piece.last = w->open[0].span.last;
	for (size_t i = 1; i < w->nopen; i++)
		if (w->open[i].span.last < piece.last)
			piece.last = w->open[i].span.last;
	if (next < w->raw->n) {
		u128 first = spans_get(w->raw, next).first;

		if (first <= piece.last)
			piece.last = first - 1;
	}
	piece.where = w->open[0].raw;
	r = resolve(w, &piece.claim_value);
	*at = piece.last + 1;
	return r ? r : spans_add(w->out, &piece);
}

static int sweep(struct sweep *w)
{
	u128 at = 0;
	size_t next = 0;
	int r = 0;

	while (!r && (next < w->raw->n || w->nopen)) {
		if (!w->nopen)
			at = spans_get(w->raw, next).first;
		while (!r && next < w->raw->n && spans_get(w->raw, next).first == at)
			r = open_span(w, next++);
		if (!r)
			r = emit(w, &at, next);
		if (w->out->n &&
		    spans_get(w->out, w->out->n - 1).last == ip_number_max(w->raw->is6))
			break;
		close_before(w, at);
	}
	return r;
}

static int flatten(struct claims *c, int is6)
{
	struct source_data *s = c->s;
	struct sweep *w;
	int r;

	s->disjoint[is6] = sort_spans(&s->raw[is6]);
	if (s->disjoint[is6])
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->p = c->p;
	w->raw = &s->raw[is6];
	w->out = &s->flat[is6];
	r = sweep(w);
	free(w);
	if (r == -E2BIG)
		claims_error(c, 0, "has more than %d ranges over one address", FLATTEN_DEPTH_MAX);
	return r;
}

int claims_flatten(struct claims *c)
{
	int r = flatten(c, 0);

	return r ? r : flatten(c, 1);
}
