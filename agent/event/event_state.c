/* SPDX-License-Identifier: BSD-2-Clause */
/* event_state.c - severities and kinds of state events, a row an action. */
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_state.h"
#include "geo/distance/suspect.h"

static const struct event_state states[] = {
	/* somebody changed what is in force, or nothing is */
	{"hook-detached", 4, "configuration", "deletion", "success"},
	{"program-replaced", 4, "configuration", "change", "success"},
	{"program-before", 4, "configuration", "change", "success"},
	{"mode-tampered", 4, "configuration", "change", "success"},
	{"mode-weakened", 4, "configuration", "change", "success"},
	{"pins-replaced", 4, "configuration", "change", "success"},
	{"pins-removed", 3, "configuration", "deletion", "success"},
	{"policy-fallback", 4, "configuration", "info", "failure"},
	{"places-fallback", 4, "configuration", "info", "failure"},
	{"boot-closed", 4, "configuration", "info", "failure"},
	{"verdict-mismatch", 4, "configuration", "info", "failure"},
	{"source-failed", 4, "process", "info", "failure"},
	{"journal-tampered", 4, "file", "change", "success"},
	{"journal-failed", 4, "file", "info", "failure"},
	{"ledger-failed", 3, "file", "info", "failure"},
	{"state-unkept", 3, "file", "info", "failure"},
	/* less is known or told than should be */
	{"gap-unjudged", 3, "configuration", "info", "failure"},
	{"quarantine-unread", 4, "file", "info", "failure"},
	{"device-unjudged", 3, "configuration", "info", "failure"},
	{"packet-socket", 3, "process", "info", NULL},
	{"packet-sockets", 3, "process", "info", NULL},
	{"cgroup-missing", 3, "configuration", "info", "failure"},
	{"guard-blind", 3, "configuration", "info", "failure"},
	{"feed-refused", 4, "configuration", "info", "failure"},
	{"lost-names", 3, "network", "info", "failure"},
	{"names-off", 3, "network", "info", "failure"},
	{"lost-events", 3, "network", "info", "failure"},
	{"lost-counts", 3, "network", "info", "failure"},
	{"journal-repaired", 2, "file", "change", "success"},
	{"programs-refused", 3, "configuration", "info", "failure"},
	{"reload-failed", 3, "configuration", "info", "failure"},
	{"place-db-stale", 3, "configuration", "info", NULL},
	{"enforce-unconfirmed", 3, "configuration", "change", "success"},
	{"enforce-trial", 2, "configuration", "change", "success"},
	{"mode-requested", 2, "configuration", "change", "success"},
	{"second-agent-refused", 2, "process", "info", "success"},
	{"clock-changed", 2, "host", "change", "success"},
	{"alert-file-replaced", 2, "file", "change", "success"},
	/* what is in force, and since when */
	{"started", 0, "process", "start", "success"},
	{"stopped", 0, "process", "end", "success"},
	{"adopted", 0, "process", "info", NULL},
	{"reloaded", 0, "configuration", "change", "success"},
	{"mode-changed", 0, "configuration", "change", "success"},
	{"enforce-confirmed", 0, "configuration", "change", "success"},
	{"mode-adopted", 0, "configuration", "info", NULL},
	{"policy-date", 0, "configuration", "change", "success"},
	{"hook-attached", 0, "configuration", "creation", "success"},
	{"cgroup-attached", 0, "configuration", "creation", "success"},
	{"devices-judged", 0, "configuration", "info", NULL},
	{"packet-sockets-gone", 0, "process", "info", NULL},
	{"quarantine-added", 0, "configuration", "creation", "success"},
	{"quarantine-removed", 0, "configuration", "deletion", "success"},
	{"quarantine-read", 0, "file", "info", "success"},
	{"gap-recorded", 0, "configuration", "info", NULL},
	{"guard-sees", 0, "configuration", "info", NULL},
	{"proxy-suspected", 3, "configuration", "info", NULL},
	{"places-disputed", 0, "configuration", "change", "success"},
	{"user-resolved", 0, "configuration", "change", "success"},
	{"journal-pruned", 0, "file", "deletion", "success"},
	{"journal-checkpoint", 0, "file", "info", NULL},
	{"replay-interrupted", 0, "process", "end", "failure"},
};

const struct event_state *event_state(const char *action)
{
	static const struct event_state other = {"", 0, "configuration", "info", NULL};

	for (unsigned i = 0; action && i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(states[i].action, action) == 0)
			return &states[i];
	return &other;
}

uint8_t event_state_severity(const char *action)
{
	return event_state(action)->severity;
}

char *event_proxy(char *buf, size_t size, uint64_t rtt_ns)
{
	text_put(buf, size,
		 "a local proxy is suspected: %d countries are answered for in about %.3f ms; what "
		 "is answered in that time refutes no place any more",
		 SUSPECT_COUNTRIES, (double)rtt_ns / 1e6);
	return buf;
}
