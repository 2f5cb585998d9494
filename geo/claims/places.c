/* SPDX-License-Identifier: BSD-2-Clause */
/* places.c - what the places database answers: which place, by which claims, from which files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "geo/claims/store.h"

struct places *places_new(void)
{
	struct places *p = calloc(1, sizeof(*p));
	static const struct claim_value nothing;
	static const struct place unknown;
	uint32_t i;

	if (!p)
		return NULL;
	if (texts_init(&p->names, PLACES_NAMES_MAX) ||
	    texts_init(&p->operators, PLACES_OPERATORS_MAX) ||
	    intern_init(&p->claim_values, sizeof(struct claim_value), PLACES_VALUES_MAX) ||
	    intern_init(&p->places, sizeof(struct place), PLACE_CLASSES_MAX) ||
	    intern_add(&p->claim_values, &nothing, &i) || intern_add(&p->places, &unknown, &i)) {
		places_free(p);
		return NULL;
	}
	return p;
}

static void source_free(struct source_data *s)
{
	for (int i = 0; i < 2; i++) {
		spans_drop(&s->raw[i]);
		spans_drop(&s->flat[i]);
	}
	evidence_drop(s);
	free(s->pub.path);
	free(s->pub.version);
	free(s);
}

void places_free(struct places *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nsources; i++)
		source_free(p->sources[i]);
	texts_drop(&p->names);
	texts_drop(&p->operators);
	intern_drop(&p->claim_values);
	intern_drop(&p->places);
	free(p->r4);
	free(p->r6);
	free(p->nat64);
	free(p);
}

uint32_t places_count(const struct places *p)
{
	return (uint32_t)p->places.n;
}

const struct place *places_get(const struct places *p, uint32_t i)
{
	return intern_get(&p->places, i < p->places.n ? i : 0);
}

const char *places_string(const struct places *p, uint32_t i)
{
	if (i <= PLACES_NAMES_MAX)
		return i < p->names.n ? p->names.v[i] : "";
	i -= PLACES_NAMES_MAX + 1;
	return i < p->operators.n ? p->operators.v[i] : "";
}

int places_find_string(const struct places *p, const char *s)
{
	return (int)texts_find(&p->names, s, strlen(s));
}

const struct cidr *places_nat64(const struct places *p, size_t *n)
{
	*n = p->nnat64;
	return p->nat64;
}

const struct range4 *places_ranges4(const struct places *p, size_t *n)
{
	*n = p->n4;
	return p->r4;
}

const struct range6 *places_ranges6(const struct places *p, size_t *n)
{
	*n = p->n6;
	return p->r6;
}

static uint32_t lookup4(const struct places *p, uint32_t address)
{
	size_t lo = 0, n = p->n4;

	while (n > 1) {
		size_t half = n / 2;

		if (p->r4[lo + half].first <= address)
			lo += half;
		n -= half;
	}
	return p->r4[lo].place;
}

static uint32_t lookup6(const struct places *p, u128 address)
{
	size_t lo = 0, n = p->n6;

	while (n > 1) {
		size_t half = n / 2;
		const struct range6 *r = &p->r6[lo + half];

		if (U128(r->hi, r->lo) <= address)
			lo += half;
		n -= half;
	}
	return p->r6[lo].place;
}

uint32_t places_lookup(const struct places *p, const struct ip *ip)
{
	if (ip->v == 4)
		return lookup4(p, ip_v4(ip));
	return ip->v == 6 ? lookup6(p, ip_number(ip)) : 0;
}

size_t places_sources(const struct places *p)
{
	return p->nsources;
}

const struct source *places_source(const struct places *p, size_t i)
{
	return i < p->nsources ? &p->sources[i]->pub : NULL;
}

/* The given sources first, then what stands in each of them. What has no room has the number of its
 * places.mmdb. */
uint8_t places_number(const struct places *p, size_t source, unsigned inner)
{
	size_t n = p->nsources + inner;

	if (!inner || inner > p->sources[source]->ninner)
		return (uint8_t)(source + 1);
	for (size_t i = 0; i < source; i++)
		n += p->sources[i]->ninner;
	return (uint8_t)(n <= UINT8_MAX ? n : source + 1);
}

const struct source *places_numbered(const struct places *p, uint8_t number,
				     const struct source **given)
{
	size_t n = number;

	*given = NULL;
	if (!n)
		return NULL;
	if (n <= p->nsources)
		return *given = &p->sources[n - 1]->pub;
	n -= p->nsources + 1;
	for (size_t i = 0; i < p->nsources; i++) {
		const struct source_data *s = p->sources[i];

		*given = &s->pub;
		if (n < s->ninner)
			return s->inner[n];
		n -= s->ninner;
	}
	return *given = NULL;
}

static void fill_claim(const struct places *p, struct claim *c, bool is6, const struct span *span,
		       uint32_t claim_value)
{
	const struct claim_value *s = places_claim_value(p, claim_value);

	*c = (struct claim){
		.first = ip_from_number(is6, span->first),
		.last = ip_from_number(is6, span->last),
		.country = s->country,
		.provider = s->provider,
		.platform = s->platform,
		.region = s->region,
		.service = s->service,
		.jurisdiction = s->jurisdiction,
		.status = s->status,
		.grade = s->grade,
		.reason = s->reason,
		.flags = s->flags,
		.inner = s->inner,
		.asn = s->asn,
		.operator= s->operator,
		.where = span->where,
	};
}

/* The span that the source's most specific claim has for the address, with all that is said there.
 */
static bool span_at(const struct source_data *s, const struct ip *ip, struct span *ret)
{
	bool is6 = ip->v == 6;
	const struct spans *flat = source_flat(s, is6);
	size_t i = spans_find(flat, ip_number(ip));

	if (i == SIZE_MAX)
		return false;
	*ret = spans_get(flat, i);
	if (!s->disjoint[is6]) {
		uint32_t claim_value = ret->claim_value;

		*ret = spans_get(&s->raw[is6], ret->where);
		ret->claim_value = claim_value;
	}
	return true;
}

static void claim_of(const struct places *p, const struct source_data *s, bool is6,
		     const struct span *span, struct claim_of *out)
{
	out->source = &s->pub;
	out->key[0] = '\0';
	fill_claim(p, &out->claim, is6, span, span->claim_value);
	if (s->key)
		s->key(out->key, &out->claim);
	else if (out->claim.where)
		snprintf(out->key, sizeof(out->key), "line %u", out->claim.where);
}

/* What a places.mmdb was told by the files it was made of stands behind what it says itself. */
static size_t evidence_at(const struct places *p, const struct source_data *s, bool is6,
			  const struct span *span, struct claim_of *out, size_t max)
{
	const struct evidence *e;
	size_t n = evidence_of(s, span->where, &e);

	for (size_t i = 0; i < n && i < max; i++) {
		out[i].source = s->inner[e[i].inner];
		fill_claim(p, &out[i].claim, is6, span, e[i].claim_value);
		out[i].claim.where = e[i].line;
		out[i].key[0] = '\0';
		if (e[i].key)
			snprintf(out[i].key, sizeof(out[i].key), "%s", places_string(p, e[i].key));
		else if (e[i].line)
			snprintf(out[i].key, sizeof(out[i].key), "line %u", e[i].line);
	}
	return n < max ? n : max;
}

size_t places_claims(const struct places *p, const struct ip *ip, struct claim_of *out, size_t max)
{
	size_t n = 0;
	struct span span;

	if (ip->v != 4 && ip->v != 6)
		return 0;
	for (int rank = 0; rank < SOURCE_RANKS; rank++) {
		for (size_t i = 0; i < p->nsources && n < max; i++) {
			const struct source_data *s = p->sources[i];

			if (source_rank(s) != rank || !span_at(s, ip, &span))
				continue;
			claim_of(p, s, ip->v == 6, &span, &out[n++]);
			if (s->nevidence)
				n += evidence_at(p, s, ip->v == 6, &span, out + n, max - n);
		}
	}
	return n;
}

static size_t asn_ranges_of(const struct places *p, const struct spans *s, uint32_t asn,
			    void (*fn)(void *arg, const struct ip *first, const struct ip *last),
			    void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct span span = spans_get(s, i);
		struct ip first, last;

		if (places_claim_value(p, span.claim_value)->asn != asn)
			continue;
		first = ip_from_number(s->is6, span.first);
		last = ip_from_number(s->is6, span.last);
		fn(arg, &first, &last);
		n++;
	}
	return n;
}

size_t places_asn_ranges(const struct places *p, uint32_t asn,
			 void (*fn)(void *arg, const struct ip *first, const struct ip *last),
			 void *arg)
{
	size_t n = 0;

	for (size_t i = 0; asn && i < p->nsources; i++) {
		if (!p->sources[i]->asns)
			continue;
		n += asn_ranges_of(p, source_flat(p->sources[i], 0), asn, fn, arg);
		n += asn_ranges_of(p, source_flat(p->sources[i], 1), asn, fn, arg);
	}
	return n;
}

int64_t places_age(const struct places *p, int64_t now)
{
	int64_t age = 0;

	for (size_t i = 0; i < p->nsources; i++) {
		const struct source *s = &p->sources[i]->pub;

		if (s->kind != SOURCE_PLACE_LINES && s->kind != SOURCE_ASN &&
		    s->kind != SOURCE_REFUTED && now - s->date > age)
			age = now - s->date;
	}
	return age;
}
