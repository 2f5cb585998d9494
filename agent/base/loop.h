/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.h - one thread, one epoll: descriptors, timers and signals call back. Handlers may add and
 * remove at any time, themselves included. The loop never spins: with nothing to do it sleeps.
 */
#ifndef AGENT_BASE_LOOP_H
#define AGENT_BASE_LOOP_H
#include <stdint.h>

#define LOOP_FDS_MAX 256

struct loop;
int loop_new(struct loop **ret);
/* closes timers and the signal descriptor, nothing else; NULL is fine */
void loop_free(struct loop *l);

/* events: EPOLLIN | EPOLLOUT. The descriptor stays the caller's. -ENOSPC at LOOP_FDS_MAX, -EEXIST.
 */
int loop_add(struct loop *l, int fd, uint32_t events, void (*fn)(void *arg, uint32_t events),
	     void *arg);
int loop_modify(struct loop *l, int fd, uint32_t events);
void loop_remove(struct loop *l, int fd); /* before the close */

/* Nanoseconds; every 0: once. Returns a descriptor owned by the loop (for loop_timer_set), or
 * -errno. */
int loop_timer(struct loop *l, uint64_t first_ns, uint64_t every_ns, void (*fn)(void *arg),
	       void *arg);
int loop_timer_set(struct loop *l, int timer, uint64_t first_ns, uint64_t every_ns); /* 0, 0: off */

/* Blocks the signals (ended by 0) for the process and calls fn for each one that comes. Once a
 * loop. */
int loop_signals(struct loop *l, const int *signals, void (*fn)(void *arg, int signal), void *arg);

int loop_run(struct loop *l); /* until loop_stop; 0 or -errno */
void loop_stop(struct loop *l);

#define LOOP_SECOND 1000000000ull
uint64_t loop_unix_ns(void);	  /* CLOCK_REALTIME */
uint64_t loop_monotonic_ns(void); /* CLOCK_MONOTONIC */
#endif
