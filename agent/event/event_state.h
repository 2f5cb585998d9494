/* SPDX-License-Identifier: BSD-2-Clause */
/* event_state.h - what an event of the agent about itself is worth, and of which kind it is. */
#ifndef AGENT_EVENT_EVENT_STATE_H
#define AGENT_EVENT_EVENT_STATE_H
#include <stddef.h>
#include <stdint.h>

struct event_state {
	const char *action;
	uint8_t severity;	     /* 0: information; 1 low .. 4 critical */
	const char *category, *type; /* of ECS's lists */
	const char *outcome;	     /* success, failure; NULL: neither */
};
/* The row of an action; one for actions without a row. Never NULL. */
const struct event_state *event_state(const char *action);
/* From this severity on it is an alert: what the policy promises does not hold, or did not for a while. */
#define EVENT_STATE_ALERT 3
uint8_t event_state_severity(const char *action);
/* What proxy-suspected says, of a proxy that answers in rtt_ns. Returns buf. */
char *event_proxy(char *buf, size_t size, uint64_t rtt_ns);
#endif
