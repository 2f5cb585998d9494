/* SPDX-License-Identifier: BSD-2-Clause */
/* meter_test.c - rules with 'over': the window against a list of all bytes with their times, and the chain of
 * decisions against a plain reading of the rules. */
#include "tests/rules/fixture.h"
#include "rules/meter.h"

TestSuite(meter, .fini = no_leaks);

static uint64_t seed = 88172645463325252u;

static uint32_t roll(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

/* Never less than what left within the duration, never more than within one step more. */
Test(meter, window_against_a_list)
{
	enum { EVENTS = 3000, STEP = 100, WINDOW = STEP * METER_STEPS };
	static struct {
		uint64_t at, bytes;
	} all[EVENTS];
	struct meter m = {};
	uint64_t now = 1000000;

	for (size_t i = 0; i < EVENTS; i++) {
		uint64_t least = 0, most = 0, sum = 0;

		now += roll(50) ? roll(60) : roll(4 * WINDOW);
		all[i].at = now;
		all[i].bytes = roll(1500);
		meter_turn(&m, now / STEP);
		for (size_t k = 0; k < i; k++) {
			least += all[k].at + WINDOW > now ? all[k].bytes : 0;
			most += all[k].at + WINDOW + STEP > now ? all[k].bytes : 0;
		}
		for (size_t k = 0; k < METER_SLOTS; k++)
			sum += m.slot[k];
		cr_assert_eq(m.used, sum);
		cr_assert(m.used >= least && m.used <= most, "%llu of %llu to %llu",
			  (unsigned long long)m.used, (unsigned long long)least,
			  (unsigned long long)most);
		meter_add(&m, all[i].bytes);
	}
	now = m.used;
	meter_turn(&m, 3); /* a clock that goes back */
	cr_expect_eq(m.used, now);
	meter_add(&m, 7);
	cr_expect_eq(m.used, now + 7);
	cr_expect(meter_over(&m, 1, now + 7) && !meter_over(&m, 1, now + 8));
}

static struct compiled *of(struct policy **p, const char *text)
{
	struct place_class places[] = {place_in("DE", PLACE_KNOWN), place_in("US", PLACE_KNOWN)};

	*p = good(text);
	return compile(*p, places, 2, 1);
}

static const struct decide_decision *ask(const struct compiled *c, uint32_t place, int port,
					 uint32_t over)
{
	return compiled_decide(c,
			       &(struct decide_packet){.place = place,
						       .proto = 6,
						       .port = (uint16_t)port,
						       .has_port = port >= 0,
						       .over = over},
			       UINT32_MAX, NOW * 1000000000ull);
}

Test(meter, what_counts_and_where)
{
	struct policy *p;
	struct compiled *c = of(&p, "block to US over 1MB per 1d\nalert to US over 100kB per 1h\n"
				    "block port 25 over 5kB per 1m\nallow to any");

	cr_assert_eq(c->nmeters, 3);
	cr_expect_eq(c->meter[0].limit, 1000000);
	cr_expect_eq(c->meter[1].step_ns, 240000000000ull);
	cr_expect_eq(ask(c, 0, 443, 7)->charges, 0, "DE is in none");
	cr_expect_eq(ask(c, 1, 443, 0)->charges, 3);
	cr_expect_eq(ask(c, 1, 25, 0)->charges, 7);
	cr_expect_eq(ask(c, 1, 443, 2)->rule, 2);
	cr_expect_eq(ask(c, 1, 443, 2)->charges, 3, "the one that does not decide counts on");
	cr_expect_eq(ask(c, 1, 443, 3)->rule, 1);
	cr_expect_eq(ask(c, 1, 25, 4)->rule, 3);
	cr_expect_eq(ask(c, 0, 443, 7)->rule, 4);
	/* a fragment's port is not known: it counts, and may be stopped */
	cr_expect_eq(ask(c, 0, -1, 0)->rule, 4);
	cr_expect_eq(ask(c, 0, -1, 4)->rule, 3);
	cr_expect_eq(ask(c, 0, -1, 0)->charges, 4);
	compiled_free(c);
	policy_free(p);
}

/* A key stays as long as the rule does, wherever it stands; with a label, also when its limit changes. */
Test(meter, keys)
{
	struct policy *a, *b;
	struct compiled *x = of(&a, "block to US over 1MB per 1d\nalert over 2MB per 1d label sum"),
			*y = of(&b,
				"# moved\nblock over 9MB per 1d label sum\nallow to DE\n"
				"block   to US   over 1000kB per 24h\nblock to US over 1MB per 2d");

	cr_assert_eq(y->nmeters, 3);
	cr_expect_eq(x->meter[0].key, y->meter[1].key);
	cr_expect_eq(x->meter[1].key, y->meter[0].key);
	cr_expect_neq(y->meter[1].key, y->meter[2].key);
	compiled_free(x);
	compiled_free(y);
	policy_free(a);
	policy_free(b);
}

Test(meter, limits)
{
	char text[2048] = "";
	struct place_class c = place_in("DE", PLACE_KNOWN);
	struct compile_env env = {.classes = &c, .nclasses = 1, .now = NOW, .live = 1};
	struct compiled *k = NULL;
	struct policy *p;
	struct said s;

	for (int i = 0; i <= DECIDE_METERS_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "block port %d over 1MB per 1d\n", i + 1);
	p = good(text);
	said_start(&s);
	cr_expect_eq(policy_compile(&k, p, &env, &s.sink), -7 /* E2BIG */);
	cr_expect_not_null(strstr(s.text, "more than 16 rules with 'over'"), "%s", s.text);
	policy_free(p);
	*text = 0;
	for (int i = 0; i < DECIDE_CHAIN_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "alert over %dMB per 1d\n", 20 - i);
	p = good(text);
	said_start(&s);
	cr_expect_eq(policy_compile(&k, p, &env, &s.sink), -7 /* E2BIG */);
	cr_expect_not_null(strstr(s.text, "more than 7 rules with 'over'"), "%s", s.text);
	policy_free(p);
	p = good(strchr(text, '\n') + 1); /* one fewer */
	k = compile(p, &c, 1, 1);
	cr_expect_eq(ask(k, 0, 1, 1u << 6)->rule, 7);
	cr_expect_eq(ask(k, 0, 1, 0)->rule, 0);
	compiled_free(k);
	policy_free(p);
}

#define RULES 7
struct plain {
	enum decide_action action;
	int port, place; /* -1: any */
	int meter;	 /* -1: none */
	int days;	 /* until; 0: for ever */
};

static unsigned plain_rule(const struct plain *r, int port, int place, uint32_t over, int day)
{
	for (unsigned i = 0; i < RULES; i++)
		if ((r[i].port < 0 || r[i].port == port) &&
		    (r[i].place < 0 || r[i].place == place) && (!r[i].days || day < r[i].days) &&
		    (r[i].meter < 0 || over >> r[i].meter & 1))
			return i + 1;
	return 0;
}

static unsigned stricter(const struct plain *r, unsigned rule)
{
	return rule ? r[rule - 1].action : DECIDE_BLOCK;
}

static void make(struct plain *r, char *text, size_t size)
{
	static const char *const actions[] = {"allow", "alert", "block"};
	size_t at = 0;
	int meters = 0;

	for (int i = 0; i < RULES; i++) {
		r[i] = (struct plain){.action = roll(3),
				      .port = roll(2) ? 80 + (int)roll(2) : -1,
				      .place = (int)roll(3) - 1,
				      .meter = -1,
				      .days = i < 3 ? (int)roll(3) : 0};
		if (r[i].action && meters < 4 && roll(2))
			r[i].meter = meters++;
		at += (size_t)snprintf(text + at, size - at, "%s", actions[r[i].action]);
		if (r[i].place >= 0)
			at += (size_t)snprintf(text + at, size - at, " to %s",
					       r[i].place ? "US" : "DE");
		if (r[i].port >= 0)
			at += (size_t)snprintf(text + at, size - at, " port %d", r[i].port);
		if (r[i].meter >= 0)
			at += (size_t)snprintf(text + at, size - at, " over %dMB per 1d", i + 1);
		if (r[i].days)
			at += (size_t)snprintf(text + at, size - at, " until 2026-11-%d",
					       23 + r[i].days);
		at += (size_t)snprintf(text + at, size - at, "\n");
	}
}

/* A few thousand random policies: each packet as the plain reading has it; a port that is not known is never
 * milder than any that it might be. */
Test(meter, chains_against_a_plain_reading)
{
	struct place_class places[] = {place_in("DE", PLACE_KNOWN), place_in("US", PLACE_KNOWN)};
	struct decide_decision named;
	struct plain r[RULES];
	char text[1024];

	for (int n = 0; n < 3000; n++) {
		struct policy *p;
		struct compiled *c;

		make(r, text, sizeof(text));
		c = of(&p, text);
		for (int i = 0; i < 24; i++) {
			int port = 79 + (int)roll(4), place = (int)roll(2), day = (int)roll(4);
			uint32_t over = roll(16);
			uint64_t now = (NOW - NOW % 86400 + (uint64_t)day * 86400) * 1000000000u;
			struct decide_packet k = {.place = (uint32_t)place,
						  .proto = 6,
						  .port = (uint16_t)port,
						  .has_port = 1,
						  .over = over};
			unsigned want = plain_rule(r, port, place, over, day);

			cr_assert_eq(compiled_decide(c, &k, UINT32_MAX, now)->rule, want,
				     "port %d place %d over %x day %d: %u:\n%s", port, place, over,
				     day, want, text);
			compiled_decide_named(c, &places[place], k, UINT32_MAX, now,
					      &(struct rule_names){0}, &named);
			cr_assert(named.rule == want &&
					  named.charges ==
						  compiled_decide(c, &k, UINT32_MAX, now)->charges,
				  "by the walk of the rules: %u, charges %x:\n%s", named.rule,
				  named.charges, text);
			k.has_port = 0;
			cr_assert(compiled_decide(c, &k, UINT32_MAX, now)->action >=
					  stricter(r, want),
				  "port not known, over %x day %d:\n%s", over, day, text);
		}
		compiled_free(c);
		policy_free(p);
	}
}
