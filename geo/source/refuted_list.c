/* SPDX-License-Identifier: BSD-2-Clause */
/* refuted_list.c - the list of refuted places as a source: 'this address is not in this country'.
 * merge.c reads it so. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/distance/refuted.h"
#include "geo/source/source.h"

static int add(void *arg, const struct refuted_entry *e, unsigned line)
{
	struct claim claim = {.country = e->country, .status = PLACE_KNOWN, .where = line};

	return claims_add_cidr(arg, &claim, &e->prefix);
}

bool refuted_list_probe(const struct bytes *b)
{
	return b->n >= strlen(REFUTED_MAGIC) && !memcmp(b->p, REFUTED_MAGIC, strlen(REFUTED_MAGIC));
}

static void tell(void *arg, const struct diag *d)
{
	claims_error(arg, d->line, "%s", d->text);
}

int refuted_list_parse(struct claims *c, const struct bytes *b)
{
	struct diag_sink sink = {.fn = tell, .arg = c};
	struct refuted_text t = {
		.file = claims_path(c), .text = (const char *)b->p, .len = b->n, .d = &sink};

	return refuted_parse(&t, add, c);
}

void refuted_list_key(char buf[64], const struct claim *claim)
{
	char cc[3];

	snprintf(buf, 64, "line %u: not in %s, by distance", claim->where,
		 country_text(claim->country, cc));
}
