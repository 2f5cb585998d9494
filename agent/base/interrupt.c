/* SPDX-License-Identifier: BSD-2-Clause */
/* interrupt.c - the handler leaves a mark in an eventfd, which stays readable for every thread that waits. */
#include "agent/base/interrupt.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t came;
static int mark = -1;

static void on_signal(int signal)
{
	const uint64_t one = 1;
	int before = errno;

	(void)signal;
	came = 1;
	if (write(mark, &one, sizeof(one)) < 0)
		came = 1; /* its counter is full: then it is readable anyway */
	errno = before;
}

/* Who started us with the signal ignored (a shell's background job) has said that it is not for us. */
static int catch_one(int signal)
{
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, before;

	if (sigaction(signal, NULL, &before) < 0)
		return -errno;
	return before.sa_handler != SIG_IGN && sigaction(signal, &a, NULL) < 0 ? -errno : 0;
}

int interrupt_catch(void)
{
	int r;

	if (mark < 0)
		mark = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mark < 0)
		return -errno;
	r = catch_one(SIGINT);
	return r < 0 ? r : catch_one(SIGTERM);
}

bool interrupt_came(void)
{
	return came;
}

int interrupt_wait(int fd)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = mark, .events = POLLIN}};
	int n;

	if (mark < 0)
		return 0;
	do
		n = poll(p, 2, -1);
	while (n < 0 && errno == EINTR);
	return p[1].revents ? -EINTR : 0;
}
