/* SPDX-License-Identifier: BSD-2-Clause */
/* named_test.c - rules with a name: by whose word, never milder than what is not known, and the same as the matrix where there is no name. */
#include "tests/rules/fixture.h"

TestSuite(named, .fini = no_leaks);

enum { DE, US, LOCAL, CLASSES };
static struct place_class class[CLASSES];

static struct compiled *built(const struct policy *p)
{
	struct diag_sink quiet = {0};
	struct compile_env env = {
		.classes = class, .nclasses = CLASSES, .string = string_of, .now = NOW, .live = 1};
	struct compiled *c = NULL;

	class[DE] = place_in("DE", PLACE_KNOWN);
	class[US] = place_in("US", PLACE_KNOWN);
	class[LOCAL] = place_in("", PLACE_UNKNOWN);
	class[LOCAL].place.scope = SCOPE_LOCAL;
	cr_assert_eq(policy_compile(&c, p, &env, &quiet), 0);
	return c;
}

static const struct decide_packet https = {.proto = 6, .port = 443, .has_port = 1};

static unsigned by_name(const struct compiled *c, unsigned where, const struct rule_names *n)
{
	struct decide_decision d;

	compiled_decide_named(c, &class[where], https, UINT32_MAX, NOW * 1000000000ull, n, &d);
	return d.action;
}

static unsigned by_matrix(const struct compiled *c, unsigned where)
{
	struct decide_packet pkt = https;

	pkt.place = where;
	return compiled_decide(c, &pkt, UINT32_MAX, NOW * 1000000000ull)->action;
}

/* A policy, what its sender asked and the flow said, and what then decides. */
static const struct name_case {
	const char *rules, *said, *asked;
	bool disputed;
	unsigned de, us;
} cases[] = {
#define EU "allow to DE name \"*.example.eu\"\n"
	{EU, NULL, NULL, false, DECIDE_BLOCK, DECIDE_BLOCK},
	{EU, "api.example.eu", NULL, false, DECIDE_ALLOW, DECIDE_BLOCK},
	{EU, "example.eu", NULL, false, DECIDE_BLOCK, DECIDE_BLOCK},
	{EU, "api.example.eu.evil.test", NULL, false, DECIDE_BLOCK, DECIDE_BLOCK},
	{EU, "api.example.eu", "evil.test", true, DECIDE_BLOCK, DECIDE_BLOCK},
	{EU, "evil.test", "api.example.eu", true, DECIDE_BLOCK, DECIDE_BLOCK},
	{EU "alert to any\n", NULL, NULL, false, DECIDE_ALERT, DECIDE_ALERT},
	{EU "alert to any\n", "api.example.eu", NULL, false, DECIDE_ALLOW, DECIDE_ALERT},
#define COM "alert to any name \"*.example.com\"\nallow to DE\n"
	{COM, NULL, NULL, false, DECIDE_ALERT, DECIDE_BLOCK},
	{COM, "x.test", NULL, false, DECIDE_ALLOW, DECIDE_BLOCK},
	{COM, "api.example.com", NULL, false, DECIDE_ALERT, DECIDE_ALERT},
	{COM, "x.test", "api.example.com", false, DECIDE_ALERT, DECIDE_BLOCK},
	{COM, "api.example.com", "x.test", true, DECIDE_ALERT, DECIDE_BLOCK},
#define NO "block to any name \"bad.*\"\nalert to US\nallow to any\n"
	{NO, NULL, NULL, false, DECIDE_BLOCK, DECIDE_BLOCK},
	{NO, "bad.test", NULL, false, DECIDE_BLOCK, DECIDE_BLOCK},
	{NO, "good.test", NULL, false, DECIDE_ALLOW, DECIDE_ALERT},
	{NO, "good.test", "bad.test", true, DECIDE_BLOCK, DECIDE_BLOCK},
};

Test(named, by_whose_word)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct name_case *k = &cases[i];
		struct policy *p = good(k->rules);
		struct compiled *c = built(p);
		const char *asked[] = {k->asked};
		struct rule_names n = {k->said, k->disputed, asked, k->asked ? 1 : 0};

		cr_expect(c->named);
		cr_expect_eq(by_name(c, DE, &n), k->de, "%zu DE: %u", i, by_name(c, DE, &n));
		cr_expect_eq(by_name(c, US, &n), k->us, "%zu US: %u", i, by_name(c, US, &n));
		cr_expect_eq(by_name(c, LOCAL, &n), DECIDE_LOCAL);
		/* what the kernel decides before there is a name is never milder */
		cr_expect_geq(by_matrix(c, DE), k->de, "%zu DE", i);
		cr_expect_geq(by_matrix(c, US), k->us, "%zu US", i);
		compiled_free(c);
		policy_free(p);
	}
}

/* Without a name both readings are one: for all policies of three rules out of these. */
Test(named, as_the_matrix)
{
	static const char *const rules[] = {
		"allow to DE name \"a.*\"\n",
		"alert to any name \"b.*\"\n",
		"block to US name \"c.*\"\n",
		"allow to any port 443 until 2026-12-24\n",
		"alert to DE opened by here\n",
		"block to US port 25\n",
		"allow to any\n",
		"block from address 10.0.0.0/8 to any\n",
	};
	enum { N = sizeof(rules) / sizeof(*rules) };
	char text[256];

	for (unsigned i = 0; i < N * N * N; i++) {
		struct policy *p;
		struct compiled *c;

		snprintf(text, sizeof(text), "%s%s%s", rules[i % N], rules[i / N % N],
			 rules[i / N / N]);
		p = good(text);
		c = built(p);
		for (unsigned where = 0; where < CLASSES; where++)
			cr_expect_eq(by_name(c, where, NULL), by_matrix(c, where), "%s in %u", text,
				     where);
		compiled_free(c);
		policy_free(p);
	}
}

Test(named, written)
{
	struct policy *p = good("allow to DE name \"API.*.Example.eu\"\n");

	cr_expect_str_eq(p->rules[0].name, "api.*.example.eu");
	policy_free(p);
	cr_expect(strstr(bad("allow to DE name \"*\"\n", 21), "is no name"));
	cr_expect(strstr(bad("allow to DE name \"a b\"\n", 23), "a name is of letters"));
	cr_expect(strstr(bad("allow to DE name \".eu\"\n", 23), "is no name"));
}

Test(named, lint)
{
	static struct said s;
	struct policy *p = good("alert to any name \"*.example.com\"\nallow to DE\n"
				"allow to DE name \"x.test\"\nblock to any\n");

	said_start(&s);
	policy_lint(p, NOW, &s.sink);
	cr_expect(strstr(s.text, "1:0: warning: until a flow has said whom it is meant for"), "%s",
		  s.text);
	cr_expect(strstr(s.text, "3:0: warning: never reached: line 2"), "%s", s.text);
	cr_expect_null(strstr(s.text, "2:0: warning: never"), "%s", s.text);
	policy_free(p);
}
