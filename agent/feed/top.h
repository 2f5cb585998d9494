/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * top.h - a table of flows on a terminal, redrawn once a second and at a key; on anything else a line
 * for each new flow. Violations first, then by bytes. A flow that lives stays, however silent. What a
 * process calls itself is escaped before it reaches the terminal.
 */
#ifndef AGENT_FEED_TOP_H
#define AGENT_FEED_TOP_H
#include <stdbool.h>
#include <stdio.h>
#include "agent/event/event.h"

#define TOP_FLOWS_MAX 4096 /* flows shown or remembered; past it the quietest allowed one goes */

struct top;
/* to: usually stdout. Whether it is a terminal, its size and NO_COLOR are asked of it. */
int top_new(struct top **ret, FILE *to);
void top_free(struct top *l); /* restores the terminal; NULL is fine */
/* A flow with its counts so far. New flows are copied with their texts; known ones get new counts.
 */
void top_put(struct top *l, const struct event *e);
/* A flow that is over, with the counts of its last turn: they come on top of what it has shown as
 * ended before. */
void top_end(struct top *l, const struct event *e);
/* Redraws (terminal only). title and message: one line each; message may be NULL. */
void top_draw(struct top *l, const char *title, const char *message, uint64_t now_ns);
/* Keys from this terminal, which gets its old settings back at the end: q, arrows, s (sort), f (filter), e (explain the
 * row), a (the rule that would decide it). 0; -ENOTTY: no terminal, or none that is drawn on; -EBUSY: another's now. */
int top_input(struct top *l, int fd);
bool top_keys(struct top *l, const char *bytes, size_t n); /* what was read of it; false: 'q' */
void top_use_keys(struct top *l); /* for tests: drawn as with keys, without a terminal */
/* For tests: size and kind of terminal instead of what 'to' is. columns 0: not a terminal. */
void top_size(struct top *l, unsigned columns, unsigned rows, int colour);
#endif
