/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lint_test.c - 'never reached' is never said of a rule that some packet reaches, and is said where
 * all are decided.
 *
 * The goldens of tests/golden/policy show the sentences; here random policies are tried against a
 * search for packets.
 */
#include "tests/rules/fixture.h"

TestSuite(lint, .fini = no_leaks);

static struct said said;

static const char *lint(const char *text, int64_t now)
{
	struct policy *p = good(text);

	said_start(&said);
	policy_lint(p, now, &said.sink);
	policy_free(p);
	return said.text;
}

/* Pairs of lines: is the second never reached? */
Test(lint, covers)
{
	static const struct {
		const char *first, *second;
		bool never;
	} rows[] = {
		{"allow to eea", "allow to DE", true},
		{"allow to eea", "block to DE", false /* disputed */},
		{"block to eea", "allow to DE", true},
		{"allow to DE", "allow to eea", false},
		{"block to any", "allow to 192.0.2.1", true},
		{"allow to any", "block to disputed", true},
		{"block to 192.0.2.0/24", "allow to 192.0.2.7", true},
		{"block to 192.0.2.7", "allow to 192.0.2.0/24", false},
		{"block to ::/0", "allow to 192.0.2.0/24", false},
		{"block to provider aws", "allow to provider aws region \"x\"", true},
		{"block to provider aws region \"x\"", "allow to provider aws", false},
		{"block to provider aws region \"eu-*\"", "allow to provider aws region \"eu-1\"",
		 false /* not told */},
		{"block to asn 5", "alert to asn 5", true},
		{"block to asn 5", "alert to asn 6", false},
		{"block to jurisdiction eea", "allow to jurisdiction DE", true},
		{"block to any under US", "allow to DE under US", true},
		{"block to DE", "allow to DE under US", true},
		{"block to DE under US", "allow to DE", false},
		{"block port 1-100", "allow port 50", true},
		{"block port 1-100", "allow proto tcp port 50", true},
		{"block proto tcp", "allow port 50", false},
		{"block proto tcp", "allow proto tcp port 50", true},
		{"allow port 50", "block port 50", false /* fragments */},
		{"allow proto icmp", "block proto icmp", true},
		{"allow from user a", "block from user a", false /* unknown senders */},
		{"allow from user a", "allow from user a", true},
		{"block from user a", "allow from user a", true},
		{"block from user a", "block from user b", false},
		{"alert from user a", "block from user a", false /* the stricter one decides */},
		{"block from user a", "alert from user a", true},
		{"alert port 50", "block port 50", false},
		{"block from address 10.0.0.0/8", "allow from address 10.1.0.0/16", true},
		{"allow from address 10.0.0.0/8", "block from address 10.1.0.0/16",
		 false /* a raw socket writes what it likes */},
		{"block opened by peer", "allow opened by peer", true},
		{"block opened by peer", "allow to DE", false},
		{"block until 2027-01-01", "allow to any", false},
		{"block until 2027-01-01", "allow to any until 2026-12-31", true},
		{"block until 2027-01-01", "allow to any until 2027-01-02", false},
		{"block until 2026-11-01", "allow to any", false /* expired */},
		{"block to here", "allow to DE", true},
		{"block to DE", "allow to here", true},
		{"block to private", "allow to unknown", false},
		{"block to unknown", "allow to unknown", true},
		{"block to DE, FR", "allow to FR", true},
		{"block to DE", "allow to DE, FR", false},
		{"allow to any", "block to any", true},
	};
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "home DE\n%s\n%s\nblock to any\n", rows[i].first,
			 rows[i].second);
		cr_expect_eq(!!strstr(lint(text, NOW), "3:0: warning: never reached: line 2"),
			     rows[i].never, "%s:\n%s", text, said.text);
	}
}

/* An allow rule leaves to block and alert rules what is not known: a line that looks decided is
 * worth a word. */
Test(lint, leaves_only_the_unknown)
{
	static const struct {
		const char *first, *second;
		bool only;
	} rows[] = {
		{"allow to eea", "alert to eu under US", true},
		{"allow to eea", "block to DE", true},
		{"allow to DE", "block to eea", false},
		{"allow from user a", "block from user a to US", true},
		{"allow port 443", "block proto tcp port 443", true},
		{"block to eea", "alert to eu under US", false},
		{"allow to eea", "block to any", false},
		{"allow to eea", "alert to disputed", false},
		{"allow to eea until 2027-01-01", "block to DE", false},
	};
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "home DE\n%s\n%s\nblock to any\n", rows[i].first,
			 rows[i].second);
		cr_expect_eq(!!strstr(lint(text, NOW), "3:0: warning: reached only where"),
			     rows[i].only, "%s:\n%s", text, said.text);
	}
}

/* Rules that only several others cover together. */
Test(lint, together)
{
	static const struct {
		const char *text;
		bool never;
	} rows[] = {
		{"block opened by here\nblock opened by peer\nallow to DE", true},
		{"block port 0-100\nblock port 101-65535\nblock proto tcp port 50", true},
		{"block to known\nallow to DE", false},
		{"alert to 192.0.2.0/25\nalert to 192.0.2.128/25\nallow to 192.0.2.0/24", true},
		{"alert to 192.0.2.0/25\nalert to 192.0.2.128/26\nallow to 192.0.2.0/24", false},
		{"alert to IS, LI, NO\nalert to eu\nallow to eea", true},
		{"alert to IS, LI\nalert to eu\nallow to eea", false},
		{"allow to DE\nalert to disputed, unprovable\nblock to DE", true},
		{"allow to DE\nalert to disputed\nblock to DE", false},
		{"inside 10.0.0.0/8\nblock to any port 1\nallow to 10.1.0.0/16", true},
		{"inside 10.1.0.0/16\nblock to any port 1\nallow to 10.0.0.0/8", false},
		{"alert to DE under eea\nalert to DE under US\nallow to DE", false},
	};
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "%s\nblock to any\nzone known { eea }\n",
			 rows[i].text);
		cr_expect_eq(!!strstr(lint(text, NOW), "3:0: warning: never reached"),
			     rows[i].never, "%s:\n%s", text, said.text);
	}
}

Test(lint, dates)
{
	static const struct {
		int64_t days;
		const char *want;
	} rows[] = {
		{-31, NULL},
		{-30, "expires in 30 days (2026-11-23)"},
		{-1, "expires in 1 day (2026-11-23)"},
		{0, "expired on 2026-11-23"},
		{400, "expired on 2026-11-23"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		lint("allow to US until 2026-11-23\nblock to any", NOW + rows[i].days * 86400);
		cr_expect(rows[i].want ? !!strstr(said.text, rows[i].want) : !said.n, "%s",
			  said.text);
	}
}

/* The adequacy decision for the United Kingdom ends on 2031-12-27. */
Test(lint, zones_that_change)
{
	cr_expect_not_null(strstr(lint("alert to adequate\nblock to any", 1955000000),
				  "zone 'adequate' loses GB on 2031-12-27"),
			   "%s", said.text);
	cr_expect_eq(strlen(lint("alert to adequate\nblock to any", NOW)), 0, "%s", said.text);
	cr_expect_eq(strlen(lint("alert to eea\nblock to any", 1955000000)), 0, "%s", said.text);
}

/* A policy with too many kinds of address for the search is still compared line by line. */
Test(lint, too_large_for_the_search)
{
	size_t room = 1 << 16;
	char *text = calloc(1, room);
	size_t n = 0;

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(
			text + n, room - n,
			"allow to provider p%d under %c%c\nalert to %c%c, 192.0.%d.0/25\n", i,
			"DFIEPNBALS"[i % 10], "ERTSTLETUE"[i % 10], "DFIEPNBALS"[i / 10],
			"ERTSTLETUE"[i / 10], i);
	snprintf(text + n, room - n, "block to any\nblock to US\n");
	cr_expect_not_null(strstr(lint(text, NOW), "202:0: warning: never reached: line 201 "
						   "'block to any' decides first"));
	free(text);
}
