/* SPDX-License-Identifier: BSD-2-Clause */
/* place_lines.c - the place lines of the policy as a source: what the operator of cordon knows
 * better than any file. */
#include <errno.h>
#include <string.h>
#include "geo/claims/store.h"
#include "geo/source/source.h"

static int name(struct claims *c, const char *s, uint16_t *ret)
{
	return s ? claims_name(c, s, strlen(s), ret) : 0;
}

static int add_line(struct claims *c, const struct place_line *l)
{
	struct claim claim = {
		.country = l->country,
		.jurisdiction = l->jurisdiction,
		.status = PLACE_KNOWN,
		.where = l->line,
	};
	int r = name(c, l->provider, &claim.provider);

	if (!r)
		r = name(c, l->platform, &claim.platform);
	if (!r)
		r = name(c, l->region, &claim.region);
	return r ? r : claims_add_cidr(c, &claim, &l->prefix);
}

/* Lines of several files are one source; the first file's name stands for it. */
int source_place_lines(struct places *p, const struct place_line *lines, size_t n,
		       struct diag_sink *d)
{
	struct claims c;
	int r;

	if (!n)
		return 0;
	r = claims_open(p, lines[0].file ? lines[0].file : "policy", SOURCE_PLACE_LINES, &c, d);
	if (r)
		return r;
	c.s->pub.format = "place lines";
	for (size_t i = 0; i < n && !r; i++)
		r = add_line(&c, &lines[i]);
	c.s->pub.v4_ranges = c.s->raw[0].n;
	c.s->pub.v6_ranges = c.s->raw[1].n;
	c.s->pub.claims = n;
	return r ? r : claims_flatten(&c);
}
