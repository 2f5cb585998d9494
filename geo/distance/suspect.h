/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suspect.h - is it the places that are wrong, or does somebody near answer for all of them?
 *
 * A database errs here and there; a transparent proxy in the path answers for every country in the same time. Three
 * countries that one time refutes are taken for that: what is answered in about that time refutes nothing any more, and
 * what it refuted before the third is to be forgotten (suspect_answered).
 */
#ifndef GEO_DISTANCE_SUSPECT_H
#define GEO_DISTANCE_SUSPECT_H
#include <stdbool.h>
#include <stdint.h>
#include "geo/base/ip.h"

#define SUSPECT_COUNTRIES 3
#define SUSPECT_KEPT	  16 /* refutations looked back at */

struct suspect { /* all zero: nothing seen */
	struct {
		struct ip ip;
		uint16_t country;
		uint64_t rtt_ns;
	} seen[SUSPECT_KEPT];
	unsigned n;
	uint64_t rtt_ns; /* of the proxy; 0: none suspected */
};
enum suspect_verdict {
	SUSPECT_NO,   /* a refutation like any other */
	SUSPECT_NEW,  /* with this one a proxy is suspected: say so, once */
	SUSPECT_SAME, /* the proxy again */
};
/* The place of ip in country was refuted by a time of rtt_ns. */
enum suspect_verdict suspect_see(struct suspect *s, const struct ip *ip, uint16_t country,
				 uint64_t rtt_ns);
/* The addresses that the suspected proxy answered for, as far as they are kept; 0: none suspected. */
size_t suspect_answered(const struct suspect *s, const struct ip *ret[SUSPECT_KEPT]);
#endif
