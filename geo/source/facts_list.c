/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts_list.c - the shipped lists of prefixes (geo/data/facts/NAME.ranges, made by make-facts.py).
 *
 *	#cordon-ranges 1
 *	#operator aws				whose; none in a list of AS numbers
 *	#kind ranges				ranges, ranges-vague (names no region), geofeed or asn
 *	#date 2026-08-22T15:17:05Z		when the operator made it, else when it was copied
 *	#version, #file, #sha256, #published, #copy, #licence
 *	@	eu-central-1	EC2	-	region, service, country: of the prefixes below
 *	3.64.0.0/12
 *
 * A group of a list of AS numbers is '@ <number> <organisation>'. Fields are separated by tabs; '-'
 * is nothing. The files are checked against FACTS when the program starts, so nothing is skipped: a
 * line that does not read is an error of the file. Which country a region is in stands in
 * regions.tsv alone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/facts/region.h"
#include "geo/source/provider.h"

#define MAGIC  "#cordon-ranges 1\n"
#define FIELDS 4

struct list {
	struct ranges *c;
	const struct operator_entry *op;
	bool asn, grouped, vague;
	struct claim group; /* what is said of the prefixes that follow */
	unsigned line;
};

static int bad(struct list *l, const char *what)
{
	claims_error(l->c->to, l->line, "%s", what);
	return -EINVAL;
}

static int kind(struct list *l, const char *value)
{
	if (!strcmp(value, "geofeed")) {
		claims_kind(l->c->to, SOURCE_GEOFEED);
	} else if (!strcmp(value, "asn")) {
		claims_kind(l->c->to, SOURCE_ASN);
		l->asn = true;
	} else if (!strcmp(value, "ranges-vague")) {
		claims_vague(l->c->to);
		l->vague = true;
	} else if (strcmp(value, "ranges")) {
		return bad(l, "a kind that is none of ranges, ranges-vague, geofeed, asn");
	}
	return 0;
}

/* '#key value'; keys that say nothing to a program are for people. */
static int head(struct list *l, char *text)
{
	char *value = strchr(text, ' ');

	if (!value)
		return 0;
	*value++ = '\0';
	if (!strcmp(text, "#kind"))
		return kind(l, value);
	if (!strcmp(text, "#date"))
		ranges_date(l->c, value);
	else if (!strcmp(text, "#version"))
		ranges_version(l->c, value);
	else if (!strcmp(text, "#operator") && !(l->op = operator_by_key(value)))
		return bad(l, "an operator that operators.tsv does not have");
	return 0;
}

static unsigned split(char *text, const char *field[FIELDS])
{
	unsigned n = 0;

	for (char *s = text; s && n < FIELDS; n++) {
		char *tab = strchr(s, '\t');

		if (tab)
			*tab++ = '\0';
		field[n] = strcmp(s, "-") ? s : "";
		s = tab;
	}
	return n;
}

static int group_of_asn(struct list *l, const char *number, const char *organisation)
{
	const struct operator_entry *op;
	uint64_t asn = 0;

	for (const char *s = number; *s >= '0' && *s <= '9' && asn <= UINT32_MAX; s++)
		asn = asn * 10 + (uint64_t)(*s - '0');
	if (!asn || asn > UINT32_MAX || number[strspn(number, "0123456789")])
		return bad(l, "a group without an AS number");
	l->group = (struct claim){.asn = (uint32_t)asn, .status = PLACE_KNOWN};
	op = operator_by_asn(l->group.asn);
	if (!op && *organisation)
		op = operator_find(organisation);
	if (*organisation)
		l->group.operator= ranges_operator(l->c, organisation);
	if (op)
		ranges_claim_operator(l->c, &l->group, op);
	return 0;
}

static int group_of_place(struct list *l, const char *region, const char *service,
			  const char *country)
{
	l->group = (struct claim){.status = PLACE_KNOWN};
	if (!l->op)
		return bad(l, "a group of nobody: '#operator' comes first");
	ranges_claim_operator(l->c, &l->group, l->op);
	if (*service)
		l->group.service = ranges_name(l->c, service);
	ranges_claim_region(l->c, &l->group, l->op->key, region);
	if (!*country)
		return 0;
	l->group.country = country_from_source(country, strlen(country));
	l->group.status = PLACE_KNOWN;
	return l->group.country ? 0 : bad(l, "a group in a country that is none");
}

static int group(struct list *l, char *text)
{
	const char *field[FIELDS] = {"", "", "", ""};
	unsigned n = split(text, field);

	l->grouped = true;
	if (n != (l->asn ? 3 : 4))
		return bad(l, "a group of too few or too many fields");
	return l->asn ? group_of_asn(l, field[1], field[2])
		      : group_of_place(l, field[1], field[2], field[3]);
}

static int prefix(struct list *l, const char *text)
{
	struct claim where;

	if (!l->grouped)
		return bad(l, "a prefix before the first group");
	if (ranges_claim_prefix(&where, text))
		return bad(l, "expected a prefix");
	l->group.first = where.first;
	l->group.last = where.last;
	l->group.where = l->line;
	return ranges_add(l->c, &l->group);
}

static int line(struct list *l, char *text)
{
	if (*text == '#')
		return head(l, text);
	return *text == '@' ? group(l, text) : prefix(l, text);
}

static int read_list(struct ranges *c)
{
	const struct bytes b = {(const uint8_t *)c->text, c->len};
	struct source_line at = {0};
	struct list l = {.c = c};
	size_t next = 0;
	int r = 0;

	while (!r && source_next_line(&b, &next, &at)) {
		char text[512];

		l.line = at.number;
		if (at.n >= sizeof(text) || memchr(at.p, '\0', at.n))
			return bad(&l, "an overlong line, or a NUL");
		memcpy(text, at.p, at.n);
		text[at.n] = '\0';
		r = line(&l, text);
	}
	if (!r && c->len && c->text[c->len - 1] != '\n')
		return bad(&l, "ends in the middle of a line: the file is truncated");
	if (l.op && l.op->publishes_regions && !l.asn) {
		char series[24];

		snprintf(series, sizeof(series), "%.12s%s", l.op->key, l.vague ? "-all" : "");
		claims_series(c->to, series);
	}
	/* what is silent stands where the prefix around it does: a service without a region */
	return r ? r : ranges_settle(c, NULL, !l.asn);
}

bool facts_list_probe(const struct bytes *b)
{
	return b->n >= sizeof(MAGIC) - 1 && !memcmp(b->p, MAGIC, sizeof(MAGIC) - 1);
}

int facts_list_parse(struct claims *to, const struct bytes *b)
{
	struct ranges c = {.to = to, .text = (const char *)b->p, .len = b->n};
	int r = read_list(&c);

	if (!r)
		r = ranges_finish(&c);
	ranges_free(&c);
	return r;
}
