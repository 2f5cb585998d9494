/* SPDX-License-Identifier: BSD-2-Clause */
/* calendar.c - days of the proleptic Gregorian calendar and Unix seconds, UTC. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "rules/parse/calendar.h"

static bool leap(unsigned y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

unsigned calendar_days(unsigned year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && leap(year) ? 1u : 0u);
}

/* Days from 0001-01-01 to the year's first. */
static int64_t days_before_year(unsigned year)
{
	int64_t y = (int64_t)year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400;
}

int64_t calendar_seconds(unsigned year, unsigned month, unsigned day)
{
	int64_t days = days_before_year(year) - days_before_year(1970) + day - 1;

	for (unsigned m = 1; m < month; m++)
		days += calendar_days(year, m);
	return days * 86400;
}

static unsigned digits(const char *s, unsigned n)
{
	unsigned v = 0;

	while (n--)
		v = v * 10 + (unsigned)(*s++ - '0');
	return v;
}

int calendar_parse(int64_t *ret, const char *text, unsigned *days)
{
	unsigned y, m, d;

	*days = 0;
	if (strlen(text) != 10)
		return -EINVAL;
	for (int i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
			return -EINVAL;
	y = digits(text, 4);
	m = digits(text + 5, 2);
	d = digits(text + 8, 2);
	if (y < 1971)
		return -EINVAL;
	if (m < 1 || m > 12)
		return -ERANGE;
	*days = calendar_days(y, m);
	if (d < 1 || d > *days)
		return -ERANGE;
	*ret = calendar_seconds(y, m, d);
	return 0;
}

const char *calendar_format(char buf[CALENDAR_STRLEN], int64_t seconds)
{
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	unsigned y = (unsigned)(1970 + days / 366), m = 1;

	if (days < 0) {
		snprintf(buf, CALENDAR_STRLEN, "before 1970");
		return buf;
	}
	while (y < 9999 && calendar_seconds(y + 1, 1, 1) <= days * 86400)
		y++;
	while (m < 12 && calendar_seconds(y, m + 1, 1) <= days * 86400)
		m++;
	snprintf(buf, CALENDAR_STRLEN, "%04u-%02u-%02u", y, m,
		 (unsigned)(days - calendar_seconds(y, m, 1) / 86400 + 1) % 100);
	return buf;
}
