/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - two small tables of answers, a queue of questions, and the thread that asks them. */
#include "agent/host/names.h"
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/text.h"

#define BUFFER 16384 /* of one passwd entry */

enum answer_state { ANSWER_FREE, ANSWER_ASKED, ANSWER_FOUND, ANSWER_NOBODY };
struct answer {
	enum answer_state state;
	bool again; /* it stands, and is being asked anew */
	uint32_t uid;
	char name[NAMES_LEN];
	uint64_t at_ns;
};
struct question {
	bool by_name;
	uint32_t uid;
	char name[NAMES_LEN];
};
struct names {
	struct names_service ask;
	pthread_mutex_t lock;
	pthread_cond_t asked, answered;
	bool stop, busy;
	struct answer by_uid[NAMES_MAX], by_name[NAMES_MAX];
	struct question queue[NAMES_QUEUE];
	unsigned head, waiting;
	char held[NAMES_HELD_MAX][NAMES_LEN];
	unsigned nheld;
	uint64_t slow_until_ns; /* the caller's: not waited for before that */
};

static uint64_t now_ns(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int service_user(uint32_t uid, char name[NAMES_LEN])
{
	struct passwd pw, *found = NULL;
	char buf[BUFFER];
	int r = getpwuid_r(uid, &pw, buf, sizeof(buf), &found);

	if (!found)
		return r ? -r : -ENOENT;
	text_put(name, NAMES_LEN, "%s", pw.pw_name);
	return 0;
}

static int service_uid(const char *name, uint32_t *uid)
{
	struct passwd pw, *found = NULL;
	char buf[BUFFER];
	int r = getpwnam_r(name, &pw, buf, sizeof(buf), &found);

	if (!found)
		return r ? -r : -ENOENT;
	*uid = pw.pw_uid;
	return 0;
}

/* A slot by hash; the one that stood there makes room. */
static struct answer *slot_of(struct names *n, const struct question *q)
{
	uint32_t h = 2166136261u;

	if (!q->by_name)
		return &n->by_uid[q->uid * 2654435761u >> 22];
	for (const char *s = q->name; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return &n->by_name[(h ^ h >> 16) % NAMES_MAX];
}
_Static_assert(NAMES_MAX == 1u << 10, "the shift above");

static bool is_of(const struct answer *a, const struct question *q)
{
	return a->state != ANSWER_FREE &&
	       (q->by_name ? !strcmp(a->name, q->name) : a->uid == q->uid);
}

static void keep(struct answer *a, enum answer_state state, uint32_t uid, const char *name)
{
	*a = (struct answer){.state = state, .uid = uid, .at_ns = now_ns()};
	text_put(a->name, sizeof(a->name), "%s", name);
}

/* A service that fails (-EIO, a time-out) has not said that there is nobody: what stood before stays. */
static void take(struct names *n, struct question *q, int r)
{
	struct answer *a = slot_of(n, q);

	if (is_of(a, q) && a->again && r < 0 && r != -ENOENT) {
		a->again = false;
		a->at_ns = now_ns() - NAMES_KEPT_NS + NAMES_AGAIN_NS;
		return;
	}
	keep(a, r == 0 ? ANSWER_FOUND : ANSWER_NOBODY, q->uid, q->name);
	if (r < 0)
		return;
	q->by_name = !q->by_name; /* both ways, so that they never differ */
	keep(slot_of(n, q), ANSWER_FOUND, q->uid, q->name);
}

static void names_drop(struct names *n)
{
	pthread_cond_destroy(&n->asked);
	pthread_cond_destroy(&n->answered);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static void answer_one(struct names *n)
{
	struct question q = n->queue[n->head++ % NAMES_QUEUE];
	int r;

	n->waiting--;
	n->busy = true;
	pthread_mutex_unlock(&n->lock);
	r = q.by_name ? n->ask.uid(q.name, &q.uid) : n->ask.user(q.uid, q.name);
	pthread_mutex_lock(&n->lock);
	n->busy = false;
	take(n, &q, r);
	pthread_cond_broadcast(&n->answered);
}

static void *names_run(void *arg)
{
	struct names *n = arg;

	pthread_mutex_lock(&n->lock);
	while (!n->stop) {
		if (n->waiting)
			answer_one(n);
		else
			pthread_cond_wait(&n->asked, &n->lock);
	}
	pthread_mutex_unlock(&n->lock);
	names_drop(n); /* whoever stopped it has let go */
	return NULL;
}

/* Signals are the loop's. */
static int start(struct names *n)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attr, names_run, n);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

int names_new(struct names **ret, const struct names_service *service)
{
	static const struct names_service system = {service_user, service_uid};
	struct names *n = calloc(1, sizeof(*n));
	pthread_condattr_t attr;
	int r;

	if (!n)
		return -ENOMEM;
	n->ask = service ? *service : system;
	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->asked, NULL);
	pthread_cond_init(&n->answered, &attr);
	pthread_condattr_destroy(&attr);
	r = start(n);
	if (r < 0) {
		names_drop(n);
		return r;
	}
	*ret = n;
	return 0;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	n->stop = true;
	pthread_cond_signal(&n->asked);
	pthread_mutex_unlock(&n->lock); /* the thread frees it, when it comes back */
}

static bool ask(struct names *n, const struct question *q)
{
	if (n->waiting == NAMES_QUEUE)
		return false;
	n->queue[(n->head + n->waiting++) % NAMES_QUEUE] = *q;
	pthread_cond_signal(&n->asked);
	return true;
}

/* The answer that stands, asked for and refreshed where that is due. NULL: none yet. */
static struct answer *look(struct names *n, const struct question *q)
{
	struct answer *a = slot_of(n, q);
	uint64_t age = now_ns() - a->at_ns;

	if (!is_of(a, q)) {
		if (a->state != ANSWER_ASKED && ask(n, q)) /* a question under way keeps its slot */
			keep(a, ANSWER_ASKED, q->uid, q->name);
		return NULL;
	}
	if (a->state == ANSWER_ASKED)
		return NULL;
	if (!a->again && age > (a->state == ANSWER_FOUND ? NAMES_KEPT_NS : NAMES_AGAIN_NS))
		a->again = ask(n, q);
	return a;
}

static bool is_held(const struct names *n, const char *name)
{
	for (unsigned i = 0; i < n->nheld; i++)
		if (strcmp(n->held[i], name) == 0)
			return true;
	return false;
}

void names_hold(struct names *n, const char *name)
{
	pthread_mutex_lock(&n->lock);
	if (n->nheld < NAMES_HELD_MAX && !is_held(n, name))
		text_put(n->held[n->nheld++], NAMES_LEN, "%s", name);
	pthread_mutex_unlock(&n->lock);
}

void names_release(struct names *n, const char *name)
{
	pthread_mutex_lock(&n->lock);
	for (unsigned i = 0; i < n->nheld; i++)
		if (strcmp(n->held[i], name) == 0)
			memmove(n->held[i], n->held[--n->nheld], NAMES_LEN);
	pthread_mutex_unlock(&n->lock);
}

int names_user(struct names *n, uint32_t uid, char buf[NAMES_LEN])
{
	struct question q = {.uid = uid};
	struct answer *a;
	int r = -EAGAIN;

	pthread_mutex_lock(&n->lock);
	a = look(n, &q);
	if (a && !is_held(n, a->name)) {
		text_put(buf, NAMES_LEN, "%s", a->name);
		r = a->state == ANSWER_FOUND ? 0 : -ENOENT;
	}
	pthread_mutex_unlock(&n->lock);
	return r;
}

int names_user_soon(struct names *n, uint32_t uid, char buf[NAMES_LEN])
{
	int r = names_user(n, uid, buf);

	if (r != -EAGAIN || now_ns() < n->slow_until_ns)
		return r;
	if (names_settle(n, NAMES_SOON_MS) < 0)
		n->slow_until_ns = now_ns() + NAMES_AGAIN_NS;
	return names_user(n, uid, buf);
}

int names_uid(struct names *n, const char *name, uint32_t *uid)
{
	struct question q = {.by_name = true};
	struct answer *a;
	int r = -EAGAIN;

	if (strlen(name) >= NAMES_LEN)
		return -ENAMETOOLONG;
	text_put(q.name, sizeof(q.name), "%s", name);
	pthread_mutex_lock(&n->lock);
	a = look(n, &q);
	if (a && a->state == ANSWER_FOUND)
		*uid = a->uid;
	if (a)
		r = a->state == ANSWER_FOUND ? 0 : -ENOENT;
	pthread_mutex_unlock(&n->lock);
	return r;
}

int names_settle(struct names *n, unsigned ms)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&n->lock);
	while (r == 0 && (n->waiting || n->busy))
		r = pthread_cond_timedwait(&n->answered, &n->lock, &until);
	pthread_mutex_unlock(&n->lock);
	return -r;
}
