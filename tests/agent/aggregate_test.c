/* SPDX-License-Identifier: BSD-2-Clause */
/* aggregate_test.c - one alert at once, one summary a window, and every byte in exactly one event. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/feed/aggregate.h"

#define S 1000000000ull
static struct aggregate *f;
static unsigned told, ends;
static uint64_t packets, bytes, repeats, attempts;
static struct event last;
static struct event_summary last_summary;
static int answer;
static struct rule rules[2] = {{.line = 1}, {.line = 2}};
static struct place us = {.country = CC('U', 'S')}, fr = {.country = CC('F', 'R')};

/* Lists and rest add up to the sums. */
static void adds_up(const struct event *e)
{
	struct event_count d = e->summary->rest, p = e->summary->rest_processes;

	for (unsigned i = 0; i < e->summary->ndestinations; i++)
		event_count_add(&d, &e->summary->destination[i].count);
	for (unsigned i = 0; i < e->summary->nprocesses; i++)
		event_count_add(&p, &e->summary->process[i].count);
	cr_expect_eq(memcmp(&d, &p, sizeof(d)), 0);
	cr_expect_eq(d.flows, e->suppressed);
	cr_expect_eq(d.attempts, e->attempts);
	cr_expect_eq(d.packets, e->packets);
	cr_expect_eq(d.bytes, e->bytes);
}

static int emit(void *arg, struct event *e)
{
	(void)arg;
	told++;
	ends += e->kind == EVENT_SUMMARY;
	snprintf(e->id, sizeof(e->id), "id%u", told);
	last = *e;
	if (e->summary) {
		adds_up(e);
		last_summary = *e->summary;
	}
	if (answer < 0)
		return answer;
	packets += e->packets;
	bytes += e->bytes;
	repeats += e->suppressed;
	attempts += e->attempts;
	return 0;
}

static void setup(void)
{
	told = ends = 0;
	packets = bytes = repeats = attempts = 0;
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
	cr_expect_eq(last_summary.ndestinations, 7);
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

/* The names of a flow live for the call that brought it: another flow's stand there later. */
Test(fold, a_summary_has_no_flows_names)
{
	struct event_names names = {.v = {{.name = "a.example", .by = NAME_BY_TLS}}, .n = 1};
	struct event e = flow(1), again = flow(2);

	e.names = &names;
	aggregate_event(f, &e, 100 * S);
	cr_expect_eq(last.names, &names, "the first is told at once, with its names");
	again.names = &names;
	aggregate_event(f, &again, 101 * S);
	aggregate_tick(f, 200 * S);
	cr_assert_eq(ends, 1);
	cr_expect_null(last.names);
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

/* A summary is of many flows: it names the largest ends, and no port or address of a single one. */
Test(fold, a_summary_lists_destinations_and_processes)
{
	struct event e = flow(1);

	e.flow.sport = 40000;
	e.flow.proto = 17;
	e.flow.src = ip_from_v4(0x0a000005);
	aggregate_event(f, &e, 100 * S);
	for (uint32_t i = 0; i < 1000; i++) {
		e = flow(2 + i);
		e.flow.proto = 17;
		e.flow.src = ip_from_v4(0x0a000005);
		e.flow.sport = (uint16_t)(40001 + i);
		e.flow.dport = 9999;
		e.process.pid = (int32_t)(100 + i % 50);
		if (i == 999) /* last, and the largest */
			e.bytes = 5000;
		aggregate_event(f, &e, 101 * S);
	}
	aggregate_tick(f, 161 * S);
	cr_expect_eq(last.kind, EVENT_SUMMARY);
	cr_expect_str_eq(last_summary.first_id, "id1");
	cr_expect_eq(last.suppressed, 1000);
	cr_expect_eq(last.flow.sport, 0);
	cr_expect_eq(last.flow.dport, 0);
	cr_expect_eq(ip_v4(&last.flow.src), 0x0a000005, "all had this one");
	cr_expect_eq(ip_v4(&last.flow.dst), 0);
	cr_expect_eq(last.flow.proto, 17);
	cr_expect_eq(last_summary.ndestinations, EVENT_DESTINATIONS_MAX);
	cr_expect_eq(last_summary.rest.flows, 1000 - EVENT_DESTINATIONS_MAX);
	cr_expect_eq(last_summary.nprocesses, EVENT_PROCESSES_MAX);
	for (unsigned i = 0; i < EVENT_DESTINATIONS_MAX; i++)
		if (last_summary.destination[i].count.bytes == 5000)
			return;
	cr_expect_fail("the largest is not listed");
}

Test(fold, one_destination_is_named)
{
	struct event e = flow(7);

	aggregate_event(f, &e, 100 * S);
	e.flow.dport = 443;
	e.flow.proto = 6;
	e.flow.src = ip_from_v4(1);
	aggregate_event(f, &e, 101 * S);
	aggregate_flush(f);
	cr_expect_eq(ip_v4(&last.flow.dst), 7);
	cr_expect_eq(last.flow.dport, 443);
	cr_expect(last_summary.many_sources && last_summary.many_protocols);
	cr_expect_eq(last.flow.proto, 0);
	cr_expect_eq(last.flow.src.b[3], 0);
}

/* A refused connect() has no packet. */
Test(fold, attempts_are_told_each_window)
{
	struct event e = flow(1);
	struct event_count waiting[EVENT_SUMS] = {0};

	e.packets = e.bytes = 0;
	e.attempts = 1;
	e.enforced = 1;
	aggregate_event(f, &e, 100 * S);
	e.kind = EVENT_FLOW_END;
	e.attempts = 1231;
	aggregate_event(f, &e, 110 * S);
	aggregate_waiting(f, waiting);
	cr_expect_eq(waiting[SUM_BLOCKED].attempts, 1231);
	aggregate_tick(f, 161 * S);
	cr_expect_eq(told, 2);
	cr_expect_eq(attempts, 1232);
	e.attempts = 10;
	aggregate_event(f, &e, 170 * S);
	aggregate_tick(f, 222 * S);
	cr_expect_eq(told, 3);
	cr_expect_eq(attempts, 1242);
}

Test(fold, a_summary_that_nobody_took_is_told_later)
{
	struct event e = flow(1);

	aggregate_event(f, &e, 100 * S);
	aggregate_event(f, &e, 101 * S);
	answer = -5;
	aggregate_tick(f, 161 * S);
	answer = 0;
	cr_expect_eq(packets, 1);
	aggregate_tick(f, 222 * S);
	cr_expect_eq(packets, 2);
}

/* A name is no part of the key, but flows of two names to one address are two rows. */
Test(fold, names_apart)
{
	struct event_names a = {.n = 1, .v = {{.name = "a.test", .by = NAME_BY_TLS}}},
			   b = {.n = 1, .v = {{.name = "b.test", .by = NAME_BY_TLS}}};
	const struct event_names *each[] = {NULL, &a, &b, &a, NULL};

	for (unsigned i = 0; i < 5; i++) {
		struct event e = flow(1);

		e.names = each[i];
		aggregate_event(f, &e, S);
	}
	aggregate_flush(f);
	cr_expect_eq(told, 2);
	cr_assert_eq(last_summary.ndestinations, 3);
	cr_expect_str_eq(last_summary.destination[0].domain, "a.test");
	cr_expect_eq(last_summary.destination[0].count.flows, 2);
	cr_expect_str_eq(last_summary.destination[1].domain, "b.test");
	cr_expect_str_eq(last_summary.destination[2].domain, "");
	cr_expect_null(last.names);
}
