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
 * file "alive" beside it, which says each second that an agent lives.
 */
#ifndef AGENT_DAEMON_GAP_H
#define AGENT_DAEMON_GAP_H
#include <stdbool.h>
#include <stdint.h>

#define GAP_FILE      "gaps.jsonl"
#define GAP_OPEN_FILE "gaps.open.jsonl"
#define GAP_FILE_MAX  (16u << 20) /* then it becomes GAP_FILE.1 */
#define GAP_OPEN_MAX  16

struct gaps;
/* state: the directory; NULL or not there: nothing is written. attached: the last agent's programs
 * are in force. Writes what lies between the last agent's end and now. 0 or -ENOMEM. */
int gap_start(struct gaps **ret, const char *state, bool attached);
void gap_end(struct gaps *g); /* what is open ends here; NULL is fine */
/* A state event happened: opens, closes or writes what it means, if it means a gap. */
void gap_event(struct gaps *g, const char *action, const char *detail);
void gap_alive(struct gaps *g); /* once a second */
#endif
