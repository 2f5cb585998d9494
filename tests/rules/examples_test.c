/* SPDX-License-Identifier: BSD-2-Clause */
/* examples_test.c - the shipped policies parse, compile, have nothing to warn of, and decide what
 * they promise. */
#include <dirent.h>
#include "tests/rules/fixture.h"

TestSuite(examples, .fini = no_leaks);

enum {
	DE,
	FR,
	US,
	GB,
	CH,
	JP,
	AWS_DE,
	OVH_FR,
	HEROKU,
	DISPUTED,
	UNPROVABLE,
	UNKNOWN,
	PRIVATE,
	CLASSES
};

static void make(struct place_class *c)
{
	static const char *const cc[] = {"DE", "FR", "US", "GB", "CH", "JP", "DE",
					 "FR", "US", "DE", "",	 "",   ""};

	for (int i = 0; i < CLASSES; i++)
		c[i] = place_in(cc[i], *cc[i] ? PLACE_KNOWN : PLACE_UNKNOWN);
	c[DISPUTED].place.status = PLACE_DISPUTED;
	c[UNPROVABLE].place.status = PLACE_UNPROVABLE;
	c[PRIVATE].place.scope = SCOPE_PRIVATE;
	c[AWS_DE].place.provider = string_index("aws");
	c[AWS_DE].place.region = string_index("eu-central-1");
	c[AWS_DE].place.jurisdiction = CC('U', 'S');
	c[OVH_FR].place.provider = string_index("ovh");
	c[OVH_FR].place.jurisdiction = CC('F', 'R');
	c[FR].place.jurisdiction = CC('F', 'R');
	c[HEROKU].place.platform = string_index("heroku");
	c[HEROKU].place.jurisdiction = CC('U', 'S');
}

static char *slurp(const char *name)
{
	char path[512], *text = calloc(1, 1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), "rules/examples/%s", name);
	f = fopen(path, "r");
	cr_assert(f && text, "%s: run from the top of the tree", path);
	cr_assert(fread(text, 1, (1 << 16) - 1, f) > 100, "%s is empty", path);
	fclose(f);
	return text;
}

struct want {
	unsigned class;
	int port;
	uint8_t opened, known;
	uint32_t mask;
	enum decide_action action;
};

static void try_example(const char *name, const struct want *want, size_t n)
{
	char *text = slurp(name);
	struct policy *p = good(text);
	struct place_class classes[CLASSES];
	struct compiled *c;

	make(classes);
	c = compile(p, classes, CLASSES, 1);
	for (size_t i = 0; i < n; i++) {
		struct decide_packet pkt = {.place = want[i].class,
					    .proto = 6,
					    .port = (uint16_t)want[i].port,
					    .has_port = 1,
					    .opened = want[i].opened,
					    .known = want[i].known,
					    .mask = want[i].mask};
		const struct decide_decision *d =
			compiled_decide(c, &pkt, UINT32_MAX, NOW * 1000000000ull);

		cr_expect_eq(d->action, want[i].action, "%s: row %zu: line %u", name, i,
			     d->rule ? p->rules[d->rule - 1].line : 0);
	}
	compiled_free(c);
	policy_free(p);
	free(text);
}
#define TRY(name, ...)                                                                             \
	try_example(name, (const struct want[]){__VA_ARGS__},                                      \
		    sizeof((const struct want[]){__VA_ARGS__}) / sizeof(struct want))

Test(examples, eu)
{
	TRY("eu.conf", {DE, 443, 0, 0, 0, DECIDE_ALERT}, {AWS_DE, 443, 0, 0, 0, DECIDE_ALERT},
	    {OVH_FR, 443, 0, 0, 0, DECIDE_ALLOW}, {DISPUTED, 22, 1, 0, 0, DECIDE_ALERT},
	    {DISPUTED, 22, 0, 0, 0, DECIDE_BLOCK}, {PRIVATE, 5432, 0, 0, 0, DECIDE_ALLOW},
	    {US, 443, 0, 0, 0, DECIDE_BLOCK}, {GB, 443, 0, 0, 0, DECIDE_ALERT},
	    {JP, 443, 0, 0, 0, DECIDE_BLOCK}, {UNKNOWN, 443, 0, 0, 0, DECIDE_BLOCK},
	    {DISPUTED, 443, 0, 0, 0, DECIDE_BLOCK}, {UNPROVABLE, 443, 0, 0, 0, DECIDE_BLOCK},
	    {UNPROVABLE, 53, 0, 0, 0, DECIDE_ALERT}, {US, 22, 1, 0, 0, DECIDE_ALERT},
	    {US, 22, 0, 0, 0, DECIDE_BLOCK});
}

Test(examples, database_strict)
{
	TRY("database-strict.conf", {AWS_DE, 443, 0, 0, 1, DECIDE_BLOCK},
	    {AWS_DE, 443, 0, KNOWN_NOBODY, 0, DECIDE_BLOCK}, {FR, 5432, 0, 0, 1, DECIDE_ALLOW},
	    {DE, 5432, 0, 0, 1, DECIDE_BLOCK}, {FR, 443, 0, 0, 1, DECIDE_BLOCK},
	    {FR, 53, 0, 0, 0, DECIDE_ALLOW}, {DE, 53, 0, 0, 0, DECIDE_BLOCK},
	    {DISPUTED, 5432, 0, 0, 1, DECIDE_BLOCK});
}

Test(examples, saas_migration)
{
	TRY("saas-migration.conf", {HEROKU, 443, 0, 0, 0, DECIDE_ALERT},
	    {HEROKU, 5432, 0, 0, 0, DECIDE_BLOCK}, {OVH_FR, 5432, 0, 0, 0, DECIDE_ALLOW},
	    {AWS_DE, 443, 0, 0, 0, DECIDE_ALERT}, {FR, 443, 0, 0, 0, DECIDE_ALLOW},
	    {DE, 443, 0, 0, 0, DECIDE_ALERT}, {CH, 1, 0, 0, 0, DECIDE_ALLOW},
	    {GB, 443, 0, 0, 0, DECIDE_BLOCK});
}

Test(examples, hds_host)
{
	TRY("hds-host.conf", {DE, 443, 0, 0, 0, DECIDE_ALLOW}, {CH, 443, 0, 0, 0, DECIDE_BLOCK},
	    {CH, 22, 1, 0, 0, DECIDE_ALERT}, {US, 22, 1, 0, 0, DECIDE_BLOCK},
	    {DE, 22, 1, 0, 0, DECIDE_ALLOW}, {PRIVATE, 443, 0, 0, 0, DECIDE_BLOCK});
}

Test(examples, gateway)
{
	TRY("gateway.conf", {DE, 443, 0, 0, 1, DECIDE_ALLOW}, {US, 443, 0, 0, 1, DECIDE_BLOCK},
	    {GB, 443, 0, 0, 2, DECIDE_ALLOW}, {DISPUTED, 443, 0, 0, 1, DECIDE_BLOCK},
	    {DE, 443, 0, 0, 0, DECIDE_BLOCK});
}

/* Every file is tried above, and none has a warning on the day of its writing. */
Test(examples, all_are_tested_and_clean)
{
	static const char *const tested[] = {"eu.conf", "database-strict.conf",
					     "saas-migration.conf", "hds-host.conf",
					     "gateway.conf"};
	DIR *dir = opendir("rules/examples");
	struct dirent *e;
	size_t n = 0;

	cr_assert_not_null(dir);
	while ((e = readdir(dir))) {
		struct said s;
		struct policy *p;
		char *text;
		bool found = false;

		if (!strstr(e->d_name, ".conf"))
			continue;
		n++;
		for (size_t i = 0; i < sizeof(tested) / sizeof(*tested); i++)
			found |= !strcmp(tested[i], e->d_name);
		cr_expect(found, "%s has no test", e->d_name);
		text = slurp(e->d_name);
		p = good(text);
		said_start(&s);
		policy_lint(p, NOW, &s.sink);
		cr_expect_eq(s.sink.warnings, 0, "%s: %s", e->d_name, s.text);
		policy_free(p);
		free(text);
	}
	cr_expect_eq(n, sizeof(tested) / sizeof(*tested));
	closedir(dir);
}
