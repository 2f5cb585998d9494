/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * road.h - one way out for finished lines: a bounded queue, a thread, and an end that writes (a file, standard
 * output, a server).
 *
 *     loop --road_put--> [ queue, 8 MiB ] --thread--> end: open, send, tick, close
 *
 * The loop hands a line over and goes on; however long the end takes, nobody else waits, neither the verdict nor another
 * road. An end that fails keeps its line and tries again; what comes meanwhile waits in the queue. A line that finds no
 * room is lost, and counted.
 *
 * Invariants (tests/agent/road_test.c): 1. road_put, road_state and road_reopen never wait for the end; 2. lines
 * sent + waiting + lost = lines put; 3. lines arrive whole and in order; 4. road_close waits at most ROAD_CLOSE_MS.
 */
#ifndef AGENT_FEED_ROAD_H
#define AGENT_FEED_ROAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROAD_QUEUE    (8u << 20) /* bytes; a power of two */
#define ROAD_CLOSE_MS 2000
#define ROAD_RETRY_MS 1000

/* What an end does. All run in the road's thread, but open, which is first called by road_open. 'self' is the end's. */
struct road_end {
	/* Makes *self ready to send. 0 or -errno. */
	int (*open)(void *self);
	/* Sends the line, without a newline at its end. 0; -EAGAIN: not now, go on where it stopped when asked again
	 * with the same line; another -errno: failed, is opened anew and gets the line from its beginning. */
	int (*send)(void *self, const char *line, size_t len);
	/* Once a second: is it still what it was? 1: it is another one now. 0 or -errno; NULL: nothing to look at. */
	int (*tick)(void *self);
	void (*close)(void *self); /* may be called twice */
	void (*free)(void *self);
};

struct road;
/* Opens the end. self is the road's from then on, in any case (free is called). name: for messages and status. */
int road_open(struct road **ret, const struct road_end *end, void *self, const char *name);
/* 0, or -ENOBUFS: lost and counted. */
int road_put(struct road *r, const char *line, size_t len);
/* The end is closed and opened anew before the next line: the name may mean another file now. */
void road_reopen(struct road *r);
/* Waits a little for what is queued. How many lines were not sent. NULL is fine. */
uint64_t road_close(struct road *r);

struct road_state {
	const char *name;
	uint64_t lines, bytes;	 /* sent */
	uint64_t waiting;	 /* lines in the queue */
	uint64_t lost, lost_now; /* lost_now: since the last line that found room */
	uint64_t reopened;	 /* how often tick found another one */
	int error;		 /* errno of an end that fails now; 0 = it works */
	int lost_error;		 /* of the end, when the last line was lost; 0: it was slow */
};
void road_state(struct road *r, struct road_state *ret);
#endif
