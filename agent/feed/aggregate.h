/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aggregate.h - an alert at once, then one summary a window: what keeps a flood of flows from becoming a
 * flood of alerts.
 *
 * Key: rule, verdict, severity, executable, user, unit, destination country and ASN, IP version,
 * who opened it; never the address. A new country, executable or higher severity is another key, so
 * it is told at once. Every packet and byte is in exactly one event: the first, or a summary.
 * Invariant: sum over a key's events = what its flows sent.
 */
#ifndef AGENT_FEED_AGGREGATE_H
#define AGENT_FEED_AGGREGATE_H
#include <stdbool.h>
#include "agent/event/event.h"

#define AGGREGATE_KEYS_MAX                                                                         \
	4096 /* past it the key that was quiet longest is summed up and dropped */
#define AGGREGATE_DESTINATIONS_MAX 64 /* told apart for a summary; that many means: or more */
#define AGGREGATE_WINDOW_NS	   (60ull * 1000000000ull)

struct aggregate;
/* Sets id and sequence; the event lives for the call. Negative: it could not be told, and is not
 * taken as told. */
typedef int aggregate_emit_fn(void *arg, struct event *e);
/* window_ns 0: nothing is folded. */
int aggregate_new(struct aggregate **ret, uint64_t window_ns, aggregate_emit_fn *emit, void *arg);
void aggregate_free(struct aggregate *f); /* does not flush; NULL is fine */

/* A violating flow's first event (EVENT_FLOW), or what the same flow sent since (EVENT_FLOW_END):
 * goes out at once when it is the first of its key, or is folded. */
void aggregate_event(struct aggregate *f, struct event *e, uint64_t now_ns);
/* Summaries whose window is over. Call it every second or so. */
void aggregate_tick(struct aggregate *f, uint64_t now_ns);
/* All of them, and forget the keys: before the policy or the places that the events point to go
 * away. */
void aggregate_flush(struct aggregate *f);
uint64_t
aggregate_suppressed(const struct aggregate *f); /* flows that got no event of their own, ever */
#endif
