/* SPDX-License-Identifier: BSD-2-Clause */
/* match.c - the rows of match.def as tables, and how words are compared: misspelt keywords, globs.
 */
#include <string.h>
#include "rules/parse/parse.h"
#include "rules/parse/print.h"

#define LIVE  MATCH_LIVE
#define WIRE  MATCH_WIRE
#define LATER MATCH_LATER

static const struct clause_row clauses[] = {
#define MATCH_CLAUSE(id, key, arg, raw, where, value, print, man)                                  \
	{#id, key, arg, where, value, print, man},
#include "rules/parse/match.def"
};
static const struct place_row places[] = {
#define MATCH_PLACE(id, key, arg, raw, named, where, value, eval, print, man)                      \
	{#id, key, arg, named, where, value, print, man},
#include "rules/parse/match.def"
};
static const struct subject_row subjects[] = {
#define MATCH_SUBJECT(id, key, arg, raw, where, value, eval, print, man)                           \
	{#id, key, arg, where, value, print, man},
#include "rules/parse/match.def"
};
/* The public enums of policy.h are in the order of the rows. */
#define MATCH_PLACE(id, ...) _Static_assert((int)MATCHED_##id == (int)ATOM_##id, #id);
#include "rules/parse/match.def"
#define MATCH_SUBJECT(id, ...) _Static_assert((int)SUBJECT_ROW_##id == (int)SUBJECT_##id, #id);
#include "rules/parse/match.def"

const struct clause_row *match_clause(enum clause c)
{
	return &clauses[c];
}

const struct place_row *match_place(enum place_atom_type t)
{
	return &places[t];
}

const struct subject_row *match_subject(enum subject_type t)
{
	return &subjects[t];
}

bool match_keyword(const char *word)
{
	static const char *const words[] = {
#define MATCH_WORD(id, key, raw) key,
#include "rules/parse/match.def"
	};

	for (size_t i = 0; i < CLAUSES; i++)
		if (!strcmp(word, clauses[i].keyword))
			return true;
	for (size_t i = 0; i < PLACE_ROWS; i++)
		if (places[i].keyword && !strcmp(word, places[i].keyword))
			return true;
	for (size_t i = 0; i < SUBJECT_ROWS; i++)
		if (!strcmp(word, subjects[i].keyword))
			return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

#define NEAR_MAX 24 /* longer words are not compared */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned d[NEAR_MAX + 1][NEAR_MAX + 1];

	for (unsigned i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			d[i][j] = least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
					least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

const char *match_nearest(const char *word, const char *const *among, size_t n)
{
	size_t len = strlen(word), other;
	unsigned best = len < 3 ? 1 : len < 6 ? 2 : 3, d; /* one more than what is near */
	const char *ret = NULL;

	if (len < 2 || len > NEAR_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		other = strlen(among[i]);
		if (other > NEAR_MAX || !strcmp(among[i], word))
			continue;
		d = distance(word, len, among[i], other);
		if (d <= best && d < other && (!ret || d < best)) {
			best = d;
			ret = among[i];
		}
	}
	return ret;
}

bool match_glob(const char *glob, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text) {
		if (*glob == '*') {
			star = glob++;
			back = text;
		} else if (*glob == '?' || *glob == *text) {
			glob++;
			text++;
		} else if (star) {
			glob = star + 1;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}
