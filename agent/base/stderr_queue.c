/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stderr_queue.c - stderr through a bounded queue.
 *
 * The descriptor is shared with others (a terminal, journald's socket, somebody's pipe), so it is not
 * made non-blocking: that would change it for them too. Instead it is asked whether it has room, and
 * never given more than what then goes through at once: a page for a pipe or a socket, less for a
 * terminal.
 */
#include "agent/base/stderr_queue.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/text.h"

#define CHUNK	  4096
#define CHUNK_TTY 256

static struct {
	bool started;
	size_t chunk, have, from; /* a ring */
	uint64_t lost, unsaid;
	char ring[STDERR_QUEUE_BYTES];
} queue;

static bool has_room(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLOUT | POLLERR));
}

static void put(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		queue.ring[(queue.from + queue.have + i) % STDERR_QUEUE_BYTES] = s[i];
	queue.have += len;
}

static void say_lost(void)
{
	char text[128];
	size_t len = text_put(text, sizeof(text),
			      "cordon: %ju messages are missing here: nobody read this output\n",
			      (uintmax_t)queue.unsaid);

	if (queue.have + len > STDERR_QUEUE_BYTES)
		return;
	put(text, len);
	queue.unsaid = 0;
}

void stderr_queue_flush(void)
{
	if (!queue.started)
		return;
	if (queue.unsaid && !queue.have)
		say_lost();
	while (queue.have && has_room()) {
		size_t n = queue.have < queue.chunk ? queue.have : queue.chunk;
		ssize_t done;

		if (n > STDERR_QUEUE_BYTES - queue.from)
			n = STDERR_QUEUE_BYTES - queue.from;
		done = write(STDERR_FILENO, queue.ring + queue.from, n);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (done < 0) { /* nobody can read it any more */
			queue.have = 0;
			return;
		}
		queue.from = (queue.from + (size_t)done) % STDERR_QUEUE_BYTES;
		queue.have -= (size_t)done;
		if (queue.unsaid && !queue.have)
			say_lost();
	}
}

static uint64_t lines(const char *s, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n ? n : 1;
}

static ssize_t on_write(void *cookie, const char *s, size_t len)
{
	(void)cookie;
	stderr_queue_flush();
	/* after a loss, nothing before the sentence that says so */
	if (queue.unsaid || queue.have + len > STDERR_QUEUE_BYTES) {
		queue.lost += lines(s, len);
		queue.unsaid += lines(s, len);
	} else {
		put(s, len);
	}
	stderr_queue_flush();
	return (ssize_t)len;
}

int stderr_queue_start(void)
{
	cookie_io_functions_t io = {.write = on_write};
	FILE *f;

	if (queue.started)
		return 0;
	f = fopencookie(NULL, "w", io);
	if (!f)
		return -ENOMEM;
	if (setvbuf(f, NULL, _IOLBF, 8192)) {
		fclose(f);
		return -ENOMEM;
	}
	fflush(stderr);
	queue.chunk = isatty(STDERR_FILENO) ? CHUNK_TTY : CHUNK;
	queue.started = true;
	stderr = f; /* as glibc allows: whoever prints there, prints here */
	return 0;
}

uint64_t stderr_queue_lost(void)
{
	return queue.lost;
}
