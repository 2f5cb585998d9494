/* SPDX-License-Identifier: BSD-2-Clause */
/* parts_test.c - the small things under the policy: calendar, protocols, arena, keys, writer; and
 * the compiler's limits. */
#include <limits.h>
#include <time.h>
#include "tests/rules/fixture.h"
#include "rules/parse/arena.h"
#include "rules/parse/calendar.h"
#include "rules/compile/keys.h"
#include "rules/parse/proto.h"
#include "rules/parse/writer.h"

TestSuite(parts, .fini = no_leaks);

/* Every day from 1971 to 2105 against the C library. */
Test(parts, calendar)
{
	char buf[CALENDAR_STRLEN], want[CALENDAR_STRLEN];
	int64_t back;
	unsigned days;

	for (int64_t t = 365 * 86400; t < 4260000000; t += 86400) {
		time_t day = (time_t)t;
		struct tm tm;

		gmtime_r(&day, &tm);
		strftime(want, sizeof(want), "%Y-%m-%d", &tm);
		cr_assert_str_eq(calendar_format(buf, t), want);
		cr_assert_str_eq(calendar_format(buf, t + 86399), want);
		cr_assert_eq(calendar_parse(&back, want, &days), 0);
		cr_assert_eq(back, t, "%s", want);
	}
}

Test(parts, calendar_refuses)
{
	static const struct {
		const char *text;
		int err;
		unsigned days;
	} rows[] = {
		{"", -22, 0},
		{"2027-3-31", -22, 0},
		{"2027-03-31 ", -22, 0},
		{"2027-0x-31", -22, 0},
		{"2027/03/31", -22, 0},
		{"1970-12-31", -22, 0},
		{"2027-00-01", -34, 0},
		{"2027-13-01", -34, 0},
		{"2027-02-29", -34, 28},
		{"2028-02-30", -34, 29},
		{"2027-04-31", -34, 30},
		{"2027-01-00", -34, 31},
		{"9999-12-31", 0, 31},
	};
	int64_t t = 5;
	unsigned days;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_expect_eq(calendar_parse(&t, rows[i].text, &days), rows[i].err, "'%s'",
			     rows[i].text);
		cr_expect(rows[i].err != -34 || days == rows[i].days, "'%s': %u", rows[i].text,
			  days);
		cr_expect(!rows[i].err || t == 5, "a failed parse wrote");
	}
}

Test(parts, protocols)
{
	const char *names[PROTO_NAMES_MAX];
	size_t n = proto_names(names);

	cr_assert(n > 5);
	for (size_t i = 0; i < n; i++)
		cr_expect(proto_find(names[i]) >= 0, "%s", names[i]);
	cr_expect_eq(proto_find("tcp"), 6);
	cr_expect_eq(proto_find("0"), 0);
	cr_expect_eq(proto_find("255"), 255);
	cr_expect(proto_find("256") < 0);
	cr_expect(proto_find("06") < 0);
	cr_expect(proto_find("") < 0);
	cr_expect(proto_find("TCP") < 0);
	cr_expect_str_eq(proto_name(58), "icmpv6");
	cr_expect_null(proto_name(99));
}

Test(parts, arena)
{
	struct arena *a = arena_new();
	struct list l = {0}, other = {0};
	char *big, *small;
	char **texts;

	cr_assert_not_null(a);
	big = arena_alloc(a, 1, 1 << 20);
	small = arena_alloc(a, 3, 1);
	cr_assert(big && small);
	cr_expect_eq((uintptr_t)small % _Alignof(max_align_t), 0);
	memset(big, 1, 1 << 20);
	cr_expect_eq(small[0], 0, "memory is zeroed");
	cr_expect_null(arena_alloc(a, SIZE_MAX, 2));
	cr_expect_null(arena_alloc(a, SIZE_MAX, 1));
	cr_expect_not_null(arena_alloc(a, 0, 8));
	cr_expect_str_eq(arena_copy(a, "abc", 2), "ab");
	cr_expect_str_eq(arena_format(a, "%d-%s", 5, "x"), "5-x");
	for (int i = 0; i < 1000; i++) {
		char **slot = list_push(a, &l, sizeof(*slot));

		cr_assert_not_null(slot);
		*slot = arena_format(a, "%d", i);
	}
	texts = l.items;
	cr_expect_str_eq(texts[999], "999");
	cr_expect_str_eq(texts[0], "0");
	cr_expect_not_null(list_push(a, &other, 1));
	cr_expect_null(list_push(a, &other, 2), "items of another size are refused");
	arena_free(a);
	arena_free(NULL);
}

Test(parts, keys)
{
	struct arena *a = arena_new();
	struct keys k;

	keys_init(&k, a, sizeof(uint32_t), 1000);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 1000; i++)
			cr_assert_eq(keys_add(&k, &(uint32_t){i * 7919}), i);
	cr_expect_eq(keys_add(&k, &(uint32_t){1}), -7 /* E2BIG */);
	cr_expect_eq(*(const uint32_t *)keys_key(&k, 10), 79190);
	arena_free(a);
}

Test(parts, writer)
{
	struct writer w = {0};
	char *s;

	for (int i = 0; i < 500; i++)
		writer_add(&w, "%d,", i);
	writer_quote(&w, "a\"b\\c");
	s = writer_take(&w);
	cr_expect_eq(strncmp(s, "0,1,2,", 6), 0);
	cr_expect_str_eq(s + strlen(s) - 13, "499,\"a\\\"b\\\\c\"" + 0, "%s", s + strlen(s) - 13);
	free(s);
	s = writer_take(&w);
	cr_expect_str_eq(s, "", "nothing added is an empty text");
	free(s);
}

/* ---- the compiler's limits ---- */
static int try_compile(const char *text, const struct place_class *classes, size_t n,
		       struct said *said)
{
	struct policy *p = good(text);
	struct compile_env env = {
		.classes = classes, .nclasses = n, .string = string_of, .now = NOW, .live = 1};
	struct compiled *c = NULL;
	int err;

	said_start(said);
	err = policy_compile(&c, p, &env, &said->sink);
	cr_expect_eq(!c, !!err, "a failure leaves nothing");
	cr_expect(!err || said->sink.errors == 1, "a failure says why, once");
	compiled_free(c);
	policy_free(p);
	return err;
}

Test(parts, subjects_limit)
{
	struct place_class c = place_in("DE", PLACE_KNOWN);
	static struct said s;
	char text[8192] = "";
	size_t n = 0;

	for (int i = 0; i < DECIDE_SUBJECTS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "allow from user u%d\nallow from user u%d to US\n", i, i);
	cr_expect_eq(try_compile(text, &c, 1, &s), 0, "%s", s.text);
	snprintf(text + n, sizeof(text) - n, "block from user another\n");
	cr_expect_eq(try_compile(text, &c, 1, &s), -7);
	cr_expect_not_null(strstr(s.text, "129:0: error: the 65th distinct sender"));
	n = 0; /* with 'over' as many as have a column for each mask */
	for (int i = 0; i <= DECIDE_SUBJECTS_NARROW; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "allow from user u%d\n", i);
	snprintf(text + n, sizeof(text) - n, "block over 1MB per 1d\n");
	cr_expect_eq(try_compile(text, &c, 1, &s), -7);
	cr_expect_not_null(strstr(s.text,
				  "11:0: error: the 11th distinct sender that a rule names; "
				  "10 are told apart in a policy with 'over'"));
}

Test(parts, services_limit)
{
	struct place_class c = place_in("DE", PLACE_KNOWN);
	static struct said s;
	char text[8192] = "";
	size_t n = 0;

	for (int i = 0; i < DECIDE_SERVICES_MAX - 3; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "allow proto tcp port %d\n",
				      2 * i + 1);
	cr_expect_eq(try_compile(text, &c, 1, &s), 0, "%s", s.text);
	for (int i = 0; i < 4; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "allow proto tcp port %d\n",
				      60001 + 2 * i);
	cr_expect_eq(try_compile(text, &c, 1, &s), -7);
	cr_expect_not_null(strstr(s.text, "more than 255 classes of ports"));
}

Test(parts, cells_limit)
{
	struct place_class *c = calloc(700, sizeof(*c));
	static struct said s;
	size_t room = 1 << 16, n = 0;
	char *text = calloc(1, room);

	cr_assert(c && text);
	for (int i = 0; i < 10; i++)
		n += (size_t)snprintf(text + n, room - n, "alert from user u%d port %d to %s\n", i,
				      i + 1, i % 2 ? "DE" : "US");
	for (int i = 0; i < 600; i++)
		n += (size_t)snprintf(text + n, room - n, "alert to %c%c port %d\n",
				      "DFIEPNBALS"[i % 10], "ERTSTLETUE"[i % 10], i % 200 + 20);
	for (unsigned i = 0; i < 700; i++)
		c[i] = place_in((const char *[]){"DE", "FR", "IT", "ES", "PT", "NL", "BE", "AT",
						 "LU", "SE", "US"}[i % 11],
				(uint8_t)(i % 3 + 1));
	cr_expect_eq(try_compile(text, c, 700, &s), -7);
	cr_expect_not_null(strstr(s.text, "cells of the decision matrix"), "%s", s.text);
	free(c);
	free(text);
}

/* Rows that decide the same are one, however many classes there are. */
Test(parts, rows_are_shared)
{
	struct policy *p = good("allow to eea\nblock to any");
	struct place_class *c = calloc(60000, sizeof(*c));
	struct compiled *k;

	cr_assert_not_null(c);
	for (unsigned i = 0; i < 60000; i++) {
		c[i] = place_in(i % 2 ? "DE" : "US", PLACE_KNOWN);
		c[i].place.region = (uint16_t)i;
	}
	k = compile(p, c, 60000, 1);
	cr_expect_eq(k->header.rows, 3, "local, allow, block: %u", k->header.rows);
	cr_expect_eq(k->header.columns, 1);
	cr_expect_eq(k->header.services, 1);
	cr_expect_eq(k->bytes[DECIDE_ROW_OF], 120000);
	compiled_free(k);
	policy_free(p);
	free(c);
}
