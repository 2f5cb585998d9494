/* SPDX-License-Identifier: BSD-2-Clause */
/* suspect_test.c - three countries at one time are a proxy, said once; less, or at other times, are not. */
#include <criterion/criterion.h>
#include <string.h>
#include "geo/distance/suspect.h"

#define CC(a, b) ((uint16_t)((a) << 8 | (b)))
#define MS	 1000000ull

static struct suspect s;

/* An address of its own for each country, and for each place that is looked at. */
static enum suspect_verdict see(uint16_t country, uint64_t rtt_ns)
{
	struct ip ip = ip_from_v4(0x0a000000u + country);

	return suspect_see(&s, &ip, country, rtt_ns);
}

static void nothing(void)
{
	memset(&s, 0, sizeof(s));
}

TestSuite(suspect, .init = nothing);

Test(suspect, three_countries_at_one_time)
{
	cr_expect_eq(see(CC('U', 'S'), MS / 2), SUSPECT_NO);
	cr_expect_eq(see(CC('G', 'B'), MS / 3), SUSPECT_NO);
	cr_expect_eq(see(CC('J', 'P'), MS), SUSPECT_NEW);
	cr_expect_eq(see(CC('B', 'R'), MS / 2), SUSPECT_SAME, "said once");
	cr_expect_eq(see(CC('U', 'S'), MS / 2), SUSPECT_SAME);
	cr_expect_eq(see(CC('A', 'U'), 30 * MS), SUSPECT_NO, "at another time");
}

Test(suspect, one_country_is_a_wrong_database)
{
	for (int i = 0; i < 100; i++)
		cr_expect_eq(see(i % 2 ? CC('U', 'S') : CC('G', 'B'), MS / 2), SUSPECT_NO);
}

Test(suspect, other_times_are_other_machines)
{
	for (unsigned i = 0; i < 12; i++)
		cr_expect_eq(see(CC('A' + i, 'X'), (4ull << i) * MS), SUSPECT_NO, "%u", i);
}

/* Only the last ones count: what was long ago is no proxy of today. */
Test(suspect, looks_back_so_far)
{
	see(CC('U', 'S'), MS / 2);
	see(CC('G', 'B'), MS / 2);
	for (unsigned i = 0; i < SUSPECT_KEPT; i++)
		cr_expect_eq(see(CC('F', 'R'), (10 + 20ull * i) * MS), SUSPECT_NO);
	cr_expect_eq(see(CC('J', 'P'), MS / 2), SUSPECT_NO);
}

/* What it answered for is handed out, to be forgotten; what was refuted at another time is not. */
Test(suspect, hands_out_what_it_answered_for)
{
	const struct ip *answered[SUSPECT_KEPT];

	see(CC('U', 'S'), MS / 2);
	see(CC('A', 'U'), 30 * MS);
	see(CC('G', 'B'), MS / 3);
	cr_expect_eq(suspect_answered(&s, answered), 0, "none is suspected yet");
	cr_assert_eq(see(CC('J', 'P'), MS), SUSPECT_NEW);
	cr_assert_eq(suspect_answered(&s, answered), 3);
	cr_expect_eq(ip_v4(answered[0]), 0x0a000000u + CC('U', 'S'));
	cr_expect_eq(ip_v4(answered[1]), 0x0a000000u + CC('G', 'B'));
	cr_expect_eq(ip_v4(answered[2]), 0x0a000000u + CC('J', 'P'));
}
