/* SPDX-License-Identifier: BSD-2-Clause */
/* shapes.c - the table of country shapes, made by data/make-shapes.py from Natural Earth. */
#include "geo/distance/shapes.h"
#include "geo/facts/country.h"
#include "geo/data/shapes.inc"

const struct shape *shapes_get(size_t i)
{
	return i < SHAPES_COUNT ? &shapes[i] : NULL;
}

const int16_t (*shapes_ring(unsigned ring, size_t at, unsigned *n))[2]
{
	if (ring >= SHAPES_RINGS || at + ring_points[ring] > SHAPES_POINTS)
		return NULL;
	*n = ring_points[ring];
	return &points[at];
}

const struct shapes_error *shapes_error(void)
{
	static const struct shapes_error e = {SHAPES_NEAR_KM, SHAPES_FAR_KM, SHAPES_WEST,
					      SHAPES_SOUTH,   SHAPES_EAST,   SHAPES_NORTH};

	return &e;
}
