/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suspect.h - is it the places that are wrong, or does somebody near answer for all of them?
 *
 * A database errs here and there; a transparent proxy in the path answers for every country in the same time. Three
 * countries that one time refutes are taken for that: what is answered in about that time refutes nothing any more.
 */
#ifndef GEO_DISTANCE_SUSPECT_H
#define GEO_DISTANCE_SUSPECT_H
#include <stdbool.h>
#include <stdint.h>

#define SUSPECT_COUNTRIES 3
#define SUSPECT_KEPT	  16 /* refutations looked back at */

struct suspect { /* all zero: nothing seen */
	struct {
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
/* A place in country was refuted by a time of rtt_ns. */
enum suspect_verdict suspect_see(struct suspect *s, uint16_t country, uint64_t rtt_ns);
#endif
