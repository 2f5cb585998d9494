/* SPDX-License-Identifier: BSD-2-Clause */
/* naming_test.c - names by owner and time: what expired, what others asked, several, spoofed, hidden; limits. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "agent/names/naming.h"

#define SECOND 1000000000ull
#define NOW    (1795430400 * SECOND)

static const struct naming_owner me = {1, 1}, other = {1, 2};
static struct naming *n;
static struct event_names got;

static void setup(void)
{
	cr_assert_eq(naming_new(&n), 0);
}
static void teardown(void)
{
	naming_free(n);
}
TestSuite(naming, .init = setup, .fini = teardown);

static struct ip ip(unsigned last)
{
	return ip_from_v4(0x03500000u + last);
}

static void learn(const struct naming_owner *who, const char *name, const char *alias,
		  unsigned last, uint32_t ttl, uint64_t at)
{
	static struct dns_answer a;

	memset(&a, 0, sizeof(a));
	snprintf(a.chain[0], NAMES_TEXT, "%s", name);
	a.nchain = 1;
	if (alias)
		snprintf(a.chain[a.nchain++], NAMES_TEXT, "%s", alias);
	a.address[0] = (struct dns_address){ip(last), ttl, (uint8_t)a.nchain, false};
	a.naddresses = 1;
	cr_assert_eq(naming_learn(n, who, at, &a), 0);
}

static const char *status(uint32_t set)
{
	(void)naming_show(n, set, &got);
	return event_names_status(&got);
}
static uint32_t ask(const struct naming_owner *who, unsigned last, uint64_t at)
{
	struct ip dst = ip(last);
	uint32_t set;

	cr_assert_eq(naming_of(n, who, &dst, at, &set), 0);
	return set;
}
static uint32_t say(uint32_t set, const char *name, bool ech)
{
	struct hello h = {.kind = HELLO_TLS, .ech = ech};

	snprintf(h.name, sizeof(h.name), "%s", name);
	return naming_say(n, set, &h);
}

Test(naming, time)
{
	learn(&me, "a.example", "b.vendor.net", 1, 60, NOW);
	cr_expect_null(status(ask(&me, 1, NOW - 1)), "before the answer");
	cr_expect_str_eq(status(ask(&me, 1, NOW)), "asked");
	cr_expect_str_eq(event_names_domain(&got), "a.example");
	cr_assert_eq(got.v[0].naliases, 1);
	cr_expect_str_eq(got.v[0].alias[0], "b.vendor.net");
	cr_expect_str_eq(status(ask(&me, 1, NOW + 60 * SECOND)), "asked");
	cr_expect_null(status(ask(&me, 1, NOW + 60 * SECOND + 1)), "stale");
	cr_expect_null(status(ask(&me, 2, NOW)), "another address");
	learn(&me, "zero.example", NULL, 3, 0, NOW);
	cr_expect_str_eq(status(ask(&me, 3, NOW + SECOND)), "asked");
	cr_expect_null(status(ask(&me, 3, NOW + 6 * SECOND)));
	learn(&me, "a.example", "b.vendor.net", 1, 60, NOW + 3600 * SECOND);
	cr_expect_null(status(ask(&me, 1, NOW + 1800 * SECOND)), "between two lives");
	cr_expect_str_eq(status(ask(&me, 1, NOW + 3601 * SECOND)), "asked");
}

Test(naming, others)
{
	learn(&other, "bank.example", NULL, 1, 60, NOW);
	cr_expect_str_eq(status(ask(&me, 1, NOW)), "others");
	cr_expect_null(event_names_domain(&got), "what another process asked names nothing");
	learn(&me, "evil.example", NULL, 1, 60, NOW);
	cr_expect_str_eq(status(ask(&me, 1, NOW)), "asked");
	cr_expect_str_eq(event_names_domain(&got), "evil.example");
	cr_expect_eq(got.n, 2);
	cr_expect_eq(event_name_grade(&got.v[1]), NAME_OTHERS);
}

Test(naming, several_and_said)
{
	uint32_t set;

	learn(&me, "a.example", NULL, 1, 60, NOW);
	learn(&me, "b.example", "x.cdn.net", 1, 60, NOW);
	set = ask(&me, 1, NOW);
	cr_expect_str_eq(status(set), "ambiguous");
	cr_expect_null(event_names_domain(&got));
	set = say(set, "b.example", false);
	cr_expect_str_eq(status(set), "verified");
	cr_expect_str_eq(event_names_domain(&got), "b.example");
	cr_expect_eq(got.n, 2, "one name is one claim");
	cr_expect_eq(got.v[0].naliases, 1);
	set = say(ask(&me, 1, NOW), "c.example", false);
	cr_expect_str_eq(status(set), "disputed");
	cr_expect_str_eq(event_names_domain(&got), "c.example");
	cr_expect_eq(got.n, 3);
	cr_expect_str_eq(status(say(0, "d.example", false)), "said");
}

Test(naming, hidden)
{
	uint32_t set;

	learn(&me, "a.example", NULL, 1, 60, NOW);
	set = say(ask(&me, 1, NOW), "front.example", true);
	cr_expect_str_eq(status(set), "hidden");
	cr_expect_str_eq(event_names_domain(&got), "a.example");
	cr_expect_eq(event_name_grade(&got.v[1]), NAME_OUTER);
	cr_expect_str_eq(status(say(0, "front.example", true)), "hidden");
	cr_expect_null(event_names_domain(&got), "a front names nobody");
	cr_expect_str_eq(status(say(0, "", true)), "hidden");
}

Test(naming, more_than_a_set_has_room_for)
{
	char name[32];
	uint32_t set;

	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		learn(i < 6 ? &other : &me, name, NULL, 1, 60, NOW);
	}
	set = say(ask(&me, 1, NOW), "said.example", false);
	cr_expect_str_eq(status(set), "disputed");
	cr_expect_eq(got.n, EVENT_NAMES_MAX);
	cr_expect(got.more);
	cr_expect_str_eq(got.v[0].name, "said.example");
	cr_expect_eq(event_name_grade(&got.v[1]), NAME_ASKED, "the better grades stay");
	cr_expect_eq(event_name_grade(&got.v[2]), NAME_ASKED);
	learn(&me, "n9.example", NULL, 1, 60, NOW);
	cr_expect_eq(naming_counts(n)->evicted, 1);
}

Test(naming, full_begins_anew)
{
	char name[32];
	uint32_t set, early;

	learn(&me, "early.example", NULL, 1, 60, NOW);
	early = ask(&me, 1, NOW);
	for (unsigned i = 0; i < NAMES_TEXTS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		learn(&me, name, NULL, i, 60, NOW);
	}
	cr_expect_eq(naming_counts(n)->renewed, 1);
	cr_expect_gt(naming_counts(n)->evicted, 0);
	cr_expect_null(status(early), "of an epoch that has gone: not another name");
	cr_expect_eq(naming_counts(n)->forgotten, 1);
	set = ask(&me, NAMES_TEXTS_MAX + 9, NOW);
	cr_expect_str_eq(status(set), "asked");
	cr_expect_str_eq(event_names_domain(&got), name);
}

/* Names that flows say fill the tables too: no answer is needed for them to begin anew. */
Test(naming, full_without_answers)
{
	char name[32];
	uint32_t set = 0, first = say(0, "first.example", false);

	for (unsigned i = 0; i < NAMES_TEXTS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		set = say(ask(&me, i, NOW), name, false);
	}
	cr_expect_str_eq(status(set), "said");
	cr_expect_str_eq(event_names_domain(&got), name);
	cr_expect_eq(naming_counts(n)->renewed, 1);
	cr_expect_gt(naming_counts(n)->no_room, 0);
	cr_expect_null(status(first));
}
