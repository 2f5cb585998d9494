/* SPDX-License-Identifier: BSD-2-Clause */
/* zone.c - the built-in zones: geo/data/facts/zones.tsv read as of a date. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/facts/facts_private.h"

static const char *const names[] = {
	[ZONE_EU] = "eu",
	[ZONE_EEA] = "eea",
	[ZONE_ADEQUATE] = "adequate",
	[ZONE_ADEQUATE_CONDITIONAL] = "adequate-conditional",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == ZONE_COUNT, "every zone has a name");

int zone_row_read(struct facts_reader *r, void *out)
{
	struct zone_entry *z = out;
	int zone = zone_find(r->field[0]), e;

	if (zone < 0)
		return facts_bad(r, "'%.32s' is no zone", r->field[0]);
	z->zone = (enum zone)zone;
	z->row.source = r->field[4];
	z->row.date = r->field[5];
	e = facts_yes(r, 6, &z->row.checked);
	if (!e)
		e = facts_country(r, 1, &z->row.country);
	if (!e)
		e = facts_day(r, 2, &z->row.from);
	if (!e)
		e = facts_day(r, 3, &z->row.until);
	if (!e && !*z->row.source)
		e = facts_bad(r, "a row without its legal act");
	return e;
}

/* Where the rows of a country begin in zone_order; country is one of country.h. */
static size_t country_index(uint16_t country)
{
	unsigned a = (unsigned)(country >> 8) - 'A', b = (unsigned)(country & 0xff) - 'A';

	return a < 26 && b < 26 ? a * 26 + b : FACTS_COUNTRIES;
}

/* A counting sort: rows by country, in the order of the file within one. */
int zone_check(struct facts_reader *r)
{
	struct facts *f = r->f;
	const struct zone_entry *v = f->zones.v;
	uint32_t next[FACTS_COUNTRIES];

	f->zone_order = calloc(f->zones.n, sizeof(*f->zone_order));
	if (!f->zone_order)
		return -ENOMEM;
	for (size_t i = 0; i < f->zones.n; i++)
		f->zone_first[country_index(v[i].row.country) + 1]++;
	for (size_t i = 0; i < FACTS_COUNTRIES; i++) {
		f->zone_first[i + 1] += f->zone_first[i];
		next[i] = f->zone_first[i];
	}
	for (size_t i = 0; i < f->zones.n; i++)
		f->zone_order[next[country_index(v[i].row.country)]++] = (uint16_t)i;
	return 0;
}

int zone_find(const char *name)
{
	for (int i = 0; i < ZONE_COUNT; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -ENOENT;
}

const char *zone_name(enum zone z)
{
	return (unsigned)z < ZONE_COUNT ? names[z] : "";
}

/* The EEA is the EU and three states more: its rows are both. */
static bool row_in(const struct zone_entry *r, enum zone z)
{
	return r->zone == z || (z == ZONE_EEA && r->zone == ZONE_EU);
}

bool zone_in(const struct facts *f, enum zone z, uint16_t country, int64_t at)
{
	const struct zone_entry *v = f->zones.v;
	size_t c = country_index(country);

	if (c == FACTS_COUNTRIES)
		return false;
	for (size_t i = f->zone_first[c]; i < f->zone_first[c + 1]; i++) {
		const struct zone_entry *r = &v[f->zone_order[i]];

		if (row_in(r, z) && (!r->row.from || at >= r->row.from) &&
		    (!r->row.until || at < r->row.until))
			return true;
	}
	return false;
}

bool zone_has(enum zone z, uint16_t country, int64_t at)
{
	return zone_in(facts(), z, country, at);
}

bool zone_row(enum zone z, size_t i, struct zone_row *ret)
{
	const struct facts_vector *t = &facts()->zones;
	const struct zone_entry *v = t->v;

	for (size_t k = 0; k < t->n; k++) {
		if (row_in(&v[k], z) && i-- == 0) {
			*ret = v[k].row;
			return true;
		}
	}
	return false;
}
