/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.c - all keys, then all rows of a period, each once: for who makes more than one sum of them. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include "agent/ledger/ledger_private.h"
#include "agent/ledger/schema.h"

#define SELECT_KEYS                                                                                \
	"SELECT id, kind, port, proto, verdict, enforced, by_peer, unit, container, exe, user, "   \
	"country, provider, region, operator, law, grade, rule, prefix FROM key ORDER BY id"
#define FIRST_TEXT 7
#define SELECT_ROWS                                                                                      \
	"SELECT key, start, packets, bytes, attempts, flows, first, last, sample FROM roll WHERE level " \
	"= ?1 AND start >= ?2 AND start < ?3"
#define SELECT_TOTALS                                                                              \
	"SELECT verdict, sum(packets), sum(bytes) FROM total WHERE level = ?1 AND start >= ?2 "    \
	"AND start < ?3 GROUP BY verdict"
#define SELECT_SPANS                                                                               \
	"SELECT DISTINCT start FROM total WHERE level = ?1 AND start >= ?2 AND start < ?3 "        \
	"ORDER BY start"
/* by level, which the table's order answers */
#define SELECT_EXTENT                                                                              \
	"SELECT min(start), max(start + level) FROM (SELECT level, min(start) AS start FROM "      \
	"total WHERE level = 60 UNION ALL SELECT level, min(start) FROM total WHERE level = "      \
	"3600 UNION ALL SELECT level, min(start) FROM total WHERE level = 86400 UNION ALL "        \
	"SELECT level, max(start) FROM total WHERE level = 60 UNION ALL SELECT level, "            \
	"max(start) FROM total WHERE level = 3600 UNION ALL SELECT level, max(start) FROM "        \
	"total WHERE level = 86400) WHERE start IS NOT NULL"

static const char *text(sqlite3_stmt *st, int column)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s ? s : "";
}

static int keys(sqlite3 *db, const struct ledger_scan *scan)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, SELECT_KEYS, -1, &st, NULL), r = 0;

	while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct ledger_key_row k = {.id = sqlite3_column_int64(st, 0),
					   .kind = (enum ledger_kind)sqlite3_column_int(st, 1),
					   .port = (uint16_t)sqlite3_column_int(st, 2),
					   .proto = (uint8_t)sqlite3_column_int(st, 3),
					   .verdict = (uint8_t)sqlite3_column_int(st, 4),
					   .enforced = sqlite3_column_int(st, 5) != 0,
					   .by_peer = sqlite3_column_int(st, 6) != 0};

		for (int i = 0; i < LEDGER_COLUMNS; i++)
			k.text[i] = text(st, FIRST_TEXT + i);
		r = scan->key(scan->arg, &k);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return r ? r : rc == SQLITE_DONE ? 0 : -EIO;
}

static void bind_range(sqlite3_stmt *st, const struct ledger_range *v)
{
	sqlite3_bind_int64(st, 1, v->level);
	sqlite3_bind_int64(st, 2, v->from);
	sqlite3_bind_int64(st, 3, v->to);
}

static int rows(sqlite3 *db, const struct ledger_range *v, const struct ledger_scan *scan)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, SELECT_ROWS, -1, &st, NULL), r = 0;

	if (rc == SQLITE_OK)
		bind_range(st, v);
	while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct ledger_sum s = {(uint64_t)sqlite3_column_int64(st, 2),
				       (uint64_t)sqlite3_column_int64(st, 3),
				       (uint64_t)sqlite3_column_int64(st, 4),
				       (uint64_t)sqlite3_column_int64(st, 5),
				       (uint64_t)sqlite3_column_int64(st, 6),
				       (uint64_t)sqlite3_column_int64(st, 7)};

		r = scan->row(scan->arg, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
			      v->level, &s);
		if (r == 0 && scan->sample)
			r = scan->sample(scan->arg, sqlite3_column_int64(st, 0), text(st, 8));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return r ? r : rc == SQLITE_DONE ? 0 : -EIO;
}

static int totals(sqlite3 *db, const struct ledger_range *v, struct ledger_totals *t)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, SELECT_TOTALS, -1, &st, NULL);

	if (rc == SQLITE_OK)
		bind_range(st, v);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		unsigned verdict = (unsigned)sqlite3_column_int(st, 0);

		if (verdict < LEDGER_VERDICTS) {
			t->packets[verdict] += (uint64_t)sqlite3_column_int64(st, 1);
			t->bytes[verdict] += (uint64_t)sqlite3_column_int64(st, 2);
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -EIO;
}

struct span {
	int64_t from, to;
};

/* A minute is written once it is over, and two become one when the disk is slow. */
#define HOLE 300
static int spans(sqlite3 *db, const struct ledger_range *v, const struct ledger_scan *scan,
		 struct span *open)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, SELECT_SPANS, -1, &st, NULL), r = 0;

	if (rc == SQLITE_OK)
		bind_range(st, v);
	while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t start = sqlite3_column_int64(st, 0);

		if (open->to && start - open->to > HOLE) {
			r = scan->span(scan->arg, open->from, open->to);
			open->to = 0;
		}
		open->from = open->to ? open->from : start;
		open->to = start + v->level;
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return r ? r : rc == SQLITE_DONE ? 0 : -EIO;
}

static int extent(sqlite3 *db, struct ledger_extent *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, SELECT_EXTENT, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		ret->first = sqlite3_column_int64(st, 0);
		ret->end = sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW)
		return -EIO;
	rc = sqlite3_prepare_v2(db, "SELECT value FROM state WHERE name = 'host'", -1, &st, NULL);
	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		snprintf(ret->host, sizeof(ret->host), "%s", text(st, 0));
	sqlite3_finalize(st);
	return rc == SQLITE_OK ? 0 : -EIO;
}

static int whole(struct ledger_extent *e, sqlite3 *db, int64_t from, int64_t to,
		 const struct ledger_scan *scan)
{
	struct ledger_range v[LEDGER_RANGES];
	struct span open = {0};
	int r = extent(db, e);
	size_t n;

	e->from = from;
	n = ledger_ranges(v, db, &e->from, to);
	r = r ? r : keys(db, scan);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = rows(db, &v[i], scan);
		r = r ? r : totals(db, &v[i], &e->totals);
		if (r == 0 && scan->span)
			r = spans(db, &v[i], scan, &open);
	}
	if (r == 0 && open.to)
		r = scan->span(scan->arg, open.from, open.to);
	return r;
}

int ledger_scan(struct ledger_extent *ret, const char *path, int64_t from, int64_t to,
		const struct ledger_scan *scan, struct diag_sink *d)
{
	struct ledger_extent e = {0};
	sqlite3 *db = NULL;
	int r = -EIO;

	if (ledger_read_open(&db, path, 5000) == 0)
		r = whole(&e, db, from, to, scan);
	if (r == -EIO)
		ledger_read_failed(db, path, d);
	sqlite3_close(db);
	if (r == 0)
		*ret = e;
	return r;
}
