/* SPDX-License-Identifier: BSD-2-Clause */
/* map.c - rings to paths: what lies outside of the box is left out, what is too small to be seen as well. */
#include "agent/report/map.h"
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include "geo/distance/shapes.h"

static double squeeze(const struct map_box *m)
{
	return cos((m->north + m->south) / 200.0 * M_PI / 180.0);
}

static double scale(const struct map_box *m)
{
	return m->width / ((m->east - m->west) * squeeze(m));
}

double map_height(const struct map_box *m)
{
	return (m->north - m->south) * scale(m);
}

struct pen {
	double x, y;
	bool open;
};

static void point(FILE *to, const struct map_box *m, int lon, int lat, struct pen *pen)
{
	double x = (lon - m->west) * squeeze(m) * scale(m), y = (m->north - lat) * scale(m);

	if (pen->open && fabs(x - pen->x) < m->fine && fabs(y - pen->y) < m->fine)
		return;
	if (pen->open)
		fprintf(to, "l%.1f %.1f", x - pen->x, y - pen->y);
	else
		fprintf(to, "M%.1f %.1f", x, y);
	/* as the reader of the path adds it up, so that steps do not drift */
	pen->x = pen->open ? pen->x + round((x - pen->x) * 10) / 10 : round(x * 10) / 10;
	pen->y = pen->open ? pen->y + round((y - pen->y) * 10) / 10 : round(y * 10) / 10;
	pen->open = true;
}

/* The longitude of point i, so that a ring over the date line goes on instead of back around the world. */
static int unwrapped(const int16_t (*p)[2], unsigned i, int before)
{
	int lon = p[i][0];

	if (i && lon - before > 18000)
		return lon - 36000;
	return i && before - lon > 18000 ? lon + 36000 : lon;
}

/* *shift: what brings a ring that began on the other side of the date line back. */
static bool seen(const struct map_box *m, const int16_t (*p)[2], unsigned n, int *shift)
{
	int west = INT_MAX, east = INT_MIN, south = INT_MAX, north = INT_MIN, lon = 0;
	double least = 2 * m->fine / scale(m);

	for (unsigned i = 0; i < n; i++) {
		lon = unwrapped(p, i, lon);
		west = lon < west ? lon : west;
		east = lon > east ? lon : east;
		south = p[i][1] < south ? p[i][1] : south;
		north = p[i][1] > north ? p[i][1] : north;
	}
	*shift = west + east < -36000 ? 36000 : west + east > 36000 ? -36000 : 0;
	west += *shift;
	east += *shift;
	return east >= m->west && west <= m->east && north >= m->south && south <= m->north &&
	       (east - west > least || north - south > least);
}

static void path(FILE *to, const struct map_box *m, const int16_t (*p)[2], unsigned n, int shift)
{
	struct pen pen = {0};
	int lon = 0;

	for (unsigned i = 0; i < n; i++) {
		lon = unwrapped(p, i, lon);
		point(to, m, lon + shift, p[i][1], &pen);
	}
	fputc('z', to);
}

/* Is any ring of it to be seen? *at ends behind its last ring. */
static bool any(const struct map_box *m, const struct shape *s, size_t *at)
{
	bool found = false;

	for (unsigned r = 0; r < s->rings; r++) {
		unsigned n = 0;
		int shift;
		const int16_t(*p)[2] = shapes_ring(s->ring + r, *at, &n);

		found |= p && seen(m, p, n, &shift);
		*at += n;
	}
	return found;
}

void map_put(FILE *to, const struct map_box *m, map_put_fn *style, map_put_fn *title, void *arg)
{
	const struct shape *s;
	size_t at = 0;

	for (size_t i = 0; (s = shapes_get(i)); i++) {
		size_t first = at;

		if (!any(m, s, &at))
			continue;
		fputs("<path", to);
		style(to, arg, s->country);
		fputs(" d=\"", to);
		for (unsigned r = 0; r < s->rings; r++) {
			unsigned n = 0;
			int shift;
			const int16_t(*p)[2] = shapes_ring(s->ring + r, first, &n);

			if (p && seen(m, p, n, &shift))
				path(to, m, p, n, shift);
			first += n;
		}
		fputs("\">", to);
		title(to, arg, s->country);
		fputs("</path>\n", to);
	}
}
