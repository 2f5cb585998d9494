/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_count.h - how many addresses of each provider have a place that is known, disputed,
 * unprovable or unknown. */
#ifndef AGENT_CMD_GEO_COUNT_H
#define AGENT_CMD_GEO_COUNT_H
#include "geo/places.h"

struct geo_count {
	uint16_t provider; /* places_string(); 0 = no provider named */
	uint64_t n[2][PLACE_UNPROVABLE +
		      1];  /* [0] IPv4 addresses, [1] IPv6 /48 blocks begun; by enum place_status */
	struct ip example; /* a disputed address; v = 0: none */
};
struct geo_counts {
	struct geo_count *v; /* owned; by IPv4 addresses, most first */
	size_t n;
};
int geo_count(struct geo_counts *ret, const struct places *p); /* 0 or -ENOMEM */
void geo_counts_free(struct geo_counts *c);
#endif
