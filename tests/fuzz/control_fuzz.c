/* SPDX-License-Identifier: BSD-2-Clause */
/* control_fuzz.c - any bytes as a request on the control socket, in one piece or in two. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "agent/daemon/control.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/cordon-control-fuzz-XXXXXX";
static char path[64];
static struct loop *loop;
static struct control *server;
static int client;
static unsigned asked;

static json_t *answer(void *arg, const json_t *request)
{
	(void)arg;
	asked++;
	return json_deep_copy(request);
}

static void leave(void)
{
	char lock[80];

	control_close(server);
	loop_free(loop);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	(void)unlink(lock);
	(void)rmdir(directory);
}

static void begin(void)
{
	if (!mkdtemp(directory))
		abort();
	snprintf(path, sizeof(path), "%s/s", directory);
	if (loop_new(&loop) < 0 || control_open(&server, loop, path, answer, NULL) < 0)
		abort();
	atexit(leave);
}

/* What the server says is one line, or nothing. */
static void on_answer(void *arg, uint32_t events)
{
	static char buf[65536];
	size_t *got = arg;
	ssize_t n = recv(client, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		const char *end = memchr(buf, '\n', (size_t)n);

		if (end && end != buf + n - 1)
			abort();
		*got += (size_t)n;
		return;
	}
	loop_stop(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t first = size > 1 ? data[0] % size : size, got = 0;
	unsigned before;

	if (!server)
		begin();
	before = asked;
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (client < 0 || connect(client, (struct sockaddr *)&a, sizeof(a)) < 0)
		abort();
	if (send(client, data, first, MSG_NOSIGNAL) != (ssize_t)first ||
	    send(client, data + first, size - first, MSG_NOSIGNAL) != (ssize_t)(size - first) ||
	    shutdown(client, SHUT_WR) < 0 || loop_add(loop, client, EPOLLIN, on_answer, &got) < 0)
		abort();
	if (loop_run(loop) < 0 || (asked != before && !got) || asked > before + 1)
		abort();
	loop_remove(loop, client);
	close(client);
	return 0;
}
