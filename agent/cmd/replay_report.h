/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_report.h - what a replay found, added up by country, operator, source and service: for the
 * summary, a table, and a page. */
#ifndef AGENT_CMD_REPLAY_REPORT_H
#define AGENT_CMD_REPLAY_REPORT_H
#include "agent/cmd/replay.h"

struct report_row {
	const char *name; /* country code, operator, "443/tcp"; the report's */
	struct ip host;
	uint16_t country;
	uint64_t packets, bytes[4]; /* by enum decide_action */
	uint64_t members;	    /* destinations */
};
/* Whom it was meant for, by name. */
struct report_recipient {
	const char *name; /* the pipeline's; NULL: whom says why */
	enum tally_whom whom;
	const struct recipient *who; /* NULL: not in our table */
	uint64_t packets, flows, bytes[4];
};
struct report {
	struct pipeline_destination *destinations; /* owned; those that leave, largest first */
	size_t ndestinations;
	struct report_row *countries, *operators, *hosts, *services,
		*laws; /* owned; largest first */
	size_t ncountries, noperators, nhosts, nservices, nlaws;
	struct report_recipient *recipients; /* owned; largest first */
	size_t nrecipients;
	char **names; /* owned */
	size_t nnames;
};
/* 0 or -ENOMEM */
int report_make(struct report *ret, struct replay *r);
void report_free(struct report *p);
uint64_t report_sum(const struct report_row *row);
/* The parts of the summary that a report has. top: rows of each list, the rest in one; 0: all. */
void report_put(struct json_writer *j, const struct report *p, size_t top);
/* replay_recipients.c: fills recipients; 0 or -ENOMEM. */
int report_recipients(struct report *p, const struct pipeline_tallies *t);
void report_put_recipients(struct json_writer *j, const struct report *p, size_t top);
void report_html_recipients(FILE *to, const struct report *p);
/* A cell of the page's tables; class: of a verdict, where there is anything. */
void report_cell_bytes(FILE *to, const char *class, uint64_t n);
/* One row a destination. 0 or -errno. */
int report_csv(const struct report *p, FILE *to);
/* One file with everything in it. 0 or -errno. */
int report_html(const struct report *p, const struct replay *r, int exit_code, FILE *to);
#endif
