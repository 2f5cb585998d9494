/* SPDX-License-Identifier: BSD-2-Clause */
/* facts_test.c - the shipped facts as a program sees them: read once, whole, sourced. What is damaged
 * is tests/geo/facts_check.sh's, a process a way. */
#include <errno.h>
#include "geo/facts/facts.h"
#include "geo/facts/law.h"
#include "geo/facts/manifest.h"
#include "geo/facts/operator.h"
#include "geo/facts/zone.h"
#include "tests/geo/fixture.h"

TestSuite(facts, .fini = no_leaks);

#define NOW 1795392000 /* 2026-11-23 */

Test(facts, of_the_build_tree)
{
	struct said s;
	size_t n;
	const char *const *lists = facts_lists(&n);

	said_init(&s);
	cr_assert_eq(facts_open(&s.sink), 0, "%s:%u: %s", s.file, s.line, s.text);
	cr_expect_eq(facts_open(&s.sink), 0, "twice");
	cr_expect(facts_serial() / 100 >= 20261125, "%llu", (unsigned long long)facts_serial());
	cr_expect_eq(strlen(facts_date()), 10);
	cr_expect_geq(n, 10);
	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(access(lists[i], R_OK), 0, "%s", lists[i]);
		cr_expect(!i || strcmp(lists[i - 1], lists[i]) < 0, "%s", lists[i]);
	}
}

static void with_serial(const char *directory, uint64_t serial)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "sed -i 's/^serial .*/serial %ju/' %s/facts/FACTS",
		 (uintmax_t)serial, directory);
	cr_assert_eq(system(cmd), 0);
}

/* A newer directory is used whole from then on, an older one never; what failed on it goes back. */
Test(facts, renewed)
{
	char dir[] = "/tmp/cordon-facts-XXXXXX", cmd[512];
	const struct operator_entry *aws;
	struct said s;
	uint64_t serial;

	said_init(&s);
	serial = facts_serial();
	cr_assert_not_null(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd), "cp -r %s %s/facts", facts_directory(), dir);
	cr_assert_eq(system(cmd), 0);
	cr_assert_eq(setenv(FACTS_VARIABLE, dir, 1), 0);
	cr_expect_eq(facts_renew(&s.sink), 0, "the same serial");
	with_serial(dir, serial - 1);
	cr_expect_eq(facts_renew(&s.sink), 0, "an older one");
	aws = operator_by_key("aws");
	with_serial(dir, serial + 1);
	cr_assert_eq(facts_renew(&s.sink), 1, "%s", s.text);
	cr_expect_eq(facts_serial(), serial + 1);
	cr_expect_neq(operator_by_key("aws"), aws, "a table of its own");
	cr_expect_str_eq(aws->key, "aws", "the old one is there still");
	facts_use(serial);
	cr_expect_eq(facts_serial(), serial);
	cr_expect_eq(operator_by_key("aws"), aws);
	cr_expect_eq(facts_renew(&s.sink), 1, "again");
	facts_use(serial + 7);
	cr_expect_eq(facts_serial(), serial + 1, "one that was never read");
	with_serial(dir, serial + 2);
	snprintf(cmd, sizeof(cmd), "echo >>%s/facts/zones.tsv", dir);
	cr_assert_eq(system(cmd), 0);
	cr_expect_lt(facts_renew(&s.sink), 0, "damaged");
	cr_expect(strstr(s.file, "zones.tsv"), "%s", s.file);
	cr_expect_eq(facts_serial(), serial + 1);
	cr_expect(zone_has(ZONE_EU, CC('D', 'E'), NOW));
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	cr_assert_eq(system(cmd), 0);
}

/* Every row says where it was read, when, and whether that could be checked. */
Test(facts, law_rows_are_whole)
{
	for (size_t i = 0; operator_row(i); i++) {
		const char *key = operator_row(i)->key;
		const struct law_hds *h = law_hds(key);

		cr_expect_eq(strlen(operator_row(i)->date), 10, "%s", key);
		if (h)
			cr_expect(*h->status && strlen(h->source) > 10 && strlen(h->date) == 10,
				  "%s", key);
		for (size_t k = 0; law_secnumcloud(key, k); k++) {
			const struct law_secnumcloud *q = law_secnumcloud(key, k);

			cr_expect(*q->offer && *q->status && strlen(q->source) > 4, "%s", key);
		}
		for (size_t k = 0; law_fact(key, k); k++)
			cr_expect(strlen(law_fact(key, k)->text) > 20, "%s", key);
	}
	cr_expect_null(law_hds("nobody"));
	cr_expect_null(law_secnumcloud("nobody", 0));
	cr_expect_null(law_fact("nobody", 0));
}

/* A certificate says for which regions; never for Virginia, whatever it says. */
Test(facts, hds_holds_for_its_regions)
{
	static const struct law_hds paris = {.key = "x", .regions = "eu-west-3 eu-central-*"};
	static const struct law_hds anywhere = {.key = "x", .regions = "*"};
	static const struct law_hds silent = {.key = "x", .regions = ""};

	cr_expect_eq(law_hds_at(&paris, "eu-west-3", CC('F', 'R'), NOW), LAW_HDS_HERE);
	cr_expect_eq(law_hds_at(&paris, "eu-central-1", CC('D', 'E'), NOW), LAW_HDS_HERE);
	cr_expect_eq(law_hds_at(&paris, "eu-central-2", CC('C', 'H'), NOW), LAW_HDS_ELSEWHERE);
	cr_expect_eq(law_hds_at(&paris, "eu-west-1", CC('I', 'E'), NOW), LAW_HDS_ELSEWHERE);
	cr_expect_eq(law_hds_at(&paris, "us-east-1", CC('U', 'S'), NOW), LAW_HDS_ELSEWHERE);
	cr_expect_eq(law_hds_at(&paris, "", CC('F', 'R'), NOW), LAW_HDS_REGION_UNKNOWN);
	cr_expect_eq(law_hds_at(&anywhere, "us-east-1", CC('U', 'S'), NOW), LAW_HDS_ELSEWHERE);
	cr_expect_eq(law_hds_at(&anywhere, "uk-south", CC('G', 'B'), NOW), LAW_HDS_ELSEWHERE);
	cr_expect_eq(law_hds_at(&silent, "eu-west-3", CC('F', 'R'), NOW), LAW_HDS_REGION_UNKNOWN);
	cr_expect_eq(law_hds_at(&silent, "us-east-1", CC('U', 'S'), NOW), LAW_HDS_ELSEWHERE);
}

static const char head[] = "cordon-facts 1\nserial 2026112501\ndate 2026-11-25\n";
#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

Test(facts, manifest)
{
	static const char *const wrong[] = {
		"a 0 " SHA, /* no end of line */
		"a 0\n",
		"a 0 " SHA "0\n",
		"a 0 " SHA " x\n",
		"a x " SHA "\n",
		"/a 0 " SHA "\n",
		"../a 0 " SHA "\n",
		".a 0 " SHA "\n",
		"a/b 0 " SHA "\n",
		"FACTS 0 " SHA "\n",
		"b 0 " SHA "\na 0 " SHA "\n", /* order */
		"a 0 " SHA "\na 0 " SHA "\n",
		"a 99999999999 " SHA "\n",
		"",
	};
	struct manifest m;
	char text[512], why[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int n = snprintf(text, sizeof(text), "%s%s", head, wrong[i]);

		cr_expect_eq(manifest_parse(&m, text, (size_t)n, why), -EINVAL, "row %zu: %s", i,
			     wrong[i]);
	}
	snprintf(text, sizeof(text), "%sempty 0 " SHA "\nother.tsv 12 " SHA "\n", head);
	cr_assert_eq(manifest_parse(&m, text, strlen(text), why), 0, "%s", why);
	cr_expect_eq(m.n, 2);
	cr_expect_eq(m.serial, 2026112501);
	cr_expect(manifest_matches(&m.files[0], "", 0));
	cr_expect_not(manifest_matches(&m.files[0], "x", 1));
	cr_expect_not(manifest_matches(&m.files[1], "123456789012", 12), "size alone");
}
