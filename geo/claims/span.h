/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * span.h - inside geo only: a range of addresses with the number of what is said of it, and growing
 * lists of them. Both families are swept as 128-bit numbers; IPv4 spans are kept small, as they are
 * many.
 */
#ifndef GEO_CLAIMS_SPAN_H
#define GEO_CLAIMS_SPAN_H
#include <stddef.h>
#include "geo/base/ip.h"

struct span4 {
	uint32_t first, last, claim_value, where;
};
struct span6 {
	u128 first, last;
	uint32_t claim_value, where;
};
struct spans { /* of one family: v4 or v6 is used */
	struct span4 *v4;
	struct span6 *v6;
	size_t n, room;
	bool is6;
};
/* Any span, as the sweeps see it. */
struct span {
	u128 first, last;
	uint32_t claim_value, where;
};
static inline struct span spans_get(const struct spans *s, size_t i)
{
	if (s->is6) {
		const struct span6 *p = &s->v6[i];

		return (struct span){p->first, p->last, p->claim_value, p->where};
	}
	return (struct span){s->v4[i].first, s->v4[i].last, s->v4[i].claim_value, s->v4[i].where};
}
int spans_add(struct spans *s, const struct span *span); /* 0 or -ENOMEM */
void spans_drop(struct spans *s);
/* The span of a disjoint, sorted list that holds the address, or SIZE_MAX. */
size_t spans_find(const struct spans *s, u128 address);
#endif
