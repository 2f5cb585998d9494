/* SPDX-License-Identifier: BSD-2-Clause */
/* edition.c - of two editions of one list, which speaks. */
#include <errno.h>
#include <string.h>
#include "geo/claims/store.h"
#include "geo/merge/merge.h"

static int edition(const char *text, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*text || strlen(text) > 18 || text[strspn(text, "0123456789")])
		return -EINVAL;
	for (; *text; text++)
		v = v * 10 + (uint64_t)(*text - '0');
	*ret = v;
	return 0;
}

/* By date, else by number where one has no date (Azure's changeNumber). */
int source_newer(const struct source *a, const struct source *b)
{
	uint64_t x, y;

	if (a->date && b->date)
		return (b->date > a->date) - (b->date < a->date);
	if (a->version && b->version && !edition(a->version, &x) && !edition(b->version, &y))
		return (y > x) - (y < x);
	return (b->date > a->date) - (b->date < a->date);
}

/* Of two editions of one list the newer speaks, the one given first among equals: what it no
 * longer lists is no longer the operator's word. */
void editions_judge(struct places *p, struct diag_sink *d)
{
	for (size_t i = 0; i < p->nsources; i++)
		for (size_t k = 0; k < p->nsources; k++) {
			struct source *a = &p->sources[i]->pub;
			const struct source *b = &p->sources[k]->pub;
			int later = source_newer(a, b);

			if (!*a->series || i == k || strcmp(a->series, b->series) || later < 0 ||
			    (!later && k > i) || a->superseded)
				continue;
			a->superseded = true;
			diag_at(d, DIAG_NOTE, a->path, 0, 0, 0, "superseded by %s, a newer edition",
				b->path);
		}
}
