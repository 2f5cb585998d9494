/* SPDX-License-Identifier: BSD-2-Clause */
/* ranges.c - the growing list of a file's claims, and what happens when one file says two things of
 * one prefix. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "geo/source/ranges.h"
#include "geo/facts/region.h"

int ranges_add(struct ranges *c, const struct claim *claim)
{
	if (c->n == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : 1024;
		struct claim *v;

		if (capacity > SOURCE_CLAIMS_MAX) {
			claims_error(c->to, 0, "over %u claims: too many for one source",
				     SOURCE_CLAIMS_MAX);
			return -E2BIG;
		}
		v = reallocarray(c->v, capacity, sizeof(*v));
		if (!v) {
			claims_error(c->to, 0, "out of memory after %zu claims", c->n);
			return -ENOMEM;
		}
		c->v = v;
		c->capacity = capacity;
	}
	c->v[c->n++] = *claim;
	return 0;
}

void ranges_free(struct ranges *c)
{
	free(c->v);
	c->v = NULL;
	c->n = c->capacity = 0;
}

int ranges_error(struct ranges *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return claims_error(c->to, 0, "%s", text);
}

uint16_t ranges_name(struct ranges *c, const char *s)
{
	uint16_t ret = 0;
	int r = claims_name(c->to, s, strlen(s), &ret);

	if (r)
		c->failed = r;
	return ret;
}

uint32_t ranges_operator(struct ranges *c, const char *s)
{
	uint32_t ret = 0;
	int r = claims_operator(c->to, s, strlen(s), &ret);

	if (r)
		c->failed = r;
	return ret;
}

void ranges_version(struct ranges *c, const char *s)
{
	int r = *s ? claims_version(c->to, s, strnlen(s, 64)) : 0;

	if (r)
		c->failed = r;
}

void ranges_date(struct ranges *c, const char *text)
{
	int64_t date = ranges_parse_date(text);

	if (date)
		claims_date(c->to, date);
}

int ranges_finish(struct ranges *c)
{
	for (size_t i = 0; i < c->n && !c->failed; i++)
		c->failed = claims_add(c->to, &c->v[i]);
	return c->failed;
}

int ranges_claim_prefix(struct claim *ret, const char *text)
{
	struct cidr cidr;
	int r = cidr_parse(&cidr, text);

	if (r)
		return r;
	*ret = (struct claim){.first = cidr_first(&cidr), .last = cidr_last(&cidr)};
	return 0;
}

void ranges_claim_operator(struct ranges *c, struct claim *ret, const struct operator_entry *op)
{
	ret->jurisdiction = op->jurisdiction;
	if (!op->platform) {
		ret->provider = ranges_name(c, op->key);
		return;
	}
	ret->platform = ranges_name(c, op->key);
	if (*op->on)
		ret->provider = ranges_name(c, op->on);
}

/* The words of providers for 'nowhere in particular'. */
static bool ranges_nowhere(const char *region)
{
	return !*region || !strcasecmp(region, "global");
}

void ranges_claim_region(struct ranges *c, struct claim *ret, const char *provider,
			 const char *region)
{
	const struct region *row = region_find(provider, region);

	ret->region = *region ? ranges_name(c, row ? row->name : region) : 0;
	ret->country = row && row->confirmed ? row->country : 0;
	ret->status = ret->country ? PLACE_KNOWN : PLACE_UNPROVABLE;
	ret->reason = ret->country	       ? REASON_NONE
		      : ranges_nowhere(region) ? REASON_ANYCAST
					       : REASON_REGION;
}

/* By first address, then the wider, then the order in the file, so that settling is the same on
 * every run. */
static int claim_cmp(const void *x, const void *y)
{
	const struct claim *a = x, *b = y;
	int c = ip_cmp(&a->first, &b->first);

	if (!c)
		c = ip_cmp(&b->last, &a->last);
	return c ? c : (a->where > b->where) - (a->where < b->where);
}

static bool same_range(const struct claim *a, const struct claim *b)
{
	return !ip_cmp(&a->first, &b->first) && !ip_cmp(&a->last, &b->last);
}

static bool silent(const struct claim *c)
{
	return !c->country && !c->region;
}

static void take_place(struct claim *a, const struct claim *b)
{
	a->country = b->country;
	a->region = b->region;
	a->status = b->status;
	a->reason = b->reason;
}

/* Keep in a what is to stand for both; true when they name two different places. */
static bool absorb(struct claim *a, const struct claim *b)
{
	if (!a->service && b->service) {
		a->service = b->service;
		a->where = b->where;
	}
	if (!a->asn) {
		a->asn = b->asn;
		a->operator= b->operator;
	}
	if (silent(a))
		take_place(a, b);
	if (a->provider == b->provider && a->platform == b->platform &&
	    (silent(b) || (a->country == b->country && a->region == b->region)))
		return false;
	a->region = 0;
	if (a->country != b->country) {
		a->status = PLACE_UNPROVABLE;
		a->reason = REASON_TWICE;
		a->country = 0;
	}
	return true;
}

/* Prefixes nest: a stack of those around the current one is never deeper than the length of an
 * address in bits. */
static void inherit(struct ranges *c)
{
	const struct claim *around[129];
	size_t depth = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct claim *v = &c->v[i];

		while (depth && ip_cmp(&around[depth - 1]->last, &v->first) < 0)
			depth--;
		if (!silent(v)) {
			if (depth < sizeof(around) / sizeof(around[0]))
				around[depth++] = v;
		} else if (depth) {
			take_place(v, around[depth - 1]);
		}
	}
}

static void merge_same(struct ranges *c)
{
	char text[IP_STRLEN];
	size_t out = 0, torn = 0;

	for (size_t i = 1; i < c->n; i++) {
		if (!same_range(&c->v[out], &c->v[i]))
			c->v[++out] = c->v[i];
		else if (absorb(&c->v[out], &c->v[i]) && !torn++)
			claims_warn(c->to, 0,
				    "%s is published twice, with two regions or operators",
				    ip_format(text, &c->v[i].first));
	}
	c->n = out + 1;
	if (torn > 1)
		claims_warn(c->to, 0, "%zu prefixes in all are published twice and differ", torn);
}

int ranges_settle(struct ranges *c, const char *generic, bool silent_inherits)
{
	uint16_t service = generic ? ranges_name(c, generic) : 0;

	if (!c->n)
		return 0;
	qsort(c->v, c->n, sizeof(*c->v), claim_cmp);
	merge_same(c);
	if (silent_inherits)
		inherit(c);
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].service)
			c->v[i].service = service;
	return 0;
}

static int64_t date_digits(const char *text, size_t n)
{
	int64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (text[i] - '0');
	return n == 16 ? v / 1000000 : n == 13 ? v / 1000 : v;
}

int64_t ranges_parse_date(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	struct tm tm = {.tm_mday = 1};
	const char *end;

	if (!text[digits] && (digits == 10 || digits == 13 || digits == 16))
		return date_digits(text, digits);
	end = strptime(text, "%Y-%m-%d", &tm);
	if (!end)
		return 0;
	if (*end == 'T' || *end == '-' || *end == ' ') {
		const char *time = end + 1;

		end = strptime(time, "%H:%M:%S", &tm);
		if (!end)
			end = strptime(time, "%H-%M-%S", &tm);
		if (!end)
			return 0;
	}
	return (int64_t)timegm(&tm);
}
