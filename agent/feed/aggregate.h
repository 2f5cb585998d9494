/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aggregate.h - an alert at once, then one summary a window: what keeps a flood of flows from
 * becoming a flood of alerts.
 *
 *     flow ----> key known? --no--> the alert, at once
 *                    |
 *                   yes --> counted in its group --window over--> summary: sums, the largest
 *                                                                 destinations and processes
 *
 * Key: rule, verdict, severity, executable, user, unit, destination country and ASN, IP version,
 * who opened it; never the address. A new country, executable or higher severity is another key, so
 * it is told at once. A summary names the id of the alert that it goes on from.
 *
 * Invariants (tests/agent/aggregate_test.c): 1. every packet, byte and attempt is in exactly one
 * event, the first or a summary: the sum over a key's events is what its flows sent; 2. what a
 * summary lists and its 'rest' add up to its sums; 3. time is monotonic: a clock that is set changes
 * no window.
 */
#ifndef AGENT_FEED_AGGREGATE_H
#define AGENT_FEED_AGGREGATE_H
#include <stdbool.h>
#include "agent/event/event.h"

#define AGGREGATE_KEYS_MAX                                                                         \
	4096 /* past it the key that was quiet longest is summed up and dropped */
#define AGGREGATE_WINDOW_NS (60ull * 1000000000ull)

struct aggregate;
/* Sets id and sequence; the event lives for the call. Negative: it could not be told, and is not
 * taken as told. */
typedef int aggregate_emit_fn(void *arg, struct event *e);
/* window_ns 0: nothing is folded. */
int aggregate_new(struct aggregate **ret, uint64_t window_ns, aggregate_emit_fn *emit, void *arg);
void aggregate_free(struct aggregate *f); /* does not flush; NULL is fine */

/* A violating flow's first event (EVENT_FLOW), or what the same flow sent since (EVENT_FLOW_END):
 * goes out at once when it is the first of its key, or is folded. now_ns: CLOCK_MONOTONIC. */
void aggregate_event(struct aggregate *f, struct event *e, uint64_t now_ns);
/* Summaries whose window is over. Call it every second or so. */
void aggregate_tick(struct aggregate *f, uint64_t now_ns);
/* All of them, and forget the keys: before the policy or the places that the events point to go
 * away. */
void aggregate_flush(struct aggregate *f);
/* Flows that got no event of their own, ever. */
uint64_t aggregate_suppressed(const struct aggregate *f);
/* What waits for a summary, added to sum[]: by verdict, enforced apart (enum event_sum). */
void aggregate_waiting(const struct aggregate *f, struct event_count sum[EVENT_SUMS]);
#endif
