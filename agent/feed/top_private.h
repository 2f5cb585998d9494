/* SPDX-License-Identifier: BSD-2-Clause */
/* top_private.h - the table between its files: rows (top.c), drawing (top_draw.c), keys (top_keys.c) and what one row says
 * of itself (top_pane.c). */
#ifndef AGENT_FEED_TOP_PRIVATE_H
#define AGENT_FEED_TOP_PRIVATE_H
#include <stdbool.h>
#include <termios.h>
#include "agent/feed/top.h"

#define TOP_BUCKETS   4096
#define TOP_WIDTH_MAX 512
#define TOP_FILTER    40 /* bytes of what is looked for */

struct row {
	bool used, told;
	bool over; /* it ended, or never began: refused */
	struct flow_key key;
	uint64_t cgroup;
	int32_t pid;
	struct row *next;
	enum decide_action verdict;
	int enforced;
	bool by_peer, known; /* known: where it goes is */
	uint64_t packets, bytes, first_ns, put_ns;
	uint64_t done_packets, done_bytes; /* of turns that ended */
	unsigned line;			   /* of the rule; 0: none matches */
	char process[80], who[80], where[192], rule[200];
	char unit[80], user[40]; /* as they are: for who makes a rule of it */
	char place[120];	 /* status, evidence, law */
};
enum top_sort { SORT_VERDICT, SORT_BYTES, SORT_AGE, SORT_PROCESS, SORT_DESTINATION, TOP_SORTS };
enum top_pane { PANE_TABLE, PANE_FILTER, PANE_EXPLAIN, PANE_RULE };
struct top {
	FILE *to;
	unsigned columns, rows; /* columns 0: no terminal */
	bool colour, fixed, raw, utf8;
	unsigned used;
	bool keys; /* somebody may press some */
	int input; /* -1: none */
	struct termios before;
	enum top_sort sort;
	enum top_pane pane;
	char filter[TOP_FILTER];
	char escape;	    /* of a sequence that began: ESC, then '[' or 'O' */
	struct row *chosen; /* NULL: the first */
	unsigned shown;	    /* rows of 'order' that were drawn from, at the last drawing */
	struct row *bucket[TOP_BUCKETS];
	struct row row[TOP_FLOWS_MAX];
	struct row *order[TOP_FLOWS_MAX];
};

/* Rows that are to be shown, in order, in l->order; others go. count: by rank. */
unsigned top_collect(struct top *l, uint64_t now_ns, unsigned count[3]);
void top_ask_size(struct top *l);
int top_rank(const struct row *r); /* 0 blocked or to be, 1 alerted, 2 allowed */
const char *top_sort_name(const struct top *l);
const char *top_verdict(const struct row *r);
void top_peer(char *buf, size_t size, const struct flow_key *k);
/* Lines about one row, each handed to put. */
void top_explain(const struct row *r, void (*put)(struct top *l, const char *s), struct top *l);
void top_rule(const struct row *r, void (*put)(struct top *l, const char *s), struct top *l);
#endif
