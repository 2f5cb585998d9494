/* SPDX-License-Identifier: BSD-2-Clause */
/* zone_test.c - countries and zones: the lists of reference/geo.md, as of dates that the law
 * changed on. */
#include <errno.h>
#include <time.h>
#include "geo/facts/zone.h"
#include "tests/geo/fixture.h"

TestSuite(zone, .fini = no_leaks);

static int64_t date(int y, int m, int d)
{
	struct tm tm = {.tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d};

	return timegm(&tm);
}

static bool has(enum zone z, const char *cc, int64_t at)
{
	return zone_has(z, CC(cc[0], cc[1]), at);
}

/* Every code of ISO 3166-1 against the list: in it or not, nothing else. */
static void expect_exactly(enum zone z, const char *list, int64_t at)
{
	unsigned n = 0, want = 0;

	for (char a = 'A'; a <= 'Z'; a++) {
		for (char b = 'A'; b <= 'Z'; b++) {
			const char code[] = {' ', a, b, ' ', 0};
			bool listed = strstr(list, code), in = zone_has(z, CC(a, b), at);

			n += in;
			want += listed;
			cr_expect_eq(in, listed, "%c%c in %s", a, b, zone_name(z));
		}
	}
	cr_expect_eq(n, want);
}

#define EU                                                                                         \
	" AT AX BE BG CY CZ DE DK EE ES FI FR GF GP GR HR HU IE IT LT LU LV MF MQ MT NL PL PT RE RO SE SI SK YT "

Test(zone, november_2026)
{
	int64_t at = date(2026, 11, 23);

	expect_exactly(ZONE_EU, EU, at);
	expect_exactly(ZONE_EEA, EU " IS LI NO ", at);
	expect_exactly(ZONE_ADEQUATE, " AD AR CH FO GG JE IM NZ UY KR GB BR ", at);
	expect_exactly(ZONE_ADEQUATE_CONDITIONAL, " US CA JP IL ", at);
}

Test(zone, december_2025)
{
	int64_t at = date(2025, 12, 1);

	expect_exactly(ZONE_ADEQUATE, " AD AR CH FO GG JE IM NZ UY KR GB ", at);
	expect_exactly(ZONE_EU, EU, at);
}

Test(zone, january_2032)
{
	int64_t at = date(2032, 1, 1);

	expect_exactly(ZONE_ADEQUATE, " AD AR CH FO GG JE IM NZ UY KR BR ", at);
	expect_exactly(ZONE_EEA, EU " IS LI NO ", at);
}

/* The last second before and the first second of each change. */
Test(zone, changes)
{
	static const struct {
		enum zone zone;
		const char *cc;
		int y, m, d;
		bool after;
	} rows[] = {
		{ZONE_EU, "GB", 2020, 2, 1, false},
		{ZONE_EEA, "GB", 2021, 1, 1, false},
		{ZONE_EU, "HR", 2013, 7, 1, true},
		{ZONE_ADEQUATE, "BR", 2026, 1, 27, true},
		{ZONE_ADEQUATE, "GB", 2021, 6, 28, true},
		{ZONE_ADEQUATE, "GB", 2031, 12, 27, false},
		{ZONE_ADEQUATE, "KR", 2021, 12, 17, true},
		{ZONE_ADEQUATE_CONDITIONAL, "US", 2015, 10, 6, false}, /* Schrems I */
		{ZONE_ADEQUATE_CONDITIONAL, "US", 2020, 7, 16, false}, /* Schrems II */
		{ZONE_ADEQUATE_CONDITIONAL, "US", 2023, 7, 10, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t at = date(rows[i].y, rows[i].m, rows[i].d);

		cr_expect_eq(has(rows[i].zone, rows[i].cc, at), rows[i].after, "%s on the day",
			     rows[i].cc);
		cr_expect_eq(has(rows[i].zone, rows[i].cc, at - 1), !rows[i].after, "%s before",
			     rows[i].cc);
	}
}

Test(zone, names)
{
	for (int z = 0; z < ZONE_COUNT; z++)
		cr_expect_eq(zone_find(zone_name((enum zone)z)), z);
	cr_expect_eq(zone_find("europe"), -ENOENT);
	cr_expect_eq(zone_find(""), -ENOENT);
	cr_expect_not(zone_has(ZONE_EU, 0, 0), "no country is in no zone");
}

/* Every row names a country that exists, ends after it begins, and says by which act. */
Test(zone, rows)
{
	for (int z = 0; z < ZONE_COUNT; z++) {
		struct zone_row r;
		size_t i = 0;

		for (; zone_row((enum zone)z, i, &r); i++) {
			char cc[3];

			country_text(r.country, cc);
			cr_expect(country_code(cc, 2), "%s", cc);
			cr_expect(!r.until || r.until > r.from, "%s", cc);
			cr_expect_gt(strlen(r.source), 10, "%s", cc);
		}
		cr_expect_gt(i, 3);
	}
}

Test(zone, countries)
{
	unsigned n = 0;

	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++)
			n += country_code((char[]){a, b}, 2) != 0;
	cr_expect_eq(n, 250, "249 of ISO 3166-1, and XK");
	cr_expect_eq(country_code("DE", 2), CC('D', 'E'));
	cr_expect_str_eq(country_name(CC('D', 'E')), "Germany");
	cr_expect_str_eq(country_name(0), "");
	cr_expect_str_eq(country_name(CC('Z', 'Z')), "");
	cr_expect_eq(country_code("de", 2), 0);
	cr_expect_eq(country_code("UK", 2), 0);
	cr_expect_eq(country_code("DEU", 3), 0);
}

Test(zone, what_sources_write)
{
	static const char *const unknown[] = {"EU", "AP", "XX", "T1", "A1", "A2",
					      "O1", "ZZ", "??", "CS", "AN", "SU"};
	char buf[3];

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		cr_expect_eq(country_from_source(unknown[i], 2), 0, "%s", unknown[i]);
	cr_expect_eq(country_from_source("uk", 2), CC('G', 'B'));
	cr_expect_eq(country_from_source("EL", 2), CC('G', 'R'));
	cr_expect_eq(country_from_source("fr", 2), CC('F', 'R'));
	cr_expect_eq(country_from_source("", 0), 0);
	cr_expect_eq(country_from_source("FRA", 3), 0);
	cr_expect_str_eq(country_text(CC('F', 'R'), buf), "FR");
	cr_expect_str_eq(country_text(0, buf), "");
}
