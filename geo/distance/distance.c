/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * distance.c - how far a country is from here, from Natural Earth's shapes, and what a round-trip
 * time says about it.
 *
 * Points are unit vectors; the nearest point of a great-circle segment is the one with the largest
 * cosine, so the pass over all segments needs no trigonometry but for the points themselves. The
 * farthest soil is half the Earth's girth minus the distance from the antipode to the nearest,
 * which the same pass finds.
 *
 * Invariants (tests/geo/distance_test.c):
 *  1. A bound used for a proof never exceeds the true distance: each segment's error, the
 * flattening and SLACK_KM go off.
 *  2. Soil that several codes may claim (ISO 3166-2's double entries, disputed land) counts as near
 * for each of them.
 *  3. Soil that no code names is outside the EEA.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "geo/distance/distance.h"
#include "geo/distance/shapes.h"
#include "geo/facts/zone.h"

#define EARTH_KM   6371.0088
#define FLATTENING 0.0056 /* a sphere's distance errs by at most this against the ellipsoid's */
#define SLACK_KM   3.0	  /* Natural Earth's own error at 1:10m, and home given to two decimals */
/* Paths are longer than the map's and queues are slow: only past this is a claim called
 * implausible. */
#define STRETCH	 3.0
#define EXTRA_KM 4000.0 /* 40 ms for the last mile */

struct vec {
	double x, y, z;
};
enum { NEAR, FAR, KINDS }; /* of segment, by error */

struct view { /* from one point */
	struct vec here;
	double lon; /* degrees */
	double tan_lat;
	double cos_lon, sin_lon;
};
struct seen { /* of one shape: largest cosines, and whether it holds the point or its antipode */
	double nearest[KINDS], antipode;
	bool inside, inside_antipode;
};

static double dot(struct vec a, struct vec b)
{
	return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vec cross(struct vec a, struct vec b)
{
	return (struct vec){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static double radians(double degrees)
{
	return degrees * (M_PI / 180.0);
}

static struct vec vector(double lon, double lat)
{
	double c = cos(radians(lat));

	return (struct vec){c * cos(radians(lon)), c * sin(radians(lon)), sin(radians(lat))};
}

static double arc_km(double cosine)
{
	return EARTH_KM * acos(fmin(1.0, fmax(-1.0, cosine)));
}

static bool around_europe(const int16_t p[2])
{
	const struct shapes_error *e = shapes_error();

	return p[0] >= e->west && p[0] <= e->east && p[1] >= e->south && p[1] <= e->north;
}

/* The largest cosine between v and a point of the segment a-b; n is its unit normal, or zero for a
 * single point. */
static double segment_cosine(struct vec v, struct vec a, struct vec b, struct vec n)
{
	double ends = fmax(dot(v, a), dot(v, b)), off = dot(v, n);

	if (dot(n, n) < 0.5 || dot(v, cross(n, a)) < 0 || dot(v, cross(b, n)) < 0)
		return ends;
	return fmax(ends, sqrt(fmax(0.0, 1.0 - off * off)));
}

static double turn(double degrees) /* to -180..180 */
{
	return degrees - 360.0 * floor((degrees + 180.0) / 360.0);
}

/* Does the way from the view's point straight north cross the segment? With flip: from its
 * antipode. */
static bool crosses(const struct view *w, const int16_t a[2], const int16_t b[2], struct vec n,
		    bool flip)
{
	double shift = flip ? 180.0 : 0.0, sign = flip ? -1.0 : 1.0;
	double da = turn(a[0] / 100.0 - w->lon - shift), db = turn(b[0] / 100.0 - w->lon - shift);

	if ((da < 0) == (db < 0) || fabs(da - db) >= 180.0 || fabs(n.z) < 1e-12)
		return false;
	return -(n.x * w->cos_lon + n.y * w->sin_lon) * sign / n.z > w->tan_lat * sign;
}

static void see_segment(struct seen *s, const struct view *w, const int16_t a[2], struct vec va,
			const int16_t b[2], struct vec vb)
{
	int kind = around_europe(a) && around_europe(b) ? NEAR : FAR;
	struct vec n = cross(va, vb), opposite = {-w->here.x, -w->here.y, -w->here.z};
	double size = sqrt(dot(n, n));

	n = size > 1e-12 ? (struct vec){n.x / size, n.y / size, n.z / size} : (struct vec){0, 0, 0};
	s->nearest[kind] = fmax(s->nearest[kind], segment_cosine(w->here, va, vb, n));
	s->antipode = fmax(s->antipode, segment_cosine(opposite, va, vb, n));
	s->inside ^= crosses(w, a, b, n, false);
	s->inside_antipode ^= crosses(w, a, b, n, true);
}

static void see_ring(struct seen *s, const struct view *w, const int16_t (*ring)[2], unsigned n)
{
	const int16_t *last = ring[n - 1];
	struct vec before = vector(last[0] / 100.0, last[1] / 100.0);

	for (unsigned i = 0; i < n; i++) {
		struct vec v = vector(ring[i][0] / 100.0, ring[i][1] / 100.0);

		see_segment(s, w, last, before, ring[i], v);
		last = ring[i];
		before = v;
	}
}

static double seen_nearest(const struct seen *s)
{
	return s->inside ? 0.0 : arc_km(fmax(s->nearest[NEAR], s->nearest[FAR]));
}

static double seen_proof(const struct seen *s)
{
	double near = arc_km(s->nearest[NEAR]) * (1.0 - FLATTENING) - shapes_error()->near_km;
	double far = arc_km(s->nearest[FAR]) * (1.0 - FLATTENING) - shapes_error()->far_km;

	return s->inside ? 0.0 : fmax(0.0, fmin(near, far) - SLACK_KM);
}

static double seen_farthest(const struct seen *s)
{
	return M_PI * EARTH_KM - (s->inside_antipode ? 0.0 : arc_km(s->antipode));
}

/* Calls fn for every shape; the arrays are walked in order, so the place in them is carried along.
 */
static void look_around(double lat, double lon,
			void (*fn)(void *, const struct shape *, const struct seen *), void *arg)
{
	struct view w = {vector(lon, lat), lon, tan(radians(lat)), cos(radians(lon)),
			 sin(radians(lon))};
	const struct shape *shape;
	size_t at = 0;

	for (size_t i = 0; (shape = shapes_get(i)); i++) {
		struct seen s = {.nearest = {-1.0, -1.0}, .antipode = -1.0};

		for (unsigned r = shape->ring; r < (unsigned)shape->ring + shape->rings; r++) {
			unsigned n = 0;
			const int16_t(*ring)[2] = shapes_ring(r, at, &n);

			if (ring)
				see_ring(&s, &w, ring, n);
			at += n;
		}
		fn(arg, shape, &s);
	}
}

static int by_country(const void *a, const void *b)
{
	return (int)((const struct distance_country *)a)->country -
	       (int)((const struct distance_country *)b)->country;
}

/* The entry of a country, a new one at the end when it has none; NULL for code 0 or a full table.
 */
static struct distance_country *entry(struct distance_home *h, uint16_t country)
{
	struct distance_country *c = h->countries;

	while (c < h->countries + h->n && c->country != country)
		c++;
	if (!country || c == h->countries + DISTANCE_COUNTRIES_MAX)
		return NULL;
	if (c == h->countries + h->n) {
		*c = (struct distance_country){country, INFINITY, 0, INFINITY};
		h->n++;
	}
	return c;
}

struct home_pass {
	struct distance_home *home;
	int64_t at;
};

static void home_claims(struct distance_home *h, const struct shape *shape, const struct seen *s)
{
	const uint16_t codes[] = {shape->country, shape->also[0], shape->also[1]};

	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct distance_country *c = entry(h, codes[i]);

		if (!c)
			continue;
		if (i == 0) {
			c->nearest = fminf(c->nearest, (float)seen_nearest(s));
			c->farthest = fmaxf(c->farthest, (float)seen_farthest(s));
		}
		c->proof = fminf(c->proof, (float)seen_proof(s));
	}
}

static void home_sees(void *arg, const struct shape *shape, const struct seen *s)
{
	struct home_pass *pass = arg;
	struct distance_home *h = pass->home;

	home_claims(h, shape, s);
	if (shape->country && zone_has(ZONE_EEA, shape->country, pass->at))
		return;
	h->outside_proof = fmin(h->outside_proof, seen_proof(s));
	if (seen_nearest(s) < h->outside) {
		h->outside = seen_nearest(s);
		h->outside_country = shape->country;
	}
}

void distance_home(struct distance_home *ret, double lat, double lon, int64_t at)
{
	struct home_pass pass = {ret, at};

	memset(ret, 0, sizeof(*ret));
	ret->lat = lat;
	ret->lon = lon;
	ret->at = at;
	if (!(fabs(lat) <= 90.0 && fabs(lon) <= 180.0))
		return;
	ret->outside = ret->outside_proof = INFINITY;
	look_around(lat, lon, home_sees, &pass);
	qsort(ret->countries, ret->n, sizeof(ret->countries[0]), by_country);
	ret->known = true;
}

const struct distance_country *distance_find(const struct distance_home *h, uint16_t country)
{
	struct distance_country key = {.country = country};

	if (!h->known || !country)
		return NULL;
	return bsearch(&key, h->countries, h->n, sizeof(key), by_country);
}

double distance_bound_km(uint64_t rtt_min_ns)
{
	return (double)rtt_min_ns / 1e6 * DISTANCE_VACUUM_KM_PER_MS;
}

uint64_t distance_rtt_ns(double km)
{
	return (uint64_t)(km / DISTANCE_VACUUM_KM_PER_MS * 1e6);
}

uint64_t distance_implausible_ns(const struct distance_country *c)
{
	return (uint64_t)((STRETCH * (double)c->farthest + EXTRA_KM) / DISTANCE_FIBRE_KM_PER_MS *
			  1e6);
}

enum distance_verdict distance_judge(const struct distance_home *h, uint16_t country,
				     uint64_t rtt_min_ns)
{
	double bound = distance_bound_km(rtt_min_ns);
	const struct distance_country *c;

	if (!h->known || !rtt_min_ns)
		return DISTANCE_NONE;
	c = distance_find(h, country);
	if (c && bound < (double)c->proof)
		return DISTANCE_REFUTED;
	if (bound < h->outside_proof)
		return DISTANCE_PROVEN;
	if (!c)
		return DISTANCE_NONE;
	return rtt_min_ns >= distance_implausible_ns(c) ? DISTANCE_IMPLAUSIBLE
							: DISTANCE_CONSISTENT;
}

struct one_pass {
	uint16_t country;
	double nearest, farthest;
};

static void one_sees(void *arg, const struct shape *shape, const struct seen *s)
{
	struct one_pass *one = arg;

	if (shape->country != one->country || !one->country)
		return;
	one->nearest = fmin(one->nearest, seen_nearest(s));
	one->farthest = fmax(one->farthest, seen_farthest(s));
}

double distance_km_min(uint16_t country, double lat, double lon)
{
	struct one_pass one = {country, INFINITY, -1.0};

	look_around(lat, lon, one_sees, &one);
	return isfinite(one.nearest) ? one.nearest : -1.0;
}

double distance_km_max(uint16_t country, double lat, double lon)
{
	struct one_pass one = {country, INFINITY, -1.0};

	look_around(lat, lon, one_sees, &one);
	return one.farthest;
}

const char *distance_name(enum distance_verdict v)
{
	static const char *const names[] = {"", "consistent", "implausible", "refuted", "proven"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == DISTANCE_VERDICTS,
		       "a name for each verdict");
	return v < DISTANCE_VERDICTS ? names[v] : "";
}
