/* SPDX-License-Identifier: BSD-2-Clause */
/* geofeed.c - RFC 8805 geofeeds: prefix,alpha2,subdivision,city,postal, as a network
 * publishes of itself. */
#include <errno.h>
#include <string.h>
#include "geo/facts/country.h"
#include "geo/source/provider.h"

/*
 * An empty country means "do not place this" (RFC 8805 2.1.1.2): unprovable. A code that is none is
 * an error of that line; the RFC has readers discard such lines, so it is a warning and the rest is
 * read.
 */
static int one_line(struct ranges *c, const struct csv *csv)
{
	struct claim claim;
	const char *code;

	if (csv->nfields < 2 || ranges_claim_prefix(&claim, csv->field[0])) {
		claims_warn(c->to, csv->line, "skipped: '%.64s' is not 'prefix,country,...'",
			    csv->field[0]);
		return 0;
	}
	code = csv->field[1];
	claim.country = country_from_source(code, strlen(code));
	if (*code && !claim.country) {
		claims_warn(c->to, csv->line, "skipped: '%.8s' is no country", code);
		return 0;
	}
	claim.status = claim.country ? PLACE_KNOWN : PLACE_UNPROVABLE;
	claim.where = csv->line;
	return ranges_add(c, &claim);
}

static void read_date(struct ranges *c)
{
	static const char mark[] = "# Last modified: ";
	const char *at = memmem(c->text, c->len < 1024 ? c->len : 1024, mark, sizeof(mark) - 1);
	char text[20];

	if (!at || (size_t)(c->text + c->len - at) < sizeof(mark) - 1 + sizeof(text))
		return;
	memcpy(text, at + sizeof(mark) - 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ranges_date(c, text);
}

int geofeed_read(struct ranges *c)
{
	struct csv csv;
	int r;

	read_date(c);
	csv_open(&csv, c->text, c->len);
	while ((r = csv_next(&csv)) > 0) {
		r = one_line(c, &csv);
		if (r)
			return r;
	}
	if (r)
		claims_error(c->to, csv.line, "an overlong line, an unclosed quote or a NUL");
	if (!r && !c->n) {
		claims_error(c->to, 0, "a geofeed without one readable line");
		return -EINVAL;
	}
	return r ? r : ranges_settle(c, NULL, false);
}
