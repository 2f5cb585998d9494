/*
 * meter.h - how much has left in the last while, for rules with 'over SIZE per DURATION': one window, kept in
 * the kernel and in replay by the same code. Pure, as decide.h.
 *
 * The window is METER_STEPS steps of time and the one that is under way. A step that has passed is forgotten
 * whole, so that what is counted is never less than what left within the duration, and never more than
 * what left within one step more: in no span of DURATION does more than SIZE leave.
 *
 *     forgotten | 1 | 2 | 3 | ... | 15 | now        step = DURATION / METER_STEPS, of Unix time
 *
 * Invariants (tests/rules/meter_test.c): 1. used is the sum of the slots; 2. time that goes back is no time:
 * the step stays.
 */
#ifndef RULES_METER_H
#define RULES_METER_H
#include "rules/decide.h"

#define METER_STEPS 15
#define METER_SLOTS 16 /* and the one under way; a power of two */

struct meter {
	DECIDE_U64 step; /* number of the one under way */
	DECIDE_U64 used;
	DECIDE_U64 slot[METER_SLOTS]; /* bytes, by the step's number */
};

/* What a rule counts: by key over reloads and restarts, however often it is compiled. */
struct decide_meter {
	DECIDE_U64 key;
	DECIDE_U64 limit;   /* bytes */
	DECIDE_U64 step_ns; /* of a step; not 0 */
};

static __attribute__((always_inline)) inline void meter_turn(struct meter *m, DECIDE_U64 step)
{
	for (int i = 0; i < METER_SLOTS && m->step < step; i++) {
		DECIDE_U64 *slot = &m->slot[++m->step & (METER_SLOTS - 1)];

		m->used -= *slot;
		*slot = 0;
	}
	if (m->step < step)
		m->step = step; /* all of it is past: every slot is empty */
}

/* Would it be more than the limit with these bytes? */
static __attribute__((always_inline)) inline int meter_over(const struct meter *m, DECIDE_U64 bytes,
							    DECIDE_U64 limit)
{
	return m->used + bytes > limit;
}

static __attribute__((always_inline)) inline void meter_add(struct meter *m, DECIDE_U64 bytes)
{
	m->slot[m->step & (METER_SLOTS - 1)] += bytes;
	m->used += bytes;
}
#endif
