/* SPDX-License-Identifier: BSD-2-Clause */
/* store.c - minutes into SQLite, hours and days out of them; a transaction a minute. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/ledger/ledger_private.h"
#include "agent/ledger/schema.h"
#include "rules/decide.h"

struct store {
	sqlite3 *db;
	sqlite3_stmt *find_key, *add_key, *add_row, *add_total, *get, *set;
	int64_t hour_end, day_end; /* rolled up before these */
	struct books books;
};

/* SQLite's answer as an errno: what the caller can tell apart. */
static int error_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_READONLY:
		return -EROFS;
	default:
		return -EIO;
	}
}

static int run(sqlite3 *db, const char *sql)
{
	return error_of(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* A statement with numbers only. */
static int run2(sqlite3 *db, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, a);
		sqlite3_bind_int64(st, 2, b);
		rc = sqlite3_step(st);
	}
	sqlite3_finalize(st);
	return error_of(rc);
}

static int64_t get(struct store *s, const char *name, int64_t otherwise)
{
	int64_t v = otherwise;

	sqlite3_reset(s->get);
	sqlite3_bind_text(s->get, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(s->get) == SQLITE_ROW)
		v = sqlite3_column_int64(s->get, 0);
	sqlite3_reset(s->get);
	return v;
}

static int set(struct store *s, const char *name, int64_t v)
{
	int rc;

	sqlite3_reset(s->set);
	sqlite3_bind_text(s->set, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s->set, 2, v);
	rc = sqlite3_step(s->set);
	sqlite3_reset(s->set);
	return error_of(rc);
}

static const char *const state_names[4][LEDGER_CLASSES] = {
	{"packets_allow", "packets_alert", "packets_block", "packets_passed"},
	{"bytes_allow", "bytes_alert", "bytes_block", "bytes_passed"},
	{"lag_packets_allow", "lag_packets_alert", "lag_packets_block", "lag_packets_passed"},
	{"lag_bytes_allow", "lag_bytes_alert", "lag_bytes_block", "lag_bytes_passed"},
};

static void load_state(struct store *s)
{
	s->hour_end = get(s, "hour_end", 0);
	s->day_end = get(s, "day_end", 0);
	s->books.epoch = (uint64_t)get(s, "epoch", 0);
	s->books.has_passed = get(s, state_names[0][LEDGER_PASSED], -1) >= 0;
	for (unsigned v = 0; v < LEDGER_CLASSES; v++) {
		s->books.seen.packets[v] = (uint64_t)get(s, state_names[0][v], 0);
		s->books.seen.bytes[v] = (uint64_t)get(s, state_names[1][v], 0);
		s->books.lag_packets[v] = get(s, state_names[2][v], 0);
		s->books.lag_bytes[v] = get(s, state_names[3][v], 0);
	}
}

static int prepare(struct store *s)
{
	const struct {
		sqlite3_stmt **st;
		const char *sql;
	} all[] = {
		{&s->find_key, SCHEMA_FIND_KEY}, {&s->add_key, SCHEMA_ADD_KEY},
		{&s->add_row, SCHEMA_ADD_ROW},	 {&s->add_total, SCHEMA_ADD_TOTAL},
		{&s->get, SCHEMA_GET},		 {&s->set, SCHEMA_SET},
	};
	int rc = SQLITE_OK;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(s->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].st,
					NULL);
	return error_of(rc);
}

static int open_once(struct store *s, const char *path, const char *host)
{
	sqlite3_stmt *st = NULL;
	int64_t version = -1;
	int r = error_of(sqlite3_open_v2(path, &s->db,
					 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
						 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
					 NULL));

	if (r < 0)
		return r;
	sqlite3_busy_timeout(s->db, 5000);
	r = run(s->db, SCHEMA_PRAGMAS);
	if (r == 0 &&
	    sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	if (r == 0 && version == 1) {
		r = run(s->db, SCHEMA_FROM_1);
		version = SCHEMA_VERSION;
	}
	if (r == 0 && version != 0 && version != SCHEMA_VERSION)
		return version < 0 ? -EBADMSG : -EPROTO;
	r = r ? r : run(s->db, SCHEMA_TABLES);
	r = r ? r : prepare(s);
	if (r < 0)
		return r;
	load_state(s);
	sqlite3_reset(s->set);
	sqlite3_bind_text(s->set, 1, "host", -1, SQLITE_STATIC);
	sqlite3_bind_text(s->set, 2, host, -1, SQLITE_STATIC);
	r = error_of(sqlite3_step(s->set));
	sqlite3_reset(s->set);
	return r;
}

static void close_db(struct store *s)
{
	sqlite3_finalize(s->find_key);
	sqlite3_finalize(s->add_key);
	sqlite3_finalize(s->add_row);
	sqlite3_finalize(s->add_total);
	sqlite3_finalize(s->get);
	sqlite3_finalize(s->set);
	sqlite3_close(s->db);
	*s = (struct store){0};
}

/* What cannot be read is kept for whoever asks why, with its log. */
static int put_aside(const char *path, struct diag_sink *d, const char *why)
{
	static const char *const part[] = {"", "-wal", "-shm"};
	char from[4096], to[4160], when[32];
	time_t now = time(NULL);
	struct tm tm;
	int r = 0;

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	for (unsigned i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "%s%s", path, part[i]);
		snprintf(to, sizeof(to), "%s.damaged-%s%s", path, when, part[i]);
		if (rename(from, to) < 0 && (i == 0 || errno != ENOENT))
			r = -errno;
	}
	if (r == 0)
		diag_warn(d, path, 0, "%s: kept as %s.damaged-%s, a new ledger begins", why, path,
			  when);
	return r;
}

int store_open(struct store **ret, const char *path, const char *host, struct diag_sink *d)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = open_once(s, path, host);
	if (r == -EBADMSG || r == -EPROTO) {
		close_db(s);
		r = put_aside(path, d,
			      r == -EPROTO ? "the ledger is of another version"
					   : "the ledger is damaged");
		r = r ? r : open_once(s, path, host);
	}
	if (r < 0) {
		diag_error(d, path, 0, "cannot open the ledger: %s%s%s", strerror(-r),
			   s->db ? ": " : "", s->db ? sqlite3_errmsg(s->db) : "");
		close_db(s);
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	close_db(s);
	free(s);
}

/* kind, hash, texts, prefix, port, protocol, verdict, enforced, by_peer: as the statements have it */
static void bind_key(sqlite3_stmt *st, const struct minute *m, const struct row *r, int kind,
		     char prefix[IP_STRLEN])
{
	int at = 1;

	sqlite3_reset(st);
	sqlite3_bind_int(st, at++, kind);
	sqlite3_bind_int64(st, at++, (int64_t)r->hash);
	for (unsigned i = 0; i < LEDGER_TEXTS; i++)
		sqlite3_bind_text(st, at++, minute_text(m, r->text[i]), -1, SQLITE_STATIC);
	sqlite3_bind_text(st, at++, r->prefix.addr.v ? cidr_format(prefix, &r->prefix) : "", -1,
			  SQLITE_STATIC);
	sqlite3_bind_int(st, at++, r->port);
	sqlite3_bind_int(st, at++, r->proto);
	sqlite3_bind_int(st, at++, r->verdict);
	sqlite3_bind_int(st, at++, r->enforced);
	sqlite3_bind_int(st, at++, r->by_peer);
}

static int key_id(struct store *s, const struct minute *m, const struct row *r, int kind,
		  int64_t *ret)
{
	char prefix[IP_STRLEN];
	int rc;

	bind_key(s->find_key, m, r, kind, prefix);
	rc = sqlite3_step(s->find_key);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(s->find_key, 0);
	sqlite3_reset(s->find_key);
	if (rc != SQLITE_DONE)
		return error_of(rc);
	bind_key(s->add_key, m, r, kind, prefix);
	rc = sqlite3_step(s->add_key);
	sqlite3_reset(s->add_key);
	*ret = sqlite3_last_insert_rowid(s->db);
	return error_of(rc);
}

static const char *samples_text(char *buf, size_t size, const struct row *r)
{
	char ip[IP_STRLEN];
	size_t n = 0;

	buf[0] = 0;
	for (unsigned i = 0; i < r->samples; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "",
				      ip_format(ip, &r->sample[i]));
	return buf;
}

static int add_row(struct store *s, const struct minute *m, int64_t start, const struct row *r,
		   int kind)
{
	char samples[LEDGER_SAMPLES * (IP_STRLEN + 1)];
	const uint64_t v[] = {r->sum.packets, r->sum.bytes,    r->sum.attempts,
			      r->sum.flows,   r->sum.first_ns, r->sum.last_ns};
	int64_t key = 0;
	int rc = key_id(s, m, r, kind, &key);

	if (rc < 0)
		return rc;
	sqlite3_reset(s->add_row);
	sqlite3_bind_int64(s->add_row, 1, start);
	sqlite3_bind_int64(s->add_row, 2, key);
	for (int i = 0; i < 6; i++)
		sqlite3_bind_int64(s->add_row, 3 + i, (int64_t)v[i]);
	sqlite3_bind_text(s->add_row, 9, samples_text(samples, sizeof(samples), r), -1,
			  SQLITE_STATIC);
	rc = sqlite3_step(s->add_row);
	sqlite3_reset(s->add_row);
	return error_of(rc);
}

static bool empty(const struct ledger_sum *s)
{
	return !(s->packets | s->bytes | s->attempts | s->flows);
}

static void row_class(struct row *r, unsigned c)
{
	r->verdict = c == LEDGER_PASSED ? DECIDE_BLOCK : (uint8_t)c;
	r->enforced = c == DECIDE_BLOCK;
}

static int add_rows(struct store *s, const struct minute *m, int64_t start)
{
	int r = 0;

	for (uint32_t i = 0; i < MINUTE_SLOTS && r == 0; i++)
		if (m->row[i].hash)
			r = add_row(s, m, start, &m->row[i], KIND_FLOW);
	for (unsigned c = 0; c < LEDGER_CLASSES && r == 0; c++) {
		struct row other = m->other[c];

		row_class(&other, c);
		if (!empty(&other.sum))
			r = add_row(s, m, start, &other, KIND_OTHER);
	}
	return r;
}

static int add_total(struct store *s, int64_t start, unsigned v, uint64_t packets, uint64_t bytes)
{
	int rc;

	sqlite3_reset(s->add_total);
	sqlite3_bind_int64(s->add_total, 1, start);
	sqlite3_bind_int64(s->add_total, 2, v);
	sqlite3_bind_int64(s->add_total, 3, (int64_t)packets);
	sqlite3_bind_int64(s->add_total, 4, (int64_t)bytes);
	rc = sqlite3_step(s->add_total);
	sqlite3_reset(s->add_total);
	return error_of(rc);
}

static int add_unattributed(struct store *s, const struct minute *m, int64_t start, bool last,
			    uint64_t *ret)
{
	struct ledger_totals grew, rest;
	int r = 0;

	*ret = 0;
	books_close(&s->books, m, last, &grew, &rest);
	for (unsigned v = 0; v < LEDGER_VERDICTS && r == 0; v++)
		r = add_total(s, start, v, grew.packets[v], grew.bytes[v]);
	for (unsigned c = 0; c < LEDGER_CLASSES && r == 0; c++) {
		struct row row = {.sum = {.packets = rest.packets[c], .bytes = rest.bytes[c]}};

		row_class(&row, c);
		row.sum.first_ns = (uint64_t)start * 1000000000ull;
		row.sum.last_ns = row.sum.first_ns + 59999999999ull;
		if (rest.packets[c] || rest.bytes[c])
			r = add_row(s, m, start, &row, KIND_UNATTRIBUTED);
		*ret += rest.packets[c];
	}
	return r;
}

static int drop_old(struct store *s, int64_t level, int64_t before)
{
	int r = run2(s->db, SCHEMA_DROP_OLD, level, before);

	return r ? r : run2(s->db, SCHEMA_DROP_OLD_TOTALS, level, before);
}

/* Hours and days that are over; each is the sum of the level below, made once. */
static int roll_up(struct store *s, int64_t now)
{
	int64_t hour = now - now % 3600, day = now - now % 86400;
	int r = 0;

	if (hour > s->hour_end) {
		r = run2(s->db, SCHEMA_ROLL_HOURS, s->hour_end, hour);
		r = r ? r : run2(s->db, SCHEMA_ROLL_HOUR_TOTALS, s->hour_end, hour);
		r = r ? r : set(s, "hour_end", hour);
	}
	if (r == 0 && day > s->day_end) {
		r = run2(s->db, SCHEMA_ROLL_DAYS, s->day_end, day);
		r = r ? r : run2(s->db, SCHEMA_ROLL_DAY_TOTALS, s->day_end, day);
		r = r ? r : set(s, "day_end", day);
		r = r ? r : drop_old(s, 60, day - KEEP_MINUTES);
		r = r ? r : drop_old(s, 3600, day - KEEP_HOURS);
		r = r ? r : drop_old(s, 86400, day - KEEP_DAYS);
	}
	return r;
}

static int save_books(struct store *s)
{
	const struct books *b = &s->books;
	int r = set(s, "epoch", (int64_t)b->epoch);

	for (unsigned c = 0; c < LEDGER_CLASSES && r == 0; c++) {
		r = set(s, state_names[0][c], (int64_t)b->seen.packets[c]);
		r = r ? r : set(s, state_names[1][c], (int64_t)b->seen.bytes[c]);
		r = r ? r : set(s, state_names[2][c], b->lag_packets[c]);
		r = r ? r : set(s, state_names[3][c], b->lag_bytes[c]);
	}
	return r;
}

#define MEMORY "memory"

static int save_memory(struct store *s, const struct minute *m)
{
	int rc;

	sqlite3_reset(s->set);
	sqlite3_bind_text(s->set, 1, MEMORY, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(s->set, 2, m->memory, m->memory_size, SQLITE_STATIC);
	rc = sqlite3_step(s->set);
	sqlite3_reset(s->set);
	sqlite3_clear_bindings(s->set);
	return error_of(rc);
}

void *store_remembered(struct store *s, uint64_t epoch, size_t *n)
{
	void *ret = NULL;

	*n = 0;
	if (epoch != s->books.epoch)
		return NULL;
	sqlite3_reset(s->get);
	sqlite3_bind_text(s->get, 1, MEMORY, -1, SQLITE_STATIC);
	if (sqlite3_step(s->get) == SQLITE_ROW && sqlite3_column_bytes(s->get, 0) > 0) {
		*n = (size_t)sqlite3_column_bytes(s->get, 0);
		ret = malloc(*n);
		if (ret)
			memcpy(ret, sqlite3_column_blob(s->get, 0), *n);
	}
	sqlite3_reset(s->get);
	return ret;
}

int store_minute(struct store *s, const struct minute *m, bool last, uint64_t *unattributed)
{
	/* a clock that was set back: the earliest minute that is not rolled up yet */
	int64_t start = m->start > s->hour_end ? m->start : s->hour_end;
	int r = run(s->db, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	r = roll_up(s, start);
	r = r ? r : add_rows(s, m, start);
	r = r ? r : add_unattributed(s, m, start, last, unattributed);
	r = r ? r : save_books(s);
	r = r ? r : save_memory(s, m);
	r = r ? r : run(s->db, "COMMIT");
	if (r < 0)
		run(s->db, "ROLLBACK");
	load_state(s);
	return r;
}

/* ---- of what is over ---- */
int store_begin(struct store *s)
{
	return run(s->db, "BEGIN IMMEDIATE");
}

int store_commit(struct store *s)
{
	return run(s->db, "COMMIT");
}

int store_lived(struct store *s, int64_t start)
{
	return add_total(s, start, 0, 0, 0);
}

int store_flows(struct store *s, const struct minute *m)
{
	int r = add_rows(s, m, m->start);

	for (unsigned v = 0; v < LEDGER_VERDICTS && r == 0; v++)
		r = add_total(s, m->start, v, m->sum.packets[v], m->sum.bytes[v]);
	return r;
}
