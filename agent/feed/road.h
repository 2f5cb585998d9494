/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * road.h - one way out for finished lines: a queue, a thread, and an end that writes (a file, standard output, a server).
 *
 *     loop --road_put--> [ queue ] --thread--> end: open, send, flush, confirmed, tick, close
 *
 * The loop hands a line over and goes on; however long the end takes, nobody else waits, neither the verdict nor another
 * road. An end that fails is opened anew after a while, longer each time, and gets every line again that it did not
 * confirm: at least once, in order, with the ids that are in the lines. A line that finds no room is lost, and counted.
 *
 * Invariants (tests/agent/road_test.c): 1. road_put, road_state and road_reopen never wait for the end; 2. lines
 * confirmed + waiting + lost = lines put, and those that waited at the start; 3. lines arrive whole and in order;
 * 4. road_close waits at most ROAD_CLOSE_MS and
 * ROAD_QUIT_MS.
 */
#ifndef AGENT_FEED_ROAD_H
#define AGENT_FEED_ROAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "agent/feed/queue.h"

#define ROAD_CLOSE_MS 2000
#define ROAD_QUIT_MS  300 /* then, until its thread is left to itself */
#define ROAD_RETRY_MS 1000
#define ROAD_WHY      192

/* What an end does. All run in the road's thread, but open, which is first called by road_open when 'early' is set.
 * 'self' is the end's. What may be NULL says so. */
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
	/* No line waits: send what was put together. As send. NULL: nothing is. */
	int (*flush)(void *self);
	/* How many more lines are with the receiver since it was asked last. NULL: each that was sent. */
	uint64_t (*confirmed)(void *self);
	/* How many of those that were confirmed since it was asked last the receiver dropped, as it says. NULL: 0. */
	uint64_t (*refused)(void *self);
	/* It is the end: may what was sent be taken as confirmed? 0; -EAGAIN: ask again. NULL: no. */
	int (*finish)(void *self);
	/* What went wrong, in words; "" or NULL: what errno says. */
	const char *(*why)(void *self);
	/* How long to wait now that it failed; 0: as the road likes. NULL: 0. */
	uint64_t (*pause_ms)(void *self);
	bool early;	       /* a first open that fails is an error of road_open */
	size_t line_max;       /* a longer line is refused by road_put; 0: none is */
	unsigned retry_max_ms; /* the wait doubles up to this; 0: ROAD_RETRY_MS each time */
};

struct road;
/* self and queue are the road's from then on, in any case (free is called). queue NULL: one in memory. name: for messages
 * and status. */
int road_open(struct road **ret, const struct road_end *end, void *self, struct queue *queue,
	      const char *name);
/* The same end with other settings: takes over before the next line. */
void road_replace(struct road *r, void *self);
/* 0, or lost and counted: -ENOBUFS no room, -EMSGSIZE longer than the end can take, -errno of a full disk. */
int road_put(struct road *r, const char *line, size_t len);
/* The end is closed and opened anew before the next line: the name may mean another file now. */
void road_reopen(struct road *r);
/* Waits a little for what is queued. How many lines were not confirmed. NULL is fine. */
uint64_t road_close(struct road *r);

struct road_state {
	const char *name;
	uint64_t lines, bytes; /* confirmed; sent, each time */
	uint64_t waiting;      /* lines not confirmed */
	uint64_t flight;       /* of these, sent */
	uint64_t again;	       /* lines that were sent once more */
	uint64_t
		behind_ns; /* of CLOCK_MONOTONIC: the last progress while something waits; 0: nothing does */
	uint64_t lost, lost_now; /* lost_now: since the last line that found room */
	uint64_t reopened;	 /* how often tick found another one */
	int error;		 /* errno of an end that fails now; 0 = it works */
	int lost_error;		 /* of the end, when the last line was lost; 0: it was slow */
	char why[ROAD_WHY];	 /* of error, in words */
	bool durable;		 /* what waits outlives the agent */
};
void road_state(struct road *r, struct road_state *ret);
#endif
