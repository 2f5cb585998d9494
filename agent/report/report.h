/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h - the residency report: one set of tables, which every form of it prints.
 *
 *     ledgers, gaps, journals of the hosts  ->  facts.c (rows by key and part of the period)
 *                                           ->  table_*.c (tables of cells)
 *                                           ->  text.c, json.c, csv.c, html.c
 *
 * Invariants (tests/agent/report_check.py holds them):
 *  1. A number stands in a cell, and each form prints that cell: no form computes.
 *  2. A column that is summed has its total in the table: the sum of all rows, and what is not shown is a row.
 *  3. What is not known is a row of its own and counts as not known: nothing that is missing makes less.
 *  4. Same input, same bytes: no clock, no order of memory.
 */
#ifndef AGENT_REPORT_REPORT_H
#define AGENT_REPORT_REPORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "geo/base/diag.h"

#define REPORT_HOSTS 64u
#define REPORT_PARTS 16u /* of a period, cut where adequacy or a policy changed */
#define REPORT_KEYS  (1u << 20)

enum report_text { /* texts.def: a row a text */
#define TEXT(id, en, fr) T_##id,
#include "agent/report/texts.def"
#undef TEXT
		   REPORT_TEXTS
};
enum report_lang { REPORT_EN, REPORT_FR, REPORT_LANGS };
const char *report_text(enum report_text t, enum report_lang l);
int report_lang_find(const char *name); /* "en"; -ENOENT */

/* Where something is, or whose law it is under, on one day. */
enum report_class {
	CLASS_EU,
	CLASS_EEA, /* of the EEA, not of the EU */
	CLASS_ADEQUATE,
	CLASS_CONDITIONAL,
	CLASS_THIRD,
	CLASS_UNPROVABLE, /* sources differ, anycast, refuted */
	CLASS_UNKNOWN,
	REPORT_CLASSES
};

enum report_kind {
	KIND_NAME,    /* s: foreign bytes; NULL: n, a word */
	KIND_WORD,    /* n: enum report_text */
	KIND_COUNTRY, /* s: "DE", "" not known; shown with its name where there is room */
	KIND_BYTES,
	KIND_COUNT,
	KIND_SECONDS,
	KIND_TIME, /* Unix seconds; 0: none */
	KIND_DATE,
	KIND_ROWS, /* s: keys of the ledger, "HOST:1 2 3": in JSON and CSV only */
};
struct report_cell {
	uint64_t n;
	const char *s; /* of the report, or a constant; NULL: none */
};
enum report_role { /* of a column, when rows that are called the same become one */
		   LABEL,
		   SUM, /* and it has a total */
		   LEAST,
		   MOST,
		   LIST,
};
struct report_column {
	const char *id; /* in JSON and CSV */
	enum report_text title;
	enum report_kind kind;
	enum report_role role;
};
struct report_table {
	const char *id;
	enum report_text title, note; /* note T_NONE: none */
	const struct report_column *column;
	unsigned columns;
	struct report_cell *cell; /* owned: rows * columns */
	size_t rows, room;
	size_t shown; /* rows of a page; the rest is one row more. 0: all */
};
enum report_table_id {
	TABLE_PLACE,
	TABLE_LAW,
	TABLE_CROSS,
	TABLE_COUNTRY,
	TABLE_CONTRADICTIONS,
	TABLE_HOSTS,
	TABLE_COVERAGE,
	TABLE_GAPS,
	TABLE_RECIPIENTS,
	TABLE_BLOCKED,
	TABLE_EXCEPTIONS,
	TABLE_INBOUND,
	TABLE_TRANSFERS,
	TABLE_HDS,
	TABLE_PROVIDERS,
	TABLE_LIMITS,
	TABLE_IN_FORCE,
	TABLE_PARTS,
	TABLE_DAYS,
	REPORT_TABLES
};
/* A sentence of page one, in the order of weight. n: what stands for %s in it, in order. */
struct report_line {
	enum report_text text;
	enum report_kind kind[3];
	struct report_cell arg[3];
	char tone; /* 'b'ad, 'w'arning, 'g'ood, ' ' */
};
#define REPORT_LINES 64

struct report_host {
	const char *state, *journal; /* directories; journal NULL: none */
};
struct report_config {
	int64_t from, to; /* Unix seconds */
	const struct report_host *host;
	size_t nhosts;
	const char *const *expected; /* names of hosts that there must be */
	size_t nexpected;
	const char *const *dora, *const *hds; /* what was declared: packages, tables of transfers */
	const char *const *policy;	      /* whose promises count */
	size_t ndora, nhds, npolicy;
};
struct report_facts;
struct residency {
	int64_t from, to;	    /* as asked */
	struct report_facts *facts; /* owned */
	struct report_table table[REPORT_TABLES];
	struct report_line line[REPORT_LINES];
	unsigned lines;
	size_t contradictions;
	bool damaged; /* something of the input could not be read: exit 5 */
	/* of page one */
	uint64_t bytes, left_bytes,
		law_bytes; /* in all; to places outside of the EEA or not known; by law */
};
/* 0 or -errno after a diag. */
int residency_make(struct residency **ret, const struct report_config *cfg, struct diag_sink *d);
void residency_free(struct residency *r); /* NULL is fine */

/* "from", "to", "journals" with their signed roots. */
struct json_writer;
void residency_put_period(struct json_writer *j, const struct residency *r);

/* ---- forms; 0 or -EIO ---- */
int report_put_text(const struct residency *r, enum report_lang l, FILE *to);
int report_put_html(const struct residency *r, enum report_lang l, FILE *to);
int report_put_json(const struct residency *r, FILE *to);
int report_put_csv(const struct residency *r, const char *dir, struct diag_sink *d);
#endif
