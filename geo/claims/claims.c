/* SPDX-License-Identifier: BSD-2-Clause */
/* claims.c - what parsers call: ranges added to a source, and what is said of them interned. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/utf8.h"
#include "geo/claims/store.h"
#include "geo/facts/operator.h"

#define TEXT_MAX 256 /* bytes of a name */

int claims_open(struct places *p, const char *path, enum source_kind kind, struct claims *ret,
		struct diag_sink *d)
{
	struct source_data *s;

	if (p->nsources == SOURCES_MAX) {
		diag_error(d, path, 0, "is one source too many; at most %d are read", SOURCES_MAX);
		return -E2BIG;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->pub.path = strdup(path);
	if (!s->pub.path) {
		free(s);
		return -ENOMEM;
	}
	s->raw[1].is6 = s->flat[1].is6 = true;
	p->sources[p->nsources++] = s;
	*ret = (struct claims){p, s, d};
	claims_kind(ret, kind);
	return 0;
}

static int add(struct claims *c, int is6, const struct span *span)
{
	struct spans *s = &c->s->raw[is6];

	if (s->n >= SOURCE_CLAIMS_MAX) {
		claims_error(c, 0, "has more than %u ranges", SOURCE_CLAIMS_MAX);
		return -E2BIG;
	}
	if (span->first > span->last)
		return claims_error(c, span->where, "a range ends before it begins");
	return spans_add(s, span);
}

int claims_add4(struct claims *c, uint32_t first, uint32_t last, uint32_t claim_value,
		uint32_t where)
{
	return add(c, 0, &(struct span){first, last, claim_value, where});
}

int claims_add6(struct claims *c, const uint64_t first[2], const uint64_t last[2],
		uint32_t claim_value, uint32_t where)
{
	return add(c, 1,
		   &(struct span){U128(first[0], first[1]), U128(last[0], last[1]), claim_value,
				  where});
}

int claims_value(struct claims *c, const struct claim *claim, uint32_t *ret)
{
	const struct claim_value s = {
		.asn = claim->asn,
		.operator= claim->operator,
		.country = claim->country,
		.jurisdiction = claim->jurisdiction,
		.provider = claim->provider,
		.platform = claim->platform,
		.region = claim->region,
		.service = claim->service,
		.status = claim->status,
		.grade = claim->grade,
		.reason = claim->reason,
		.flags = claim->flags,
		.inner = claim->inner,
	};
	int r = intern_add(&c->p->claim_values, &s, ret);

	c->s->asns |= claim->asn != 0;
	if (r == -E2BIG)
		claims_error(c, claim->where, "says more than %u different things",
			     PLACES_VALUES_MAX);
	return r;
}

int claims_add(struct claims *c, const struct claim *claim)
{
	bool is6 = claim->first.v == 6;
	uint32_t claim_value;
	int r;

	if (claim->first.v != claim->last.v || (claim->first.v != 4 && !is6))
		return claims_error(c, claim->where,
				    "a range goes from one address family to another");
	r = claims_value(c, claim, &claim_value);
	if (r)
		return r;
	return add(c, is6,
		   &(struct span){ip_number(&claim->first), ip_number(&claim->last), claim_value,
				  claim->where});
}

int claims_add_cidr(struct claims *c, struct claim *claim, const struct cidr *prefix)
{
	claim->first = cidr_first(prefix);
	claim->last = cidr_last(prefix);
	return claims_add(c, claim);
}

int claims_name(struct claims *c, const char *s, size_t n, uint16_t *ret)
{
	char text[TEXT_MAX];
	uint32_t i;
	int r = texts_add(&c->p->names, text, utf8_clean(text, sizeof(text), s, n), &i);

	if (r == -E2BIG)
		claims_error(c, 0, "more than %d providers, platforms, regions and services",
			     PLACES_NAMES_MAX);
	if (!r)
		*ret = (uint16_t)i;
	return r;
}

/* Organisations are numbered above the names, so that one index says which of the two it is. */
int claims_operator(struct claims *c, const char *s, size_t n, uint32_t *ret)
{
	char text[TEXT_MAX];
	uint32_t i;
	int r = texts_add(&c->p->operators, text, utf8_clean(text, sizeof(text), s, n), &i);

	if (r == -E2BIG)
		claims_error(c, 0, "more than %u AS organisations", PLACES_OPERATORS_MAX);
	if (!r)
		*ret = i ? i + PLACES_NAMES_MAX + 1 : 0;
	return r;
}

static int name_if_unset(struct claims *c, uint16_t *field, const char *text)
{
	return *field ? 0 : claims_name(c, text, strlen(text), field);
}

int claims_law(struct claims *c, struct claim *claim, const char *organisation)
{
	const struct operator_entry *o = claim->asn ? operator_by_asn(claim->asn) : NULL;
	int r;

	if (!o && organisation && *organisation)
		o = operator_find(organisation);
	if (!o)
		return 0;
	if (o->platform) {
		r = name_if_unset(c, &claim->platform, o->key);
		if (!r)
			r = name_if_unset(c, &claim->provider, o->on);
	} else {
		r = name_if_unset(c, &claim->provider, o->key);
	}
	if (!r && !claim->jurisdiction)
		claim->jurisdiction = o->jurisdiction;
	return r;
}

void claims_date(struct claims *c, int64_t unix_seconds)
{
	c->s->pub.date = unix_seconds;
}

void claims_undated(struct claims *c)
{
	c->s->undated = true;
}

int claims_version(struct claims *c, const char *s, size_t n)
{
	free(c->s->pub.version);
	c->s->pub.version = strndup(s, n);
	return c->s->pub.version ? 0 : -ENOMEM;
}

void claims_kind(struct claims *c, enum source_kind kind)
{
	static const uint8_t grade[SOURCE_KINDS] = {
		[SOURCE_PLACE_LINES] = GRADE_CONFIGURED, [SOURCE_RANGES] = GRADE_OPERATOR,
		[SOURCE_GEOFEED] = GRADE_GEOFEED,	 [SOURCE_MMDB] = GRADE_MEASURED,
		[SOURCE_TEXT] = GRADE_REGISTRY,		 [SOURCE_REGISTRY] = GRADE_REGISTRY,
	};

	c->s->pub.kind = kind;
	c->s->pub.grade = grade[kind];
}

void claims_grade(struct claims *c, enum place_grade grade)
{
	c->s->pub.grade = (uint8_t)grade;
}

void claims_series(struct claims *c, const char *series)
{
	snprintf(c->s->pub.series, sizeof(c->s->pub.series), "%s", series);
}

void claims_vague(struct claims *c)
{
	c->s->pub.vague = true;
}

const char *claims_path(const struct claims *c)
{
	return c->s->pub.path;
}

uint64_t claims_count(const struct claims *c)
{
	return c->s->raw[0].n + c->s->raw[1].n;
}

static void say(struct claims *c, enum diag_level level, unsigned line, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));
static void say(struct claims *c, enum diag_level level, unsigned line, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	diag_at(c->d, level, c->s->pub.path, line, 0, 0, "%s", text);
}

int claims_error(struct claims *c, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, DIAG_ERROR, line, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void claims_warn(struct claims *c, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, DIAG_WARNING, line, fmt, ap);
	va_end(ap);
}
