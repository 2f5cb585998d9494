/* SPDX-License-Identifier: BSD-2-Clause */
/* region.c - looks regions up in the sorted table of geo/data/facts/regions.tsv. */
#include <stdlib.h>
#include <string.h>
#include "geo/facts/facts_private.h"

int region_row_read(struct facts_reader *r, void *out)
{
	struct region *row = out;
	int e = facts_key(r, 0);

	row->provider = r->field[0];
	row->name = r->field[1];
	if (!e && !*row->name)
		e = facts_bad(r, "a region without a name");
	if (!e)
		e = facts_country(r, 2, &row->country);
	if (!e)
		e = facts_yes(r, 3, &row->confirmed);
	row->where = r->field[4];
	row->source = r->field[5];
	row->date = r->field[6];
	return e;
}

static int compare(const struct region *r, const char *provider, const char *name)
{
	int c = strcmp(r->provider, provider);

	return c ? c : strcmp(r->name, name);
}

int region_check(struct facts_reader *r)
{
	const struct region *v = r->f->regions.v;

	for (size_t i = 1; i < r->f->regions.n; i++)
		if (compare(&v[i - 1], v[i].provider, v[i].name) >= 0)
			return facts_bad(r, "%s %.64s is there twice, or out of order",
					 v[i].provider, v[i].name);
	return 0;
}

static int order(const void *key, const void *row)
{
	const struct region *k = key;

	return -compare(row, k->provider, k->name);
}

static const struct region *find(const struct facts *f, const char *provider, const char *name)
{
	const struct region key = {.provider = provider, .name = name};

	return bsearch(&key, f->regions.v, f->regions.n, sizeof(key), order);
}

int region_alias_read(struct facts_reader *r, void *out)
{
	struct region_alias *a = out;
	int e = facts_key(r, 0);

	a->provider = r->field[0];
	a->alias = r->field[1];
	a->name = r->field[2];
	if (!e && (!*a->alias || !find(r->f, a->provider, a->name)))
		e = facts_bad(r, "'%.64s' is no region of regions.tsv", a->name);
	return e;
}

int region_alias_check(struct facts_reader *r)
{
	const struct region_alias *v = r->f->aliases.v;

	for (size_t i = 0; i < r->f->aliases.n; i++)
		if (find(r->f, v[i].provider, v[i].alias))
			return facts_bad(r, "'%.64s' is a region itself", v[i].alias);
	return 0;
}

/* A dozen rows, and asked only for what is no region: read from end to end. */
const struct region *region_find(const char *provider, const char *name)
{
	const struct facts *f = facts();
	const struct region *row = find(f, provider, name);
	const struct region_alias *v = f->aliases.v;

	for (size_t i = 0; !row && i < f->aliases.n; i++)
		if (!strcmp(v[i].alias, name) && !strcmp(v[i].provider, provider))
			row = find(f, provider, v[i].name);
	return row;
}

uint16_t region_country(const char *provider, const char *name)
{
	const struct region *r = region_find(provider, name);

	return r && r->confirmed ? r->country : 0;
}

const struct region *region_row(size_t i)
{
	const struct facts_vector *v = &facts()->regions;

	return i < v->n ? (const struct region *)v->v + i : NULL;
}
