/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_test.c - why a rule does not match, and what would make it decide: a golden table of
 * sentences. */
#include "tests/rules/fixture.h"

static const char text[] = "subject database { unit \"postgresql@*.service\" }\n" /* 1 */
			   "service web { tcp 443 }\n"				  /* 2 */
			   "allow to US until 2026-11-01\n"			  /* 3 */
			   "allow from database to US\n"			  /* 4 */
			   "allow to US service web opened by peer\n"		  /* 5 */
			   "allow to US port 22\n"				  /* 6 */
			   "alert to US under FR\n"				  /* 7 */
			   "allow to eea\n"					  /* 8 */
			   "block to any\n"					  /* 9 */
			   "alert to US\n";					  /* 10 */
enum { US, US_LAW, DISPUTED, DE, LOCAL, CLASSES };

static struct policy *p;
static struct compiled *c;
static struct place_class classes[CLASSES];
static struct explain_step steps[16];

static void setup(void)
{
	classes[US] = place_in("US", PLACE_KNOWN);
	classes[US_LAW] = classes[US];
	classes[US_LAW].place.jurisdiction = CC('U', 'S');
	classes[DISPUTED] = place_in("DE", PLACE_DISPUTED);
	classes[DE] = place_in("DE", PLACE_KNOWN);
	classes[LOCAL] = place_in("", PLACE_UNKNOWN);
	classes[LOCAL].place.scope = SCOPE_LOCAL;
	p = good(text);
	c = compile(p, classes, CLASSES, 1);
}

static void teardown(void)
{
	compiled_free(c);
	policy_free(p);
	no_leaks();
}

static void explain(unsigned class, int port, uint8_t known)
{
	struct decide_packet pkt = {.place = class,
				    .proto = 6,
				    .port = (uint16_t)port,
				    .has_port = port >= 0,
				    .known = known};

	cr_assert_eq(compiled_explain(c, &classes[class], &pkt, NOW * 1000000000ull, steps, 16), 8);
}

TestSuite(explain, .init = setup, .fini = teardown);

struct want {
	int matches;
	unsigned fails;
	int decides;
	const char *why, *change;
};

static void expect(const struct want want[8])
{
	for (int i = 0; i < 8; i++) {
		cr_expect_eq(steps[i].matches, want[i].matches, "step %d matches %d", i,
			     steps[i].matches);
		cr_expect_eq(steps[i].fails, want[i].fails, "step %d fails %u", i, steps[i].fails);
		cr_expect_eq(steps[i].decides, want[i].decides, "step %d decides %d", i,
			     steps[i].decides);
		cr_expect_str_eq(steps[i].why, want[i].why, "step %d: %s", i, steps[i].why);
		cr_expect_str_eq(steps[i].change, want[i].change, "step %d: %s", i,
				 steps[i].change);
	}
}

Test(explain, a_blocked_address)
{
	static const struct want want[8] = {
		{0, EXPLAIN_UNTIL, 0, "it ended on 2026-11-01", ""},
		{0, EXPLAIN_FROM, 0, "the sender is not database",
		 "line 4 would allow it if it were from database"},
		{0, EXPLAIN_OPENED, 0, "the host opened the flow",
		 "line 5 would allow it if it were opened by peer"},
		{0, EXPLAIN_SERVICE, 0, "tcp port 443 is not its service",
		 "line 6 would allow it if it were port 22"},
		{0, EXPLAIN_UNDER, 0, "the operator is not known, so not under FR",
		 "line 7 would alert on it if it were under FR"},
		{0, EXPLAIN_TO, 0, "the destination is none of its places",
		 "line 8 would allow it if it went to eea"},
		{1, 0, 1, "all that it asks is so", ""},
		{1, 0, 0, "all that it asks is so", ""},
	};

	explain(US, 443, KNOWN_ALL);
	expect(want);
}

Test(explain, several_conditions_are_no_suggestion)
{
	explain(US_LAW, 80, KNOWN_NOBODY);
	cr_expect_eq(steps[2].fails, EXPLAIN_SERVICE | EXPLAIN_OPENED);
	cr_expect_str_eq(steps[2].change, "");
	cr_expect_eq(steps[1].fails, EXPLAIN_FROM);
	cr_expect_str_eq(steps[1].why, "whether the sender is database is not known");
	cr_expect_str_eq(steps[4].why, "the operator's law is not under FR");
}

Test(explain, a_disputed_place)
{
	explain(DISPUTED, 443, KNOWN_ALL);
	cr_expect_eq(steps[5].fails, EXPLAIN_STATUS);
	cr_expect_str_eq(steps[5].change, "line 8 would allow it if its place were known; "
					  "a 'place' line can say where it is");
	cr_expect_str_eq(steps[5].why,
			 "the place is disputed, and an allow rule by "
			 "country or zone takes known places only",
			 "%s", steps[5].why);
	cr_expect_eq(steps[6].decides, 1);
}

Test(explain, an_allowed_address)
{
	explain(DE, 443, KNOWN_ALL);
	cr_expect_eq(steps[5].decides, 1);
	cr_expect_str_eq(steps[6].change, "", "after the deciding rule nothing is suggested");
}

Test(explain, local_traffic_is_decided_by_no_rule)
{
	explain(LOCAL, 443, KNOWN_ALL);
	for (int i = 0; i < 8; i++)
		cr_expect_eq(steps[i].decides, 0);
}

Test(explain, unknown_port_lets_a_block_match)
{
	struct policy *q = good("block to any port 25\nallow to any");
	struct place_class k = place_in("DE", PLACE_KNOWN);
	struct compiled *d = compile(q, &k, 1, 1);
	struct decide_packet pkt = {.proto = 6};

	cr_assert_eq(compiled_explain(d, &k, &pkt, 0, steps, 1), 1, "at most max steps");
	cr_expect_eq(steps[0].matches, -1);
	cr_expect_eq(steps[0].decides, 1);
	cr_expect_str_eq(steps[0].why, "the port is not known, and then it matches");
	compiled_free(d);
	policy_free(q);
}
