/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - places and the policy's sets -> classes and the flat arrays of light.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/lookup/table_private.h"

#define MASK_BYTES (PLACE_SETS_MAX / 8)
#define NO_CLASS   UINT32_MAX

struct build {
	struct table *t;
	const struct places *p;
	struct intern classes; /* struct pair */
	uint32_t *plain;       /* class of a place in no set, by place */
};
struct pair {
	uint32_t place, mask;
};

void table_take(struct table *t, enum lookup_array a, void *data, size_t bytes)
{
	free((void *)(uintptr_t)t->arrays[a].data);
	t->arrays[a] = (struct table_array){data, bytes};
}

static int class_of(struct build *b, uint32_t place, uint32_t mask, uint32_t *ret)
{
	const struct pair pair = {place, mask};
	int r;

	if (!mask && b->plain[place] != NO_CLASS) {
		*ret = b->plain[place];
		return 0;
	}
	r = intern_add(&b->classes, &pair, ret);
	if (!r && !mask)
		b->plain[place] = *ret;
	return r;
}

/* The sweep of places and sets; a range that has the class of the one before it is dropped. */
static int classes4(struct build *b, const struct policy_set_ranges *o, struct class4 *out,
		    size_t *n)
{
	size_t nranges, i = 0, k = 0, m = 0;
	const struct range4 *v = places_ranges4(b->p, &nranges);
	u128 at = 0;

	for (;;) {
		uint32_t class;
		u128 a = i + 1 < nranges ? v[i + 1].first : (u128)1 << 32;
		u128 c = k + 1 < o->n ? o->v[k + 1].first : (u128)1 << 32;
		int r = class_of(b, v[i].place, o->v[k].mask, &class);

		if (r)
			return r;
		if (!m || out[m - 1].class != class)
			out[m++] = (struct class4){(uint32_t)at, class};
		at = a < c ? a : c;
		if (at >> 32)
			break;
		i += a == at;
		k += c == at;
	}
	*n = m;
	return 0;
}

static int classes6(struct build *b, const struct policy_set_ranges *o, struct class6 *out,
		    size_t *n)
{
	size_t nranges, i = 0, k = 0, m = 0;
	const struct range6 *v = places_ranges6(b->p, &nranges);
	u128 at = 0;

	for (;;) {
		bool more_a = i + 1 < nranges, more_c = k + 1 < o->n;
		u128 a = more_a ? U128(v[i + 1].hi, v[i + 1].lo) : U128_MAX;
		u128 c = more_c ? o->v[k + 1].first : U128_MAX;
		uint32_t class;
		int r = class_of(b, v[i].place, o->v[k].mask, &class);

		if (r)
			return r;
		if (!m || out[m - 1].class != class)
			out[m++] = (struct class6){at, class};
		if (!more_a && !more_c)
			break;
		at = a < c ? a : c;
		i += more_a && a == at;
		k += more_c && c == at;
	}
	*n = m;
	return 0;
}

static int build4(struct build *b, const struct table_set *sets, size_t nsets)
{
	struct policy_set_ranges o;
	struct class4 *v = NULL;
	size_t n = 0;
	int r = policy_sets_build(&o, b->t, b->p, sets, nsets, false);

	places_ranges4(b->p, &n);
	if (!r)
		v = malloc((n + o.n) * sizeof(*v));
	if (!r)
		r = v ? classes4(b, &o, v, &n) : -ENOMEM;
	if (!r)
		r = table4_build(b->t, v, n);
	free(v);
	free(o.v);
	return r;
}

static int build6(struct build *b, const struct table_set *sets, size_t nsets)
{
	struct policy_set_ranges o;
	struct class6 *v = NULL;
	size_t n = 0;
	int r = policy_sets_build(&o, b->t, b->p, sets, nsets, true);

	places_ranges6(b->p, &n);
	if (!r)
		v = malloc((n + o.n) * sizeof(*v));
	if (!r)
		r = v ? classes6(b, &o, v, &n) : -ENOMEM;
	if (!r)
		r = table6_build(b->t, v, n);
	free(v);
	free(o.v);
	return r;
}

static uint16_t flags_of(const struct place *place, uint32_t mask)
{
	uint16_t f = 0;

	if (place->scope == SCOPE_EMBEDDED && !mask)
		f |= LOOKUP_SILENT;
	if (place->scope == SCOPE_PRIVATE || place->scope == SCOPE_LOCAL)
		f |= LOOKUP_INSIDE;
	return f;
}

/* The classes as callers see them, and their flags. After this nothing is interned any more, so
 * the masks stay put. */
static int publish_classes(struct build *b)
{
	struct table *t = b->t;
	uint16_t *flags;

	t->nclasses = (uint32_t)b->classes.n;
	t->classes = calloc(t->nclasses, sizeof(*t->classes));
	flags = calloc(t->nclasses, sizeof(*flags));
	if (!t->classes || !flags) {
		free(flags);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < t->nclasses; i++) {
		const struct pair *pair = intern_get(&b->classes, i);

		t->classes[i].place = *places_get(b->p, pair->place);
		t->classes[i].sets = intern_get(&t->masks, pair->mask);
		flags[i] = flags_of(&t->classes[i].place, pair->mask);
	}
	table_take(t, LOOKUP_FLAGS, flags, t->nclasses * sizeof(*flags));
	return 0;
}

static int longer_first(const void *a, const void *b)
{
	return (int)((const struct cidr *)b)->len - (int)((const struct cidr *)a)->len;
}

static void publish_nat64(struct table *t, const struct places *p)
{
	uint64_t *small = (uint64_t *)(uintptr_t)t->arrays[LOOKUP_SMALL].data,
		 *at = small + LOOKUP_SMALL_NAT64;
	struct cidr sorted[LOOKUP_NAT64_MAX];
	size_t n;
	const struct cidr *v = places_nat64(p, &n);

	_Static_assert(LOOKUP_NAT64_MAX == PLACES_NAT64_MAX, "one limit");
	_Static_assert(LOOKUP_SMALL_NAT64 + 1 + 3 * LOOKUP_NAT64_MAX <= LOOKUP_SMALL_WORDS,
		       "they fit");
	if (n) {
		memcpy(sorted, v, n * sizeof(*v));
		qsort(sorted, n, sizeof(*sorted), longer_first);
	}
	*at++ = n;
	for (size_t i = 0; i < n; i++) {
		u128 prefix = ip_number(&sorted[i].addr);

		*at++ = (uint64_t)(prefix >> 64);
		*at++ = (uint64_t)prefix;
		*at++ = sorted[i].len;
	}
}

static int begin(struct build *b)
{
	static const uint64_t no_sets[PLACE_SETS_MAX / 64];
	uint32_t n = places_count(b->p), zero;
	int r;

	b->plain = malloc(n * sizeof(*b->plain));
	if (!b->plain)
		return -ENOMEM;
	memset(b->plain, 0xff, n * sizeof(*b->plain));
	r = intern_init(&b->t->masks, MASK_BYTES, 1U << 20);
	if (!r)
		r = intern_init(&b->classes, sizeof(struct pair), PLACE_CLASSES_MAX);
	if (!r)
		r = intern_add(&b->t->masks, no_sets, &zero);
	return r ? r : class_of(b, 0, 0, &zero); /* class 0: the unknown place, in no set */
}

static int build(struct build *b, const struct table_set *sets, size_t nsets)
{
	int r = begin(b);

	if (!r)
		r = build4(b, sets, nsets);
	if (!r)
		r = build6(b, sets, nsets);
	if (!r)
		r = publish_classes(b);
	if (!r)
		publish_nat64(b->t, b->p);
	free(b->plain);
	return r;
}

/* Which of the limits it was. */
static int too_big(struct diag_sink *d, const struct build *b)
{
	if (b->classes.n >= PLACE_CLASSES_MAX)
		diag_error(d, "places", 0,
			   "more than %d classes of addresses (places times the policy's sets)",
			   PLACE_CLASSES_MAX);
	else
		diag_error(
			d, "places", 0,
			"the place table outgrows its arrays (%u IPv4 bounds, %u IPv6 nodes, %u IPv6 leaves)",
			LOOKUP_ENTRIES4_MAX, LOOKUP_NODES6_MAX, LOOKUP_LEAVES6_MAX);
	return -E2BIG;
}

int table_build(struct table **ret, const struct places *p, const struct table_set *sets,
		size_t nsets, struct diag_sink *d)
{
	struct build b = {.p = p};
	int r;

	if (nsets > PLACE_SETS_MAX) {
		diag_error(d, "places", 0, "the policy names %zu sets of addresses; at most %d",
			   nsets, PLACE_SETS_MAX);
		return -E2BIG;
	}
	b.t = calloc(1, sizeof(*b.t));
	if (!b.t)
		return -ENOMEM;
	r = build(&b, sets, nsets);
	if (r == -E2BIG)
		too_big(d, &b);
	intern_drop(&b.classes);
	if (r) {
		table_free(b.t);
		return r;
	}
	*ret = b.t;
	return 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (int i = 0; i < LOOKUP_ARRAYS; i++)
		free((void *)(uintptr_t)t->arrays[i].data);
	intern_drop(&t->masks);
	free(t->classes);
	free(t);
}

uint32_t table_classes(const struct table *t)
{
	return t->nclasses;
}

const struct place_class *table_class(const struct table *t, uint32_t c)
{
	return &t->classes[c < t->nclasses ? c : 0];
}

size_t table_arrays(const struct table *t, const struct table_array **ret)
{
	*ret = t->arrays;
	return LOOKUP_ARRAYS;
}
