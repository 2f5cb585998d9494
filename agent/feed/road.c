/* SPDX-License-Identifier: BSD-2-Clause */
/* road.c - the queue is a ring of bytes, a length before each line; the thread takes a line, sends it, and looks after
 * its end once a second. */
#include "agent/feed/road.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "geo/base/cleanup.h"

#define SECOND_NS 1000000000ull
#define BUSY_NS	  20000000ull /* until an end that was not ready is asked again */

struct road {
	const struct road_end *end;
	void *self;
	char *name; /* owned */
	pthread_mutex_t lock;
	pthread_cond_t moved; /* a line came, one went, or stop */
	bool stop, left;      /* left: road_close did not wait longer; the thread frees it all */
	bool ended, reopen;
	uint8_t *ring; /* owned, ROAD_QUEUE */
	uint64_t head, tail;
	struct road_state state;
	/* the thread's */
	char *line; /* owned; the one that is sent */
	size_t len, room;
	bool have, closed;
	uint64_t ticked_ns;
};

static uint64_t now_ns(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void ring_write(struct road *r, const void *bytes, size_t n)
{
	size_t at = r->head & (ROAD_QUEUE - 1), first = ROAD_QUEUE - at < n ? ROAD_QUEUE - at : n;

	memcpy(r->ring + at, bytes, first);
	memcpy(r->ring, (const char *)bytes + first, n - first);
	r->head += n;
}

static void ring_read(struct road *r, void *to, size_t n)
{
	size_t at = r->tail & (ROAD_QUEUE - 1), first = ROAD_QUEUE - at < n ? ROAD_QUEUE - at : n;

	memcpy(to, r->ring + at, first);
	memcpy((char *)to + first, r->ring, n - first);
	r->tail += n;
}

int road_put(struct road *r, const char *line, size_t len)
{
	int result = -ENOBUFS;

	pthread_mutex_lock(&r->lock);
	if (len < ROAD_QUEUE && sizeof(len) + len <= ROAD_QUEUE - (r->head - r->tail)) {
		ring_write(r, &len, sizeof(len));
		ring_write(r, line, len);
		r->state.waiting++;
		r->state.lost_now = 0;
		result = 0;
		pthread_cond_broadcast(&r->moved);
	} else {
		r->state.lost++;
		r->state.lost_now++;
		r->state.lost_error = r->state.error;
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

/* The oldest line leaves the ring. False: no memory for it, now. */
static bool take(struct road *r)
{
	size_t len;
	uint64_t at = r->tail;

	ring_read(r, &len, sizeof(len));
	if (len > r->room) {
		char *line = realloc(r->line, len);

		if (!line) {
			r->tail = at;
			r->state.error = ENOMEM;
			return false;
		}
		r->line = line;
		r->room = len;
	}
	ring_read(r, r->line, len);
	r->len = len;
	r->have = true;
	return true;
}

/* Up to ns, or until something moves. */
static void wait_moved(struct road *r, uint64_t ns)
{
	uint64_t until = now_ns() + ns;
	struct timespec t = {(time_t)(until / SECOND_NS), (long)(until % SECOND_NS)};

	pthread_cond_timedwait(&r->moved, &r->lock, &t);
}

/* The end is used without the lock: nobody else touches it. */
static int end_open(struct road *r)
{
	int result;

	pthread_mutex_unlock(&r->lock);
	r->end->close(r->self);
	result = r->end->open(r->self);
	pthread_mutex_lock(&r->lock);
	r->closed = result < 0;
	r->state.error = -result;
	return result;
}

static int end_tick(struct road *r)
{
	int result = 0;

	r->ticked_ns = now_ns();
	if (!r->end->tick || r->closed)
		return 0;
	pthread_mutex_unlock(&r->lock);
	result = r->end->tick(r->self);
	pthread_mutex_lock(&r->lock);
	r->state.reopened += result > 0;
	if (result < 0) {
		r->closed = true;
		r->state.error = -result;
	}
	return result < 0 ? result : 0;
}

static int end_send(struct road *r)
{
	int result;

	pthread_mutex_unlock(&r->lock);
	result = r->end->send(r->self, r->line, r->len);
	pthread_mutex_lock(&r->lock);
	if (result == 0) {
		r->have = false;
		r->state.lines++;
		r->state.bytes += r->len + 1;
		r->state.waiting--;
		r->state.error = 0;
		pthread_cond_broadcast(&r->moved);
	} else if (result != -EAGAIN) {
		r->closed = true;
		r->state.error = -result;
	}
	return result;
}

/* One turn of the thread; returns how long nothing is to be done. */
static uint64_t turn(struct road *r)
{
	if (r->reopen) {
		r->reopen = false;
		r->closed = true;
	}
	if (r->closed && end_open(r) < 0)
		return ROAD_RETRY_MS * 1000000ull;
	if (now_ns() - r->ticked_ns >= SECOND_NS && end_tick(r) < 0)
		return ROAD_RETRY_MS * 1000000ull;
	if (!r->have && (r->head == r->tail || !take(r)))
		return SECOND_NS;
	switch (end_send(r)) {
	case 0:
		return 0;
	case -EAGAIN:
		return BUSY_NS;
	default:
		return ROAD_RETRY_MS * 1000000ull;
	}
}

static void road_drop(struct road *r)
{
	r->end->close(r->self);
	r->end->free(r->self);
	pthread_cond_destroy(&r->moved);
	pthread_mutex_destroy(&r->lock);
	free(r->name);
	free(r->ring);
	free(r->line);
	free(r);
}

static void *run(void *arg)
{
	struct road *r = arg;
	bool left;

	pthread_mutex_lock(&r->lock);
	while (!r->left && !(r->stop && !r->state.waiting)) {
		uint64_t ns = turn(r);

		/* a line that came wakes an idle road, not one that waits for its end */
		for (uint64_t until = now_ns() + ns; ns && !r->left;) {
			uint64_t now = now_ns();

			if (now >= until || (r->stop && !r->state.waiting))
				break;
			wait_moved(r, until - now);
			if (!r->have && !r->closed && (r->head != r->tail || r->reopen))
				break;
		}
	}
	r->ended = true;
	left = r->left;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
	if (left)
		road_drop(r);
	return NULL;
}

/* Signals are the loop's; SIGXFSZ becomes an error of the write. */
static int start(struct road *r)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int result;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, &attr, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -result;
}

int road_open(struct road **ret, const struct road_end *end, void *self, const char *name)
{
	struct road *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;
	int result;

	if (!r) {
		end->free(self);
		return -ENOMEM;
	}
	r->end = end;
	r->self = self;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->moved, &attr);
	pthread_condattr_destroy(&attr);
	r->name = strdup(name);
	r->ring = malloc(ROAD_QUEUE); /* touched as it fills */
	r->ticked_ns = now_ns();
	result = r->name && r->ring ? end->open(self) : -ENOMEM;
	if (result == 0)
		result = start(r);
	if (result < 0) {
		road_drop(r);
		return result;
	}
	r->state.name = r->name;
	*ret = r;
	return 0;
}

void road_reopen(struct road *r)
{
	pthread_mutex_lock(&r->lock);
	r->reopen = true;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

uint64_t road_close(struct road *r)
{
	uint64_t until = now_ns() + ROAD_CLOSE_MS * 1000000ull, lost;

	if (!r)
		return 0;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->moved);
	while (!r->ended && now_ns() < until)
		wait_moved(r, until - now_ns());
	lost = r->state.waiting;
	r->left = !r->ended;
	pthread_cond_broadcast(&r->moved);
	if (r->left) {
		pthread_mutex_unlock(&r->lock);
		return lost;
	}
	pthread_mutex_unlock(&r->lock);
	road_drop(r);
	return lost;
}

void road_state(struct road *r, struct road_state *ret)
{
	pthread_mutex_lock(&r->lock);
	*ret = r->state;
	pthread_mutex_unlock(&r->lock);
}
