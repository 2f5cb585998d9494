/* SPDX-License-Identifier: BSD-2-Clause */
/* options.c - what is wrong with an option, said once for all verbs. */
#include <stdbool.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"

#define NAME_LONGEST 32u
#define NEAR	     3u /* letters that may differ */

/* Letters to change, add or leave out; both names are short. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned row[NAME_LONGEST + 1];

	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned before = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned here = before + (a[i - 1] != b[j - 1]);

			before = row[j];
			if (row[j] + 1 < here)
				here = row[j] + 1;
			if (row[j - 1] + 1 < here)
				here = row[j - 1] + 1;
			row[j] = here;
		}
	}
	return row[m];
}

/* The option that was probably meant; NULL: none is near. */
static const char *nearest(const char *name, size_t n, const struct option *longs)
{
	const char *best = NULL;
	unsigned least = NEAR + 1;

	if (n < 2 || n > NAME_LONGEST)
		return NULL;
	for (; longs->name; longs++) {
		size_t m = strlen(longs->name);
		unsigned d;

		if (m > NAME_LONGEST)
			continue;
		d = distance(name, n, longs->name, m);
		if (d < least && d * 2 <= m) {
			best = longs->name;
			least = d;
		}
	}
	return best;
}

static const struct option *by_value(const struct option *longs, int value)
{
	for (; longs->name; longs++)
		if (longs->val == value)
			return longs;
	return NULL;
}

/* Several options begin as this one does. */
static bool ambiguous(const char *name, size_t n, const struct option *longs)
{
	unsigned found = 0;

	for (; longs->name; longs++)
		found += strncmp(longs->name, name, n) == 0;
	return n && found > 1;
}

static void complain_long(const char *verb, const char *given, const struct option *longs)
{
	size_t n = strcspn(given, "=");
	const char *near = nearest(given, n, longs);

	if (optopt && given[n])
		diag_usage(verb, "'--%.*s' takes no argument", (int)n, given);
	else if (optopt)
		diag_usage(verb, "'--%s' wants an argument", given);
	else if (ambiguous(given, n, longs))
		diag_usage(verb, "'--%.*s' is the beginning of several options", (int)n, given);
	else if (near)
		diag_usage(verb, "unknown option '--%.*s' (is it '--%s'?)", (int)n, given, near);
	else
		diag_usage(verb, "unknown option '--%.*s'", (int)n, given);
}

int options_next(const char *verb, int argc, char *const argv[], const char *shorts,
		 const struct option *longs)
{
	const char *given;
	int code;

	opterr = 0;
	optopt = 0;
	code = getopt_long(argc, argv, shorts, longs, NULL);
	if (code != '?')
		return code;
	given = argv[optind - 1];
	if (strncmp(given, "--", 2) == 0 && (!optopt || by_value(longs, optopt)))
		complain_long(verb, given + 2, longs);
	else if (strchr(shorts, optopt) && optopt != ':')
		diag_usage(verb, "'-%c' wants an argument", optopt);
	else
		diag_usage(verb, "unknown option '-%c'", optopt);
	return '?';
}
