/* SPDX-License-Identifier: BSD-2-Clause */
/* country.c - which two letters are a country, and how it is called. */
#include "geo/facts/country.h"

#define INDEX(a, b) (((a) - 'A') * 26 + (b) - 'A')

static const char *const names[26 * 26] = {
#define COUNTRY(a, b, name) [INDEX(a, b)] = name,
#include "geo/data/countries.def"
#undef COUNTRY
};

uint16_t country_code(const char *two, size_t len)
{
	if (len != 2 || two[0] < 'A' || two[0] > 'Z' || two[1] < 'A' || two[1] > 'Z')
		return 0;
	return names[INDEX(two[0], two[1])] ? (uint16_t)CC(two[0], two[1]) : 0;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* 'EU', 'AP', 'XX' and the other pseudo-codes are in no table, so they fall out as unknown by
 * themselves. */
uint16_t country_from_source(const char *two, size_t len)
{
	char c[2];

	if (len != 2)
		return 0;
	c[0] = upper(two[0]);
	c[1] = upper(two[1]);
	if (c[0] == 'U' && c[1] == 'K')
		return CC('G', 'B');
	if (c[0] == 'E' && c[1] == 'L')
		return CC('G', 'R');
	return country_code(c, 2);
}

const char *country_name(uint16_t cc)
{
	int a = cc >> 8, b = cc & 0xff;
	const char *name;

	if (a < 'A' || a > 'Z' || b < 'A' || b > 'Z')
		return "";
	name = names[INDEX(a, b)];
	return name ? name : "";
}

const char *country_text(uint16_t cc, char buf[3])
{
	buf[0] = (char)(cc >> 8);
	buf[1] = (char)(cc & 0xff);
	buf[2] = '\0';
	return buf;
}
