/* SPDX-License-Identifier: BSD-2-Clause */
/* fixture.h - a policy from a text in the test, what was said of it, and made-up place classes. */
#ifndef TESTS_RULES_FIXTURE_H
#define TESTS_RULES_FIXTURE_H
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/leaks.h"
#include "rules/compile.h"

/* 2026-11-23 00:00:00 UTC */
#define NOW 1795392000

/* Everything that was said, a line each: "3:7: error: text" */
struct said {
	struct diag_sink sink;
	char text[1 << 16];
	size_t n;
};

static void said_one(void *arg, const struct diag *d)
{
	static const char *const levels[] = {"error", "warning", "note"};
	struct said *s = arg;
	int n = snprintf(s->text + s->n, sizeof(s->text) - s->n, "%u:%u: %s: %s\n", d->line,
			 d->column, levels[d->level], d->text);

	if (n > 0 && s->n + (size_t)n < sizeof(s->text))
		s->n += (size_t)n;
}

static inline void said_start(struct said *s)
{
	memset(s, 0, sizeof(*s));
	s->sink.fn = said_one;
	s->sink.arg = s;
}

/* The policy of a text that must be right. */
static inline struct policy *good(const char *text)
{
	static struct said s;
	struct policy *p = NULL;

	said_start(&s);
	cr_assert_eq(policy_parse(&p, "test.conf", text, strlen(text), &s.sink), 0, "%s\n%s", text,
		     s.text);
	cr_assert_eq(s.sink.errors, 0);
	return p;
}

/* What is said of a text that must be wrong. */
static inline const char *bad(const char *text, size_t len)
{
	static struct said s;
	struct policy *p = (void *)&s;

	said_start(&s);
	cr_expect_eq(policy_parse(&p, "test.conf", text, len, &s.sink), -22, "'%s' was taken",
		     text);
	cr_expect_eq((void *)p, (void *)&s, "the policy was touched by a failed parse");
	cr_expect(s.sink.errors > 0);
	return s.text;
}

static const char *const strings[] = {"",	   "aws",	"ovh", "heroku", "eu-central-1",
				      "eu-west-2", "us-east-1", "gra"};

static inline const char *string_of(void *arg, uint16_t i)
{
	(void)arg;
	return i < sizeof(strings) / sizeof(*strings) ? strings[i] : "";
}

static inline uint16_t string_index(const char *s)
{
	for (uint16_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		if (!strcmp(strings[i], s))
			return i;
	cr_assert_fail("no string");
	return 0;
}

static const uint64_t no_sets[PLACE_SETS_MAX / 64];

static inline struct place_class place_in(const char *cc, uint8_t status)
{
	struct place_class c = {.sets = no_sets};

	c.place.country = *cc ? CC(cc[0], cc[1]) : 0;
	c.place.status = status;
	return c;
}

static inline struct compiled *compile(const struct policy *p, const struct place_class *classes,
				       size_t n, int live)
{
	static struct said s;
	struct compile_env env = {
		.classes = classes, .nclasses = n, .string = string_of, .now = NOW, .live = live};
	struct compiled *c = NULL;

	said_start(&s);
	cr_assert_eq(policy_compile(&c, p, &env, &s.sink), 0, "%s", s.text);
	return c;
}

/* The line that decides for a class: 0 = no rule, -1 = outside the policy. */
static inline int line_of(const struct compiled *c, uint32_t class, uint8_t proto, int port,
			  uint8_t opened, uint8_t known, uint64_t mask)
{
	struct decide_packet pkt = {.place = class,
				    .mask = mask,
				    .proto = proto,
				    .port = (uint16_t)port,
				    .has_port = port >= 0,
				    .opened = opened,
				    .known = known};
	const struct decide_decision *d = compiled_decide(c, &pkt, UINT32_MAX, NOW * 1000000000ull);

	return d->action == DECIDE_LOCAL ? -1
	       : d->rule		 ? (int)c->policy->rules[d->rule - 1].line
					 : 0;
}
static inline int line_plain(const struct compiled *c, uint32_t class)
{
	return line_of(c, class, 6, 443, OPENED_HERE, KNOWN_ALL, 0);
}
#endif
