/* SPDX-License-Identifier: BSD-2-Clause */
/* law.c - HDS, SecNumCloud and what a host cannot see of an operator: tables of geo/data/facts. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include "geo/facts/facts_private.h"

/* The row ends in: checked, source, date. */
static int read_source(struct facts_reader *r, unsigned at, bool *checked, const char **source,
		       const char **date)
{
	int64_t day;

	*source = r->field[at + 1];
	*date = r->field[at + 2];
	if (!**source || !**date)
		return facts_bad(r, "a row without its source and the day it was read");
	if (facts_yes(r, at, checked))
		return -1;
	return facts_day(r, at + 2, &day);
}

int law_hds_read(struct facts_reader *r, void *out)
{
	struct law_hds *h = out;
	int64_t until;
	int e = facts_key(r, 0);

	h->key = r->field[0];
	h->status = r->field[1];
	h->version = r->field[2];
	h->activities = r->field[3];
	h->regions = r->field[4];
	h->until = r->field[5];
	if (!e)
		e = facts_day(r, 5, &until);
	return e ? e : read_source(r, 6, &h->checked, &h->source, &h->date);
}

int law_secnumcloud_read(struct facts_reader *r, void *out)
{
	struct law_secnumcloud *s = out;
	int e = facts_key(r, 0);

	s->key = r->field[0];
	s->offer = r->field[1];
	s->version = r->field[2];
	s->status = r->field[3];
	s->from = r->field[4];
	s->until = r->field[5];
	return e ? e : read_source(r, 6, &s->checked, &s->source, &s->date);
}

int law_fact_read(struct facts_reader *r, void *out)
{
	struct law_fact *f = out;
	int e = facts_key(r, 0);

	f->key = r->field[0];
	f->text = r->field[1];
	return e ? e : read_source(r, 2, &f->checked, &f->source, &f->date);
}

int law_check(struct facts_reader *r)
{
	const struct law_hds *v = r->f->hds.v;

	for (size_t i = 1; i < r->f->hds.n; i++)
		if (strcmp(v[i - 1].key, v[i].key) >= 0)
			return facts_bad(r, "%s is there twice, or out of order", v[i].key);
	return 0;
}

const struct law_hds *law_hds(const char *key)
{
	const struct facts_vector *t = &facts()->hds;
	const struct law_hds *v = t->v;

	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(v[i].key, key))
			return &v[i];
	return NULL;
}

static bool matches(const char *globs, const char *region)
{
	char glob[64];

	while (*globs) {
		size_t n = strcspn(globs, " ");

		if (n < sizeof(glob)) {
			snprintf(glob, sizeof(glob), "%.*s", (int)n, globs);
			if (!fnmatch(glob, region, 0))
				return true;
		}
		globs += n + (globs[n] == ' ');
	}
	return false;
}

/* EXI 28 of the referential: health data is stored in the EEA only. */
enum law_hds_at law_hds_at(const struct law_hds *h, const char *region, uint16_t country,
			   int64_t at)
{
	if (country && !zone_has(ZONE_EEA, country, at))
		return LAW_HDS_ELSEWHERE;
	if (!*h->regions || !*region)
		return LAW_HDS_REGION_UNKNOWN;
	return matches(h->regions, region) ? LAW_HDS_HERE : LAW_HDS_ELSEWHERE;
}

const char *law_hds_at_text(enum law_hds_at at)
{
	static const char *const text[] = {
		[LAW_HDS_HERE] = "for this region",
		[LAW_HDS_ELSEWHERE] = "not for this region",
		[LAW_HDS_REGION_UNKNOWN] = "for which regions is not known",
	};

	return text[at];
}

const struct law_secnumcloud *law_secnumcloud(const char *key, size_t i)
{
	const struct facts_vector *t = &facts()->secnumcloud;
	const struct law_secnumcloud *v = t->v;

	for (size_t k = 0; k < t->n; k++)
		if (!strcmp(v[k].key, key) && i-- == 0)
			return &v[k];
	return NULL;
}

const struct law_fact *law_fact(const char *key, size_t i)
{
	const struct facts_vector *t = &facts()->provider_facts;
	const struct law_fact *v = t->v;

	for (size_t k = 0; k < t->n; k++)
		if (!strcmp(v[k].key, key) && i-- == 0)
			return &v[k];
	return NULL;
}
