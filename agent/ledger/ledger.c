/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.c - two minutes: one that the loop fills, one that a thread writes. */
#include "agent/ledger/ledger.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/ledger/ledger_private.h"

#define TRIES 5 /* of one minute, a second apart, before its rows count as lost */

struct ledger {
	struct minute *now; /* the loop's */
	ledger_memory_fn *memory;
	void *memory_arg;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock */
	struct minute *ready; /* waits for the thread, or is being written */
	bool busy, quit, last;
	struct ledger_state state;
	/* the thread's */
	struct store *store;
	unsigned tried;
};

/* The minute is written, or after some tries counted as lost. The lock is held but for the write. */
static void write_minute(struct ledger *l)
{
	struct minute *m = l->ready;
	bool last = l->last;
	uint64_t rest = 0;
	int r;

	pthread_mutex_unlock(&l->lock);
	r = store_minute(l->store, m, last, &rest);
	pthread_mutex_lock(&l->lock);
	l->state.error = r;
	if (r == 0) {
		l->state.rows += m->rows;
		l->state.minutes++;
		l->state.unattributed_packets += rest;
	} else if (++l->tried < TRIES && !l->quit) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&l->changed, &l->lock, &until);
		return; /* again */
	} else { /* the kernel's totals were not saved either: the next minute's rest has them */
		l->state.lost_rows += m->rows;
		for (unsigned v = 0; v < LEDGER_VERDICTS; v++) {
			l->state.lost_packets += m->sum.packets[v];
			l->state.lost_bytes += m->sum.bytes[v];
		}
	}
	l->tried = 0;
	l->busy = false;
	l->state.waiting = 0;
	pthread_cond_broadcast(&l->changed);
}

static void *run(void *arg)
{
	struct ledger *l = arg;

	pthread_mutex_lock(&l->lock);
	while (l->busy || !l->quit) {
		if (l->busy)
			write_minute(l);
		else
			pthread_cond_wait(&l->changed, &l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

static int start_thread(struct ledger *l)
{
	sigset_t all, old;
	int r;

	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the loop's */
	r = pthread_create(&l->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

static void ledger_free(struct ledger *l)
{
	minute_free(l->now);
	minute_free(l->ready);
	store_close(l->store);
	free(l);
}

int ledger_open(struct ledger **ret, const char *path, const char *host, struct diag_sink *d)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int r = l ? 0 : -ENOMEM;

	r = r ? r : minute_new(&l->now);
	r = r ? r : minute_new(&l->ready);
	if (r < 0)
		diag_error(d, path, 0, "not enough memory for the ledger");
	r = r ? r : store_open(&l->store, path, host, d);
	r = r ? r : start_thread(l);
	if (r < 0) {
		if (l)
			ledger_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void ledger_add(struct ledger *l, const struct ledger_key *k, const struct ledger_sum *s)
{
	if (!minute_add(l->now, k, s))
		l->state.other++;
}

void ledger_memory(struct ledger *l, ledger_memory_fn *fn, void *arg)
{
	l->memory = fn;
	l->memory_arg = arg;
}

void *ledger_remembered(struct ledger *l, uint64_t epoch, size_t *n)
{
	void *ret;

	pthread_mutex_lock(&l->lock);
	while (l->busy)
		pthread_cond_wait(&l->changed, &l->lock);
	ret = store_remembered(l->store, epoch, n); /* the thread waits for a minute */
	pthread_mutex_unlock(&l->lock);
	return ret;
}

/* The thread is behind: the minute goes on, and will be told as one longer than it was. */
static void hand_over(struct ledger *l, int64_t next, const struct ledger_totals *t, uint64_t epoch)
{
	struct minute *m = l->now;

	pthread_mutex_lock(&l->lock);
	if (!l->busy) {
		m->totals = *t;
		m->epoch = epoch;
		if (l->memory)
			m->memory = l->memory(l->memory_arg, &m->memory_size);
		l->now = l->ready;
		l->ready = m;
		l->busy = true;
		l->state.waiting = 1;
		pthread_cond_broadcast(&l->changed);
		minute_clear(l->now, next);
	}
	pthread_mutex_unlock(&l->lock);
}

void ledger_minute(struct ledger *l, int64_t now, const struct ledger_totals *t, uint64_t epoch)
{
	int64_t start = now - now % 60;

	if (!l->now->start)
		l->now->start = start;
	if (start != l->now->start)
		hand_over(l, start, t, epoch);
}

void ledger_finish(struct ledger *l, const struct ledger_totals *t, uint64_t epoch)
{
	pthread_mutex_lock(&l->lock);
	while (l->busy)
		pthread_cond_wait(&l->changed, &l->lock);
	pthread_mutex_unlock(&l->lock);
	l->last = true;
	if (!l->now->start) { /* an agent that lived for less than a second */
		int64_t now = time(NULL);

		l->now->start = now - now % 60;
	}
	hand_over(l, l->now->start, t, epoch);
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->quit = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
	ledger_free(l);
}

void ledger_state(struct ledger *l, struct ledger_state *ret)
{
	pthread_mutex_lock(&l->lock);
	*ret = l->state;
	pthread_mutex_unlock(&l->lock);
}
