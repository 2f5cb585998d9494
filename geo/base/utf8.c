/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.c - checks and cleans UTF-8 (RFC 3629). */
#include <stdbool.h>
#include <string.h>
#include "geo/base/utf8.h"

static int continues(const char *s, size_t len, unsigned n)
{
	if (len < n)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
	return 1;
}

/* RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF. */
unsigned utf8_length(const char *s, size_t len)
{
	const unsigned char *b = (const unsigned char *)s;

	if (!len)
		return 0;
	if (b[0] < 0x80)
		return 1;
	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		return continues(s, len, 2) ? 2 : 0;
	if (b[0] >= 0xe0 && b[0] <= 0xef) {
		if (!continues(s, len, 3) || (b[0] == 0xe0 && b[1] < 0xa0) ||
		    (b[0] == 0xed && b[1] > 0x9f))
			return 0;
		return 3;
	}
	if (b[0] >= 0xf0 && b[0] <= 0xf4) {
		if (!continues(s, len, 4) || (b[0] == 0xf0 && b[1] < 0x90) ||
		    (b[0] == 0xf4 && b[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

size_t utf8_clean(char *out, size_t size, const char *s, size_t len)
{
	size_t k = 0;

	for (size_t i = 0; i < len && k + 4 < size;) {
		unsigned n = utf8_length(s + i, len - i);
		bool kept = n && (n > 1 || ((unsigned char)s[i] >= 0x20 && s[i] != 0x7f));

		if (kept)
			memcpy(out + k, s + i, n);
		else
			out[k] = '?';
		k += kept ? n : 1;
		i += n ? n : 1;
	}
	out[k] = '\0';
	return k;
}
