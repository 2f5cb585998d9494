/* SPDX-License-Identifier: BSD-2-Clause */
/* diff.h - 'cordon diff' between its files: each flow under two policies (diff.c), and what is said of it (diff_print.c). */
#ifndef AGENT_CMD_DIFF_H
#define AGENT_CMD_DIFF_H
#include <stdio.h>
#include "agent/cmd/seen.h"

enum { DIFF_OLD, DIFF_NEW, DIFF_POLICIES };
struct diff_flow {
	const struct seen_flow *flow;
	uint16_t rule[DIFF_POLICIES]; /* index + 1; 0: no rule matches */
	uint8_t action[DIFF_POLICIES];
};
struct diff {
	struct seen seen;
	struct engine *engine[DIFF_POLICIES]; /* owned */
	struct diff_flow *flows;	      /* owned: those that change */
	size_t n;
	struct ledger_sum same, unjudged; /* unjudged: of rows that name no flow */
};
/* Those that change, largest group first: text, or one JSON object a group. 0 or -errno. */
int diff_print(struct diff *d, bool json, FILE *to);
void diff_sum(struct ledger_sum *to, const struct ledger_sum *s);
#endif
