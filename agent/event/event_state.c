/* SPDX-License-Identifier: BSD-2-Clause */
/* event_state.c - the severities of state events, a row an action. */
#include <string.h>
#include "agent/event/event_state.h"

static const struct {
	const char *action;
	uint8_t severity;
} states[] = {
	/* somebody changed what is in force, or nothing is */
	{"hook-detached", 4},
	{"hook-attach-failed", 4},
	{"program-replaced", 4},
	{"mode-tampered", 4},
	{"mode-weakened", 4},
	{"pins-replaced", 4},
	{"pins-removed", 3},
	{"policy-fallback", 4},
	{"places-fallback", 4},
	{"boot-closed", 4},
	{"boot-open", 4},
	{"verdict-mismatch", 4},
	{"source-failed", 4},
	{"journal-tampered", 4},
	{"journal-failed", 4},
	/* less is known or told than should be */
	{"cgroup-missing", 3},
	{"guard-blind", 3},
	{"lost-events", 3},
	{"journal-repaired", 2},
	{"reload-failed", 3},
	{"place-db-stale", 3},
	{"mode-requested", 2},
	{"second-agent-refused", 2},
	{"clock-changed", 2},
};

uint8_t event_state_severity(const char *action)
{
	for (unsigned i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(states[i].action, action) == 0)
			return states[i].severity;
	return 0;
}
