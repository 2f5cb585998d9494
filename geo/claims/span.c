/* SPDX-License-Identifier: BSD-2-Clause */
/* span.c - growing lists of ranges, and the range that holds an address. */
#include <errno.h>
#include <stdlib.h>
#include "geo/base/intern.h"
#include "geo/claims/span.h"

#define FIRST_ROOM 1024

static int spans_grow(struct spans *s)
{
	size_t room = s->room ? 2 * s->room : FIRST_ROOM;
	void *v;

	if (s->is6) {
		v = realloc_big(s->v6, room * sizeof(*s->v6));
		if (v)
			s->v6 = v;
	} else {
		v = realloc_big(s->v4, room * sizeof(*s->v4));
		if (v)
			s->v4 = v;
	}
	if (!v)
		return -ENOMEM;
	s->room = room;
	return 0;
}

int spans_add(struct spans *s, const struct span *span)
{
	if (s->n == s->room && spans_grow(s))
		return -ENOMEM;
	if (s->is6)
		s->v6[s->n++] =
			(struct span6){span->first, span->last, span->claim_value, span->where};
	else
		s->v4[s->n++] = (struct span4){(uint32_t)span->first, (uint32_t)span->last,
					       span->claim_value, span->where};
	return 0;
}

void spans_drop(struct spans *s)
{
	free(s->v4);
	free(s->v6);
	*s = (struct spans){.is6 = s->is6};
}

size_t spans_find(const struct spans *s, u128 address)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (spans_get(s, mid).first <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && spans_get(s, lo - 1).last >= address ? lo - 1 : SIZE_MAX;
}
