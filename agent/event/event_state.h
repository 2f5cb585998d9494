/* SPDX-License-Identifier: BSD-2-Clause */
/* event_state.h - what an event of the agent about itself is worth. */
#ifndef AGENT_EVENT_EVENT_STATE_H
#define AGENT_EVENT_EVENT_STATE_H
#include <stdint.h>

/* 0: information; 1 low .. 4 critical. From 3 on it is an alert: what the policy promises does not
 * hold, or did not for a while. */
#define EVENT_STATE_ALERT 3
uint8_t event_state_severity(const char *action);
#endif
