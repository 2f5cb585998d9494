/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_test.c - policy and places are loaded whole or not at all, shared when equal, and decide
 * as written. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/engine/engine.h"

#define NOW 1795430400 /* 2026-11-23 */
static char dir[] = "/tmp/cordon-engine-XXXXXX";
static char policy[64], geo[64];
static const char *files[] = {geo};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(policy, sizeof(policy), "%s/policy", dir);
	snprintf(geo, sizeof(geo), "%s/geofeed.csv", dir);
	put(policy, "allow to eea\nalert to 192.0.2.0/24\nblock to any\n");
	put(geo, "# geofeed\n3.80.0.0/16,US,,,\n52.28.0.0/16,DE,,,\n");
}

static void teardown(void)
{
	unlink(policy);
	unlink(geo);
	rmdir(dir);
}
TestSuite(engine, .init = setup, .fini = teardown);

static char said[512];
static void keep(void *arg, const struct diag *d)
{
	(void)arg;
	if (d->level == DIAG_ERROR && !*said)
		snprintf(said, sizeof(said), "%s:%u: %s", d->file ? d->file : "", d->line, d->text);
}

static int load(struct engine **ret, const struct engine_config *cfg, const struct engine *old)
{
	struct diag_sink d = {.fn = keep};

	said[0] = 0;
	return engine_load(ret, cfg, old, &d);
}

static struct engine_config config(void)
{
	return (struct engine_config){.policy = policy, .geo = files, .ngeo = 1, .now = NOW};
}

static struct engine_verdict ask(const struct engine *e, const char *dst)
{
	struct engine_verdict v;
	struct ip ip;
	struct engine_query q = {
		.dst = &ip, .proto = 6, .port = 443, .has_port = true, .known = KNOWN_NOBODY};

	cr_assert_eq(ip_parse(&ip, dst), 0);
	engine_decide(e, &q, &v);
	return v;
}

Test(engine, decides)
{
	static const struct {
		const char *dst;
		enum decide_action action;
		const char *rule;
		bool embedded;
	} want[] = {
		{"52.28.0.1", DECIDE_ALLOW, "allow to eea", false},
		{"3.80.0.1", DECIDE_BLOCK, "block to any", false},
		{"192.0.2.7", DECIDE_ALERT, "alert to 192.0.2.0/24", false},
		{"64:ff9b::3.80.0.1", DECIDE_BLOCK, "block to any", true},
		{"64:ff9b::52.28.0.1", DECIDE_ALLOW, "allow to eea", true},
		{"127.0.0.1", DECIDE_LOCAL, NULL, false},
		{"fe80::1", DECIDE_LOCAL, NULL, false},
	};
	struct engine_config cfg = config();
	struct engine *e = NULL;

	cr_assert_eq(load(&e, &cfg, NULL), 0, "%s", said);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct engine_verdict v = ask(e, want[i].dst);

		cr_expect_eq(v.action, want[i].action, "%s: action %d", want[i].dst, v.action);
		cr_expect_eq(v.embedded, want[i].embedded, "%s", want[i].dst);
		cr_expect_str_eq(v.rule ? v.rule->text : "none",
				 want[i].rule ? want[i].rule : "none", "%s", want[i].dst);
		cr_assert_not_null(v.where);
	}
	cr_expect_str_eq(e->places_name, "geofeed.csv");
	cr_expect_eq(strlen(e->places_sha256), 64);
	engine_free(e);
}

/* A source route is as bad as its worse end. */
Test(engine, where_it_ends_counts)
{
	struct engine_config cfg = config();
	struct engine *e = NULL;
	struct ip de, us;
	struct engine_query q = {.dst = &de, .final = &us, .proto = 6, .known = KNOWN_NOBODY};
	struct engine_verdict v;

	cr_assert_eq(load(&e, &cfg, NULL), 0, "%s", said);
	cr_assert_eq(ip_parse(&de, "52.28.0.1") + ip_parse(&us, "3.80.0.1"), 0);
	engine_decide(e, &q, &v);
	cr_expect_eq(v.action, DECIDE_BLOCK);
	cr_expect_eq(v.where->place.country, CC('U', 'S'));
	q.dst = &us;
	q.final = &de;
	engine_decide(e, &q, &v);
	cr_expect_eq(v.action, DECIDE_BLOCK);
	engine_free(e);
}

Test(engine, a_failure_leaves_the_old_one)
{
	struct engine_config cfg = config();
	struct engine *e = NULL, *before;

	cr_assert_eq(load(&e, &cfg, NULL), 0, "%s", said);
	before = e;
	put(policy, "allow to UK\n");
	cr_expect_eq(load(&e, &cfg, e), -EINVAL);
	cr_expect_not_null(strstr(said, "policy:1: "), "said: %s", said);
	put(policy, "");
	unlink(policy);
	cr_expect_eq(load(&e, &cfg, e), -ENOENT);
	cr_expect_not_null(strstr(said, policy), "said: %s", said);
	put(policy, "allow to any\n");
	put(geo, "this is no database\n");
	cr_expect_lt(load(&e, &cfg, e), 0);
	cr_expect_neq(load(&e, &cfg, e), -EINVAL, "a bad database is not a bad policy");
	cr_expect_not_null(strstr(said, geo), "said: %s", said);
	unlink(geo);
	cr_expect_lt(load(&e, &cfg, e), 0);
	cr_expect_eq(e, before);
	cr_expect_eq(ask(e, "3.80.0.1").action, DECIDE_BLOCK);
	engine_free(e);
}

Test(engine, shares_what_did_not_change)
{
	struct engine_config cfg = config();
	struct engine *a = NULL, *b = NULL, *c = NULL, *d = NULL;

	cr_assert_eq(load(&a, &cfg, NULL), 0, "%s", said);
	cr_expect(!a->places_reused && !a->table_reused);
	put(policy, "alert to eea\nallow to 192.0.2.0/24\nblock to any\n"); /* no new address */
	cr_assert_eq(load(&b, &cfg, a), 0, "%s", said);
	cr_expect(b->places_reused && b->table_reused);
	engine_free(a); /* what is shared stays */
	cr_expect_eq(ask(b, "52.28.0.1").action, DECIDE_ALERT);
	cr_expect_eq(ask(b, "192.0.2.7").action, DECIDE_ALLOW);
	put(policy, "alert to 198.51.100.0/24\nblock to any\n");
	cr_assert_eq(load(&c, &cfg, b), 0, "%s", said);
	cr_expect(c->places_reused && !c->table_reused);
	engine_free(b);
	cr_expect_eq(ask(c, "198.51.100.1").action, DECIDE_ALERT);
	put(geo, "# geofeed, longer\n3.80.0.0/16,DE,,,\n52.28.0.0/16,DE,,,\n");
	put(policy, "allow to eea\nalert to 198.51.100.0/24\nblock to any\n");
	cr_assert_eq(load(&d, &cfg, c), 0, "%s", said);
	cr_expect(!d->places_reused && !d->table_reused);
	cr_expect_eq(ask(c, "3.80.0.1").action, DECIDE_BLOCK);
	cr_expect_eq(ask(d, "3.80.0.1").action, DECIDE_ALLOW);
	engine_free(c);
	engine_free(d);
}

static bool leaves(const struct engine *e, const char *src, const char *dst)
{
	struct ip s, d;

	cr_assert_eq(ip_parse(&s, src) + ip_parse(&d, dst), 0);
	return engine_egress(e, &s, &d);
}

Test(engine, what_leaves)
{
	static const struct {
		const char *src, *dst;
		bool by_default, with_inside, placed;
	} want[] = {
		{"10.0.0.5", "3.80.0.1", true, true, true},
		{"3.80.0.1", "10.0.0.5", false, false, false},
		{"10.0.0.5", "10.0.0.6", false, false, false},
		{"10.0.0.5", "10.9.0.6", false, true, true}, /* a place of its own: another site */
		{"3.80.0.1", "10.9.0.6", false, true, false},
		{"10.0.0.5", "192.168.1.1", false, true, false},
		{"10.0.0.5", "100.64.0.1", false, true, false},
		{"3.80.0.1", "52.28.0.1", true, true, true},
		{"10.0.0.5", "127.0.0.1", false, false, false},
		{"10.0.0.5", "169.254.1.1", false, false, false},
		{"10.0.0.5", "255.255.255.255", false, false, false},
		{"10.0.0.5", "224.0.0.251", false, false, false},
		{"10.0.0.5", "239.1.1.1", true, true, true},
		{"fd00::5", "fd00::6", false, true, false},
		{"fd00::5", "ff02::1", false, false, false},
		{"fd00::5", "ff0e::1", true, true, true},
		{"fd00::5", "64:ff9b::10.0.0.6", true, true, true},
	};
	static const struct cidr inside = {.addr = {.b = {10}, .v = 4},
					   .len = 16}; /* 10.0.0.0/16 */
	struct engine_config cfg = config();
	struct engine *plain = NULL, *with = NULL, *placed = NULL;

	cr_assert_eq(load(&plain, &cfg, NULL), 0, "%s", said);
	cfg.inside = &inside;
	cfg.ninside = 1;
	cr_assert_eq(load(&with, &cfg, plain), 0, "%s", said);
	cfg.ninside = 0;
	put(policy, "place 10.9.0.0/16 is US \"the other site\"\nallow to eea\nblock to any\n");
	cr_assert_eq(load(&placed, &cfg, plain), 0, "%s", said);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const char *s = want[i].src, *d = want[i].dst;

		cr_expect_eq(leaves(plain, s, d), want[i].by_default, "%s > %s by default", s, d);
		cr_expect_eq(leaves(with, s, d), want[i].with_inside, "%s > %s with an inside", s,
			     d);
		cr_expect_eq(leaves(placed, s, d), want[i].placed, "%s > %s with a place", s, d);
	}
	engine_free(plain);
	engine_free(with);
	engine_free(placed);
}

/* 'inside' of the command line is added to the policy's. */
Test(engine, insides_add_up)
{
	static const struct cidr more = {.addr = {.b = {172, 16}, .v = 4}, .len = 16};
	struct engine_config cfg = config();
	struct engine *e = NULL;

	put(policy, "inside 10.0.0.0/16\nallow to eea\nblock to any\n");
	cfg.inside = &more;
	cfg.ninside = 1;
	cr_assert_eq(load(&e, &cfg, NULL), 0, "%s", said);
	cr_expect(!leaves(e, "10.0.0.1", "172.16.0.1"));
	cr_expect(!leaves(e, "172.16.0.1", "10.0.0.1"));
	cr_expect(leaves(e, "172.16.0.1", "10.1.0.1"));
	engine_free(e);
}

Test(engine, the_shipped_policy_is_inside_the_program)
{
	struct engine_config cfg = config();
	struct engine *e = NULL;

	if (access(ENGINE_POLICY_DEFAULT, F_OK) == 0)
		cr_skip_test("this host has a policy of its own");
	cfg.policy = NULL;
	cr_assert_eq(load(&e, &cfg, NULL), 0, "%s", said);
	cr_expect(e->policy_shipped);
	cr_expect_eq(e->policy->mode, MODE_MONITOR);
	cr_expect_eq(ask(e, "52.28.0.1").action, DECIDE_ALERT, "under US law");
	cr_expect_eq(ask(e, "3.80.0.1").action, DECIDE_BLOCK);
	engine_free(e);
}
