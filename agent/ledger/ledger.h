/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ledger.h - what left, allowed or not: sums for each minute, rolled up to hours and days.
 *
 *     kernel records -> ledger_add (a table in memory, the minute that runs)
 *                          | ledger_minute, once its minute is over
 *                          v
 *     a thread -> SQLite (WAL): minutes -> hours -> days, each level the sum of the one below
 *
 * A row is a key (who sent, where to, by which rule) and sums. Keys are bounded: past LEDGER_KEYS
 * in a minute the rest goes to the row "other" of its verdict, with exact sums. What the kernel
 * counted and no record tells (a full ring, a killed agent) goes to the row "unattributed":
 *
 *     sum of a minute's rows, by verdict = what the kernel's totals grew by in that minute
 *
 * tests/agent/ledger_test.c holds it for the store, tests/live/ledger_live.sh for the whole road.
 */
#ifndef AGENT_LEDGER_LEDGER_H
#define AGENT_LEDGER_LEDGER_H
#include <stdbool.h>
#include <stdint.h>
#include "geo/base/diag.h"
#include "geo/base/ip.h"

#define LEDGER_PATH	"/var/lib/cordon/ledger.db"
#define LEDGER_KEYS	8192 /* of one minute */
#define LEDGER_TEXT_MAX 256  /* bytes of each text of a key; longer ones are cut */
#define LEDGER_SAMPLES	4    /* addresses kept of a row's prefix */
#define LEDGER_VERDICTS 3    /* allow, alert, block: enum decide_action */
#define LEDGER_PASSED	3    /* of block: what passed, because the mode was monitor */
#define LEDGER_CLASSES	4

/* Texts are the caller's during the call; NULL = not known. */
struct ledger_key {
	const char *unit, *container, *exe, *user;
	const char *country, *provider, *region, *operator, * law, *grade, *rule;
	const char *name; /* whom it was meant for */
	struct ip dst;	  /* the row has its /24 or /48 */
	uint16_t port;
	uint8_t proto;
	uint8_t verdict; /* enum decide_action */
	bool enforced;	 /* a block that stopped */
	bool by_peer;	 /* the peer opened it */
};
struct ledger_sum {
	uint64_t packets, bytes, attempts, flows;
	uint64_t first_ns, last_ns; /* Unix */
};
struct ledger; /* owned by the caller */

/* Opens or makes the database; host is this host's name. 0 or -errno after a diag. A database of a
 * newer version, or a damaged one, is put aside (PATH.damaged-TIME) with a warning. */
int ledger_open(struct ledger **ret, const char *path, const char *host, struct diag_sink *d);
void ledger_close(struct ledger *l); /* after ledger_finish(); NULL is fine */
/* Never waits, never fails: what finds no place goes to "other". */
void ledger_add(struct ledger *l, const struct ledger_key *k, const struct ledger_sum *s);

/* The kernel's totals since its programs were made, by verdict, and LEDGER_PASSED. */
struct ledger_totals {
	uint64_t packets[LEDGER_CLASSES], bytes[LEDGER_CLASSES];
};
/* What the caller must know again after a kill, as of the end of a minute: malloc'd, the ledger's from then on; NULL =
 * nothing. It is saved in one transaction with that minute's rows. */
typedef void *ledger_memory_fn(void *arg, size_t *n);
void ledger_memory(struct ledger *l, ledger_memory_fn *fn, void *arg);
/* What was saved with the last minute, if that was in this life of the totals: malloc'd, the caller's. NULL = nothing. */
void *ledger_remembered(struct ledger *l, uint64_t epoch, size_t *n);

/* Ends the minute before now (Unix seconds) when it is over: rows go to the thread. epoch names the
 * life of the totals: another one begins at zero. */
void ledger_minute(struct ledger *l, int64_t now, const struct ledger_totals *t, uint64_t epoch);

/* At the end: the minute that runs is written too, waiting for the disk. */
void ledger_finish(struct ledger *l, const struct ledger_totals *t, uint64_t epoch);

struct ledger_state {
	uint64_t rows, minutes; /* written */
	uint64_t other;		/* additions that went to "other" */
	uint64_t unattributed_packets;
	uint64_t waiting;			      /* minutes that the thread has not written */
	uint64_t lost_rows, lost_packets, lost_bytes; /* the disk refused them, for good */
	int error;
};
void ledger_state(struct ledger *l, struct ledger_state *ret);

/* ---- reading ---- */
enum ledger_by {
	LEDGER_BY_COUNTRY,
	LEDGER_BY_PROVIDER,
	LEDGER_BY_REGION,
	LEDGER_BY_OPERATOR,
	LEDGER_BY_LAW,
	LEDGER_BY_GRADE,
	LEDGER_BY_UNIT,
	LEDGER_BY_CONTAINER,
	LEDGER_BY_EXE,
	LEDGER_BY_USER,
	LEDGER_BY_PREFIX,
	LEDGER_BY_PORT,
	LEDGER_BY_RULE,
	LEDGER_BY_NAME,
	LEDGER_BY_VERDICT,
	LEDGER_BY_HOST,
	LEDGER_BYS
};
int ledger_by_find(const char *name); /* -ENOENT */
const char *ledger_by_name(enum ledger_by b);
struct ledger_row {
	const char *key, *verdict; /* valid during the call */
	struct ledger_sum sum;
};
typedef int ledger_row_fn(void *arg, const struct ledger_row *r); /* nonzero ends it */
/* Sums of [from, to), Unix seconds, to the minute where minutes are kept, most bytes first. Reads
 * while the agent writes. 0, what fn returned, or -errno after a diag. */
int ledger_query(const char *path, enum ledger_by by, int64_t from, int64_t to, ledger_row_fn *fn,
		 void *arg, struct diag_sink *d);

/* ---- the whole of a period, for the report ---- */
enum ledger_kind { LEDGER_FLOW, LEDGER_OTHER, LEDGER_UNATTRIBUTED };
enum ledger_column {
	COLUMN_UNIT,
	COLUMN_CONTAINER,
	COLUMN_EXE,
	COLUMN_USER,
	COLUMN_COUNTRY,
	COLUMN_PROVIDER,
	COLUMN_REGION,
	COLUMN_OPERATOR,
	COLUMN_LAW,
	COLUMN_GRADE,
	COLUMN_RULE,
	COLUMN_PREFIX,
	LEDGER_COLUMNS
};
struct ledger_key_row {
	int64_t id; /* of this database */
	enum ledger_kind kind;
	const char *text[LEDGER_COLUMNS]; /* never NULL; valid during the call */
	uint16_t port;
	uint8_t proto, verdict;
	bool enforced, by_peer;
};
struct ledger_scan {
	/* every key of the database, then every row of the period; nonzero ends it */
	int (*key)(void *arg, const struct ledger_key_row *k);
	int (*row)(void *arg, int64_t key, int64_t start, int64_t seconds,
		   const struct ledger_sum *s);
	/* behind each row: up to LEDGER_SAMPLES of its prefix's addresses, a blank between two; NULL: not asked */
	int (*sample)(void *arg, int64_t key, const char *addresses);
	/* time of which the ledger has something to say, in order; NULL: not asked */
	int (*span)(void *arg, int64_t from, int64_t to);
	void *arg;
};
struct ledger_extent {
	char host[256];
	int64_t from;		     /* where the period begins at the level that is kept */
	int64_t first, end;	     /* of all that is in the ledger; 0: it is empty */
	struct ledger_totals totals; /* of the kernel, over the period */
};
/* One state of the database, in order of time within a level. 0, what a function returned, or
 * -errno after a diag. */
int ledger_scan(struct ledger_extent *ret, const char *path, int64_t from, int64_t to,
		const struct ledger_scan *scan, struct diag_sink *d);

/* ---- what is rolled up, and changes no more: for who carries it elsewhere ---- */
struct ledger_position { /* after this row; {0}: from the first */
	int64_t start, key;
};
struct ledger_rolled {
	int64_t start;			  /* Unix seconds, of the hour or day */
	const struct ledger_key_row *key; /* NULL: the end of this hour or day, with what follows */
	struct ledger_sum sum;
	const char *sample; /* addresses, with blanks between; "" */
	uint64_t rows;	    /* how many there were */
	struct ledger_totals totals;
};
typedef int ledger_rolled_fn(void *arg, const struct ledger_rolled *r);
/* level: 3600 or 86400. At most max rows after *at, which then stands after the last that fn took (0); another answer of
 * fn ends it. Rows of an hour or day come together, then its end. How many were taken, or -errno after a diag. */
int ledger_rolled(const char *path, int64_t level, struct ledger_position *at, unsigned max,
		  ledger_rolled_fn *fn, void *arg, struct diag_sink *d);
#endif
