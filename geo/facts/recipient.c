/* SPDX-License-Identifier: BSD-2-Clause */
/* recipient.c - the longest suffix of whole labels wins. */
#include <string.h>
#include "geo/facts/recipient.h"

#define RECIPIENT(...) {__VA_ARGS__},
static const struct recipient table[] = {
#include "geo/data/recipients.def"
};
#undef RECIPIENT

static bool ends_in(const char *name, size_t n, const char *suffix, size_t len)
{
	return n >= len && !memcmp(name + n - len, suffix, len) &&
	       (n == len || name[n - len - 1] == '.');
}

const struct recipient *recipient_find(const char *name)
{
	const struct recipient *best = NULL;
	size_t n = strlen(name), longest = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		size_t len = strlen(table[i].suffix);

		if (len > longest && ends_in(name, n, table[i].suffix, len)) {
			best = &table[i];
			longest = len;
		}
	}
	return best;
}

const struct recipient *recipient_at(size_t i)
{
	return i < sizeof(table) / sizeof(*table) ? &table[i] : NULL;
}
