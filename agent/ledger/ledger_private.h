/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger_private.h - the minute that is handed to the thread, and the store that it is written to. */
#ifndef AGENT_LEDGER_LEDGER_PRIVATE_H
#define AGENT_LEDGER_LEDGER_PRIVATE_H
#include "agent/ledger/ledger.h"

enum ledger_text {
	TEXT_UNIT,
	TEXT_CONTAINER,
	TEXT_EXE,
	TEXT_USER,
	TEXT_COUNTRY,
	TEXT_PROVIDER,
	TEXT_REGION,
	TEXT_OPERATOR,
	TEXT_LAW,
	TEXT_GRADE,
	TEXT_RULE,
	TEXT_NAME,
	LEDGER_TEXTS
};
struct row {
	uint64_t hash;		     /* of all that follows up to sum; 0 = no row */
	uint32_t text[LEDGER_TEXTS]; /* offsets into the minute's texts; 0 = "" */
	struct cidr prefix;
	uint16_t port;
	uint8_t proto, verdict, enforced, by_peer;
	struct ledger_sum sum;
	struct ip sample[LEDGER_SAMPLES];
	uint8_t samples;
};
struct minute {
	int64_t start;	 /* Unix seconds, a multiple of 60 */
	struct row *row; /* open addressing, 2 * LEDGER_KEYS slots */
	uint32_t rows;
	char *texts; /* NUL-terminated one after the other; texts[0] = 0 */
	uint32_t texts_used, texts_room;
	struct row other[LEDGER_CLASSES]; /* here LEDGER_PASSED is not in block */
	struct ledger_totals sum;	  /* of all rows */
	struct ledger_totals totals;	  /* of the kernel at its end */
	uint64_t epoch;
	void *memory; /* malloc'd: the caller's */
	size_t memory_size;
};
#define MINUTE_SLOTS (2u * LEDGER_KEYS)
int minute_new(struct minute **ret);
void minute_free(struct minute *m);
void minute_clear(struct minute *m, int64_t start);
/* False: it went to "other". */
bool minute_add(struct minute *m, const struct ledger_key *k, const struct ledger_sum *s);
static inline const char *minute_text(const struct minute *m, uint32_t at)
{
	return m->texts + at;
}

/* What of the kernel's totals stands in rows (books.c). */
struct books {
	uint64_t epoch;
	struct ledger_totals seen; /* the kernel's, at the last minute written */
	int64_t lag_packets[LEDGER_CLASSES], lag_bytes[LEDGER_CLASSES]; /* no row has them, yet */
	bool has_passed; /* LEDGER_PASSED is kept: not in a ledger of before there was it */
};
/* Ends a minute: what the totals grew by, and what no row will tell, there LEDGER_PASSED is not in block. last: of
 * this agent. */
void books_close(struct books *b, const struct minute *m, bool last, struct ledger_totals *grew,
		 struct ledger_totals *rest);

/* Rows of one level in [from, to). */
struct ledger_range {
	int64_t level, from, to;
};
#define LEDGER_RANGES 5
struct sqlite3;
/* By who only reads: 0 or -EIO; then the second says why, with *ret, which may be NULL. */
int ledger_read_open(struct sqlite3 **ret, const char *path, int busy_ms);
void ledger_read_failed(struct sqlite3 *db, const char *path, struct diag_sink *d);
/* The ranges of a period. Where minutes, then hours are not kept any more, *from goes back to the
 * beginning of its hour or day. */
size_t ledger_ranges(struct ledger_range v[LEDGER_RANGES], struct sqlite3 *db, int64_t *from,
		     int64_t to);

struct store; /* the database, of one thread at a time */
int store_open(struct store **ret, const char *path, const char *host, struct diag_sink *d);
void store_close(struct store *s);
/* One transaction: the rows, "other", "unattributed", and the roll-ups that came due. 0 or -errno:
 * nothing of it was written. last: no
 * record will follow that could still tell what is under way. *unattributed: packets. */
int store_minute(struct store *s, const struct minute *m, bool last, uint64_t *unattributed);
void *store_remembered(struct store *s, uint64_t epoch, size_t *n); /* ledger_remembered() */
/* ---- of what is over: rows in any order of time, between begin and commit ---- */
int store_begin(struct store *s);
int store_commit(struct store *s);
int store_flows(struct store *s, const struct minute *m);
int store_lived(struct store *s, int64_t start); /* that minute is in it, with whatever rows */
#endif
