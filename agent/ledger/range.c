/* SPDX-License-Identifier: BSD-2-Clause */
/* range.c - a period as rows of days, hours and minutes: each moment once, at the finest level that is kept. */
#include <sqlite3.h>
#include "agent/ledger/ledger_private.h"
#include "agent/ledger/schema.h"

#define DAY  86400
#define HOUR 3600

static int64_t up(int64_t t, int64_t step)
{
	return (t + step - 1) / step * step;
}

static void add(struct ledger_range *v, size_t *n, int64_t level, int64_t from, int64_t to)
{
	if (from < to)
		v[(*n)++] = (struct ledger_range){level, from, to};
}

/* Whole days where they are rolled up, then hours, then minutes: each moment once. */
static size_t ranges(struct ledger_range v[LEDGER_RANGES], int64_t from, int64_t to,
		     int64_t hour_end, int64_t day_end)
{
	int64_t day_from = up(from, DAY), day_to = (to < day_end ? to : day_end) / DAY * DAY;
	int64_t hour_from = up(from, HOUR), hour_to = (to < hour_end ? to : hour_end) / HOUR * HOUR;
	size_t n = 0;

	if (day_from >= day_to)
		day_from = day_to = hour_from < hour_to ? hour_from : from;
	if (hour_from >= hour_to) { /* no whole hour */
		add(v, &n, 60, from, to);
		return n;
	}
	add(v, &n, 60, from, hour_from);
	add(v, &n, HOUR, hour_from, day_from < hour_to ? day_from : hour_to);
	add(v, &n, DAY, day_from, day_to);
	add(v, &n, HOUR, day_to > hour_from ? day_to : hour_from, hour_to);
	add(v, &n, 60, hour_to, to);
	return n;
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t v = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* Where minutes, then hours are not kept any more, the period begins with its whole hour or day. */
static int64_t begin(sqlite3 *db, int64_t from)
{
	int64_t day_end = number(db, "SELECT value FROM state WHERE name = 'day_end'");

	if (day_end && from < day_end - KEEP_HOURS)
		return from / DAY * DAY;
	if (day_end && from < day_end - KEEP_MINUTES)
		return from / HOUR * HOUR;
	return from / 60 * 60;
}

size_t ledger_ranges(struct ledger_range v[LEDGER_RANGES], sqlite3 *db, int64_t *from, int64_t to)
{
	*from = begin(db, *from);
	return ranges(v, *from, to, number(db, "SELECT value FROM state WHERE name = 'hour_end'"),
		      number(db, "SELECT value FROM state WHERE name = 'day_end'"));
}
