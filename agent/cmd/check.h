/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h - the parts of the verb 'check'. */
#ifndef AGENT_CMD_CHECK_H
#define AGENT_CMD_CHECK_H
#include <jansson.h>
#include <stdbool.h>
#include "agent/base/diag_print.h"
#include "rules/compile.h"

struct check {
	const char *path; /* as given, then as it is named in messages */
	char *text;	  /* owned */
	size_t len;
	bool canonical, zones, json, no_places, host;
	int64_t now;	       /* Unix seconds */
	struct policy *policy; /* owned */
	struct diag_print print;
	struct diag_sink collector; /* for --json */
	struct diag_sink *sink;	    /* one of the two */
	json_t *diagnostics;	    /* owned */
	bool failed;		    /* no memory */
};

/* Whether the policy fits the tables. 0 or -errno, reported. */
int check_compile(struct check *c);
/* What decides where no rule was written with it in mind. */
void check_print_otherwise(const struct check *c, FILE *to);
void check_print_zones(const struct check *c, FILE *to);
/* Nothing when the policy has no feed. */
void check_print_feeds(const struct check *c, FILE *to);
json_t *check_feeds_json(const struct check *c);
void check_print_language(FILE *to);
int check_json(struct check *c); /* to standard output; 0 or -errno */
#endif
