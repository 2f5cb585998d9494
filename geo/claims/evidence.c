/* SPDX-License-Identifier: BSD-2-Clause */
/* evidence.c - the claims that a places.mmdb carries of the files it was built from. */
#include <errno.h>
#include <stdlib.h>
#include "geo/claims/store.h"

int evidence_add(struct source_data *s, const struct evidence *e)
{
	if (s->nevidence == EVIDENCE_MAX)
		return -E2BIG;
	if (s->nevidence == s->evidence_room) {
		size_t room = s->evidence_room ? 2 * s->evidence_room : 1024;
		struct evidence *v = realloc(s->evidence, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->evidence = v;
		s->evidence_room = room;
	}
	s->evidence[s->nevidence++] = *e;
	return 0;
}

static int by_record(const void *pa, const void *pb)
{
	const struct evidence *a = pa, *b = pb;

	if (a->record != b->record)
		return a->record < b->record ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void evidence_sort(struct source_data *s)
{
	if (s->nevidence)
		qsort(s->evidence, s->nevidence, sizeof(*s->evidence), by_record);
	intern_drop(&s->claim_offsets);
	free(s->known);
	s->known = NULL;
}

size_t evidence_of(const struct source_data *s, uint32_t record, const struct evidence **ret)
{
	size_t lo = 0, hi = s->nevidence, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->evidence[mid].record < record)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < s->nevidence && s->evidence[lo + n].record == record)
		n++;
	*ret = s->evidence + lo;
	return n;
}

void evidence_drop(struct source_data *s)
{
	for (size_t i = 0; i < s->ninner; i++) {
		free(s->inner[i]->path);
		free(s->inner[i]->version);
		free(s->inner[i]);
	}
	free(s->evidence);
	intern_drop(&s->claim_offsets);
	free(s->known);
}
