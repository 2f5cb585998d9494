/* SPDX-License-Identifier: BSD-2-Clause */
/* geofeed.c - RFC 8805 geofeeds: prefix,alpha2,subdivision,city,postal, as a network
 * publishes of itself. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "geo/facts/country.h"
#include "geo/source/provider.h"

/*
 * An empty country means "do not place this" (RFC 8805 2.1.1.2): unprovable. A code that is none is
 * an error of that line; the RFC has readers discard such lines, so it is a warning and the rest is
 * read.
 */
/* One bad line must not place everything that no better source knows. */
static bool too_wide(const char *prefix)
{
	struct cidr c;

	return !cidr_parse(&c, prefix) && c.len < (c.addr.v == 4 ? 8 : 16);
}

static int one_line(struct ranges *c, const struct csv *csv, const struct operator_entry *own)
{
	struct claim claim;
	const char *code;

	if (csv->nfields < 2 || ranges_claim_prefix(&claim, csv->field[0])) {
		claims_warn(c->to, csv->line, "skipped: '%.64s' is not 'prefix,country,...'",
			    csv->field[0]);
		return 0;
	}
	if (too_wide(csv->field[0])) {
		claims_warn(c->to, csv->line,
			    "skipped: '%.64s' is wider than any network (/8, /16 in IPv6)",
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
	claim.reason = claim.country ? REASON_NONE : REASON_WITHHELD;
	if (own)
		ranges_claim_operator(c, &claim, own);
	claim.where = csv->line;
	return ranges_add(c, &claim);
}

/* The word stands alone in the text: 'aws' in 'my-aws-geofeed.csv', not in 'laws.csv'. */
static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++) {
		bool before = i && isalnum((unsigned char)text[i - 1]);
		bool after = i + n < len && isalnum((unsigned char)text[i + n]);

		if (!before && !after && !strncasecmp(text + i, word, n))
			return true;
	}
	return false;
}

/* Whose geofeed it is: an operator whose own word counts is named by the file's name or by its
 * first comments. Everybody else's is a third party's: RFC 9632's authority cannot be checked here. */
static const struct operator_entry *publisher(const struct ranges *c)
{
	const char *path = claims_path(c->to), *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const struct operator_entry *o;
	size_t comments = 0;

	while (comments < c->len && c->text[comments] == '#') {
		const char *end = memchr(c->text + comments, '\n', c->len - comments);

		comments = end ? (size_t)(end - c->text) + 1 : c->len;
	}
	for (size_t i = 0; (o = operator_row(i)); i++)
		if ((o->publishes_regions || o->registry_says_nothing) &&
		    (has_word(name, strlen(name), o->key) || has_word(c->text, comments, o->key) ||
		     has_word(c->text, comments, o->name)))
			return o;
	return NULL;
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
	const struct operator_entry *own = publisher(c);
	struct csv csv;
	int r;

	if (!own) {
		claims_grade(c->to, GRADE_THIRD_PARTY);
		claims_vague(c->to);
	}
	read_date(c);
	csv_open(&csv, c->text, c->len);
	while ((r = csv_next(&csv)) > 0) {
		r = one_line(c, &csv, own);
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
