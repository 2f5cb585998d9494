/* SPDX-License-Identifier: BSD-2-Clause */
/* calendar.h - days of the proleptic Gregorian calendar and Unix seconds, UTC; no clock, no time
 * zone, no libc state. */
#ifndef RULES_PARSE_CALENDAR_H
#define RULES_PARSE_CALENDAR_H
#include <stdint.h>

unsigned calendar_days(unsigned year, unsigned month); /* of the month 1..12 */
int64_t calendar_seconds(unsigned year, unsigned month,
			 unsigned day); /* of the day's start; year from 1 */
/* 2027-03-31 to the day's first second. 0; -EINVAL: not of this form, or before 1971; -ERANGE: no
 * such month or day, and then *days is how many the month has, 0 when there is no such month. */
int calendar_parse(int64_t *ret, const char *text, unsigned *days);
#define CALENDAR_STRLEN 24
const char *calendar_format(char buf[CALENDAR_STRLEN],
			    int64_t seconds); /* 2027-03-31; returns buf */
#endif
