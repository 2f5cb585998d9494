/* SPDX-License-Identifier: BSD-2-Clause */
/* regions.c - regions that an operator publishes and no table places: whoever is blocked there should be
 * told why. */
#include <string.h>
#include "geo/claims/store.h"
#include "geo/facts/region.h"

#define REGIONS_TOLD 32 /* of one file by name; the others are counted */

struct strange {
	uint16_t provider, region;
	uint64_t prefixes;
};
struct found {
	struct strange v[REGIONS_TOLD];
	size_t n;
	uint64_t others; /* prefixes of further ones */
};

/* A geofeed may have placed it: then no place is left that says so. */
static bool unplaced(const struct places *p, const struct claim_value *s)
{
	if (s->reason != REASON_REGION || !s->region)
		return false;
	for (size_t i = 0; i < p->places.n; i++) {
		const struct place *place = intern_get(&p->places, (uint32_t)i);

		if (place->reason == REASON_REGION && place->region == s->region)
			return true;
	}
	return false;
}

static void count(struct found *f, const struct claim_value *s)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].region == s->region && f->v[i].provider == s->provider) {
			f->v[i].prefixes++;
			return;
		}
	}
	if (f->n == REGIONS_TOLD)
		f->others++;
	else
		f->v[f->n++] = (struct strange){s->provider, s->region, 1};
}

static bool same_region(const struct places *p, uint32_t a, uint32_t b)
{
	const struct claim_value *x = places_claim_value(p, a), *y = places_claim_value(p, b);

	return x->region == y->region && x->provider == y->provider;
}

/* divided: a places.mmdb cuts a prefix wherever any of its sources says something else; the pieces are
 * one again. */
static void find(const struct places *p, const struct spans *spans, bool divided, struct found *f)
{
	uint32_t last = 0; /* neighbours often say the same: looked at once */
	bool strange = false;
	u128 next = 0;

	for (size_t i = 0; i < spans->n; i++) {
		struct span s = spans_get(spans, i);

		bool piece = divided && strange && s.first == next &&
			     same_region(p, last, s.claim_value);

		if (s.claim_value != last)
			strange = unplaced(p, places_claim_value(p, s.claim_value));
		last = s.claim_value;
		next = s.last + 1;
		if (strange && !piece)
			count(f, places_claim_value(p, s.claim_value));
	}
}

static void tell(const struct places *p, const char *path, const struct found *f,
		 struct diag_sink *d)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct strange *s = &f->v[i];
		const char *provider = places_string(p, s->provider);
		const char *region = places_string(p, s->region);

		diag_at(d, DIAG_WARNING, path, 0, 0, 0,
			"%s region %s (%llu prefix%s) %s: unprovable", provider, region,
			(unsigned long long)s->prefixes, s->prefixes == 1 ? "" : "es",
			region_find(provider, region)
				? "is in the table, but nobody confirmed its country"
				: "is in no table");
	}
	if (f->others)
		diag_at(d, DIAG_WARNING, path, 0, 0, 0,
			"%llu more prefixes in further regions that no table places: unprovable",
			(unsigned long long)f->others);
}

void places_warn_regions(const struct places *p, struct diag_sink *d)
{
	for (size_t i = 0; i < p->nsources; i++) {
		const struct source_data *s = p->sources[i];
		struct found f = {.n = 0};

		if (s->pub.superseded)
			continue;
		find(p, &s->raw[0], s->pub.kind == SOURCE_MMDB, &f);
		find(p, &s->raw[1], s->pub.kind == SOURCE_MMDB, &f);
		tell(p, s->pub.path, &f, d);
	}
}
