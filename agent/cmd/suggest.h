/* SPDX-License-Identifier: BSD-2-Clause */
/* suggest.h - 'cordon suggest' between its files: what is sorted (suggest_sort.c) and how it is written (suggest_text.c). */
#ifndef AGENT_CMD_SUGGEST_H
#define AGENT_CMD_SUGGEST_H
#include <stdio.h>
#include "agent/cmd/seen.h"

#define SUGGEST_COUNTRIES 8 /* of the EEA under one service and law: the zone is written instead */
#define SUGGEST_LISTED	  2000 /* flows to decide about; the rest is counted */
#define SUGGEST_RULES	  3900

/* Why a flow is not allowed. */
enum suggest_why {
	WHY_ALLOWED, /* it is */
	WHY_OUTSIDE,
	WHY_PRIVATE,
	WHY_UNKNOWN,
	WHY_DISPUTED,
	WHY_UNPROVABLE,
	WHY_OLD,
	WHY_REFUTED,
	WHY_PORT,
	WHY_BLOCKED,
	WHY_SENDER,
	WHY_SUBJECTS,
	WHYS
};
enum suggest_who { WHO_ANYONE, WHO_UNIT, WHO_USER };
enum suggest_to { TO_REGION, TO_COUNTRY, TO_ZONE };
struct suggest_flow {
	const struct seen_flow *flow;
	enum suggest_why why;
	enum suggest_who who;
	const char *name; /* of the unit or user, "" for anyone */
	enum suggest_to to;
};
struct suggest {
	struct seen seen;
	const char *source;	    /* what was read, for people */
	struct suggest_flow *flows; /* owned; allowed ones first, a rule's next to each other */
	size_t n, allowed;
	int64_t now; /* whose EEA counts: a rule is for what comes */
	struct ledger_sum other, unattributed;
};
int suggest_sort(struct suggest *s); /* 0 or -ENOMEM */
/* Are these two of one rule? */
bool suggest_same(const struct suggest_flow *a, const struct suggest_flow *b);
size_t suggest_rules(const struct suggest *s);
/* settings: canonical lines of the policy in force, without names and rules. */
int suggest_write(const struct suggest *s, const char *settings, FILE *to); /* 0 or -errno */
#endif
