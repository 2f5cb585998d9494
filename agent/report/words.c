/* SPDX-License-Identifier: BSD-2-Clause */
/* words.c - words and texts in quotes, one after the other. */
#include "agent/report/words.h"
#include <string.h>

/* The next word of *s, or text in quotes; false at the end. */
static bool next(const char **s, const char **word, size_t *n, bool *quoted)
{
	const char *at = *s + strspn(*s, " \t");

	*quoted = *at == '"';
	*word = at + *quoted;
	*n = strcspn(*word, *quoted ? "\"" : " \t");
	*s = *word + *n + (*quoted && (*word)[*n] == '"');
	return *at != 0;
}

bool rule_word(const char *rule, const char *word, const char **ret, size_t *n)
{
	const char *w;
	bool quoted, found = false;

	while (next(&rule, &w, n, &quoted)) {
		if (found) {
			*ret = w;
			return true;
		}
		found = !quoted && *n == strlen(word) && strncmp(w, word, *n) == 0;
	}
	return false;
}
