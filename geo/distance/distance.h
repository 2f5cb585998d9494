/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * distance.h - what a round-trip time proves about a place: light bounds the distance from above.
 *
 * A signal that came back after RTT went at most RTT/2 * c: 149.9 km for each millisecond. If a
 * database says US, and the nearest US soil is farther than that, the database is wrong. If the
 * nearest soil outside the EEA is farther than that, the far end is inside. In glass light makes
 * about 100 km for each millisecond of RTT: an estimate, no proof. The bound goes one way only (a
 * long RTT proves nothing), and holds for whoever terminates TCP: a proxy or an anycast edge too.
 *
 * Shapes are Natural Earth's (geo/data/shapes.inc), simplified. Every distance here that a proof
 * uses is a lower bound: the shapes' error, the Earth's flattening and the rounding of home are
 * subtracted.
 */
#ifndef GEO_DISTANCE_DISTANCE_H
#define GEO_DISTANCE_DISTANCE_H
#include <stdbool.h>
#include <stdint.h>
#include "geo/facts/country.h"

#define DISTANCE_VACUUM_KM_PER_MS 149.896229 /* of RTT: c / 2 */
#define DISTANCE_FIBRE_KM_PER_MS  100.0

enum distance_verdict {
	DISTANCE_NONE, /* no home, no RTT, or no shape for the country: nothing to say */
	DISTANCE_CONSISTENT,
	DISTANCE_IMPLAUSIBLE, /* far slower than the farthest soil of the country suggests: a note,
				 no proof */
	DISTANCE_REFUTED,     /* closer than the nearest soil of the country */
	DISTANCE_PROVEN,      /* closer than the nearest soil outside the EEA: inside, whatever the
				 country */
	DISTANCE_VERDICTS
};
const char *
distance_name(enum distance_verdict v); /* "" for DISTANCE_NONE, consistent, implausible, ... */

/* What one home sees of every country; made once, about 2 ms. Plain data, no pointers, may be
 * copied. */
#define DISTANCE_COUNTRIES_MAX 264
struct distance_country {
	uint16_t country;
	float nearest, farthest; /* km, of the country's own soil, as the shapes say */
	float proof;		 /* km: no soil that a database may call by this code is nearer */
};
struct distance_home {
	bool known; /* false: no home with coordinates; every verdict is DISTANCE_NONE */
	double lat, lon;
	int64_t at;		  /* Unix seconds: whose EEA this is */
	double outside;		  /* km to the nearest soil outside the EEA, as the shapes say */
	double outside_proof;	  /* the same as a lower bound */
	uint16_t outside_country; /* whose soil; 0: soil that no ISO code names (northern Cyprus) */
	unsigned n;
	struct distance_country countries[DISTANCE_COUNTRIES_MAX]; /* by code */
};
/* Degrees; NaN or out of range gives known = false. at: Unix seconds, the date for 'who is in the
 * EEA'. */
void distance_home(struct distance_home *ret, double lat, double lon, int64_t at);
/* NULL: no shape for this code. */
const struct distance_country *distance_find(const struct distance_home *h, uint16_t country);

/* The verdict on 'the far end is in country', after a minimum RTT of rtt_min_ns (0 = none). */
enum distance_verdict distance_judge(const struct distance_home *h, uint16_t country,
				     uint64_t rtt_min_ns);

/* km that a signal can have gone, at most; and the shortest RTT that soil km away allows, in ns. */
double distance_bound_km(uint64_t rtt_min_ns);
uint64_t distance_rtt_ns(double km);

/* The RTT from which on a claim of this country is implausible, in ns. */
uint64_t distance_implausible_ns(const struct distance_country *c);

/* km from a point to the nearest and the farthest soil of a country; negative: no shape for it.
 * Convenience. */
double distance_km_min(uint16_t country, double lat, double lon);
double distance_km_max(uint16_t country, double lat, double lon);
#endif
