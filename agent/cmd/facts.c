/* SPDX-License-Identifier: BSD-2-Clause */
/* facts.c - no verb judges without the shipped facts. */
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/cmd/cmd.h"
#include "geo/facts/facts.h"

/* Judging with half of the facts would be laxer than with all of them. What only talks to the agent
 * or reads what it wrote, and what mends the facts, must work without. */
bool cmd_facts(const char *verb, const char *sub)
{
	static const char *const without[] = {"status", "enforce", "confirm",	"monitor",
					      "reload", "detach",  "verify",	"journal",
					      "ledger", "events",  "quarantine"};
	struct diag_print print;
	int r;

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (!strcmp(verb, without[i]))
			return true;
	if (!strcmp(verb, "geo") && sub && !strcmp(sub, "bundle"))
		return true;
	diag_print_init(&print, stderr);
	r = facts_open(&print.sink);
	diag_print_done(&print);
	return !r;
}
