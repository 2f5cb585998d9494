/* SPDX-License-Identifier: BSD-2-Clause */
/* period.c - a moment as people write it: so long ago, a day, or a time of day. */
#include "agent/cmd/period.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "agent/base/text.h"
#include "rules/parse/calendar.h"

#define DATE 10 /* 2026-11-25 */

static int duration(int64_t *ret, const char *text)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	size_t n = strlen(text);
	char digits[16];
	uint64_t number;

	if (n < 2 || n > sizeof(digits))
		return -EINVAL;
	text_put(digits, sizeof(digits), "%.*s", (int)(n - 1), text);
	if (text_number(&number, digits, 1000000) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].unit == text[n - 1]) {
			*ret = (int64_t)number * units[i].seconds;
			return 0;
		}
	return -EINVAL;
}

/* "T10:41", "T10:41:12", with Z or without: UTC. */
static int time_of_day(int64_t *ret, const char *text)
{
	unsigned h, m, s = 0;
	int n = 0;

	if (sscanf(text, "T%2u:%2u%n", &h, &m, &n) < 2)
		return -EINVAL;
	text += n;
	n = 0;
	if (sscanf(text, ":%2u%n", &s, &n) == 1)
		text += n;
	if (*text == 'Z')
		text++;
	if (*text || h > 23 || m > 59 || s > 60)
		return -EINVAL;
	*ret = (int64_t)h * 3600 + m * 60 + s;
	return 0;
}

int period_parse(int64_t *ret, const char *text, int64_t now)
{
	char date[DATE + 1];
	unsigned days;
	int64_t v, rest = 0;

	if (duration(&v, text) == 0) {
		*ret = now - v;
		return 0;
	}
	text_put(date, sizeof(date), "%.*s", DATE, text);
	if (calendar_parse(&v, date, &days) < 0 ||
	    (strlen(text) > DATE && time_of_day(&rest, text + DATE) < 0))
		return -EINVAL;
	*ret = v + rest;
	return 0;
}
