/* SPDX-License-Identifier: BSD-2-Clause */
/* distance_test.c - what a round-trip time proves: shapes, bounds and verdicts against figures
 * taken elsewhere. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "geo/distance/distance.h"

#define AT    1795000000 /* November 2026 */
#define MS(x) ((uint64_t)((x)*1e6))

static struct distance_home from(double lat, double lon)
{
	struct distance_home h;

	distance_home(&h, lat, lon, AT);
	cr_assert(h.known);
	return h;
}

/* shared/reference/geo.md, made with coarser shapes: finer ones can only find soil that is nearer
 * (Rodsher and Gogland before Kaliningrad, Beachy Head, the border at Newry), by at most the
 * difference given here. */
static const struct {
	const char *name;
	double lat, lon, reference, less;
	uint16_t whose;
} cities[] = {
	{"Frankfurt", 50.11, 8.68, 256, 3, CC('C', 'H')},
	{"Paris", 48.86, 2.35, 263, 14, CC('G', 'B')},
	{"Amsterdam", 52.37, 4.90, 213, 3, CC('G', 'B')},
	{"Dublin", 53.35, -6.26, 89, 13, CC('G', 'B')},
	{"Milan", 45.46, 9.19, 43, 3, CC('C', 'H')},
	{"Stockholm", 59.33, 18.07, 538, 58, CC('R', 'U')},
};

Test(distance, nearest_soil_outside_the_eea)
{
	for (size_t i = 0; i < sizeof(cities) / sizeof(cities[0]); i++) {
		struct distance_home h = from(cities[i].lat, cities[i].lon);

		cr_expect_leq(h.outside, cities[i].reference + 3, "%s: %f", cities[i].name,
			      h.outside);
		cr_expect_geq(h.outside, cities[i].reference - cities[i].less, "%s: %f",
			      cities[i].name, h.outside);
		cr_expect_eq(h.outside_country, cities[i].whose, "%s", cities[i].name);
		cr_expect_lt(h.outside_proof, h.outside - 3, "%s: a proof has its margin",
			     cities[i].name);
		cr_expect_gt(h.outside_proof, h.outside * 0.99 - 6, "%s: %f", cities[i].name,
			     h.outside_proof);
	}
}

/* Nearest vertex of the unsimplified 1:10m data, in km on a sphere of 6371.0088 km. */
static const struct {
	double lat, lon;
	const char cc[3];
	double nearest;
} known[] = {
	{50.11, 8.68, "US", 5382.1},  {48.85, 2.35, "US", 5036.2},   {53.35, -6.26, "US", 4295.7},
	{37.98, 23.73, "US", 7131.7}, {28.10, -15.40, "US", 4872.6}, {-33.0, 151.0, "US", 7540.3},
	{1.30, 103.80, "US", 8481.4},
};

Test(distance, nearest_agrees_with_the_full_data)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct distance_home h = from(known[i].lat, known[i].lon);
		const struct distance_country *c =
			distance_find(&h, CC(known[i].cc[0], known[i].cc[1]));

		cr_assert_not_null(c);
		cr_expect_float_eq((double)c->nearest, known[i].nearest, 18.4, "%s: %f",
				   known[i].cc, (double)c->nearest);
		cr_expect_leq((double)c->proof, known[i].nearest * (1 - 0.0056),
			      "%s: a proof never says more", known[i].cc);
		cr_expect_float_eq(distance_km_min(c->country, known[i].lat, known[i].lon),
				   (double)c->nearest, 0.01);
	}
}

/* Capitals stand in their country; and where the country is not, they do not. */
static const struct {
	const char cc[3];
	double lat, lon;
} capitals[] = {
	{"DE", 52.52, 13.40},	{"US", 38.90, -77.04}, {"RU", 55.75, 37.62}, {"AU", -35.28, 149.13},
	{"ZA", -25.75, 28.19},	{"LS", -29.31, 27.48}, {"IT", 41.95, 12.60}, {"FJ", -17.7, 178.0},
	{"AQ", -90.0, 0.0},	{"AQ", -88.0, 179.99}, {"GL", 72.0, -40.0},  {"NZ", -40.0, 175.7},
	{"BR", -15.79, -47.88}, {"UA", 45.0, 34.2},    {"RU", 66.0, -175.0}, {"CA", 60.0, -100.0},
	{"CN", 39.9, 116.4},	{"US", 64.8, -147.7},  {"GF", 4.0, -53.0},   {"SJ", 78.0, 17.0},
};

Test(distance, capitals_are_inside)
{
	for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++) {
		struct distance_home h = from(capitals[i].lat, capitals[i].lon);
		unsigned inside = 0;

		for (unsigned k = 0; k < h.n; k++)
			inside += h.countries[k].nearest == 0;
		cr_expect_eq(inside, 1, "%s %f: inside %u countries", capitals[i].cc,
			     capitals[i].lat, inside);
		cr_expect_eq(distance_find(&h, CC(capitals[i].cc[0], capitals[i].cc[1]))->nearest,
			     0, "%s", capitals[i].cc);
	}
}

Test(distance, every_iso_code_has_a_shape)
{
	struct distance_home h = from(50.11, 8.68);
	unsigned codes = 0;

	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++) {
			const char two[] = {a, b};
			uint16_t cc = country_code(two, 2);

			codes += cc != 0;
			cr_expect(!cc || distance_find(&h, cc), "no shape for %c%c", a, b);
		}
	cr_expect_eq(codes, h.n, "%u codes, %u shapes", codes, h.n);
	cr_expect_leq(h.n, DISTANCE_COUNTRIES_MAX);
	cr_expect_null(distance_find(&h, CC('Z', 'Z')));
	cr_expect_null(distance_find(&h, 0));
	cr_expect_lt(distance_km_min(CC('Z', 'Z'), 0, 0), 0);
	cr_expect_lt(distance_km_max(0, 0, 0), 0);
}

/* Natural Earth keeps these in France, Norway and the Netherlands; ISO does not. */
Test(distance, overseas_is_apart)
{
	static const struct {
		const char mother[3], child[3];
		double lat, lon;
	} rows[] = {
		{"FR", "GP", 16.2, -61.5},   {"FR", "MQ", 14.65, -61.0},
		{"FR", "GF", 4.9, -52.3},    {"FR", "RE", -21.1, 55.5},
		{"FR", "YT", -12.8, 45.15},  {"NO", "SJ", 78.2, 15.6},
		{"NL", "BQ", 12.15, -68.27}, {"NO", "BV", -54.42, 3.36},
		{"NZ", "TK", -9.38, -171.2}, {"US", "PR", 18.3, -66.3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct distance_home h = from(rows[i].lat, rows[i].lon);
		const struct distance_country *mother =
			distance_find(&h, CC(rows[i].mother[0], rows[i].mother[1]));
		const struct distance_country *child =
			distance_find(&h, CC(rows[i].child[0], rows[i].child[1]));

		cr_expect_lt(child->nearest, 10.0f, "%s: %f", rows[i].child,
			     (double)child->nearest);
		cr_expect_gt(mother->nearest, 500.0f, "%s: %f", rows[i].child,
			     (double)mother->nearest);
		cr_expect_lt(mother->proof, 10.0f, "%s: databases call it %s too", rows[i].child,
			     rows[i].mother);
	}
}

Test(distance, northern_cyprus_is_outside_but_may_be_called_cyprus)
{
	struct distance_home h = from(35.33, 33.32);

	cr_expect_eq(h.outside, 0);
	cr_expect_eq(h.outside_country, 0);
	cr_expect_eq(distance_find(&h, CC('C', 'Y'))->proof, 0.0f);
	cr_expect_neq(distance_judge(&h, CC('C', 'Y'), MS(0.01)), DISTANCE_REFUTED);
	cr_expect_neq(distance_judge(&h, CC('C', 'Y'), MS(0.01)), DISTANCE_PROVEN);
}

Test(distance, farthest_soil_mirrors_the_antipode)
{
	const double girth = M_PI * 6371.0088;

	cr_expect_float_eq(distance_km_max(CC('D', 'E'), 50.11, 8.68), 602, 10);
	/* the antipode of Madrid stands in New Zealand; that of Wellington in Spain */
	cr_expect_float_eq(distance_km_max(CC('N', 'Z'), 40.4, -3.7), girth, 300);
	cr_expect_float_eq(distance_km_max(CC('E', 'S'), -41.0, 175.6), girth, 1);
	cr_expect_eq(distance_km_min(CC('E', 'S'), 41.0, -4.4), 0);
}

Test(distance, verdicts_from_frankfurt)
{
	static const struct {
		const char cc[3];
		double ms;
		enum distance_verdict want;
	} rows[] = {
		{"US", 0.3, DISTANCE_REFUTED},	   {"US", 4, DISTANCE_REFUTED},
		{"US", 35.5, DISTANCE_REFUTED},	   {"US", 35.95, DISTANCE_CONSISTENT},
		{"US", 90, DISTANCE_CONSISTENT},   {"US", 380, DISTANCE_CONSISTENT},
		{"US", 450, DISTANCE_IMPLAUSIBLE}, {"FR", 60, DISTANCE_CONSISTENT},
		{"FR", 150, DISTANCE_IMPLAUSIBLE}, {"DE", 0.3, DISTANCE_PROVEN},
		{"DE", 1.66, DISTANCE_PROVEN},	   {"DE", 1.72, DISTANCE_CONSISTENT},
		{"DE", 8, DISTANCE_CONSISTENT},	   {"DE", 90, DISTANCE_IMPLAUSIBLE},
		{"IE", 3, DISTANCE_REFUTED},	   {"IE", 20, DISTANCE_CONSISTENT},
		{"CH", 1.6, DISTANCE_REFUTED},	   {"CH", 1.75, DISTANCE_CONSISTENT},
		{"ZZ", 1, DISTANCE_PROVEN},	   {"ZZ", 20, DISTANCE_NONE},
		{"GB", 5, DISTANCE_CONSISTENT},
	};
	struct distance_home h = from(50.11, 8.68);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(distance_judge(&h, CC(rows[i].cc[0], rows[i].cc[1]), MS(rows[i].ms)),
			     rows[i].want, "%s at %f ms: %s", rows[i].cc, rows[i].ms,
			     distance_name(distance_judge(&h, CC(rows[i].cc[0], rows[i].cc[1]),
							  MS(rows[i].ms))));
	cr_expect_eq(distance_judge(&h, CC('U', 'S'), 0), DISTANCE_NONE, "no RTT");
	cr_expect_eq(distance_judge(&h, CC('U', 'S'), 1), DISTANCE_REFUTED);
	cr_expect_eq(distance_judge(&h, CC('A', 'U'), UINT64_MAX), DISTANCE_IMPLAUSIBLE);
}

/* The verdict turns exactly where the bound meets the proof: one step of a nanosecond. */
Test(distance, the_threshold_is_sharp)
{
	struct distance_home h = from(50.11, 8.68);
	double proof = (double)distance_find(&h, CC('U', 'S'))->proof;
	uint64_t ns = distance_rtt_ns(proof);

	cr_expect_eq(distance_judge(&h, CC('U', 'S'), ns - 1), DISTANCE_REFUTED);
	cr_expect_eq(distance_judge(&h, CC('U', 'S'), ns + 1), DISTANCE_CONSISTENT);
	cr_expect_float_eq(distance_bound_km(MS(1)), 149.896229, 1e-6);
	cr_expect_leq(distance_bound_km(ns), proof);
}

Test(distance, no_home_no_verdict)
{
	static const double bad[][2] = {{NAN, NAN}, {NAN, 8},	{50, NAN},    {90.01, 0},
					{-91, 0},   {0, 180.5}, {INFINITY, 0}};
	struct distance_home h;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		distance_home(&h, bad[i][0], bad[i][1], AT);
		cr_expect(!h.known, "row %zu", i);
		cr_expect_eq(distance_judge(&h, CC('U', 'S'), 1), DISTANCE_NONE, "row %zu", i);
		cr_expect_null(distance_find(&h, CC('U', 'S')));
	}
	distance_home(&h, -90, 180, AT);
	cr_expect(h.known, "the edges of the range are places");
}

Test(distance, names)
{
	cr_expect_str_eq(distance_name(DISTANCE_NONE), "");
	cr_expect_str_eq(distance_name(DISTANCE_REFUTED), "refuted");
	cr_expect_str_eq(distance_name(DISTANCE_PROVEN), "proven");
	cr_expect_str_eq(distance_name(DISTANCE_VERDICTS), "");
}
