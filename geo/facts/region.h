/* SPDX-License-Identifier: BSD-2-Clause */
/* region.h - region -> country, from a table with a source a row (geo/data/facts/regions.tsv); a region
 * not in it is nowhere. */
#ifndef GEO_FACTS_REGION_H
#define GEO_FACTS_REGION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct region {
	const char *provider; /* key of operator.h: "aws" */
	const char *name;     /* as published: "eu-central-1"; for AWS the network border group */
	uint16_t country;     /* country.h */
	bool confirmed;	   /* false: no list of the operator places it yet, so it is unprovable */
	const char *where; /* city or "" */
	const char *source, *date; /* where and on which day the row was read */
};

/* Another name of a region: "francecentral" of "centralfrance". */
struct region_alias {
	const char *provider, *alias, *name;
};

/* The row, by its name or another name of it, or NULL when nobody placed the region. */
const struct region *region_find(const char *provider, const char *name);
/* The country, or 0 when the region is not in the table or not confirmed: the place is then
 * unprovable. */
uint16_t region_country(const char *provider, const char *name);
const struct region *region_row(size_t i); /* NULL past the end; sorted by provider, then name */
#endif
