/* SPDX-License-Identifier: BSD-2-Clause */
/* iptoasn.c - the free table of iptoasn.com (public domain): first, last, AS number, country,
 * description, separated by tabs; addresses as text, or as numbers in the -u32 edition. The country is
 * that of the AS number's registration: it says nothing of where machines are and is not read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/provider.h"

#define FIELDS 5

struct row {
	struct ip first, last;
	uint64_t asn;
	char organisation[256];
};

static int number(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s || strlen(s) > 10 || s[strspn(s, "0123456789")])
		return -EINVAL;
	for (; *s; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	*ret = v;
	return v > max ? -EINVAL : 0;
}

static int address(const char *s, struct ip *ret)
{
	uint64_t v;

	if (!ip_parse(ret, s))
		return 0;
	if (number(s, UINT32_MAX, &v))
		return -EINVAL;
	*ret = ip_from_number(false, v);
	return 0;
}

/* The line cut at its tabs; a description may be missing. */
static int read_row(const struct source_line *l, struct row *ret)
{
	char text[1024], *field[FIELDS] = {0}, *rest = text;
	size_t n;

	if (l->n >= sizeof(text) || memchr(l->p, '\0', l->n))
		return -EINVAL;
	memcpy(text, l->p, l->n);
	text[l->n] = '\0';
	for (n = 0; n < FIELDS && rest; n++)
		field[n] = strsep(&rest, "\t");
	if (n < 4 || address(field[0], &ret->first) || address(field[1], &ret->last) ||
	    ret->first.v != ret->last.v || ip_cmp(&ret->first, &ret->last) > 0 ||
	    number(field[2], UINT32_MAX, &ret->asn))
		return -EINVAL;
	snprintf(ret->organisation, sizeof(ret->organisation), "%s", field[4] ? field[4] : "");
	return 0;
}

bool iptoasn_probe(const struct bytes *b)
{
	struct source_line l = {0};
	struct row row;
	size_t at = 0;

	return source_next_line(b, &at, &l) && !read_row(&l, &row);
}

/* AS 0 is 'Not routed': nobody is named. */
static int add(struct ranges *c, const struct row *row, unsigned line)
{
	struct claim claim = {.first = row->first,
			      .last = row->last,
			      .asn = (uint32_t)row->asn,
			      .status = PLACE_KNOWN,
			      .where = line};
	const struct operator_entry *op = operator_by_asn(claim.asn);

	if (!claim.asn)
		return 0;
	if (*row->organisation)
		claim.operator= ranges_operator(c, row->organisation);
	if (!op && *row->organisation)
		op = operator_find(row->organisation);
	if (op)
		ranges_claim_operator(c, &claim, op);
	return ranges_add(c, &claim);
}

static int read_all(struct ranges *c, const struct bytes *b)
{
	struct source_line l = {0};
	size_t at = 0, skipped = 0;
	unsigned first = 0;
	struct row row;
	int r = 0;

	while (!r && source_next_line(b, &at, &l)) {
		if (!l.n || *l.p == '#')
			continue;
		if (!read_row(&l, &row))
			r = add(c, &row, l.number);
		else if (!skipped++)
			first = l.number;
	}
	if (!r && skipped)
		claims_warn(c->to, first,
			    "skipped: not 'first, last, AS number, country, description' "
			    "(%zu line%s in all)",
			    skipped, skipped == 1 ? "" : "s");
	return r ? r : ranges_settle(c, NULL, false);
}

int iptoasn_parse(struct claims *to, const struct bytes *b)
{
	struct ranges c = {.to = to, .text = (const char *)b->p, .len = b->n};
	int r = read_all(&c, b);

	if (!r)
		r = ranges_finish(&c);
	ranges_free(&c);
	return r;
}
