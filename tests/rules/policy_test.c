/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_test.c - what a text becomes, field by field; canonical print; sets; errors that goldens
 * do not reach. */
#include <math.h>
#include "tests/rules/fixture.h"

TestSuite(policy, .fini = no_leaks);

Test(policy, every_statement)
{
	struct policy *p = good(
		"home DE 50.11 -8.68 \"Frankfurt\"\ninside 10.0.0.0/16, 2001:db8:10::/48\ninside 10.1.0.0/16\n"
		"nat64 2001:db8:64::/96\n"
		"place 198.51.100.0/24 is DE provider aws platform heroku region \"eu-central-1\" under US \"a note\"\n"
		"zone trusted { eea CH }\nservice postgres { tcp 5432 tcp 6432-6433, udp icmp port 53 proto 99 }\n"
		"subject database { unit \"postgresql@*.service\" user postgres cgroup \"/x\" address 10.0.0.0/8 }\n"
		"promise provider aws stays trusted, US,\n  eea under FR \"annex 2\"\n"
		"mode enforce\ngeo \"/a.mmdb\" max-age 45d stale block\ngeo \"/b\"\ngeo max-age 7d\njournal \"/var/log/cordon\" keep 12h\n"
		"feed file \"/x\" format ecs\nfeed kafka \"k1:9092\" topic \"t\" ca \"/ca\" format ocsf\n"
		"  block   from database, user bob to trusted, US, 192.0.2.1 under US service postgres opened by peer "
		"severity low purpose p basis scc until 2027-03-31 because \"w#y\"  # comment\nallow to any\n");
	const struct rule *r = &p->rules[0];

	cr_expect(p->has_home && p->home == CC('D', 'E'));
	cr_expect_float_eq(p->home_lat, 50.11, 1e-12);
	cr_expect_float_eq(p->home_lon, -8.68, 1e-12);
	cr_expect_str_eq(p->home_name, "Frankfurt");
	cr_expect_eq(p->ninside, 3);
	cr_expect_eq(p->nnat64, 1);
	cr_assert_eq(p->nplaces, 1);
	cr_expect_str_eq(p->places[0].provider, "aws");
	cr_expect_str_eq(p->places[0].platform, "heroku");
	cr_expect_str_eq(p->places[0].region, "eu-central-1");
	cr_expect_str_eq(p->places[0].note, "a note");
	cr_expect_eq(p->places[0].jurisdiction, CC('U', 'S'));
	cr_expect_eq(p->places[0].line, 5);
	cr_assert_eq(p->nzones, 1);
	cr_expect_eq(p->zones[0]->natoms, 2);
	cr_assert_eq(p->nservices, 1);
	cr_expect_eq(p->services[0]->natoms, 7, "%zu", p->services[0]->natoms);
	cr_expect(p->services[0]->atoms[2].any_port && p->services[0]->atoms[2].proto == 17);
	cr_expect_eq(p->services[0]->atoms[1].last, 6433);
	cr_expect_eq(p->services[0]->atoms[6].proto, 99);
	cr_expect_eq(p->subjects[0]->natoms, 4);
	cr_expect_eq(p->mode, MODE_ENFORCE);
	cr_assert_eq(p->ngeo, 3);
	cr_expect_eq(p->geo[2].max_age, 7 * 86400);
	cr_expect_str_empty(p->geo[2].path);
	cr_expect_eq(p->geo[0].max_age, 45 * 86400);
	cr_expect_eq(p->geo[0].stale, DECIDE_BLOCK);
	cr_expect_eq(p->geo[1].stale, DECIDE_ALERT);
	cr_expect_eq(p->journal_keep, 12 * 3600);
	cr_expect_eq(p->nfeeds, 2);
	cr_expect_str_eq(p->feeds[1].topic, "t");
	cr_assert_eq(p->npromises, 1);
	cr_expect_str_eq(p->promises[0].provider, "aws");
	cr_assert_eq(p->promises[0].nstays, 3);
	cr_expect_eq((const void *)p->promises[0].stays[0], (const void *)p->zones[0]);
	cr_expect_eq(p->promises[0].under->atoms[0].country, CC('F', 'R'));
	cr_expect_str_eq(p->promises[0].note, "annex 2");
	cr_assert_eq(p->nrules, 2);
	cr_expect_eq(r->action, DECIDE_BLOCK);
	cr_expect_eq(r->nfrom, 2);
	cr_expect_eq((const void *)r->from[0], (const void *)p->subjects[0]);
	cr_expect_eq(r->nto, 3);
	cr_expect_eq((const void *)r->to[0].zone, (const void *)p->zones[0]);
	cr_expect_eq((const void *)r->service, (const void *)p->services[0]);
	cr_expect_eq(r->opened, RULE_OPENED_PEER);
	cr_expect_eq(r->severity, 1);
	cr_expect_eq(r->until, 1806451200); /* date -u -d 2027-03-31 +%s */
	cr_expect_str_eq(r->because, "w#y");
	cr_expect_eq(r->line, 18);
	cr_expect_eq(strncmp(r->text, "block from database", 19), 0, "'%s'", r->text);
	cr_expect_str_eq(r->text + strlen(r->text) - 13, "because \"w#y\"");
	policy_free(p);
}

/* A promise is of countries and zones, of one day: adequacy begins and ends. */
Test(policy, zone_has)
{
	struct policy *p =
		good("zone a { b CH }\nzone b { adequate }\npromise provider x stays a, FR\n"
		     "block to any\n");
	const struct zone_def *z = p->promises[0].stays[0], *fr = p->promises[0].stays[1];
	const int64_t before = 1764547200, after = 1780272000; /* 2025-12-01, 2026-06-01 */
	char buf[3];

	cr_expect(policy_zone_has(z, CC('C', 'H'), before));
	cr_expect(policy_zone_has(z, CC('N', 'Z'), before), "a zone within a zone");
	cr_expect(!policy_zone_has(z, CC('B', 'R'), before), "not adequate yet");
	cr_expect(policy_zone_has(z, CC('B', 'R'), after));
	cr_expect(!policy_zone_has(z, CC('U', 'S'), after));
	cr_expect(!policy_zone_has(z, 0, after), "no country is in no zone");
	cr_expect(policy_zone_has(fr, CC('F', 'R'), after) &&
		  !policy_zone_has(fr, CC('D', 'E'), after));
	cr_expect_str_eq(policy_zone_text(z, buf), "a");
	cr_expect_str_eq(policy_zone_text(fr, buf), "FR");
	policy_free(p);
}

Test(policy, promises_have_a_limit)
{
	size_t size = (POLICY_PROMISES_MAX + 1) * 48 + 32, n = 0;
	char *text = malloc(size);
	struct policy *p;

	for (int i = 0; i < POLICY_PROMISES_MAX; i++)
		n += (size_t)snprintf(text + n, size - n, "promise provider p%d stays DE\n", i);
	snprintf(text + n, size - n, "block to any\n");
	p = good(text);
	cr_expect_eq(p->npromises, (size_t)POLICY_PROMISES_MAX);
	policy_free(p);
	snprintf(text + n, size - n, "promise provider more stays DE\nblock to any\n");
	cr_expect_not_null(strstr(bad(text, strlen(text)), "more than 1024 promises"));
	free(text);
}

Test(policy, sha256_is_of_the_text)
{
	struct policy *p = good("block to any\n");

	/* printf 'block to any\n' | sha256sum */
	cr_expect_str_eq(p->sha256,
			 "573ebcf034c99a96731e51d81266e244a7be5f130933a5ca5bbb7df75a5b3093");
	policy_free(p);
}

Test(policy, without_settings)
{
	struct policy *p = good("block");

	cr_expect(!p->has_home && isnan(p->home_lat) && isnan(p->home_lon));
	cr_expect_eq(p->mode, MODE_MONITOR, "monitor is the default");
	cr_expect_null(p->journal);
	cr_expect_eq(p->rules[0].nto, 0);
	cr_expect_str_eq(p->rules[0].text, "block");
	cr_expect_eq(p->nsets, 1, "'inside' is always there");
	policy_free(p);
	policy_free(NULL);
}

/* Text need not end in NUL, nor in a newline. */
Test(policy, ends_where_it_ends)
{
	struct policy *p = NULL;
	struct diag_sink quiet = {0};
	static const char text[] = "block to any\nrubbish";

	cr_assert_eq(policy_parse(&p, "f", text, 12, &quiet), 0);
	cr_expect_eq(p->nrules, 1);
	policy_free(p);
	cr_expect_eq(policy_parse(&p, "f", text, sizeof(text) - 1, &quiet), -22);
	cr_expect_eq(quiet.errors, 1);
}

Test(policy, canonical)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{"allow   to   DE ,FR", "allow to DE, FR"},
		{"allow port 5-5", "allow port 5"},
		{"allow to 10.0.0.0/32", "allow to 10.0.0.0"},
		{"allow to 2001:DB8:0:0::/64", "allow to 2001:db8::/64"},
		{"allow because \"a \\\"b\\\" \\\\\" to DE",
		 "allow to DE because \"a \\\"b\\\" \\\\\""},
		{"allow to ::ffff:192.0.2.1", NULL}, /* as IPv4, which it is on the wire */
		{"allow proto 6", "allow proto tcp"},
		{"allow proto 99", "allow proto 99"},
		{"allow port 5 proto tcp", "allow proto tcp port 5"},
		{"allow from user \"a b\", unit x", "allow from user \"a b\", unit \"x\""},
		{"allow from user from to to", NULL},
		{"allow from user file", "allow from user file"},
		{"allow to provider \"aws\" region x", "allow to provider aws region \"x\""},
		{"allow to asn AS64496", "allow to asn 64496"},
		{"allow under US to jurisdiction eea", "allow to jurisdiction eea under US"},
		{"allow until 2027-03-31 severity low", "allow severity low until 2027-03-31"},
		{"allow port 80 443,8000-8080", "allow port 80 443 8000-8080"},
		{"allow port https proto tcp", "allow proto tcp port 443"},
		{"allow port https ssh ms-sql-s", "allow port 443 22 1433"},
		{"allow proto udp port dns 123", "allow proto udp port 53 123"},
		{"allow port 80 443 to DE, FR", "allow to DE, FR port 80 443"},
		{"allow port 80-", NULL},
		{"allow port 80 tcp", NULL},
		{"allow port 80 443 port 8080", NULL},
		{"allow label a.b-c:d/1 to DE", "allow to DE label a.b-c:d/1"},
		{"allow label \"a b\"", NULL},
		{"allow label default", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct policy *p;
		char *s;

		if (!rows[i].canonical) {
			bad(rows[i].text, strlen(rows[i].text));
			continue;
		}
		p = good(rows[i].text);
		s = rule_print(&p->rules[0]);
		cr_expect_str_eq(s, rows[i].canonical, "'%s' prints as '%s'", rows[i].text, s);
		policy_free(p);
		free(s);
	}
}

Test(policy, home_prints_as_it_was)
{
	static const char *const homes[] = {"DE", "DE 50.11 8.68", "DE -90 180",
					    "DE 0.1 -0.000001 \"x\"",
					    "FR 48.856614 2.3522219 \"Paris, \\\"VIe\\\"\""};
	char text[128];

	for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++) {
		char *s;
		struct policy *p;

		snprintf(text, sizeof(text), "home %s\nmode monitor\nblock\n", homes[i]);
		p = good(text);
		s = policy_print(p);
		cr_expect_str_eq(s, text);
		policy_free(p);
		free(s);
	}
}

/* A statement goes on after a comma and in a body; a rule's text, which events carry, is one line. */
Test(policy, statements_over_lines)
{
	struct policy *p =
		good("zone near { # ours\n\tDE\n\n FR,\n IT }\nservice web {\r\n tcp 80\r\n}\n"
		     "allow to near, # and\n\n   ES,\n#x\n\tNL port 80,\n 443\nblock to any\n");

	cr_expect_eq(p->zones[0]->natoms, 3);
	cr_assert_eq(p->nrules, 2);
	cr_expect_eq(p->rules[0].nto, 3);
	cr_expect_eq(p->rules[0].line, 9);
	cr_expect_str_eq(p->rules[0].text, "allow to near, ES, NL port 80, 443");
	cr_expect_eq(p->rules[1].line, 15);
	cr_expect_str_eq(p->rules[1].text, "block to any");
	policy_free(p);
}

/* What was left open is one error, and the statement behind it is read. */
Test(policy, left_open)
{
	static const struct {
		const char *text, *errors;
	} rows[] = {
		{"allow to DE,\nblock to any\n", "1:13: error: the line ends too early"},
		{"zone a { DE\nblock to any\n", "1:12: error: the line ends too early"},
		{"zone a { DE", "1:12: error: the line ends too early"},
		{"{\nblock to any\n", "1:1: error: '{' is not understood here"},
		{", , ,\nblock to any\n", "1:1: error: ',' is not understood here"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *said = bad(rows[i].text, strlen(rows[i].text));

		cr_expect(!strncmp(said, rows[i].errors, strlen(rows[i].errors)) &&
				  strchr(said, '\n') == strrchr(said, '\n'),
			  "'%s': %s", rows[i].text, said);
	}
}

Test(policy, labels_are_of_one_rule)
{
	const char *said = bad("allow to DE label a\nallow to FR label b\nblock label a\n", 54);

	cr_expect_not_null(strstr(said,
				  "3:13: error: the rule of line 1 has the label 'a' already"),
			   "%s", said);
}

/* Sets depend on what is named, not on where: then the place table need not be rebuilt. */
Test(policy, sets)
{
	struct policy *a = good(
		"inside 10.0.0.0/8\nallow to 192.0.2.0/24, 198.51.100.0/24\nblock to asn 5\nallow from "
		"address 10.1.0.0/16 to DE\nblock to any");
	struct policy *b = good(
		"inside 10.0.0.0/8\nblock from address 10.1.0.0/16\nalert to asn 5, 198.51.100.0/24, FR, "
		"192.0.2.0/24, 192.0.2.0/24 port 5\nallow to eea");
	struct policy *c = good(
		"inside 10.0.0.0/8\nblock from address 10.1.0.0/16\nalert to asn 5, 198.51.100.0/24");
	const struct policy_set *s;
	size_t n = policy_sets(a, &s);

	cr_assert_eq(n, 4);
	cr_expect_eq(s[0].ncidrs, 1);
	cr_expect_eq(s[3].asn, 5);
	cr_expect(policy_sets_equal(a, b));
	cr_expect(!policy_sets_equal(a, c));
	cr_expect_eq(a->rules[0].to[0].set, a->rules[0].to[1].set,
		     "the prefixes of one 'to' are one set");
	cr_expect_eq(a->rules[1].to[0].set, 3);
	cr_expect_eq(a->rules[2].from[0]->set, 1, "%d", a->rules[2].from[0]->set);
	policy_free(a);
	policy_free(b);
	policy_free(c);
}

Test(policy, names_before_their_lines)
{
	struct policy *p =
		good("allow from db to near service web\nzone near { far }\nzone far { DE }\n"
		     "service web { tcp 80 }\nsubject db { user x }\nblock to any");

	cr_expect_eq((const void *)p->rules[0].to[0].zone, (const void *)p->zones[0]);
	cr_expect(p->zones[1]->id < p->zones[0]->id, "members come first in zone_order");
	policy_free(p);
}

/* Limits: what fits, and one more. */
Test(policy, line_limit)
{
	char text[POLICY_LINE_MAX + 32];
	struct policy *p;
	size_t n;

	memset(text, 'x', sizeof(text));
	memcpy(text, "block # ", 8);
	p = NULL;
	text[POLICY_LINE_MAX] = '\n';
	text[POLICY_LINE_MAX + 1] = '\0';
	p = good(text);
	policy_free(p);
	n = POLICY_LINE_MAX + 1;
	text[POLICY_LINE_MAX] = 'x';
	text[n] = '\n';
	text[n + 1] = '\0';
	cr_expect_not_null(strstr(bad(text, n + 1), "1:4097: error: a line of 4097 bytes"));
}

Test(policy, text_limit)
{
	size_t n = POLICY_TEXT_MAX;
	char *text = malloc(n + 1);
	struct policy *p = NULL;
	struct diag_sink quiet = {0};

	cr_assert_not_null(text);
	memset(text, '\n', n + 1);
	memcpy(text, "block", 5);
	cr_expect_eq(policy_parse(&p, "f", text, n, &quiet), 0);
	policy_free(p);
	cr_expect_eq(policy_parse(&p, "f", text, n + 1, &quiet), -22);
	free(text);
}

Test(policy, rules_limit)
{
	char *text = malloc((POLICY_RULES_MAX + 1) * 6 + 1), *s = text;
	struct policy *p = NULL;
	struct diag_sink quiet = {0};

	cr_assert_not_null(text);
	for (int i = 0; i <= POLICY_RULES_MAX; i++)
		s += snprintf(s, 7, "block\n");
	cr_assert_eq(policy_parse(&p, "f", text, POLICY_RULES_MAX * 6, &quiet), 0);
	cr_expect_eq(p->nrules, POLICY_RULES_MAX);
	policy_free(p);
	cr_expect_eq(policy_parse(&p, "f", text, (POLICY_RULES_MAX + 1) * 6, &quiet), -22);
	free(text);
}

/* Every error is counted, a hundred are said, and the last line says how many are not. */
Test(policy, errors_limit)
{
	char *text = malloc(64 * 500), *s = text;
	struct said said;
	struct policy *p = NULL;

	cr_assert_not_null(text);
	for (int i = 0; i < 500; i++)
		s += snprintf(s, 64, "allow to ZZ\n");
	said_start(&said);
	cr_expect_eq(policy_parse(&p, "f", text, (size_t)(s - text), &said.sink), -22);
	cr_expect_eq(said.sink.errors, POLICY_ERRORS_MAX + 1);
	cr_expect_not_null(strstr(said.text, "400 more errors are not shown"));
	free(text);
}

/* A broken line leaves nothing behind for the next one. */
Test(policy, broken_lines_do_not_leak_into_the_next)
{
	static const char *const broken[] = {
		"allow from user a, unit",
		"allow from user a, unit \"b\" frob",
		"subject s { user a",
		"zone z { DE",
		"service s { tcp",
		"allow to DE, ",
		"place 10.0.0.0/8 is DE provider",
		"feed file \"x\" format",
		"geo \"x\" max-age",
		"service s { frob 5",
		"allow from x to",
		"subject s { user a unit \"b\" } }",
	};
	static const char *const next[] = {"subject t { unit \"c\" address 10.0.0.0/8 }",
					   "zone y { FR eea }", "service w { tcp 5 udp }",
					   "block from unit \"d\", user e to FR, 192.0.2.0/24"};
	char text[256];

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		for (size_t j = 0; j < sizeof(next) / sizeof(*next); j++) {
			const char *said;

			snprintf(text, sizeof(text), "%s\n%s\n", broken[i], next[j]);
			said = bad(text, strlen(text));
			cr_expect_null(strstr(said, "\n2:"), "%s: %s", text, said);
		}
}

Test(policy, syslog_targets)
{
	static const struct {
		const char *text, *said; /* NULL: it is good */
	} row[] = {
		{"\"udp://siem\"", NULL},
		{"\"tcp://[fd20::5]:10514\"", NULL},
		{"\"tls://siem.example:6514\" ca \"/a\" cert \"/b\" key \"/c\" name \"siem\"",
		 NULL},
		{"\"siem:514\"", "no address for syslog"},
		{"\"tls://\"", "no address for syslog"},
		{"\"tls://a:0\"", "no address for syslog"},
		{"\"tls://a:65536\"", "no address for syslog"},
		{"\"tls://a:5x\"", "no address for syslog"},
		{"\"tls://[::1\"", "no address for syslog"},
		{"\"tls://a b\"", "no address for syslog"},
		{"\"tls://a/path\"", "no address for syslog"},
		{"\"https://a\"", "no address for syslog"},
		{"\"tcp://a\" ca \"/a\"", "are for tls://"},
		{"\"tls://a\" cert \"/a\"", "go together"},
	};
	struct policy_target t;
	char text[256];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct policy *p = NULL;

		snprintf(text, sizeof(text), "feed syslog %s\nallow to any\n", row[i].text);
		if (row[i].said) {
			cr_expect(strstr(bad(text, strlen(text)), row[i].said), "%s", text);
			continue;
		}
		cr_expect_eq(policy_parse(&p, "t", text, strlen(text), NULL), 0, "%s", text);
		policy_free(p);
	}
	snprintf(text, sizeof(text), "feed kafka \"k1:9092\"\nallow to any\n");
	cr_expect(strstr(bad(text, strlen(text)), "needs a topic"), "%s", text);
	cr_assert_eq(policy_target_parse(&t, "tcp://[fd20::5]:10514"), 0);
	cr_expect_str_eq(t.host, "fd20::5");
	cr_expect_eq(t.port, 10514);
	cr_assert_eq(policy_target_parse(&t, "udp://siem"), 0);
	cr_expect_eq(t.port, 514);
}

Test(policy, first)
{
	struct policy_first first[2] = {{.until = 1800000000, .because = "incident 4711"},
					{.until = 1800000060, .because = "another"}};
	struct policy_source s = {.file = "p", .first = first, .nfirst = 2};
	struct diag_sink d = {};
	struct policy *p = NULL, *plain = NULL;

	s.text = "home DE\nallow to eea\nblock to any\n";
	s.len = strlen(s.text);
	cr_assert_eq(cidr_parse(&first[0].to, "203.0.113.7"), 0);
	cr_assert_eq(cidr_parse(&first[1].to, "2001:db8::/32"), 0);
	cr_assert_eq(policy_parse_first(&p, &s, &d), 0);
	cr_assert_eq(policy_parse(&plain, "p", s.text, s.len, &d), 0);
	cr_expect_str_eq(p->sha256, plain->sha256, "the sum is the text's");
	cr_assert_eq(p->nrules, 4);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(p->rules[i].action, DECIDE_BLOCK);
		cr_expect_eq(p->rules[i].line, 0);
		cr_expect_eq(p->rules[i].until, first[i].until);
		cr_expect_eq(rule_severity(&p->rules[i]), 4);
		cr_expect_str_eq(p->rules[i].because, first[i].because);
	}
	cr_expect_str_eq(p->rules[0].text, "block to 203.0.113.7/32 severity critical because "
					   "\"incident 4711\" (quarantine)");
	cr_expect_eq(p->rules[2].line, 2, "the text's own keep their lines");
	cr_expect_eq(p->rules[3].line, 3);
	cr_expect_neq(p->rules[0].to[0].set, p->rules[1].to[0].set);
	policy_free(p);
	policy_free(plain);
}

/* Lists stand where addresses do, are one set each, and print as they were written. */
Test(policy, lists)
{
	struct policy *p = good("list backups { 192.0.2.0/24, 2001:db8::/32\n 192.0.2.0/24 }\n"
				"list none { }\n"
				"subject dbs { address backups address 10.0.0.1 }\n"
				"allow from address backups to DE, backups, 198.51.100.7\n"
				"allow from dbs to none\nblock to backups\nblock to any\n");
	struct policy *again;
	char *printed = policy_print(p);

	cr_expect_eq(p->nlists, 2);
	cr_expect_eq(p->lists[0]->ncidrs, 2, "each prefix once");
	cr_expect_eq(p->rules[0].to[1].type, ATOM_LIST);
	cr_expect_eq(p->rules[0].to[1].set, p->rules[2].to[0].set, "one set, whoever names it");
	cr_expect_eq(p->rules[0].from[0]->set, p->rules[0].to[1].set);
	cr_expect_neq(p->rules[0].to[1].set, p->rules[0].to[2].set, "an address beside it");
	cr_expect_eq(p->rules[1].to[0].set, -1, "an empty list matches nothing");
	cr_expect_eq(p->sets[p->rules[1].from[0]->set].ncidrs, 3, "the list's and its own");
	cr_expect_eq(p->nzone_order, 0, "a list is no zone");
	again = good(printed);
	cr_expect(policy_sets_equal(p, again), "%s", printed);
	policy_free(again);
	policy_free(p);
	free(printed);
}

/* A list of as many prefixes as may be, in many rules, and one more. */
Test(policy, lists_at_their_limit)
{
	struct diag_sink quiet = {0};
	struct policy *p = NULL;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	fputs("subject a { address big user x }\nlist big {", to);
	for (unsigned i = 0; i < POLICY_LISTED_MAX; i++)
		fprintf(to, "\n10.%u.%u.%u/32", i >> 14 & 255, i >> 6 & 255, i & 63);
	fputs("}\n", to);
	for (unsigned i = 0; i < 100; i++)
		fprintf(to, "block from a to big, 192.0.2.%u\n", i);
	fflush(to);
	cr_assert_eq(policy_parse(&p, "f", text, n, &quiet), 0);
	cr_expect_eq(p->lists[0]->ncidrs, POLICY_LISTED_MAX);
	policy_free(p);
	fputs("list one { 10.0.0.0/8 }\n", to);
	fclose(to);
	cr_expect_eq(policy_parse(&p, "f", text, n, &quiet), -22);
	free(text);
}
