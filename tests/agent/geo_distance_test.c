/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_distance_test.c - 'geo show --distance': the text a person reads and the JSON a program reads
 * say the same. */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/geo_distance.h"
#include "geo/distance/distance.h"

#define AT 1795000000

static char *printed(double lat, double lon, bool json, int want)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	cr_assert_not_null(to);
	cr_expect_eq(geo_distance_print(to, lat, lon, "Frankfurt", AT, json), want);
	fclose(to);
	return text;
}

Test(geo_distance, text)
{
	char *text = printed(50.11, 8.68, false, 0), *first, *us;
	unsigned lines = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	cr_expect_geq(lines, 250 + 7, "a line a country: %u", lines);
	cr_expect(strstr(text, "from 50.1100 8.6800 Frankfurt\n"));
	cr_expect(strstr(text, "inside the EEA is proven below 1.67 ms: the "
			       "nearest soil outside (CH) is 257 km away"),
		  "%s", text);
	first = strstr(text, "\nDE ");
	us = strstr(text, "\nUS ");
	cr_assert(first && us);
	cr_expect_lt(first, us, "nearest first");
	cr_expect(strstr(us, "35.5") && strstr(us, "35.5") < strchr(us + 1, '\n'), "%.80s", us);
	free(text);
}

Test(geo_distance, json_agrees_with_the_judge)
{
	char *text = printed(50.11, 8.68, true, 0);
	json_t *o = json_loads(text, 0, NULL), *c;
	struct distance_home h;
	size_t i;

	cr_assert_not_null(o, "%.100s", text);
	distance_home(&h, 50.11, 8.68, AT);
	cr_expect_eq(json_array_size(json_object_get(o, "countries")), h.n);
	cr_expect_str_eq(json_string_value(
				 json_object_get(json_object_get(o, "outside_eea"), "country")),
			 "CH");
	json_array_foreach (json_object_get(o, "countries"), i, c) {
		const char *cc = json_string_value(json_object_get(c, "country"));
		uint16_t code = CC(cc[0], cc[1]);
		double ms = json_number_value(json_object_get(c, "refuted_below_ms"));
		double slow = json_number_value(json_object_get(c, "implausible_from_ms"));

		if (ms > 0.1) {
			cr_expect_eq(distance_judge(&h, code, (uint64_t)(ms * 1e6 * 0.999)),
				     DISTANCE_REFUTED, "%s", cc);
			cr_expect_neq(distance_judge(&h, code, (uint64_t)(ms * 1e6 * 1.001)),
				      DISTANCE_REFUTED, "%s", cc);
		}
		cr_expect_eq(distance_judge(&h, code, (uint64_t)(slow * 1e6 * 1.001)),
			     DISTANCE_IMPLAUSIBLE, "%s", cc);
		cr_expect_neq(distance_judge(&h, code, (uint64_t)(slow * 1e6 * 0.999)),
			      DISTANCE_IMPLAUSIBLE, "%s", cc);
	}
	json_decref(o);
	free(text);
}

Test(geo_distance, no_place_on_earth)
{
	free(printed(91, 0, false, -EDOM));
	free(printed(NAN, NAN, true, -EDOM));
}
