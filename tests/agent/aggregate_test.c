/* SPDX-License-Identifier: BSD-2-Clause */
/* aggregate_test.c - one alert at once, one summary a window, and every byte in exactly one event. */
#include <criterion/criterion.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/feed/aggregate.h"

#define S 1000000000ull
static struct aggregate *f;
static unsigned told, ends;
static uint64_t packets, bytes, repeats, destinations;
static int answer;
static struct rule rules[2] = {{.line = 1}, {.line = 2}};
static struct place us = {.country = CC('U', 'S')}, fr = {.country = CC('F', 'R')};

static int emit(void *arg, struct event *e)
{
	(void)arg;
	told++;
	ends += e->kind == EVENT_FLOW_END;
	if (answer < 0)
		return answer;
	packets += e->packets;
	bytes += e->bytes;
	repeats += e->suppressed;
	destinations = e->destinations;
	return 0;
}

static void setup(void)
{
	told = ends = 0;
	packets = bytes = repeats = destinations = 0;
	answer = 0;
	cr_assert_eq(aggregate_new(&f, 60 * S, emit, NULL), 0);
}
static void teardown(void)
{
	aggregate_free(f);
}
TestSuite(fold, .init = setup, .fini = teardown);

static struct event flow(uint32_t dst)
{
	struct event e = {
		.kind = EVENT_FLOW,
		.time_ns = 100 * S,
		.packets = 1,
		.bytes = 60,
		.place = &us,
		.rule = &rules[0],
		.verdict = DECIDE_BLOCK,
		.severity = 3,
		.process = {
			.pid = 1, .uid = 5, .has_uid = 1, .exe = "/bin/psql", .unit = "x.service"}};

	e.flow.dst = ip_from_v4(dst);
	return e;
}

Test(fold, the_first_at_once_the_rest_summed_up)
{
	struct event e = flow(1);

	aggregate_event(f, &e, 100 * S);
	cr_expect_eq(told, 1);
	for (uint32_t i = 0; i < 500; i++) {
		e = flow(2 + i % 7);
		aggregate_event(f, &e, 101 * S);
	}
	cr_expect_eq(told, 1, "no flood");
	aggregate_tick(f, 159 * S);
	cr_expect_eq(told, 1, "the window is not over");
	aggregate_tick(f, 160 * S);
	cr_expect_eq(told, 2);
	cr_expect_eq(ends, 1);
	cr_expect_eq(repeats, 500);
	cr_expect_eq(destinations, 7);
	cr_expect_eq(packets, 501);
	cr_expect_eq(bytes, 501 * 60);
	aggregate_tick(f, 300 * S);
	cr_expect_eq(told, 2, "nothing new, nothing to say");
	cr_expect_eq(aggregate_suppressed(f), 500);
}

Test(fold, what_breaks_the_window)
{
	static const char *const name[] = {"country", "executable", "rule",    "severity",
					   "user",    "unit",	    "verdict", "opened by",
					   "version", "asn",	    "enforced"};
	struct event base = flow(1);

	aggregate_event(f, &base, 100 * S);
	for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		struct event e = flow(1);
		unsigned before = told;

		e.place = i == 0 ? &fr : e.place;
		e.process.exe = i == 1 ? "/bin/pg_dump" : e.process.exe;
		e.rule = i == 2 ? &rules[1] : e.rule;
		e.severity = i == 3 ? 4 : e.severity;
		e.process.uid = i == 4 ? 6 : e.process.uid;
		e.process.unit = i == 5 ? NULL : e.process.unit;
		e.verdict = i == 6 ? DECIDE_ALERT : e.verdict;
		e.opened = i == 7 ? OPENED_PEER : e.opened;
		if (i == 8)
			ip_parse(&e.flow.dst, "2001:db8::1");
		e.asn = i == 9 ? 64500 : 0;
		e.enforced = i == 10;
		aggregate_event(f, &e, 101 * S);
		cr_expect_eq(told, before + 1, "another %s is told at once", name[i]);
	}
	base.process.pid = 99;
	base.flow.sport = 1234;
	base.flow.dst = ip_from_v4(77);
	aggregate_event(f, &base, 102 * S);
	cr_expect_eq(told, 1 + sizeof(name) / sizeof(name[0]),
		     "a pid, a port, an address break nothing");
}

Test(fold, later_counts_go_to_the_summary)
{
	struct event e = flow(1);

	aggregate_event(f, &e, 100 * S);
	e.kind = EVENT_FLOW_END;
	for (uint64_t i = 1; i < 3; i++) {
		e.packets = 5 * i;
		e.bytes = 500 * i;
		aggregate_event(f, &e, (109 + i) * S);
	}
	cr_expect_eq(told, 1);
	aggregate_tick(f, 161 * S);
	cr_expect_eq(told, 2);
	cr_expect_eq(packets, 16);
	cr_expect_eq(bytes, 1560);
	cr_expect_eq(repeats, 0, "the same flow is no repeat");
	aggregate_flush(f);
	aggregate_event(f, &e, 162 * S);
	cr_expect_eq(told, 3, "forgotten: told by itself");
}

Test(fold, its_texts_are_its_own)
{
	char exe[] = "/bin/psql";
	struct event e = flow(1);

	e.process.exe = exe;
	aggregate_event(f, &e, 100 * S);
	memset(exe, 'x', sizeof(exe) - 1);
	e = flow(1);
	aggregate_event(f, &e, 101 * S);
	cr_expect_eq(told, 1, "still the same executable");
}

Test(fold, what_nobody_took_is_not_told)
{
	struct event e = flow(1);

	answer = -5;
	aggregate_event(f, &e, 100 * S);
	answer = 0;
	e = flow(1);
	aggregate_event(f, &e, 101 * S);
	cr_expect_eq(told, 2, "the next one is the first");
	cr_expect_eq(packets, 1);
}

Test(fold, off)
{
	struct aggregate *off;
	struct event e;

	cr_assert_eq(aggregate_new(&off, 0, emit, NULL), 0);
	for (int i = 0; i < 3; i++) {
		e = flow(1);
		aggregate_event(off, &e, 100 * S);
	}
	cr_expect_eq(told, 3);
	aggregate_free(off);
}

Test(fold, more_keys_than_it_holds)
{
	static char exe[AGGREGATE_KEYS_MAX + 10][16];
	uint64_t sent = 0;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < AGGREGATE_KEYS_MAX + 10; i++) {
			struct event e = flow(1);

			text_put(exe[i], sizeof(exe[i]), "/bin/%u", i);
			e.process.exe = exe[i];
			aggregate_event(f, &e, (100 + round) * S);
			sent++;
		}
	}
	aggregate_flush(f);
	cr_expect_eq(packets, sent, "none is lost at the limit");
}
