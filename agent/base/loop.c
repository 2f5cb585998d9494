/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.c - epoll with slots: a slot's generation tells a late event for a removed descriptor from
 * one for its heir. */
#include "agent/base/loop.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "geo/base/cleanup.h"

#define BATCH 32

struct slot {
	int fd; /* -1: free */
	uint32_t generation;
	bool owned; /* a timer: closed by the loop */
	void (*fn)(void *arg, uint32_t events);
	void (*tick)(void *arg);
	void *arg;
};
struct loop {
	int epoll, signals; /* owned */
	bool stop;
	void (*signal_fn)(void *arg, int signal);
	void *signal_arg;
	struct slot slot[LOOP_FDS_MAX];
};

int loop_new(struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->signals = -1;
	for (unsigned i = 0; i < LOOP_FDS_MAX; i++)
		l->slot[i].fd = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		int e = errno;

		free(l);
		return -e;
	}
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < LOOP_FDS_MAX; i++)
		if (l->slot[i].fd >= 0 && l->slot[i].owned)
			close(l->slot[i].fd);
	if (l->signals >= 0)
		close(l->signals);
	close(l->epoll);
	free(l);
}

static struct slot *slot_of(struct loop *l, int fd)
{
	for (unsigned i = 0; i < LOOP_FDS_MAX; i++)
		if (l->slot[i].fd == fd)
			return &l->slot[i];
	return NULL;
}

static uint64_t slot_key(const struct loop *l, const struct slot *s)
{
	return (uint64_t)s->generation << 32 | (uint64_t)(s - l->slot);
}

static struct slot *slot_take(struct loop *l, int fd, uint32_t events)
{
	struct slot *s = slot_of(l, -1);
	struct epoll_event e = {.events = events};

	if (fd < 0 || slot_of(l, fd)) {
		errno = fd < 0 ? EBADF : EEXIST;
		return NULL;
	}
	if (!s) {
		errno = ENOSPC;
		return NULL;
	}
	e.data.u64 = slot_key(l, s);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return NULL;
	s->fd = fd;
	return s;
}

int loop_add(struct loop *l, int fd, uint32_t events, void (*fn)(void *arg, uint32_t events),
	     void *arg)
{
	struct slot *s = slot_take(l, fd, events);

	if (!s)
		return -errno;
	s->fn = fn;
	s->arg = arg;
	return 0;
}

int loop_modify(struct loop *l, int fd, uint32_t events)
{
	struct slot *s = slot_of(l, fd);
	struct epoll_event e = {.events = events};

	if (!s)
		return -ENOENT;
	e.data.u64 = slot_key(l, s);
	return epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e) < 0 ? -errno : 0;
}

static void slot_drop(struct loop *l, struct slot *s)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	if (s->owned)
		close(s->fd);
	*s = (struct slot){.fd = -1, .generation = s->generation + 1};
}

void loop_remove(struct loop *l, int fd)
{
	struct slot *s = fd >= 0 ? slot_of(l, fd) : NULL;

	if (s)
		slot_drop(l, s);
}

static int timer_arm(int fd, uint64_t first_ns, uint64_t every_ns)
{
	struct itimerspec t = {
		.it_value = {(time_t)(first_ns / LOOP_SECOND), (long)(first_ns % LOOP_SECOND)},
		.it_interval = {(time_t)(every_ns / LOOP_SECOND), (long)(every_ns % LOOP_SECOND)},
	};

	return timerfd_settime(fd, 0, &t, NULL) < 0 ? -errno : 0;
}

int loop_timer(struct loop *l, uint64_t first_ns, uint64_t every_ns, void (*fn)(void *arg),
	       void *arg)
{
	_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct slot *s;
	int r;

	if (fd < 0)
		return -errno;
	r = timer_arm(fd, first_ns, every_ns);
	if (r < 0)
		return r;
	s = slot_take(l, fd, EPOLLIN);
	if (!s)
		return -errno;
	s->tick = fn;
	s->arg = arg;
	s->owned = true;
	return TAKE_FD(fd);
}

int loop_timer_set(struct loop *l, int timer, uint64_t first_ns, uint64_t every_ns)
{
	struct slot *s = timer >= 0 ? slot_of(l, timer) : NULL;

	return s && s->owned ? timer_arm(timer, first_ns, every_ns) : -ENOENT;
}

static void on_signal(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo si;

	(void)events;
	while (read(l->signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		l->signal_fn(l->signal_arg, (int)si.ssi_signo);
}

int loop_signals(struct loop *l, const int *signals, void (*fn)(void *arg, int signal), void *arg)
{
	sigset_t set;

	if (l->signals >= 0)
		return -EEXIST;
	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signals < 0)
		return -errno;
	l->signal_fn = fn;
	l->signal_arg = arg;
	return loop_add(l, l->signals, EPOLLIN, on_signal, l);
}

static void dispatch(struct loop *l, const struct epoll_event *e)
{
	struct slot *s = &l->slot[(uint32_t)e->data.u64];
	uint64_t ticks;

	if (s->fd < 0 || s->generation != (uint32_t)(e->data.u64 >> 32))
		return; /* removed by a handler of the same batch */
	if (!s->tick)
		s->fn(s->arg, e->events);
	else if (read(s->fd, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks))
		s->tick(s->arg);
}

int loop_run(struct loop *l)
{
	struct epoll_event e[BATCH];

	for (l->stop = false; !l->stop;) {
		int n = epoll_wait(l->epoll, e, BATCH, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !l->stop; i++)
			dispatch(l, &e[i]);
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t = {0};

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec;
}

uint64_t loop_unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t loop_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}
