/* SPDX-License-Identifier: BSD-2-Clause */
/* road.c - the thread takes a line from the queue, sends it, learns what was confirmed, and looks after its end once a
 * second. */
#include "agent/feed/road.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/text.h"

#define SECOND_NS 1000000000ull
#define MS_NS	  1000000ull
#define BUSY_NS	  20000000ull /* until an end that was not ready is asked again */

struct road {
	const struct road_end *end;
	void *self;
	char *name;	       /* owned */
	struct queue *queue;   /* owned; has a lock of its own */
	pthread_mutex_t lock;  /* over the state and what follows */
	pthread_cond_t moved;  /* a line came, one went, or stop */
	bool stop, quit, left; /* left: road_close did not wait longer; the thread frees it all */
	bool ended, reopen;
	void *replace; /* owned: the next self */
	struct road_state state;
	/* the thread's */
	const char *line; /* the one that is sent; in the queue */
	size_t len;
	bool have, closed, flushed;
	uint64_t ticked_ns, sent; /* lines sent since it was opened, not confirmed */
	unsigned failures;	  /* one after the other */
	unsigned seed;
};

static uint64_t now_ns(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

int road_put(struct road *r, const char *line, size_t len)
{
	bool fits = !r->end->line_max || len <= r->end->line_max;
	int result = fits ? queue_put(r->queue, line, len) : -EMSGSIZE;

	pthread_mutex_lock(&r->lock);
	if (result == 0) {
		r->state.lost_now = 0;
		if (!r->state.behind_ns)
			r->state.behind_ns = now_ns();
		pthread_cond_broadcast(&r->moved);
	} else {
		r->state.lost++;
		r->state.lost_now++;
		r->state.lost_error = result == -ENOBUFS ? r->state.error : -result;
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

/* Up to ns, or until something moves. */
static void wait_moved(struct road *r, uint64_t ns)
{
	uint64_t until = now_ns() + ns;
	struct timespec t = {(time_t)(until / SECOND_NS), (long)(until % SECOND_NS)};

	pthread_cond_timedwait(&r->moved, &r->lock, &t);
}

/* The end and the queue are used without the lock: nobody else touches the end. */
static void fail(struct road *r, int error)
{
	const char *why = r->end->why ? r->end->why(r->self) : NULL;

	r->closed = true;
	r->have = false;
	queue_rewind(r->queue);
	pthread_mutex_lock(&r->lock);
	r->state.again += r->sent;
	r->state.error = error;
	text_put(r->state.why, sizeof(r->state.why), "%s", why && *why ? why : strerror(error));
	pthread_mutex_unlock(&r->lock);
	r->sent = 0;
	r->failures += r->failures < 16;
}

static int end_open(struct road *r)
{
	int result;

	r->end->close(r->self);
	pthread_mutex_lock(&r->lock);
	if (r->replace) {
		r->end->free(r->self);
		r->self = r->replace;
		r->replace = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	result = r->end->open(r->self);
	if (result < 0) {
		fail(r, -result);
		return result;
	}
	r->closed = false;
	if (!r->end->confirmed) { /* with others, a first confirmation shows that it works */
		pthread_mutex_lock(&r->lock);
		r->state.error = 0;
		pthread_mutex_unlock(&r->lock);
	}
	return 0;
}

static int end_tick(struct road *r)
{
	int result = 0;

	r->ticked_ns = now_ns();
	queue_save(r->queue);
	if (!r->end->tick || r->closed)
		return 0;
	result = r->end->tick(r->self);
	if (result < 0) {
		fail(r, -result);
		return result;
	}
	pthread_mutex_lock(&r->lock);
	r->state.reopened += result > 0;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

static void confirm(struct road *r, uint64_t n)
{
	uint64_t refused;

	if (!n)
		return;
	queue_confirm(r->queue, n);
	r->sent -= n < r->sent ? n : r->sent;
	r->failures = 0;
	refused = r->end->refused ? r->end->refused(r->self) : 0;
	refused = refused < n ? refused : n;
	pthread_mutex_lock(&r->lock);
	r->state.lines += n - refused;
	r->state.lost += refused;
	r->state.error = 0;
	r->state.behind_ns = queue_waiting(r->queue) ? now_ns() : 0;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

static int end_send(struct road *r)
{
	size_t len = r->len;
	int result = r->end->send(r->self, r->line, r->len);

	if (result == -EAGAIN)
		return result;
	if (result < 0) {
		fail(r, -result);
		return result;
	}
	r->have = false;
	r->flushed = false;
	r->sent++;
	pthread_mutex_lock(&r->lock);
	r->state.bytes += len + 1;
	pthread_mutex_unlock(&r->lock);
	if (!r->end->confirmed)
		confirm(r, 1);
	return 0;
}

/* Nothing waits to be sent: what was put together goes, and what came back is looked at. */
static int end_rest(struct road *r)
{
	int result = r->end->flush && !r->flushed ? r->end->flush(r->self) : 0;

	if (result == 0)
		r->flushed = true;
	else if (result != -EAGAIN)
		fail(r, -result);
	return result;
}

static uint64_t retry_ns(struct road *r)
{
	uint64_t asked = r->end->pause_ms ? r->end->pause_ms(r->self) : 0, ms = ROAD_RETRY_MS;

	if (asked)
		return asked * MS_NS;
	if (!r->end->retry_max_ms)
		return ms * MS_NS;
	ms <<= r->failures ? r->failures - 1 : 0;
	ms = ms < r->end->retry_max_ms ? ms : r->end->retry_max_ms;
	return (ms - ms / 4 + (uint64_t)rand_r(&r->seed) % (ms / 2)) * MS_NS; /* not all at once */
}

static bool take(struct road *r)
{
	int result = queue_take(r->queue, &r->line, &r->len);

	if (result < 0) {
		pthread_mutex_lock(&r->lock);
		r->state.error = -result;
		text_put(r->state.why, sizeof(r->state.why), "the queue: %s", strerror(-result));
		pthread_mutex_unlock(&r->lock);
	}
	r->have = result == 1;
	return r->have;
}

/* One turn of the thread, without the lock; returns how long nothing is to be done. */
static uint64_t turn(struct road *r, bool reopen)
{
	int result;

	if (reopen) {
		if (r->end->confirmed && r->sent) {
			r->have = false;
			queue_rewind(r->queue);
			pthread_mutex_lock(&r->lock);
			r->state.again += r->sent;
			pthread_mutex_unlock(&r->lock);
			r->sent = 0;
		}
		r->closed = true;
	}
	if (r->closed && end_open(r) < 0)
		return retry_ns(r);
	if (now_ns() - r->ticked_ns >= SECOND_NS && end_tick(r) < 0)
		return retry_ns(r);
	if (r->end->confirmed)
		confirm(r, r->end->confirmed(r->self));
	if (!r->have && !take(r)) {
		result = end_rest(r);
		return result == 0	   ? (r->sent ? BUSY_NS : SECOND_NS)
		       : result == -EAGAIN ? BUSY_NS
					   : retry_ns(r);
	}
	result = end_send(r);
	return result == 0 ? 0 : result == -EAGAIN ? BUSY_NS : retry_ns(r);
}

static void road_drop(struct road *r)
{
	r->end->close(r->self);
	r->end->free(r->self);
	if (r->replace)
		r->end->free(r->replace);
	queue_free(r->queue);
	pthread_cond_destroy(&r->moved);
	pthread_mutex_destroy(&r->lock);
	free(r->name);
	free(r);
}

/* Under the lock. Everything went out; a receiver that confirms late is asked once more. */
static bool finished(struct road *r)
{
	uint64_t waiting = queue_waiting(r->queue);
	int result;

	if (!r->stop || !waiting)
		return r->stop;
	if (r->closed || r->have || !r->end->finish || queue_flight(r->queue) < waiting)
		return false;
	pthread_mutex_unlock(&r->lock);
	result = r->end->finish(r->self);
	if (result == 0)
		confirm(r, waiting);
	pthread_mutex_lock(&r->lock);
	return result == 0;
}

/* Under the lock: a line that came wakes an idle road, not one that waits for its end. */
static void rest(struct road *r, uint64_t ns)
{
	for (uint64_t until = now_ns() + ns; ns && !r->quit;) {
		uint64_t now = now_ns();

		if (now >= until || (r->stop && !queue_waiting(r->queue)))
			return;
		wait_moved(r, until - now);
		if (r->reopen ||
		    (!r->have && !r->closed && queue_waiting(r->queue) > queue_flight(r->queue)))
			return;
		if (r->stop && !r->closed && !r->have && r->end->finish)
			return;
	}
}

static void *run(void *arg)
{
	struct road *r = arg;
	bool left;

	pthread_mutex_lock(&r->lock);
	while (!r->quit && !finished(r)) {
		bool reopen = r->reopen;
		uint64_t ns;

		r->reopen = false;
		pthread_mutex_unlock(&r->lock);
		ns = turn(r, reopen);
		pthread_mutex_lock(&r->lock);
		rest(r, ns);
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

int road_open(struct road **ret, const struct road_end *end, void *self, struct queue *queue,
	      const char *name)
{
	struct road *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;
	int result;

	if (!r) {
		end->free(self);
		queue_free(queue);
		return -ENOMEM;
	}
	r->end = end;
	r->self = self;
	r->queue = queue;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->moved, &attr);
	pthread_condattr_destroy(&attr);
	r->name = strdup(name);
	r->seed = (unsigned)now_ns();
	r->ticked_ns = now_ns();
	r->closed = !end->early;
	r->flushed = true;
	result = r->name ? 0 : -ENOMEM;
	if (result == 0 && !queue)
		result = queue_ring(&r->queue);
	if (result == 0 && end->early)
		result = end->open(self);
	if (result == 0) {
		r->state.name = r->name;
		r->state.lost = queue_missing(r->queue);
		r->state.durable = queue_durable(r->queue);
		r->state.behind_ns = queue_waiting(r->queue) ? now_ns() : 0;
		result = start(r);
	}
	if (result < 0) {
		road_drop(r);
		return result;
	}
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

void road_replace(struct road *r, void *self)
{
	pthread_mutex_lock(&r->lock);
	if (r->replace)
		r->end->free(r->replace);
	r->replace = self;
	r->reopen = true;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

static void wait_ended(struct road *r, uint64_t ns)
{
	for (uint64_t now, until = now_ns() + ns; !r->ended && (now = now_ns()) < until;)
		wait_moved(r, until - now);
}

uint64_t road_close(struct road *r)
{
	uint64_t lost;

	if (!r)
		return 0;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->moved);
	wait_ended(r, ROAD_CLOSE_MS * MS_NS);
	r->quit = true;
	pthread_cond_broadcast(&r->moved);
	wait_ended(r, ROAD_QUIT_MS * MS_NS);
	lost = queue_waiting(r->queue);
	r->left = !r->ended;
	if (r->left)
		queue_save(r->queue);
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
	ret->waiting = queue_waiting(r->queue);
	ret->flight = queue_flight(r->queue);
	pthread_mutex_unlock(&r->lock);
}
