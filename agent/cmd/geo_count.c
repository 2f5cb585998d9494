/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_count.c - counts addresses by provider and status over the merged ranges; only global
 * addresses count. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/geo_count.h"

static struct geo_count *count_of(struct geo_count *all, const struct places *p, uint32_t place)
{
	const struct place *pl = places_get(p, place);

	if (pl->scope != SCOPE_GLOBAL || (pl->status == PLACE_UNKNOWN && !pl->provider))
		return NULL;
	return &all[pl->provider];
}

static void note(struct geo_count *c, enum place_status status, int family, uint64_t n,
		 struct ip example)
{
	c->n[family][status] += n;
	if (status == PLACE_DISPUTED && !c->example.v)
		c->example = example;
}

static void count4(struct geo_count *all, const struct places *p)
{
	size_t n;
	const struct range4 *r = places_ranges4(p, &n);

	for (size_t i = 0; i < n; i++) {
		struct geo_count *c = count_of(all, p, r[i].place);
		uint64_t end = i + 1 < n ? r[i + 1].first : 1ull << 32;

		if (c)
			note(c, places_get(p, r[i].place)->status, 0, end - r[i].first,
			     ip_from_v4(r[i].first));
	}
}

static struct ip ip_of(const struct range6 *r)
{
	uint8_t b[16];

	for (unsigned i = 0; i < 8; i++) {
		b[i] = (uint8_t)(r->hi >> (56 - 8 * i));
		b[8 + i] = (uint8_t)(r->lo >> (56 - 8 * i));
	}
	return ip_from_bytes(6, b);
}

static void count6(struct geo_count *all, const struct places *p)
{
	size_t n;
	const struct range6 *r = places_ranges6(p, &n);

	for (size_t i = 0; i < n; i++) {
		struct geo_count *c = count_of(all, p, r[i].place);
		uint64_t first = r[i].hi >> 16;
		uint64_t end = i + 1 < n ? r[i + 1].hi >> 16 : 1ull << 48;

		if (c)
			note(c, places_get(p, r[i].place)->status, 1, end > first ? end - first : 1,
			     ip_of(&r[i]));
	}
}

static uint64_t sum(const struct geo_count *c, int family)
{
	uint64_t n = 0;

	for (unsigned i = 0; i <= PLACE_UNPROVABLE; i++)
		n += c->n[family][i];
	return n;
}

static int most_first(const void *x, const void *y)
{
	const struct geo_count *a = x, *b = y;
	uint64_t na = sum(a, 0), nb = sum(b, 0);

	if (na == nb)
		return (a->provider > b->provider) - (a->provider < b->provider);
	return na > nb ? -1 : 1;
}

int geo_count(struct geo_counts *ret, const struct places *p)
{
	struct geo_count *all = calloc(1u << 16, sizeof(*all));
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	count4(all, p);
	count6(all, p);
	for (size_t i = 0; i < 1u << 16; i++) {
		if (!sum(&all[i], 0) && !sum(&all[i], 1))
			continue;
		all[n] = all[i];
		all[n++].provider = (uint16_t)i;
	}
	qsort(all, n, sizeof(*all), most_first);
	*ret = (struct geo_counts){all, n};
	return 0;
}

void geo_counts_free(struct geo_counts *c)
{
	free(c->v);
	*c = (struct geo_counts){0};
}
