/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gap.h - the ledger of gaps: every interval in which less was enforced or known than the policy
 * promises, with its cause and what held all the same. One JSON object a line, appended:
 *
 *     {"start":"2026-11-25T17:00:00Z","end":"...","seconds":3.2,"cause":"agent-down","detail":"...",
 *      "held":"the kernel's programs went on judging by the last policy"}
 *
 * A gap is written when it ends; until then it stands, without an end, in "gaps.open.jsonl". What
 * lies between two agents is written by the second, by the
 * file "alive" beside it, which says each second that an agent lives. Whoever asked is told of each
 * gap that is written: it goes into the journal and the feeds, so that other machines know of it.
 */
#ifndef AGENT_DAEMON_GAP_H
#define AGENT_DAEMON_GAP_H
#include <stdbool.h>
#include <stdint.h>
#include "agent/event/event.h"

#define GAP_FILE      "gaps.jsonl"
#define GAP_OPEN_FILE "gaps.open.jsonl"
#define GAP_ALIVE     "alive"	  /* "TIME BOOT UP\n": ns of both clocks, and which boot */
#define GAP_FILE_MAX  (16u << 20) /* then it becomes GAP_FILE.1 */
#define GAP_OPEN_MAX  16

struct gaps;
typedef void gap_fn(void *arg, const struct event_gap *g, const char *detail);
/* state: the directory; NULL or not there: nothing is written. attached: the last agent's programs
 * are in force. Writes what lies between the last agent's end and now. 0 or -ENOMEM. */
int gap_start(struct gaps **ret, const char *state, bool attached, gap_fn *told, void *arg);
void gap_close(struct gaps *g); /* what is open ends here; NULL is fine */
void gap_end(struct gaps *g);	/* the same, and nobody is told any more; NULL is fine */
bool gap_is_unjudged(const struct event_gap *g); /* what left in it was not judged */
/* A state event happened: opens, closes or writes what it means, if it means a gap. */
void gap_event(struct gaps *g, const char *action, const char *detail);
void gap_alive(struct gaps *g); /* once a second */
#endif
