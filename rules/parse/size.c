/* SPDX-License-Identifier: BSD-2-Clause */
/* size.c - "100MB" to bytes and back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "rules/parse/parse.h"
#include "rules/parse/size.h"

/* From large to small; of two that divide a size, the first is written. */
static const struct {
	const char *name;
	uint64_t bytes;
} units[] = {
	{"TB", 1000000000000u}, {"TiB", 1ull << 40}, {"GB", 1000000000},
	{"GiB", 1 << 30},	{"MB", 1000000},     {"MiB", 1 << 20},
	{"kB", 1000},		{"KiB", 1 << 10},    {"B", 1},
};
#define UNITS (sizeof(units) / sizeof(*units))

bool size_parse(uint64_t *ret, const char *s)
{
	size_t digits = strspn(s, "0123456789");
	uint64_t v;

	if (!value_parse_number(&v, s, digits, SIZE_MOST) || !v)
		return false;
	for (size_t i = 0; i < UNITS; i++)
		if (!strcmp(s + digits, units[i].name) && v <= SIZE_MOST / units[i].bytes) {
			*ret = v * units[i].bytes;
			return true;
		}
	return false;
}

const char *size_format(char buf[SIZE_STRLEN], uint64_t bytes)
{
	size_t i = 0;

	while (bytes % units[i].bytes) /* the last is 1 */
		i++;
	snprintf(buf, SIZE_STRLEN, "%" PRIu64 "%s", bytes / units[i].bytes, units[i].name);
	return buf;
}
