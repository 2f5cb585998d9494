/* SPDX-License-Identifier: BSD-2-Clause */
/* top_test.c - the table: nothing foreign reaches the terminal, lines fit its width, counts add up
 * over turns. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/top.h"

#define S 1000000000ull
static struct place us = {.country = CC('U', 'S'), .status = PLACE_KNOWN};
static struct rule rule = {.line = 7, .text = "block to any"};
static char *out;
static size_t len;
static FILE *to;
static struct top *l;

static void setup(void)
{
	to = open_memstream(&out, &len);
	cr_assert_eq(top_new(&l, to), 0);
}
static void teardown(void)
{
	top_free(l);
	fclose(to);
	free(out);
}
TestSuite(live, .init = setup, .fini = teardown);

static struct event flow(uint16_t sport, enum decide_action verdict)
{
	struct event e = {.kind = EVENT_FLOW,
			  .time_ns = 100 * S,
			  .last_ns = 100 * S,
			  .packets = 1,
			  .bytes = 60,
			  .place = &us,
			  .rule = &rule,
			  .verdict = verdict,
			  .process = {.pid = 42,
				      .exe = "/usr/bin/psql",
				      .unit = "x.service",
				      .user = "postgres"}};

	e.flow = (struct flow_key){.sport = sport, .dport = 443, .proto = 6};
	e.flow.src = ip_from_v4(0x0a000001);
	e.flow.dst = ip_from_v4(0x03500001);
	return e;
}

static const char *drawn(unsigned columns, unsigned rows, int colour)
{
	top_size(l, columns, rows, colour);
	fseek(to, 0, SEEK_SET);
	top_draw(l, "title", "message", 105 * S);
	fflush(to);
	return out;
}

Test(live, no_terminal_a_line_a_flow)
{
	struct event e = flow(1, DECIDE_BLOCK);

	top_put(l, &e);
	top_put(l, &e);
	fflush(to);
	cr_expect_str_eq(out, "would block psql[42] -> 3.80.0.1:443 US "
			      "x.service/postgres [7: block to any]\n");
}

Test(live, hostile_names)
{
	struct event e = flow(1, DECIDE_BLOCK);
	const char *s;

	e.process.exe = "/tmp/evil\033[2J\r\n\xff";
	e.process.unit = "a\033]0;title\007b";
	e.process.user = "\xc2\x9b";
	top_put(l, &e);
	s = drawn(200, 24, 0);
	for (const char *p = s; *p; p++)
		if (*p == '\033')
			cr_expect(p[1] == '[' && strchr("HKJ", p[2]),
				  "its own sequences only: %.8s", p + 1);
	cr_expect(strstr(s, "\\x1b[2J"));
	cr_expect_null(strstr(s, "\007"));
}

Test(live, lines_fit)
{
	for (uint16_t i = 0; i < 60; i++) {
		struct event e = flow(i, i % 2 ? DECIDE_BLOCK : DECIDE_ALLOW);

		e.process.unit =
			"a-very-long-unit-name-that-nobody-would-give-a-unit@with-an-instance.service";
		top_put(l, &e);
	}
	for (unsigned columns = 60; columns <= 240; columns += 30) {
		const char *s = drawn(columns, 20, 0);
		unsigned lines = 0;

		while ((s = strstr(s, "\r\n"))) {
			const char *next = strstr(s + 2, "\033[K");

			if (next) {
				_free_ char *line = strndup(s + 2, (size_t)(next - s - 2));

				cr_expect_leq(text_columns(line), columns, "%u: '%s'", columns,
					      line);
			}
			lines++;
			s += 2;
		}
		cr_expect_leq(lines, 20);
	}
}

Test(live, turns_add_up_and_violations_come_first)
{
	struct event e = flow(1, DECIDE_ALLOW), bad = flow(2, DECIDE_BLOCK);
	const char *s;

	e.packets = 10;
	e.bytes = 5000000;
	top_put(l, &e);
	top_end(l, &e);
	e.packets = 7;
	top_put(l, &e);
	top_end(l, &e);
	bad.enforced = 1;
	top_put(l, &bad);
	s = drawn(160, 24, 1);
	cr_expect(strstr(s, " 17   10.0 MB"), "%s", s);
	cr_expect(strstr(s, "BLOCKED") < strstr(s, "allow  "), "%s", s);
	cr_expect(strstr(s, "2 flows: 1 blocked or to be blocked, 0 alerted, 1 allowed"));
	cr_expect(strstr(s, "\033[31m"));
}

Test(live, local_traffic_is_not_shown_and_old_flows_go)
{
	struct event e = flow(1, DECIDE_LOCAL), old = flow(2, DECIDE_ALLOW);

	top_put(l, &e);
	old.last_ns = 50 * S;
	old.packets = 0; /* a call that was refused: nothing of it lives */
	top_put(l, &old);
	cr_expect(strstr(drawn(160, 24, 0), "0 flows"));
}

Test(live, more_flows_than_it_holds)
{
	struct event bad = flow(9, DECIDE_BLOCK);

	bad.flow.dport = 9;
	top_put(l, &bad);
	for (unsigned i = 0; i < TOP_FLOWS_MAX + 100; i++) {
		struct event e = flow((uint16_t)i, DECIDE_ALLOW);

		top_put(l, &e);
	}
	cr_expect(strstr(drawn(160, 24, 0), "4096 flows: 1 blocked"), "an allowed one makes room");
}

/* Said after the flow began: it stands behind the place. */
Test(live, a_name_comes_later)
{
	struct event_names n = {.n = 1, .v = {{.name = "api.example.eu", .by = NAME_BY_TLS}}};
	struct event e = flow(1, DECIDE_ALLOW);

	top_put(l, &e);
	cr_expect_null(strstr(drawn(200, 24, 0), "api.example.eu"));
	e.names = &n;
	top_put(l, &e);
	cr_expect(strstr(drawn(200, 24, 0), "api.example.eu"));
}

static const char *keyed(const char *keys, unsigned columns)
{
	cr_assert(top_keys(l, keys, strlen(keys)));
	return drawn(columns, 24, 0);
}

Test(live, keys_sort_filter_explain_and_write_a_rule)
{
	struct event e = flow(1, DECIDE_ALLOW), bad = flow(2, DECIDE_BLOCK);
	const char *s;

	e.bytes = 5000000;
	e.flow.dst = ip_from_v4(0x03500002);
	top_put(l, &e);
	top_put(l, &bad);
	top_use_keys(l);
	s = drawn(160, 24, 0);
	cr_expect(strstr(s, "> psql[42]") && strstr(s, "by verdict"), "%s", s);
	s = keyed("a", 160);
	cr_expect(
		strstr(s,
		       "allow from unit \"x.service\" to 3.80.0.1 proto tcp port 443 opened by here"),
		"%s", s);
	cr_expect(strstr(s, "above line 7"), "%s", s);
	s = keyed("a\033[Ba", 160);
	cr_expect(strstr(s, "block from unit \"x.service\" to 3.80.0.2 proto tcp port 443"), "%s",
		  s);
	s = keyed("e", 160);
	cr_expect(strstr(s, "cordon explain 3.80.0.2:443 --from 'unit x.service'"), "%s", s);
	s = keyed("\033", 160);
	cr_expect(strstr(s, "2 flows"), "%s", s);
	s = keyed("s", 160);
	cr_expect(strstr(s, "by bytes") && strstr(s, "3.80.0.2") < strstr(s, "3.80.0.1:"), "%s", s);
	s = keyed("fWould", 160);
	cr_expect(strstr(s, "1 flows") && strstr(s, "'Would'"), "%s", s);
	s = keyed("\r", 160);
	cr_expect(strstr(s, "1 flows"), "%s", s);
	s = keyed("f\033", 160);
	cr_expect(strstr(s, "2 flows"), "%s", s);
	cr_expect_not(top_keys(l, "xq", 2), "'q' ends it");
}

Test(live, a_rule_names_nobody_who_has_no_name)
{
	struct event e = flow(1, DECIDE_BLOCK);
	const char *s;

	e.process.unit = "*\"\nallow to any.service";
	e.process.user = "?";
	top_put(l, &e);
	top_use_keys(l);
	drawn(160, 24, 0);
	s = keyed("a", 160);
	cr_expect(strstr(s, "allow to 3.80.0.1 proto tcp port 443"), "%s", s);
	cr_expect(strstr(s, "From anyone"), "%s", s);
	cr_expect_null(strstr(s, "allow to any"), "%s", s);
}

Test(live, a_flow_that_lives_stays)
{
	struct event e = flow(2, DECIDE_ALLOW);

	e.last_ns = e.time_ns = 50 * S;
	top_put(l, &e);
	cr_expect(strstr(drawn(160, 24, 0), "1 flows"));
	top_end(l, &e);
	cr_expect(strstr(drawn(160, 24, 0), "0 flows"), "it is over for longer than that");
}

Test(live, letters_that_the_terminal_has)
{
	struct event e = flow(1, DECIDE_BLOCK);
	const char *s;

	setenv("LC_ALL", "C", 1);
	top_free(l);
	cr_assert_eq(top_new(&l, to), 0);
	e.process.exe = "/usr/bin/\xc3\xa9t\xc3\xa9-and-a-name-that-is-too-long-for-its-column";
	top_put(l, &e);
	for (s = drawn(60, 24, 0); *s; s++)
		cr_assert((unsigned char)*s < 0x80, "%s", s);
	setenv("LC_ALL", "C.UTF-8", 1);
	top_free(l);
	cr_assert_eq(top_new(&l, to), 0);
	top_put(l, &e);
	cr_expect(strstr(drawn(160, 24, 0), "\xc3\xa9t\xc3\xa9"));
}
