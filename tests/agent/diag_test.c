/* SPDX-License-Identifier: BSD-2-Clause */
/* diag_test.c - diagnostics as policy.md shows them: place, text, the line, a caret under the right
 * columns. */
#include <criterion/criterion.h>
#include <string.h>
#include "agent/base/diag_print.h"

static struct diag_print p;
static char *out;
static size_t len;

static void begin(const char *source)
{
	diag_print_init(&p, open_memstream(&out, &len));
	if (source)
		cr_assert_eq(diag_print_source(&p, "cordon.conf", source, strlen(source)), 0);
}
static void expect(const char *want)
{
	fclose(p.to);
	cr_expect_str_eq(out, want, "got:\n%s", out);
	diag_print_done(&p);
	free(out);
}

Test(diag, as_in_policy_md)
{
	begin("\n\nallow to eea, UK\n");
	diag_at(&p.sink, DIAG_ERROR, "cordon.conf", 3, 15, 2,
		"'%s' is no ISO 3166-1 code; the United Kingdom is 'GB'", "UK");
	cr_expect_eq(p.sink.errors, 1);
	expect("cordon.conf:3:15: error: 'UK' is no ISO 3166-1 code; the United Kingdom is 'GB'\n"
	       "    3 | allow to eea, UK\n"
	       "      |               ^~\n");
}

Test(diag, without_column_or_line_or_file)
{
	begin("x\n");
	diag_at(&p.sink, DIAG_WARNING, "cordon.conf", 22, 0, 0, "never reached");
	diag_at(&p.sink, DIAG_ERROR, "places.mmdb", 0, 0, 0, "cut");
	diag_at(&p.sink, DIAG_NOTE, NULL, 0, 0, 0, "so");
	cr_expect_eq(p.sink.warnings, 1);
	expect("cordon.conf:22: warning: never reached\nplaces.mmdb: error: cut\nnote: so\n");
}

Test(diag, tabs_and_hostile_bytes)
{
	begin("a\tb\033[2J c");
	diag_at(&p.sink, DIAG_ERROR, "cordon.conf", 1, 3, 1, "t");
	expect("cordon.conf:1:3: error: t\n"
	       "    1 | a       b\\x1b[2J c\n"
	       "      |         ^\n");
}

Test(diag, columns_past_the_end_of_the_line)
{
	begin("ab");
	diag_at(&p.sink, DIAG_ERROR, "cordon.conf", 1, 3, 1, "ends here");
	diag_at(&p.sink, DIAG_ERROR, "cordon.conf", 1, 4000, 4000, "far out");
	diag_at(&p.sink, DIAG_ERROR, "cordon.conf", 9, 1, 1, "no such line");
	expect("cordon.conf:1:3: error: ends here\n    1 | ab\n      |   ^\n"
	       "cordon.conf:1:4000: error: far out\n    1 | ab\n      |   ^\n"
	       "cordon.conf:9:1: error: no such line\n");
}

Test(diag, a_file_that_cannot_be_read_is_named_all_the_same)
{
	begin(NULL);
	diag_at(&p.sink, DIAG_ERROR, "/nonexistent/x.conf", 1, 1, 1, "t");
	expect("/nonexistent/x.conf:1:1: error: t\n");
}
