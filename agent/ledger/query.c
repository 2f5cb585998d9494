/* SPDX-License-Identifier: BSD-2-Clause */
/* query.c - sums of a period, from days, hours and minutes, while the agent writes on. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include "agent/ledger/ledger_private.h"
#include "agent/ledger/schema.h"

static const struct {
	const char *name, *column;
} by_table[LEDGER_BYS] = {
	[LEDGER_BY_COUNTRY] = {"country", "country"},
	[LEDGER_BY_PROVIDER] = {"provider", "provider"},
	[LEDGER_BY_REGION] = {"region", "provider || ' ' || region"},
	[LEDGER_BY_OPERATOR] = {"operator", "operator"},
	[LEDGER_BY_LAW] = {"law", "law"},
	[LEDGER_BY_GRADE] = {"grade", "grade"},
	[LEDGER_BY_UNIT] = {"unit", "unit"},
	[LEDGER_BY_CONTAINER] = {"container", "container"},
	[LEDGER_BY_EXE] = {"exe", "exe"},
	[LEDGER_BY_USER] = {"user", "user"},
	[LEDGER_BY_PREFIX] = {"prefix", "prefix"},
	[LEDGER_BY_PORT] = {"port", "proto || '/' || port"},
	[LEDGER_BY_NAME] = {"name", "key.name"},
	[LEDGER_BY_RULE] = {"rule", "rule"},
	[LEDGER_BY_VERDICT] = {"verdict", "''"},
	[LEDGER_BY_HOST] = {"host", "(SELECT value FROM state WHERE name = 'host')"},
};

int ledger_by_find(const char *name)
{
	for (int i = 0; i < LEDGER_BYS; i++)
		if (strcmp(by_table[i].name, name) == 0)
			return i;
	return -ENOENT;
}

const char *ledger_by_name(enum ledger_by b)
{
	return (unsigned)b < LEDGER_BYS ? by_table[b].name : "";
}

static void sql_of(char *buf, size_t size, enum ledger_by by, size_t nranges)
{
	size_t n = (size_t)snprintf(
		buf, size,
		"SELECT CASE kind WHEN %d THEN '(other)' WHEN %d THEN '(unattributed)' ELSE %s END, "
		"verdict, enforced, sum(p), sum(b), sum(a), sum(f), min(t0), max(t1) FROM (",
		KIND_OTHER, KIND_UNATTRIBUTED, by_table[by].column);

	for (size_t i = 0; i < nranges; i++)
		n += (size_t)snprintf(
			buf + n, size - n,
			"%sSELECT key AS k, sum(packets) AS p, sum(bytes) AS b, sum(attempts) AS a, "
			"sum(flows) AS f, min(first) AS t0, max(last) AS t1 FROM roll "
			"WHERE level = ? AND start >= ? AND start < ? GROUP BY key",
			i ? " UNION ALL " : "");
	snprintf(buf + n, size - n,
		 ") JOIN key ON key.id = k GROUP BY 1, 2, 3 ORDER BY 5 DESC, 7 DESC, 1");
}

static const char *verdict_of(int verdict, int enforced)
{
	static const char *const name[] = {"allow", "alert"};

	if (verdict >= 0 && verdict < 2)
		return name[verdict];
	return enforced ? "block" : "would-block";
}

static int rows(sqlite3_stmt *st, const char *missing, ledger_row_fn *fn, void *arg)
{
	int rc, r = 0;

	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *key = (const char *)sqlite3_column_text(st, 0);
		struct ledger_row row = {.key = key && *key ? key : missing,
					 .verdict = verdict_of(sqlite3_column_int(st, 1),
							       sqlite3_column_int(st, 2)),
					 .sum = {(uint64_t)sqlite3_column_int64(st, 3),
						 (uint64_t)sqlite3_column_int64(st, 4),
						 (uint64_t)sqlite3_column_int64(st, 5),
						 (uint64_t)sqlite3_column_int64(st, 6),
						 (uint64_t)sqlite3_column_int64(st, 7),
						 (uint64_t)sqlite3_column_int64(st, 8)}};

		r = fn(arg, &row);
	}
	return r ? r : rc == SQLITE_DONE ? 0 : -EIO;
}

static int query(sqlite3 *db, enum ledger_by by, int64_t from, int64_t to, ledger_row_fn *fn,
		 void *arg)
{
	struct ledger_range v[LEDGER_RANGES];
	sqlite3_stmt *st = NULL;
	char sql[4096];
	size_t n = ledger_ranges(v, db, &from, to);
	int r = -EIO;

	if (!n)
		return 0;
	sql_of(sql, sizeof(sql), by, n);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		for (size_t i = 0; i < n; i++) {
			sqlite3_bind_int64(st, (int)(3 * i + 1), v[i].level);
			sqlite3_bind_int64(st, (int)(3 * i + 2), v[i].from);
			sqlite3_bind_int64(st, (int)(3 * i + 3), v[i].to);
		}
		/* an operator that nobody knows is under no law that anybody knows: a class of its own */
		r = rows(st, by == LEDGER_BY_LAW ? "unknown" : "(none)", fn, arg);
	}
	sqlite3_finalize(st);
	return r;
}

int ledger_query(const char *path, enum ledger_by by, int64_t from, int64_t to, ledger_row_fn *fn,
		 void *arg, struct diag_sink *d)
{
	sqlite3 *db = NULL;
	int r = -EIO;

	if (ledger_read_open(&db, path, 5000) == 0)
		r = query(db, by, from, to, fn, arg);
	if (r == -EIO)
		ledger_read_failed(db, path, d);
	sqlite3_close(db);
	return r;
}
