/* SPDX-License-Identifier: BSD-2-Clause */
/* event_text.h - names and ids of events (agent/event/event.h), for every format. */
#ifndef AGENT_EVENT_EVENT_TEXT_H
#define AGENT_EVENT_EVENT_TEXT_H
#include <stdbool.h>
#include "agent/event/event.h"

/* "flow-blocked", "flow-would-block", "flow-alerted", "flow-allowed"; "" for local traffic. */
const char *event_action(enum decide_action verdict, bool enforced);
/* False for a refused connect(): the kernel had not chosen the source address yet. */
bool event_has_source(const struct event *e);
/* False for a summary of several. */
bool event_has_destination(const struct event *e);
/* A name for the rule that stays when rules above it come and go: the beginning of the SHA-256 of its text. rule NULL:
 * "default". Returns buf. */
#define EVENT_RULE_ID 65 /* a label, or a hash of 16 digits */
const char *event_rule_id(char buf[EVENT_RULE_ID], const struct rule *rule);
const char *event_kind_name(enum event_kind k); /* "flow", "flow-end", "summary", ... */
const char *event_sum_name(enum event_sum s);	/* "allowed", "alerted", "would_block", "blocked" */
const char *event_verdict_name(enum decide_action a); /* "allow", "alert", "block", "local" */
const char *event_severity_name(uint8_t severity);    /* "none", "low" .. "critical" */

/* RFC 9562: version 7 of a Unix time, the rest random. */
void event_id_v7(char ret[37], uint64_t unix_ns);
/* Version 8: the beginning of SHA-256 over policy sum, capture sum, packet number, rule and kind:
 * the same input gives the same id, so that a second replay does not look like a second transfer. 0
 * or -EIO. */
const char *event_because_name(enum opened_because b); /* "handshake" */
int event_id_v8(char ret[37], const struct event *e);
/* Version 8 of SHA-256 over these bytes: the same bytes, the same id. 0 or -EIO. */
int event_id_of(char ret[37], const void *bytes, size_t n);
/* Community id v1, seed 0 ("1:..." base64 of SHA-1). For ICMP (1, 58) sport and dport hold type and
 * code. */
#define EVENT_COMMUNITY_LEN 32
int event_community_id(char ret[EVENT_COMMUNITY_LEN], const struct flow_key *k);
/* What a person reads: "block: 10.0.0.5 -> 203.0.113.7:443/tcp (US) ...". Returns buf. */
char *event_message(char *buf, size_t size, const struct event *e);
/* Why: one sentence, in buf or the event's own text; NULL: there is none. */
const char *event_reason(char *buf, size_t size, const struct event *e);
const char *event_proto_name(uint8_t proto); /* "tcp", ...; "" for one without a name here */
#endif
