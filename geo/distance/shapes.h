/* SPDX-License-Identifier: BSD-2-Clause */
/* shapes.h - for geo, and for who draws a map: the table of country shapes (data/shapes.inc) behind functions, for it is large. */
#ifndef GEO_DISTANCE_SHAPES_H
#define GEO_DISTANCE_SHAPES_H
#include <stddef.h>
#include <stdint.h>

struct shape {
	uint16_t country; /* 0: soil that no code names */
	uint16_t also[2]; /* what else a database may call it; 0 = nothing */
	uint16_t ring, rings;
};
/* A simplified line errs by at most so much: both ends in the box around Europe, or not. */
struct shapes_error {
	double near_km, far_km;
	int16_t west, south, east, north; /* hundredths of a degree */
};
const struct shape *shapes_get(size_t i); /* NULL past the end */
/* Points of a ring, longitude and latitude in hundredths of a degree; the last joins the first. Rings in order: at is
 * the point where the ring before ended, 0 for the first. */
const int16_t (*shapes_ring(unsigned ring, size_t at, unsigned *n))[2];
const struct shapes_error *shapes_error(void);
#endif
