/* SPDX-License-Identifier: BSD-2-Clause */
/* decide_test.c - the invariants of decide.h, and the choices that eval.h documents, each by its
 * smallest policy. */
#include "tests/rules/fixture.h"

TestSuite(decide, .fini = no_leaks);

static uint64_t one_set[PLACE_SETS_MAX / 64] = {2};    /* in set 1 */
static uint64_t inside_set[PLACE_SETS_MAX / 64] = {1}; /* inside */

/* Invariant 1: anything out of range is DECIDE_NONE. */
Test(decide, out_of_range_is_block)
{
	struct policy *p = good("allow to any");
	struct place_class c[2] = {place_in("DE", PLACE_KNOWN), place_in("US", PLACE_KNOWN)};
	struct compiled *k = compile(p, c, 2, 1);
	struct decide_packet ok = {.place = 1, .proto = 6, .port = 1, .has_port = 1}, pkt;

	cr_assert_eq(compiled_decide(k, &ok, UINT32_MAX, 0)->action, DECIDE_ALLOW);
	pkt = ok;
	pkt.place = 2;
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_BLOCK);
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->rule, 0);
	pkt.place = UINT32_MAX;
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_BLOCK);
	pkt = ok;
	pkt.known = KNOWN_COUNT;
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_BLOCK);
	pkt = ok;
	pkt.opened = OPENED_COUNT;
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_BLOCK);
	pkt = ok;
	pkt.mask = UINT32_MAX; /* bits past the subjects are not read */
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_ALLOW);
	cr_expect_eq(compiled_decide(k, &ok, 77, 0)->action, DECIDE_ALLOW,
		     "a source class out of range is no source");
	compiled_free(k);
	policy_free(p);
}

/* A table that lies about a cell, a row or a service is caught by the header's numbers. */
Test(decide, damaged_tables_block)
{
	struct policy *p = good("allow to any");
	struct place_class c = place_in("DE", PLACE_KNOWN);
	struct compiled *k = compile(p, &c, 1, 1);
	struct decide_packet pkt = {.proto = 6, .port = 1, .has_port = 1};
	uint16_t rows[1] = {60000};
	uint8_t tcp[65536];
	const void *keep = k->array[DECIDE_ROW_OF];

	k->array[DECIDE_ROW_OF] = rows;
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_BLOCK);
	k->array[DECIDE_ROW_OF] = keep;
	memset(tcp, 200, sizeof(tcp));
	keep = k->array[DECIDE_TCP];
	k->array[DECIDE_TCP] = tcp;
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_BLOCK);
	k->array[DECIDE_TCP] = keep;
	k->bytes[DECIDE_MATRIX] = 0;
	cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX, 0)->action, DECIDE_BLOCK);
	compiled_free(k);
	policy_free(p);
}

/* Invariant 2: a chain has at most DECIDE_CHAIN_MAX links. */
Test(decide, chain_of_dates)
{
	struct policy *p =
		good("allow to any until 2026-12-01\nalert to any until 2026-12-02\n"
		     "allow to any until 2026-11-30\nblock to any until 2026-12-04\nalert to any");
	struct place_class c = place_in("DE", PLACE_KNOWN);
	struct compiled *k = compile(p, &c, 1, 1);
	struct decide_packet pkt = {.proto = 6, .port = 1, .has_port = 1};
	static const struct {
		uint64_t day;
		int line;
	} rows[] = {{0, 1}, {7, 1}, {8, 2}, {9, 4}, {10, 4}, {11, 5}, {900, 5}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(compiled_decide(k, &pkt, UINT32_MAX,
					     (NOW + rows[i].day * 86400) * 1000000000u)
				     ->rule,
			     rows[i].line, "day %u", (unsigned)rows[i].day);
	/* the very nanosecond */
	cr_expect_eq(
		compiled_decide(k, &pkt, UINT32_MAX, (NOW + 8 * 86400ull) * 1000000000u - 1)->rule,
		1);
	cr_expect_eq(k->next_change, NOW + 7 * 86400, "the first date after now is that of line 3");
	compiled_free(k);
	policy_free(p);
}

Test(decide, chain_limit)
{
	char text[1024] = "";
	struct place_class c = place_in("DE", PLACE_KNOWN);
	struct compile_env env = {.classes = &c, .nclasses = 1, .now = NOW, .live = 1};
	struct said s;
	struct policy *p;
	struct compiled *k = NULL;

	for (int i = 0; i < DECIDE_CHAIN_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "allow to any until 2027-01-%02d\n", i + 1);
	p = good(text);
	said_start(&s);
	cr_expect_eq(policy_compile(&k, p, &env, &s.sink), -7 /* E2BIG */);
	cr_expect_null(k);
	cr_expect_not_null(strstr(s.text, "more than 7 rules with 'until'"), "%s", s.text);
	policy_free(p);
	*strstr(text, "allow to any until 2027-01-08") =
		'#'; /* one fewer fits, and past the last date it is the default that decides */
	p = good(text);
	k = compile(p, &c, 1, 1);
	cr_expect_eq(compiled_decide(k, &(struct decide_packet){.proto = 6}, UINT32_MAX, UINT64_MAX)
			     ->rule,
		     0);
	cr_expect_eq(compiled_decide(k, &(struct decide_packet){.proto = 6}, UINT32_MAX,
				     (uint64_t)NOW * 1000000000u)
			     ->rule,
		     1);
	compiled_free(k);
	policy_free(p);
}

/* Live, what has expired is gone; in replay the packet's time decides. */
Test(decide, expired_rules)
{
	struct policy *p = good("allow to any until 2026-11-01\nblock to any");
	struct place_class c = place_in("DE", PLACE_KNOWN);
	struct compiled *live = compile(p, &c, 1, 1), *replay = compile(p, &c, 1, 0);
	struct decide_packet pkt = {.proto = 6, .known = KNOWN_NOBODY};
	uint64_t before = (NOW - 40 * 86400ull) * 1000000000u;

	cr_expect_eq(compiled_decide(live, &pkt, UINT32_MAX, before)->rule, 2);
	cr_expect_eq(compiled_decide(replay, &pkt, UINT32_MAX, before)->rule, 1);
	cr_expect_eq(compiled_decide(replay, &pkt, UINT32_MAX, NOW * 1000000000ull)->rule, 2);
	compiled_free(live);
	compiled_free(replay);
	policy_free(p);
}

/* Invariant 3: of the rules that may match, the strictest decides. */
Test(decide, unknown_senders)
{
	static const struct {
		const char *rule;
		uint8_t known;
		uint32_t mask;
		int line;
	} rows[] = {
		{"allow from unit \"x\"", KNOWN_ALL, 1, 1},
		{"allow from unit \"x\"", KNOWN_ALL, 0, 2},
		{"allow from unit \"x\"", KNOWN_USER, 0, 2},
		{"allow from unit \"x\"", KNOWN_NOBODY, 0, 2},
		{"block from unit \"x\"", KNOWN_ALL, 0, 2},
		{"block from unit \"x\"", KNOWN_USER, 0, 1},
		{"block from unit \"x\"", KNOWN_NOBODY, 0, 1},
		{"alert from unit \"x\"", KNOWN_USER, 0, 1},
		{"block from user x", KNOWN_USER, 0, 2},
		{"block from user x", KNOWN_NOBODY, 0, 1},
		{"allow from user x", KNOWN_USER, 1, 1},
		{"allow from user x", KNOWN_NOBODY, 0, 2},
		{"block from cgroup \"/x\"", KNOWN_USER, 0, 1},
		{"block from address 10.0.0.0/8", KNOWN_NOBODY, 0, 2},
		{"allow from address 10.0.0.0/8", KNOWN_NOBODY, 1, 1},
	};
	struct place_class c = place_in("DE", PLACE_KNOWN);
	char text[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "%s\nalert to any\n", rows[i].rule);
		struct policy *p = good(text);
		struct compiled *k = compile(p, &c, 1, 1);

		cr_expect_eq(line_of(k, 0, 6, 443, OPENED_HERE, rows[i].known, rows[i].mask),
			     rows[i].line, "%s, %d", rows[i].rule, rows[i].known);
		compiled_free(k);
		policy_free(p);
	}
}

Test(decide, unknown_ports)
{
	static const struct {
		const char *rule;
		uint8_t proto;
		int line;
	} rows[] = {
		{"allow port 443", 6, 2},	   {"block port 443", 6, 1},
		{"alert port 443", 17, 1},	   {"block port 443", 1, 2},
		{"allow proto tcp", 6, 1},	   {"allow proto udp", 6, 2},
		{"block proto udp port 53", 6, 2}, {"allow port 0-65535", 6, 1},
	};
	struct place_class c = place_in("DE", PLACE_KNOWN);
	char text[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "%s\nalert to any\n", rows[i].rule);
		struct policy *p = good(text);
		struct compiled *k = compile(p, &c, 1, 1);

		cr_expect_eq(line_of(k, 0, rows[i].proto, -1, OPENED_HERE, KNOWN_ALL, 0),
			     rows[i].line, "%s, proto %d", rows[i].rule, rows[i].proto);
		compiled_free(k);
		policy_free(p);
	}
}

/* An alert rule that only may match is no way past a block rule below it, nor past the default. */
Test(decide, unknown_facts_pick_the_stricter_rule)
{
	static const struct {
		const char *text;
		int has_port;
		uint8_t known;
		int line;
		uint8_t action;
	} rows[] = {
		{"alert service ntp\nblock to any", 0, KNOWN_ALL, 3, DECIDE_BLOCK},
		{"alert service ntp\nblock to any", 1, KNOWN_ALL, 2, DECIDE_ALERT},
		{"alert service ntp", 0, KNOWN_ALL, 0, DECIDE_BLOCK},
		{"alert service ntp\nallow to any\nblock to any", 0, KNOWN_ALL, 2, DECIDE_ALERT},
		{"allow service ntp\nallow to any\nblock to any", 0, KNOWN_ALL, 3, DECIDE_ALLOW},
		{"alert service ntp\nblock port 25\nallow to any", 0, KNOWN_ALL, 3, DECIDE_BLOCK},
		{"alert from user x\nblock to any", 1, KNOWN_NOBODY, 3, DECIDE_BLOCK},
		{"alert from unit \"x\"\nblock to any", 1, KNOWN_USER, 3, DECIDE_BLOCK},
		{"alert from unit \"x\"", 1, KNOWN_USER, 0, DECIDE_BLOCK},
		{"alert from address 10.0.0.0/8\nblock to any", 1, KNOWN_NO_SOURCE, 3,
		 DECIDE_BLOCK},
		{"alert from address 10.0.0.0/8\nblock to any", 1, KNOWN_ALL, 3, DECIDE_BLOCK},
		/* the date of the stricter one counts: after it the milder one is all there is */
		{"alert service ntp\nblock port 25 until 2026-11-02\nallow to any", 0, KNOWN_ALL, 2,
		 DECIDE_ALERT},
		{"alert service ntp\nblock port 25 until 2027-11-02\nallow to any", 0, KNOWN_ALL, 3,
		 DECIDE_BLOCK},
	};
	struct place_class c = place_in("DE", PLACE_KNOWN);
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct decide_packet pkt = {.proto = 17,
					    .port = 123,
					    .has_port = (uint8_t)rows[i].has_port,
					    .known = rows[i].known};
		const struct decide_decision *d;

		snprintf(text, sizeof(text), "service ntp { udp 123 }\n%s\n", rows[i].text);
		struct policy *p = good(text);
		struct compiled *k = compile(p, &c, 1, 1);

		d = compiled_decide(k, &pkt, UINT32_MAX, NOW * 1000000000ull);
		cr_expect_eq(d->action, rows[i].action, "%s: action %u", rows[i].text, d->action);
		cr_expect_eq(d->rule ? (int)p->rules[d->rule - 1].line : 0, rows[i].line,
			     "%s: line %d", rows[i].text,
			     d->rule ? (int)p->rules[d->rule - 1].line : 0);
		compiled_free(k);
		policy_free(p);
	}
}

/* eval.h, 2: a place that is not known is never allowed by where it is said to be. */
Test(decide, status)
{
	enum { KNOWN, DISPUTED, UNPROVABLE, UNKNOWN, N };
	static const struct {
		const char *rule;
		int line[N];
	} rows[] = {
		{"allow to DE", {1, 2, 2, 2}},
		{"allow to eea", {1, 2, 2, 2}},
		{"allow to here", {1, 2, 2, 2}},
		{"allow to jurisdiction DE", {1, 2, 2, 2}},
		{"allow under DE", {1, 2, 2, 2}},
		{"allow to any under DE", {1, 2, 2, 2}},
		{"block to DE", {1, 1, 1, 2}},
		{"alert to eea", {1, 1, 1, 2}},
		{"block to jurisdiction DE", {1, 1, 1, 1}},
		{"allow to any", {1, 1, 1, 1}},
		{"allow to disputed", {2, 1, 2, 2}},
		{"allow to unprovable", {2, 2, 1, 2}},
		{"allow to unknown", {2, 2, 2, 1}},
		{"allow to DE, disputed", {1, 1, 2, 2}},
		{"allow to 192.0.2.0/24", {1, 1, 1, 1}},
		{"allow to asn 64496", {1, 1, 1, 1}},
		{"allow to provider aws", {1, 1, 1, 1}},
		{"allow to provider aws under DE", {1, 1, 1, 1}},
	};
	struct place_class c[N] = {place_in("DE", PLACE_KNOWN), place_in("DE", PLACE_DISPUTED),
				   place_in("DE", PLACE_UNPROVABLE), place_in("", PLACE_UNKNOWN)};
	char text[128];

	for (size_t i = 0; i < N; i++) {
		c[i].place.jurisdiction = CC('D', 'E');
		c[i].place.provider = string_index("aws");
		c[i].sets = one_set;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "%s\nblock to any\nhome DE\n", rows[i].rule);
		struct policy *p = good(text);
		struct compiled *k = compile(p, c, N, 1);

		for (uint32_t j = 0; j < N; j++)
			cr_expect_eq(line_plain(k, j), rows[i].line[j],
				     "%s: status %u decided by line %d", rows[i].rule, j,
				     line_plain(k, j));
		compiled_free(k);
		policy_free(p);
	}
}

/* 'geo ... stale block': no allow rule takes the word of a place whose source is too old. */
Test(decide, stale_places)
{
	struct policy *p =
		good("geo \"/x\" max-age 5d stale block\nallow to DE\nallow to 198.51.100.0/24\n"
		     "alert to FR\nblock to any");
	struct place_class c[4] = {place_in("DE", PLACE_KNOWN), place_in("DE", PLACE_KNOWN),
				   place_in("FR", PLACE_KNOWN), place_in("FR", PLACE_KNOWN)};
	uint64_t listed[PLACE_SETS_MAX / 64] = {0};
	struct compile_env env = {.classes = c, .nclasses = 4, .now = NOW, .live = 1};
	static const int lines[2][4] = {{2, 2, 4, 3}, {5, 2, 4, 3}};
	struct diag_sink quiet = {0};
	struct compiled *k;

	listed[0] = 1ull << p->rules[1].to[0].set;
	c[3].sets = listed;
	for (int i = 0; i < 4; i++)
		c[i].place.flags = i == 1 ? 0 : PLACE_STALE;
	for (int stale = 0; stale < 2; stale++) {
		env.stale = stale;
		cr_assert_eq(policy_compile(&k, p, &env, &quiet), 0);
		for (uint32_t i = 0; i < 4; i++)
			cr_expect_eq(line_plain(k, i), lines[stale][i],
				     "stale %d, class %u: line %d", stale, i, line_plain(k, i));
		compiled_free(k);
	}
	policy_free(p);
}

/* eval.h, 3: an operator that is not known is under no law. */
Test(decide, unknown_operator)
{
	struct policy *p =
		good("alert to jurisdiction US\nalert to eea under US\nallow to eea\nblock to any");
	struct place_class c[2] = {place_in("DE", PLACE_KNOWN), place_in("DE", PLACE_KNOWN)};
	struct compiled *k;

	c[1].place.jurisdiction = CC('U', 'S');
	k = compile(p, c, 2, 1);
	cr_expect_eq(line_plain(k, 0), 3);
	cr_expect_eq(line_plain(k, 1), 1);
	compiled_free(k);
	policy_free(p);
}

Test(decide, local_and_inside_are_outside_the_policy)
{
	struct policy *p = good("inside 10.0.0.0/8\nblock to any");
	struct place_class c[4] = {place_in("", PLACE_UNKNOWN), place_in("US", PLACE_KNOWN),
				   place_in("", 0), place_in("", 0)};
	struct compiled *k;

	c[0].place.scope = SCOPE_LOCAL;
	c[1].sets = inside_set;
	c[2].place.scope = SCOPE_PRIVATE;
	c[3].place.scope = SCOPE_MULTICAST;
	k = compile(p, c, 4, 1);
	cr_expect_eq(line_plain(k, 0), -1);
	cr_expect_eq(line_plain(k, 1), -1);
	cr_expect_eq(line_plain(k, 2), 2);
	cr_expect_eq(line_plain(k, 3), 2);
	cr_expect_eq(((const uint16_t *)k->array[DECIDE_ROW_OF])[0], DECIDE_ROW_LOCAL);
	cr_expect_eq(((const uint16_t *)k->array[DECIDE_ROW_OF])[1], DECIDE_ROW_LOCAL);
	compiled_free(k);
	policy_free(p);
}

/* A private network that a 'place' line covers is a place like another. */
Test(decide, private)
{
	struct policy *p = good("allow to private\nallow to DE\nalert to unknown\nblock to any");
	struct place_class c[3] = {place_in("", PLACE_UNKNOWN), place_in("DE", PLACE_KNOWN),
				   place_in("US", PLACE_KNOWN)};
	struct compiled *k;

	for (int i = 0; i < 3; i++)
		c[i].place.scope = SCOPE_PRIVATE;
	k = compile(p, c, 3, 1);
	cr_expect_eq(line_plain(k, 0), 1);
	cr_expect_eq(line_plain(k, 1), 2);
	cr_expect_eq(line_plain(k, 2), 4);
	compiled_free(k);
	policy_free(p);
}

Test(decide, needs)
{
	static const struct {
		const char *text;
		uint32_t needs;
	} rows[] = {
		{"block to any", 0},
		{"block from unit \"x\"", DECIDE_NEEDS_CGROUP},
		{"block from cgroup \"/x\"", DECIDE_NEEDS_CGROUP},
		{"block from user x", DECIDE_NEEDS_USER},
		{"block from address 10.0.0.0/8", DECIDE_NEEDS_SOURCE},
		{"block opened by peer", DECIDE_NEEDS_OPENED},
		{"subject s { user a unit \"b\" }\nblock from s",
		 DECIDE_NEEDS_USER | DECIDE_NEEDS_CGROUP},
		{"subject s { user a }\nblock to any", 0},
	};
	struct place_class c = place_in("DE", PLACE_KNOWN);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct policy *p = good(rows[i].text);
		struct compiled *k = compile(p, &c, 1, 1);

		cr_expect_eq(k->header.needs, rows[i].needs, "%s: %u", rows[i].text,
			     k->header.needs);
		compiled_free(k);
		policy_free(p);
	}
}

Test(decide, severity)
{
	struct policy *p = good(
		"allow to DE\nalert to FR\nblock to US\nalert to GB severity critical\nblock to CH severity low");
	static const char *const cc[] = {"DE", "FR", "US", "GB", "CH", "RU"};
	static const uint8_t want[] = {0, 2, 3, 4, 1, 3};
	struct place_class c[6];
	struct compiled *k;

	for (int i = 0; i < 6; i++)
		c[i] = place_in(cc[i], PLACE_KNOWN);
	k = compile(p, c, 6, 1);
	for (uint32_t i = 0; i < 6; i++)
		cr_expect_eq(compiled_decide(k, &(struct decide_packet){.place = i, .proto = 6},
					     UINT32_MAX, 0)
				     ->severity,
			     want[i], "%s", cc[i]);
	compiled_free(k);
	policy_free(p);
}

Test(decide, worst_of_embedded)
{
	struct policy *p = good("allow to DE\nalert to FR\nblock to US");
	struct place_class c[4] = {place_in("DE", PLACE_KNOWN), place_in("FR", PLACE_KNOWN),
				   place_in("US", PLACE_KNOWN), place_in("", 0)};
	static const struct {
		uint32_t classes[3];
		unsigned n, rule, which;
	} rows[] = {
		{{0}, 1, 1, 0},	   {{0, 1}, 2, 2, 1},  {{2, 1}, 2, 3, 0}, {{0, 1, 2}, 3, 3, 2},
		{{3, 0}, 2, 1, 1}, {{99, 0}, 2, 0, 0}, {{0}, 0, 0, 0},
	};
	struct decide_packet pkt = {.proto = 6};
	struct compiled *k;
	unsigned which;

	c[3].place.scope = SCOPE_LOCAL;
	k = compile(p, c, 4, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct decide_decision *d =
			compiled_decide_worst(k, pkt, rows[i].classes, rows[i].n, UINT32_MAX, 0,
					      &which);

		cr_expect_eq(d->rule, rows[i].rule, "row %zu: rule %u", i, d->rule);
		cr_expect_eq(which, rows[i].which, "row %zu", i);
	}
	compiled_free(k);
	policy_free(p);
}

Test(decide, senders_by_cgroup_and_user)
{
	struct policy *p = good(
		"allow from unit \"postgresql@*.service\"\nallow from cgroup \"/system.slice\"\n"
		"allow from user postgres\nallow from user 1001\nallow from unit \"user.slice\"\n"
		"allow from user-unit \"postgresql@*.service\"\nallow from user-unit \"app.slice\"\nblock to any");
	struct place_class c = place_in("DE", PLACE_KNOWN);
	struct compiled *k = compile(p, &c, 1, 1);
	static const struct {
		const char *path;
		uint32_t mask;
	} rows[] = {
		{"/system.slice/system-postgresql.slice/postgresql@15-main.service", 3},
		{"/system.slice", 2},
		{"/system.slice/", 2},
		{"/system.slices/x", 0},
		{"/", 0},
		{"", 0},
		{"/user.slice/user-1000.slice/session-1.scope", 16},
		{"/x/postgresql@.service/y", 1},
		/* a user's own unit, or what a unit makes below itself, is no unit of the system */
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/postgresql@evil.service",
		 16 | 32 | 64},
		{"/user.slice/user-1000.slice/user@1000.service/postgresql@evil.service/app.slice",
		 16 | 32},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service/postgresql@e.service",
		 16 | 64},
		{"/user.slice/user-1000.slice/session-1.scope/postgresql@evil.service", 16},
		{"/user.slice/user-1000.slice/session-1.scope/app.slice/postgresql@evil.service",
		 16},
		{"/system.slice/evil.service/postgresql@evil.service", 2},
		{"/system.slice/evil.service/user@1000.service/postgresql@evil.service", 2},
		{"/system.slice/evil.scope/user.slice/postgresql@evil.service", 2},
		{"/box/system.slice/postgresql@15-main.service", 1},
		{"/system.slice/.service/postgresql@15-main.service", 3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(compiled_cgroup_mask(k, rows[i].path), rows[i].mask, "%s: %u",
			     rows[i].path, compiled_cgroup_mask(k, rows[i].path));
	cr_expect_eq(compiled_user_mask(k, "postgres", 113), 4);
	cr_expect_eq(compiled_user_mask(k, "alice", 1001), 8);
	cr_expect_eq(compiled_user_mask(k, NULL, 1001), 8);
	cr_expect_eq(compiled_user_mask(k, NULL, 100), 0);
	compiled_free(k);
	policy_free(p);
}
