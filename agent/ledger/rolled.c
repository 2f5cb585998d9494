/* SPDX-License-Identifier: BSD-2-Clause */
/* rolled.c - hours or days that are over, a row after the other from where the last reader stopped. */
#include <errno.h>
#include <sqlite3.h>
#include "agent/ledger/ledger_private.h"
#include "agent/ledger/schema.h"

#define SELECT_START                                                                               \
	"SELECT min(start) FROM total WHERE level = ?1 AND start >= ?2 AND start + ?1 <= "         \
	"(SELECT value FROM state WHERE name = CASE ?1 WHEN 3600 THEN 'hour_end' ELSE 'day_end' END)"
#define SELECT_ROLLED                                                                              \
	"SELECT k.id, kind, port, proto, verdict, enforced, by_peer, unit, container, exe, user, " \
	"country, provider, region, operator, law, grade, rule, prefix, packets, bytes, "          \
	"attempts, flows, first, last, sample FROM roll JOIN key k ON k.id = roll.key WHERE "      \
	"level = ?1 AND start = ?2 AND roll.key > ?3 ORDER BY roll.key"
#define FIRST_TEXT   7
#define FIRST_NUMBER (FIRST_TEXT + LEDGER_COLUMNS)
#define SELECT_END                                                                                 \
	"SELECT verdict, packets, bytes, (SELECT count(*) FROM roll WHERE level = ?1 AND start = " \
	"?2) FROM total WHERE level = ?1 AND start = ?2"
#define WHOLE INT64_MAX /* as a key: the end was taken too */

struct walk {
	sqlite3 *db;
	int64_t level;
	struct ledger_position *at;
	unsigned taken, max;
	ledger_rolled_fn *fn;
	void *arg;
	bool stopped;
};

static sqlite3_stmt *query(const struct walk *w, const char *sql, int64_t start, int64_t key)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(w->db, sql, -1, &st, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(st, 1, w->level);
	sqlite3_bind_int64(st, 2, start);
	if (sqlite3_bind_parameter_count(st) > 2)
		sqlite3_bind_int64(st, 3, key);
	return st;
}

static const char *text(sqlite3_stmt *st, int column)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s ? s : "";
}

static uint64_t number(sqlite3_stmt *st, int column)
{
	return (uint64_t)sqlite3_column_int64(st, column);
}

/* 1: it was taken. */
static int give(struct walk *w, const struct ledger_rolled *r, int64_t key)
{
	if (w->taken == w->max || w->fn(w->arg, r)) {
		w->stopped = true;
		return 0;
	}
	*w->at = (struct ledger_position){r->start, key};
	w->taken++;
	return 1;
}

static int give_row(struct walk *w, sqlite3_stmt *st, int64_t start)
{
	struct ledger_key_row k = {.id = sqlite3_column_int64(st, 0),
				   .kind = (enum ledger_kind)sqlite3_column_int(st, 1),
				   .port = (uint16_t)sqlite3_column_int(st, 2),
				   .proto = (uint8_t)sqlite3_column_int(st, 3),
				   .verdict = (uint8_t)sqlite3_column_int(st, 4),
				   .enforced = sqlite3_column_int(st, 5) != 0,
				   .by_peer = sqlite3_column_int(st, 6) != 0};
	struct ledger_rolled r = {
		.start = start,
		.key = &k,
		.sum = {number(st, FIRST_NUMBER), number(st, FIRST_NUMBER + 1),
			number(st, FIRST_NUMBER + 2), number(st, FIRST_NUMBER + 3),
			number(st, FIRST_NUMBER + 4), number(st, FIRST_NUMBER + 5)},
		.sample = text(st, FIRST_NUMBER + 6)};

	for (int i = 0; i < LEDGER_COLUMNS; i++)
		k.text[i] = text(st, FIRST_TEXT + i);
	return give(w, &r, k.id);
}

static int rows(struct walk *w, int64_t start, int64_t key)
{
	sqlite3_stmt *st = query(w, SELECT_ROLLED, start, key);
	int rc = st ? SQLITE_OK : SQLITE_ERROR;

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW && give_row(w, st, start))
		rc = SQLITE_OK;
	sqlite3_finalize(st);
	return w->stopped || rc == SQLITE_DONE ? 0 : -EIO;
}

static int end(struct walk *w, int64_t start)
{
	sqlite3_stmt *st = query(w, SELECT_END, start, 0);
	struct ledger_rolled r = {.start = start};
	int rc = st ? SQLITE_OK : SQLITE_ERROR;

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		unsigned verdict = (unsigned)sqlite3_column_int(st, 0);

		r.rows = number(st, 3);
		if (verdict < LEDGER_VERDICTS) {
			r.totals.packets[verdict] = number(st, 1);
			r.totals.bytes[verdict] = number(st, 2);
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		return -EIO;
	give(w, &r, WHOLE);
	return 0;
}

/* The next hour or day that is over, from *start on: 1, or 0: there is none. */
static int next_start(struct walk *w, int64_t *start)
{
	sqlite3_stmt *st = query(w, SELECT_START, *start, 0);
	int r = -EIO;

	if (st && sqlite3_step(st) == SQLITE_ROW) {
		r = sqlite3_column_type(st, 0) != SQLITE_NULL;
		*start = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return r;
}

static int walk(struct walk *w)
{
	int r = 1;

	while (r == 1 && !w->stopped) {
		int64_t start = w->at->start + (w->at->key == WHOLE), key = w->at->key;

		r = next_start(w, &start);
		if (r != 1)
			break;
		if (start != w->at->start)
			key = -1;
		r = rows(w, start, key);
		if (r == 0 && !w->stopped)
			r = end(w, start);
		r = r < 0 ? r : 1;
	}
	return r < 0 ? r : (int)w->taken;
}

int ledger_rolled(const char *path, int64_t level, struct ledger_position *at, unsigned max,
		  ledger_rolled_fn *fn, void *arg, struct diag_sink *d)
{
	struct walk w = {.level = level, .at = at, .max = max, .fn = fn, .arg = arg};
	int r = -EIO;

	if (ledger_read_open(&w.db, path, 1000) == 0)
		r = walk(&w);
	if (r == -EIO)
		ledger_read_failed(w.db, path, d);
	sqlite3_close(w.db);
	return r;
}
