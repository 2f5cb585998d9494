/* SPDX-License-Identifier: BSD-2-Clause */
/* report_private.h - what was read of the hosts, before it is tables. */
#ifndef AGENT_REPORT_REPORT_PRIVATE_H
#define AGENT_REPORT_REPORT_PRIVATE_H
#include <errno.h>
#include "agent/ledger/ledger.h"
#include "agent/report/report.h"
#include "geo/base/intern.h"

struct operator_entry;
struct fact_key { /* a key of a host's ledger */
	int64_t id;
	const char *text[LEDGER_COLUMNS]; /* of facts.texts */
	uint16_t port;
	uint8_t proto, verdict, kind, host;
	bool enforced, by_peer;
	uint64_t before, before_first_ns; /* bytes of the three years before the period */
	const struct operator_entry *op;  /* NULL: in no table */
};
struct fact { /* what a key sent in a part of the period */
	uint32_t key;
	uint8_t part, place, law; /* enum report_class */
	struct ledger_sum sum;
};
struct fact_gap {
	int64_t start, end;
	double seconds;
	const char *cause, *detail, *held;
	uint8_t host;
	bool blind; /* what left then was not judged */
};
enum fact_mode { MODE_NOT_KNOWN, MODE_MONITORS, MODE_ENFORCES };
struct fact_state { /* from then on */
	int64_t time;
	enum fact_mode mode;
	const char *policy, *places; /* SHA-256, "" */
	const char *action;
	uint64_t record; /* of the journal */
	uint8_t host;
};
enum fact_cover {
	COVER_ENFORCED,
	COVER_MONITORED,
	COVER_MODE_UNKNOWN,
	COVER_BLIND,
	COVER_NONE,
	COVERS
};
struct fact_host {
	const char *name, *state;
	bool has_ledger, has_journal, has_gaps, has_alive, silent;
	struct ledger_extent extent;
	int64_t known_until; /* the last sign of life; 0: none */
	int64_t journal_end; /* of what can be trusted of a damaged journal; 0: it is whole */
	const char *fault;   /* of the journal; NULL: none */
	const char *fault_text;
	uint64_t records, signed_records;
	const char *checkpoint; /* note, or NULL */
	const char *verifier;
	int64_t seconds[COVERS];
	uint64_t left_bytes;
};
struct fact_span { /* of which the ledger has something to say */
	int64_t from, to;
	uint8_t host;
};
struct report_facts {
	int64_t from, to;
	struct texts texts;
	struct fact_key *key;
	uint32_t keys;
	size_t keys_room;
	struct fact *fact;
	uint32_t facts;
	size_t facts_room;
	struct fact_gap *gap;
	size_t gaps, gaps_room;
	struct fact_state *state;
	size_t states, states_room;
	struct fact_span *span;
	size_t spans, spans_room;
	struct fact_host host[REPORT_HOSTS];
	size_t hosts;
	int64_t part[REPORT_PARTS + 1]; /* starts; the last: the end */
	enum report_text part_why[REPORT_PARTS];
	unsigned parts;
	bool parts_cut; /* more changes than parts */
	uint64_t *day;	/* owned: days * REPORT_CLASSES, bytes that left */
	size_t days;
	int64_t day_first;
};
/* A text that lives as long as the facts; "" when memory is out. */
const char *facts_keep(struct report_facts *f, const char *s, size_t n);
/* Room for one more: v, or where it has moved to; NULL when memory is out, and v stays. */
void *facts_more(void *v, size_t *room, size_t n, size_t size);
#define FACTS_ROOM(v, room, n)                                                                     \
	({                                                                                         \
		void *more_ = facts_more((v), &(room), (n), sizeof(*(v)));                         \
		if (more_)                                                                         \
			(v) = more_;                                                               \
		more_ ? 0 : -ENOMEM;                                                               \
	})
bool fact_left(const struct report_facts *f, const struct fact *x); /* not stopped */

int facts_read_ledgers(struct report_facts *f, struct diag_sink *d);
int facts_read_gaps(struct report_facts *f, uint8_t host, struct diag_sink *d);
int facts_read_journal(struct report_facts *f, uint8_t host, const char *dir, struct diag_sink *d);
int facts_parts(struct report_facts *f);
int facts_cover(struct report_facts *f);
void report_facts_free(struct report_facts *f);

enum report_class report_class_of(const char *country, int64_t at);

/* ---- tables ---- */
/* A new row, its cells empty; NULL when memory is out. */
struct report_cell *table_row(struct report_table *t);
void table_init(struct residency *r, enum report_table_id id, const char *name,
		enum report_text title, enum report_text note, const struct report_column *c,
		unsigned columns);
/* Rows whose labels are the same become one, most of the column `by` first. 0 or -ENOMEM. */
int table_merge(struct residency *r, struct report_table *t, unsigned by);
int tables_verdict(struct residency *r);
int tables_cover(struct residency *r);
int tables_rows(struct residency *r);
struct declarations;
int tables_contradictions(struct residency *r, const struct declarations *d);
const char *fact_operator(const struct fact_key *k);
const char *fact_process(const struct fact_key *k);
static inline const struct operator_entry *fact_operator_entry(const struct fact_key *k)
{
	return k->op;
}
const char *fact_chain(struct report_facts *f, const struct fact_key *k);
int tables_law(struct residency *r);
int report_lines(struct residency *r);
/* Adds a sentence; the arguments are set by the caller. NULL when there is no room. */
struct report_line *report_say(struct residency *r, char tone, enum report_text t);
enum report_text report_class_text(enum report_class c);

/* A cell as a reader sees it; KIND_NAME is escaped for a terminal. Returns buf or a constant. */
const char *cell_text(char *buf, size_t size, enum report_kind k, const struct report_cell *c,
		      enum report_lang l);
#define CELL_MAX       512
#define LINE_MAX_BYTES 2048
/* The sentence, its numbers filled in. */
const char *line_text(char *buf, size_t size, const struct report_line *l, enum report_lang lang);
/* What the table's summed column sums to. */
uint64_t table_sum(const struct report_table *t, unsigned column);
uint64_t table_sum_after(const struct report_table *t, unsigned column, size_t row);
#endif
