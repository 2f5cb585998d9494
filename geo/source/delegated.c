/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * delegated.c - the registries' files of what they delegated (delegated-NAME-extended-latest):
 *
 *	2|ripencc|1795388399|250000|19830705|20261122|+0100	version, with the day of the newest record
 *	ripencc|*|ipv4|*|90000|summary
 *	ripencc|FR|ipv4|193.0.4.0|512|19930901|allocated|opaque-id	512 addresses, which may be no prefix
 *	ripencc|DE|ipv6|2001:600::|32|19990826|allocated|opaque-id	a prefix length
 *
 * The country is that of whoever registered: it is kept as evidence, and says of no address where its machine
 * is. AS numbers are left out: a country of theirs is no place either. NRO, RIR statistics exchange format 2.2.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "geo/source/provider.h"

#define FIELDS	 8
#define LINE_MAX 512

static bool is_registry(const char *s)
{
	static const char *const names[] = {"afrinic", "apnic",	 "arin",
					    "iana",    "lacnic", "ripencc"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(s, names[i]))
			return true;
	return false;
}

/* The fields of a line in text, or 0: too long, or with a NUL. */
static unsigned split(char text[LINE_MAX], const struct source_line *l, char *field[FIELDS])
{
	char *rest = text;
	unsigned n = 0;

	if (l->n >= LINE_MAX || memchr(l->p, '\0', l->n))
		return 0;
	memcpy(text, l->p, l->n);
	text[l->n] = '\0';
	while (rest && n < FIELDS)
		field[n++] = strsep(&rest, "|");
	return n;
}

static bool is_version(char *const *field, unsigned n)
{
	return n >= 7 && field[0][0] == '2' && (!field[0][1] || field[0][1] == '.') &&
	       is_registry(field[1]);
}

bool delegated_probe(const struct bytes *b)
{
	struct source_line l = {0};
	char text[LINE_MAX], *field[FIELDS];
	size_t at = 0;
	unsigned n;

	while (source_next_line(b, &at, &l))
		if (l.n && *l.p != '#') {
			n = split(text, &l, field);
			return is_version(field, n) || (n >= 6 && is_registry(field[0]));
		}
	return false;
}

static bool number(const char *s, uint64_t max, uint64_t *ret)
{
	*ret = 0;
	if (!*s || strlen(s) > 10 || s[strspn(s, "0123456789")])
		return false;
	for (; *s; s++)
		*ret = *ret * 10 + (uint64_t)(*s - '0');
	return *ret && *ret <= max;
}

/* 0, or -EINVAL. */
static int range_of(char *const *field, struct claim *ret)
{
	bool is6 = !strcmp(field[2], "ipv6");
	struct ip first;
	uint64_t n;

	if (ip_parse(&first, field[3]) || (first.v == 6) != is6 ||
	    !number(field[4], is6 ? 128 : 1ull << 32, &n))
		return -EINVAL;
	ret->first = first;
	if (is6) {
		char text[IP_STRLEN + 8];
		struct cidr c;

		snprintf(text, sizeof(text), "%s/%s", field[3], field[4]);
		if (cidr_parse(&c, text))
			return -EINVAL; /* bits beyond its length, too */
		ret->last = cidr_last(&c);
		return 0;
	}
	if (n - 1 > UINT32_MAX - (uint64_t)ip_number(&first))
		return -EINVAL;
	ret->last = ip_from_number(false, ip_number(&first) + n - 1);
	return 0;
}

static void take_date(struct claims *to, const char *day)
{
	struct tm tm = {0};
	const char *end = strlen(day) == 8 ? strptime(day, "%Y%m%d", &tm) : NULL;

	if (end && !*end)
		claims_date(to, (int64_t)timegm(&tm));
}

static int add(struct ranges *c, char *const *field, unsigned n, unsigned line)
{
	struct claim claim = {.status = PLACE_UNPROVABLE, .reason = REASON_REGISTRY, .where = line};

	if (is_version(field, n)) {
		take_date(c->to, field[5]);
		return 0;
	}
	if (n < 6 || !is_registry(field[0]))
		return -EINVAL;
	if (!strcmp(field[1], "*") || !strcmp(field[2], "asn") || n < 7 ||
	    (strcmp(field[6], "allocated") && strcmp(field[6], "assigned")))
		return 0; /* a sum, no address, or nobody's */
	if ((strcmp(field[2], "ipv4") && strcmp(field[2], "ipv6")) || range_of(field, &claim))
		return -EINVAL;
	claim.country = country_from_source(field[1], strlen(field[1]));
	return claim.country ? ranges_add(c, &claim) : 0;
}

static int read_all(struct ranges *c, const struct bytes *b)
{
	struct source_line l = {0};
	size_t at = 0, skipped = 0;
	unsigned first = 0, n;
	int r = 0;

	while (!r && source_next_line(b, &at, &l)) {
		char text[LINE_MAX], *field[FIELDS];

		if (!l.n || *l.p == '#')
			continue;
		n = split(text, &l, field);
		r = n ? add(c, field, n, l.number) : -EINVAL;
		if (r == -EINVAL) {
			first = skipped++ ? first : l.number;
			r = 0;
		}
	}
	if (!r && skipped)
		claims_warn(
			c->to, first,
			"skipped: no record of the registries' exchange format (%zu line%s in all)",
			skipped, skipped == 1 ? "" : "s");
	return r ? r : ranges_settle(c, NULL, false);
}

int delegated_parse(struct claims *to, const struct bytes *b)
{
	struct ranges c = {.to = to, .text = (const char *)b->p, .len = b->n};
	int r = read_all(&c, b);

	if (!r)
		r = ranges_finish(&c);
	ranges_free(&c);
	return r;
}
