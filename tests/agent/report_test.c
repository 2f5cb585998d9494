/* SPDX-License-Identifier: BSD-2-Clause */
/* report_test.c - the small parts of the report: tables that others wrote, clauses of rules, texts in two languages. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/report/csv.h"
#include "agent/report/report.h"
#include "agent/report/words.h"
#include "tests/lib/leaks.h"

TestSuite(report, .fini = no_leaks, .timeout = 30);

Test(report, csv)
{
	static const struct {
		const char *text;
		int result;
		size_t rows;
		const char *at[4]; /* row 0 and 1, column b and c */
	} all[] = {
		{"a,b,c\r\n1,2,3\r\n", 0, 1, {"2", "3"}},
		{"a,b,c\n1,2,3\n4,5,6", 0, 2, {"2", "3", "5", "6"}},
		{"a,b,c\n1,\"x,\"\"y\"\"\n\",3\n", 0, 1, {"x,\"y\"\n", "3"}},
		{"a;b;c\n1;2,5;3\n", 0, 1, {"2,5", "3"}},
		{"\xef\xbb\xbf"
		 "a,b,c\n1,2\n",
		 0,
		 1,
		 {"2", ""}},
		{"a,b,c\n1,2,3,\n", 0, 1, {"2", "3"}},
		{"a,b,c\n1,2,3,4\n", -EBADMSG, 0, {0}},
		{"a,b,c\n\"1,2,3\n", -EBADMSG, 0, {0}},
		{"a,b,c", 0, 0, {0}},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct csv c;
		int r = csv_read(&c, strdup(all[i].text), strlen(all[i].text));

		cr_expect_eq(r, all[i].result, "%s: %d", all[i].text, r);
		if (r)
			continue;
		cr_expect_eq(c.rows, all[i].rows, "%s", all[i].text);
		cr_expect_eq(csv_column(&c, "B"), 1);
		cr_expect_eq(csv_column(&c, "d"), -1);
		for (size_t k = 0; k < 2 * c.rows; k++)
			cr_expect_str_eq(csv_get(&c, k / 2, 1 + (int)(k % 2)), all[i].at[k], "%s",
					 all[i].text);
		csv_drop(&c);
	}
}

Test(report, clauses_of_a_rule)
{
	static const char rule[] =
		"allow to CH purpose backup basis art45 until 2027-01-01 because \"a basis x; until later\"";
	static const struct {
		const char *rule, *word, *value; /* NULL: there is none */
	} all[] = {
		{rule, "basis", "art45"},
		{rule, "until", "2027-01-01"},
		{rule, "because", "a basis x; until later"},
		{rule, "purpose", "backup"},
		{rule, "later", NULL},
		{"allow to CH basis", "basis", NULL},
		{"allow to CH because \"cut", "because", "cut"},
		{"allow because \"basis art49\"", "basis", NULL},
		{"", "basis", NULL},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const char *s;
		size_t n;
		bool found = rule_word(all[i].rule, all[i].word, &s, &n);

		cr_expect_eq(found, all[i].value != NULL, "%s: %s", all[i].rule, all[i].word);
		if (found)
			cr_expect(n == strlen(all[i].value) && strncmp(s, all[i].value, n) == 0,
				  "%s: %.*s", all[i].word, (int)n, s);
	}
}

static unsigned numbers(const char *s)
{
	unsigned n = 0;

	while ((s = strstr(s, "%s"))) {
		n++;
		s += 2;
	}
	return n;
}

/* A text that one language lacks, or that has other numbers in it, would be a report that says less. */
Test(report, both_languages_say_the_same)
{
	for (unsigned t = T_NONE + 1; t < REPORT_TEXTS; t++) {
		const char *en = report_text((enum report_text)t, REPORT_EN),
			   *fr = report_text((enum report_text)t, REPORT_FR);

		cr_expect(*en && *fr, "text %u", t);
		cr_expect_eq(numbers(en), numbers(fr), "%s / %s", en, fr);
		cr_expect(!strchr(en, '<') && !strchr(fr, '<'), "%s", en);
	}
}
