/* SPDX-License-Identifier: BSD-2-Clause */
/* options_test.c - an option that cannot be is named, with the one that was probably meant. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include "agent/base/options.h"

static const struct option longs[] = {{"policy", required_argument, NULL, 'p'},
				      {"pin", required_argument, NULL, 'P'},
				      {"json", no_argument, NULL, 'j'},
				      {0}};

Test(options, says_what_is_wrong, .init = cr_redirect_stderr)
{
	static const struct {
		const char *arg[3], *text;
		int code;
	} row[] = {
		{{"--policy", "x"}, "", 'p'},
		{{"-p", "x"}, "", 'p'},
		{{"--pol=x"}, "", 'p'},
		{{"--foo"}, "unknown option '--foo'", '?'},
		{{"--polcy", "x"}, "unknown option '--polcy' (is it '--policy'?)", '?'},
		{{"--jsno"}, "unknown option '--jsno' (is it '--json'?)", '?'},
		{{"--polcy=x"}, "unknown option '--polcy' (is it '--policy'?)", '?'},
		{{"--policy"}, "'--policy' wants an argument", '?'},
		{{"--json=3"}, "'--json' takes no argument", '?'},
		{{"--p"}, "'--p' is the beginning of several options", '?'},
		{{"-p"}, "'-p' wants an argument", '?'},
		{{"-z"}, "unknown option '-z'", '?'},
		{{"--a-name-that-is-longer-than-any-option-of-ours"},
		 "unknown option '--a-name-that-is-longer-than-any-option-of-ours'",
		 '?'},
		{{"x"}, "", -1},
	};
	char want[2048] = "";

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		char *argv[4] = {(char *)(uintptr_t) "verb"};
		int n = 1;

		while (n < 4 && row[i].arg[n - 1]) {
			argv[n] = (char *)(uintptr_t)row[i].arg[n - 1];
			n++;
		}
		optind = 0;
		cr_expect_eq(options_next("verb", n, argv, "p:", longs), row[i].code, "%s",
			     argv[1]);
		if (*row[i].text)
			snprintf(want + strlen(want), sizeof(want) - strlen(want),
				 "cordon verb: %s; see 'cordon verb --help'\n", row[i].text);
	}
	fflush(stderr);
	cr_expect_stderr_eq_str(want);
}
