/* SPDX-License-Identifier: BSD-2-Clause */
/* asn_csv.c - lists that name an operator a prefix: prefix,asn,org; first,last,asn,org;
 * prefix,operator; Clever Cloud's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "geo/source/provider.h"

static bool header(const struct csv *csv, const char *a, const char *b, const char *third)
{
	return csv->nfields >= (third ? 3u : 2u) && !strcasecmp(csv->field[0], a) &&
	       !strcasecmp(csv->field[1], b) && (!third || !strcasecmp(csv->field[2], third));
}

static int bad(struct ranges *c, const struct csv *csv, const char *what, const char *field)
{
	claims_error(c->to, csv->line, "'%.64s' is not %s", field, what);
	return -EINVAL;
}

static int wrong_count(struct ranges *c, const struct csv *csv, const char *want)
{
	claims_error(c->to, csv->line, "%u fields, not '%s'", csv->nfields, want);
	return -EINVAL;
}

/* "13335" or "AS13335" */
static int parse_asn(const char *text, uint32_t *ret)
{
	uint64_t v = 0;

	if (!strncasecmp(text, "AS", 2))
		text += 2;
	if (!*text || strlen(text) > 10 || text[strspn(text, "0123456789")])
		return -EINVAL;
	for (; *text; text++)
		v = v * 10 + (uint64_t)(*text - '0');
	if (v > UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)v;
	return 0;
}

/* One record after another through fn, from the line after the header when there is one. */
static int each(struct ranges *c, bool skip_header,
		int (*fn)(struct ranges *c, const struct csv *csv, struct claim *ret))
{
	struct csv csv;
	int r;

	csv_open(&csv, c->text, c->len);
	while ((r = csv_next(&csv)) > 0) {
		struct claim claim;

		if (skip_header) {
			skip_header = false;
			continue;
		}
		r = fn(c, &csv, &claim);
		if (r)
			return r;
		claim.where = csv.line;
		r = ranges_add(c, &claim);
		if (r)
			return r;
	}
	if (r == -E2BIG)
		claims_error(c->to, csv.line, "a line of over %d bytes or %d fields", CSV_LINE,
			     CSV_FIELDS);
	else if (r)
		claims_error(c->to, csv.line, "an unclosed quote or a NUL");
	return r ? r : ranges_settle(c, NULL, false);
}

/* An AS names who operates, never where: provider and law come from the tables, the country from
 * elsewhere. */
static int asn_fields(struct ranges *c, const struct csv *csv, struct claim *claim, unsigned at)
{
	const char *org = csv->nfields > at + 1 ? csv->field[at + 1] : "";
	const struct operator_entry *op;

	if (parse_asn(csv->field[at], &claim->asn))
		return bad(c, csv, "an AS number", csv->field[at]);
	if (*org)
		claim->operator= ranges_operator(c, org);
	op = operator_by_asn(claim->asn);
	if (!op && *org)
		op = operator_find(org);
	if (op)
		ranges_claim_operator(c, claim, op);
	claim->status = PLACE_KNOWN;
	return 0;
}

static int prefix_asn(struct ranges *c, const struct csv *csv, struct claim *claim)
{
	if (csv->nfields < 2)
		return wrong_count(c, csv, "prefix,asn,org");
	if (ranges_claim_prefix(claim, csv->field[0]))
		return bad(c, csv, "a prefix", csv->field[0]);
	return asn_fields(c, csv, claim, 1);
}

static int range_asn(struct ranges *c, const struct csv *csv, struct claim *claim)
{
	*claim = (struct claim){0};
	if (csv->nfields < 3)
		return wrong_count(c, csv, "first,last,asn,org");
	if (ip_parse(&claim->first, csv->field[0]))
		return bad(c, csv, "an address", csv->field[0]);
	if (ip_parse(&claim->last, csv->field[1]) || claim->first.v != claim->last.v ||
	    ip_cmp(&claim->first, &claim->last) > 0)
		return bad(c, csv, "the last address of a range from the first", csv->field[1]);
	return asn_fields(c, csv, claim, 2);
}

static bool is_range(const struct csv *first)
{
	struct ip ip;
	uint32_t asn;

	return first->nfields >= 3 && !ip_parse(&ip, first->field[0]) &&
	       !ip_parse(&ip, first->field[1]) && !parse_asn(first->field[2], &asn);
}

bool asn_csv_is(const struct csv *first)
{
	return header(first, "prefix", "asn", NULL) || is_range(first);
}

int asn_csv_read(struct ranges *c)
{
	struct csv first;

	csv_open(&first, c->text, c->len);
	if (csv_next(&first) > 0 && is_range(&first))
		return each(c, false, range_asn);
	return each(c, true, prefix_asn);
}

/* An operator that is in no table is kept as a name: no law is guessed for it. */
static int prefix_operator(struct ranges *c, const struct csv *csv, struct claim *claim)
{
	const struct operator_entry *op;

	if (csv->nfields < 2 || !*csv->field[1])
		return wrong_count(c, csv, "prefix,operator");
	if (ranges_claim_prefix(claim, csv->field[0]))
		return bad(c, csv, "a prefix", csv->field[0]);
	op = operator_find(csv->field[1]);
	claim->operator= ranges_operator(c, csv->field[1]);
	if (op)
		ranges_claim_operator(c, claim, op);
	else
		claim->provider = ranges_name(c, csv->field[1]);
	claim->status = PLACE_KNOWN;
	return 0;
}

bool operator_csv_is(const struct csv *first)
{
	return header(first, "prefix", "operator", NULL);
}

int operator_csv_read(struct ranges *c)
{
	return each(c, true, prefix_operator);
}

static int clever(struct ranges *c, const struct csv *csv, struct claim *claim)
{
	if (csv->nfields < 3)
		return wrong_count(c, csv, "Type,Address,scope");
	if (ranges_claim_prefix(claim, csv->field[1]))
		return bad(c, csv, "a prefix", csv->field[1]);
	ranges_claim_operator(c, claim, operator_by_key("clevercloud"));
	ranges_claim_region(c, claim, "clevercloud", csv->field[2]);
	return 0;
}

bool clever_csv_is(const struct csv *first)
{
	return header(first, "Type", "Address", "scope");
}

int clever_csv_read(struct ranges *c)
{
	return each(c, true, clever);
}
