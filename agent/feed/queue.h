/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - lines between the loop, which puts them, and a road's thread, which takes them: in memory, or in a directory
 * that outlives the agent.
 *
 *     confirmed          taken            put
 *         |  in flight     |   waiting     |
 *     ----+----------------+---------------+----> lines
 *
 * A line that was taken is kept until it is confirmed; after queue_rewind() it is given again: at least once. The
 * directory (a spool) holds segments of 16 MiB named for the number of their first line, and the file 'cursor' with the
 * number of the first line that is not confirmed.
 *
 * Invariants (tests/agent/queue_test.c): 1. lines come out whole and in the order in which they were put, also after
 * SIGKILL; 2. what is not confirmed comes again, what was confirmed before queue_save() does not; 3. a line for which
 * there is no room is refused, none is dropped; 4. queue_put() never waits for who takes.
 */
#ifndef AGENT_FEED_QUEUE_H
#define AGENT_FEED_QUEUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_RING  (8u << 20) /* bytes; a power of two */
#define QUEUE_SPOOL (1ull << 30)
#define QUEUE_LINE  (4u << 20) /* a longer one is refused */

struct queue; /* owned by the caller */
int queue_ring(struct queue **ret);
/* dir is made when missing (0700). -EBUSY: another agent has it. max: bytes, 0 = QUEUE_SPOOL. */
int queue_spool(struct queue **ret, const char *dir, uint64_t max);
void queue_free(struct queue *q); /* saves; NULL is fine */

/* The loop's. 0; -ENOBUFS: no room, or too long; -errno of a disk that refused it (-ENOSPC). */
int queue_put(struct queue *q, const char *line, size_t len);

/* The thread's. 1: the next line, without its end, good until the next call; 0: there is none; -errno. */
int queue_take(struct queue *q, const char **line, size_t *len);
void queue_confirm(struct queue *q, uint64_t n); /* the oldest n that were taken */
void queue_rewind(struct queue *q);
void queue_save(struct queue *q); /* the cursor and the lines to the disk */

/* Either's. */
uint64_t queue_waiting(struct queue *q); /* lines not confirmed */
uint64_t queue_flight(struct queue *q);	 /* of these, taken */
uint64_t queue_missing(
	const struct queue *q); /* lines that a crash of the machine took from the directory */
bool queue_durable(const struct queue *q);
#endif
