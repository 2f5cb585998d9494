/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decide.h - the one builder of events: every source, kernel or wire or capture, hands its records
 * in here.
 */
#ifndef AGENT_ENGINE_DECIDE_H
#define AGENT_ENGINE_DECIDE_H
#include "agent/engine/engine.h"

/* Makes *ret of the record, whole: place, operator, provider, region, embedded address, rule,
 * severity, action, the proof of distance, and in replay the id. What is not the record's to know is
 * left 0: a live event's id and sequence are given when it is written. A flow that no rule objects
 * to has no operator: nobody asks for it, and the look-up costs more than the verdict.
 *
 * 1: the kernel decided otherwise by the same tables (DECIDED_THERE): the event says what the kernel
 * did. 0: no difference. */
int decide(const struct engine *e, const struct record *r, struct event *ret);

/* Who operates the destination, where decide() did not ask: for who keeps what was allowed too. */
void decide_operator(const struct engine *e, struct event *ev);

/* Would this round-trip time refute the place of dst? Cheap: to find, among the flows that live,
 * those worth a record of kind EVENT_PLACE_REFUTED. */
bool decide_too_near(const struct engine *e, const struct ip *dst, uint64_t rtt_min_ns);

/* The subjects of the policy that a process is one of, as a mask. */
uint64_t decide_mask(const struct engine *e, const struct process *p);

static inline bool decide_violates(enum decide_action a)
{
	return a == DECIDE_ALERT || a == DECIDE_BLOCK;
}
#endif
