/* SPDX-License-Identifier: BSD-2-Clause */
/* loop_test.c - handlers that remove themselves and each other, timers, signals, and the limit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "agent/base/loop.h"

static struct loop *l;
static int a[2], b[2], calls, got;

static void setup(void)
{
	calls = got = 0;
	cr_assert_eq(loop_new(&l), 0);
	cr_assert_eq(pipe(a), 0);
	cr_assert_eq(pipe(b), 0);
}
static void teardown(void)
{
	loop_free(l);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}
TestSuite(loop, .init = setup, .fini = teardown, .timeout = 30);

static void stop(void *arg)
{
	(void)arg;
	loop_stop(l);
}

/* Both are ready in one batch; the first that runs removes both: the other's event must not be
 * delivered. */
static void remove_both(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	calls++;
	loop_remove(l, a[0]);
	loop_remove(l, b[0]);
}

Test(loop, removed_means_silent)
{
	cr_assert_eq(loop_add(l, a[0], EPOLLIN, remove_both, NULL), 0);
	cr_assert_eq(loop_add(l, b[0], EPOLLIN, remove_both, NULL), 0);
	cr_expect_eq(loop_add(l, a[0], EPOLLIN, remove_both, NULL), -EEXIST);
	cr_assert_eq(write(a[1], "x", 1), 1);
	cr_assert_eq(write(b[1], "x", 1), 1);
	cr_assert_geq(loop_timer(l, 50000000, 0, stop, NULL), 0);
	cr_assert_eq(loop_run(l), 0);
	cr_expect_eq(calls, 1);
}

static void heir(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	got++;
	loop_remove(l, b[0]);
}

/* The slot is taken again by another descriptor within the batch. */
static void replace(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	loop_remove(l, a[0]);
	loop_remove(l, b[0]);
	calls++;
	cr_assert_eq(loop_add(l, b[0], EPOLLIN, heir, NULL), 0);
}

Test(loop, a_late_event_does_not_reach_the_heir)
{
	cr_assert_eq(loop_add(l, a[0], EPOLLIN, replace, NULL), 0);
	cr_assert_eq(loop_add(l, b[0], EPOLLIN, replace, NULL), 0);
	cr_assert_eq(write(a[1], "x", 1), 1);
	cr_assert_eq(write(b[1], "x", 1), 1);
	cr_assert_geq(loop_timer(l, 50000000, 0, stop, NULL), 0);
	cr_assert_eq(loop_run(l), 0);
	cr_expect_eq(calls, 1);
	cr_expect_eq(got, 1, "its own event does");
}

static int timer;
static void tick(void *arg)
{
	(void)arg;
	if (++calls == 3)
		loop_remove(l, timer);
}

Test(loop, timers)
{
	timer = loop_timer(l, 1000000, 1000000, tick, NULL);
	cr_assert_geq(timer, 0);
	cr_assert_geq(loop_timer(l, 60000000, 0, stop, NULL), 0);
	cr_assert_eq(loop_run(l), 0);
	cr_expect_eq(calls, 3);
	cr_expect_eq(loop_timer_set(l, timer, 1, 1), -ENOENT);
	cr_expect_eq(loop_timer_set(l, a[0], 1, 1), -ENOENT);
}

static void on_signal(void *arg, int signal)
{
	(void)arg;
	got = signal;
	loop_stop(l);
}

Test(loop, signals)
{
	static const int signals[] = {SIGHUP, SIGUSR2, 0};

	cr_assert_eq(loop_signals(l, signals, on_signal, NULL), 0);
	cr_expect_eq(loop_signals(l, signals, on_signal, NULL), -EEXIST);
	raise(SIGUSR2);
	cr_assert_eq(loop_run(l), 0);
	cr_expect_eq(got, SIGUSR2);
}

static void nothing(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
}

Test(loop, limit)
{
	int fd[LOOP_FDS_MAX + 1], n;

	for (n = 0; n < LOOP_FDS_MAX; n++) {
		fd[n] = dup(a[0]);
		cr_assert_eq(loop_add(l, fd[n], EPOLLIN, nothing, NULL), 0, "%d", n);
	}
	fd[n] = dup(a[0]);
	cr_expect_eq(loop_add(l, fd[n], EPOLLIN, nothing, NULL), -ENOSPC);
	loop_remove(l, fd[7]);
	cr_expect_eq(loop_add(l, fd[n], EPOLLIN, nothing, NULL), 0);
	for (int i = 0; i <= n; i++) {
		loop_remove(l, fd[i]);
		close(fd[i]);
	}
	cr_expect_eq(loop_add(l, -1, EPOLLIN, nothing, NULL), -EBADF);
}
