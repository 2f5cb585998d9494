/* SPDX-License-Identifier: BSD-2-Clause */
/* suspect_test.c - three countries at one time are a proxy, said once; less, or at other times, are not. */
#include <criterion/criterion.h>
#include <string.h>
#include "geo/distance/suspect.h"

#define CC(a, b) ((uint16_t)((a) << 8 | (b)))
#define MS	 1000000ull

static struct suspect s;

static void nothing(void)
{
	memset(&s, 0, sizeof(s));
}

TestSuite(suspect, .init = nothing);

Test(suspect, three_countries_at_one_time)
{
	cr_expect_eq(suspect_see(&s, CC('U', 'S'), MS / 2), SUSPECT_NO);
	cr_expect_eq(suspect_see(&s, CC('G', 'B'), MS / 3), SUSPECT_NO);
	cr_expect_eq(suspect_see(&s, CC('J', 'P'), MS), SUSPECT_NEW);
	cr_expect_eq(suspect_see(&s, CC('B', 'R'), MS / 2), SUSPECT_SAME, "said once");
	cr_expect_eq(suspect_see(&s, CC('U', 'S'), MS / 2), SUSPECT_SAME);
	cr_expect_eq(suspect_see(&s, CC('A', 'U'), 30 * MS), SUSPECT_NO, "at another time");
}

Test(suspect, one_country_is_a_wrong_database)
{
	for (int i = 0; i < 100; i++)
		cr_expect_eq(suspect_see(&s, i % 2 ? CC('U', 'S') : CC('G', 'B'), MS / 2),
			     SUSPECT_NO);
}

Test(suspect, other_times_are_other_machines)
{
	for (unsigned i = 0; i < 12; i++)
		cr_expect_eq(suspect_see(&s, CC('A' + i, 'X'), (4ull << i) * MS), SUSPECT_NO, "%u",
			     i);
}

/* Only the last ones count: what was long ago is no proxy of today. */
Test(suspect, looks_back_so_far)
{
	suspect_see(&s, CC('U', 'S'), MS / 2);
	suspect_see(&s, CC('G', 'B'), MS / 2);
	for (unsigned i = 0; i < SUSPECT_KEPT; i++)
		cr_expect_eq(suspect_see(&s, CC('F', 'R'), (10 + 20ull * i) * MS), SUSPECT_NO);
	cr_expect_eq(suspect_see(&s, CC('J', 'P'), MS / 2), SUSPECT_NO);
}
