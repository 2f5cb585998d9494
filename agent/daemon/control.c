/* SPDX-License-Identifier: BSD-2-Clause */
/* control.c - the control socket's server and client. Requests are foreign bytes: bounded, timed,
 * and from root only. */
#include "agent/daemon/control.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"

struct client {
	struct control *control;
	int fd; /* owned; -1: free */
	uint64_t since_ns;
	size_t have, sent, answer_len;
	char *answer; /* owned; set: the request is done */
	char request[CONTROL_REQUEST_MAX + 1];
};
struct control {
	struct loop *loop;
	int fd, lock, timer; /* owned, but the timer */
	int spare;	     /* owned: given up for a moment when no other descriptor is left */
	struct sockaddr_un address;
	control_fn fn;
	void *arg;
	struct client client[CONTROL_CLIENTS_MAX];
};

static int address_of(struct sockaddr_un *a, const char *path)
{
	if (strlen(path) >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	text_put(a->sun_path, sizeof(a->sun_path), "%s", path);
	return 0;
}

static void client_drop(struct client *c)
{
	loop_remove(c->control->loop, c->fd);
	close(c->fd);
	free(c->answer);
	c->fd = -1;
	c->answer = NULL;
	c->have = c->sent = c->answer_len = 0;
}

static void client_send(struct client *c)
{
	while (c->sent < c->answer_len) {
		ssize_t n = send(c->fd, c->answer + c->sent, c->answer_len - c->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN && loop_modify(c->control->loop, c->fd, EPOLLOUT) == 0)
			return;
		if (n <= 0)
			break;
		c->sent += (size_t)n;
	}
	client_drop(c);
}

static void client_answer(struct client *c, const json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	char *line = text ? realloc(text, len + 1) : NULL;

	if (!line) {
		free(text);
		client_drop(c);
		return;
	}
	line[len] = '\n';
	c->answer = line;
	c->answer_len = len + 1;
	client_send(c);
}

static void client_refuse(struct client *c, const char *why)
{
	_json_ json_t *a = json_pack("{sbsiss}", "ok", 0, "exit", 1, "error", why);

	client_answer(c, a);
}

static void client_request(struct client *c, size_t len)
{
	_json_ json_t *request = json_loadb(c->request, len, JSON_REJECT_DUPLICATES, NULL);
	_json_ json_t *answer = NULL;

	if (!json_is_object(request)) {
		client_refuse(c, "the request is no JSON object");
		return;
	}
	answer = c->control->fn(c->control->arg, request);
	client_answer(c, answer);
}

static void on_client(void *arg, uint32_t events)
{
	struct client *c = arg;
	char *end;
	ssize_t n;

	if (c->answer) {
		if (events & (EPOLLERR | EPOLLHUP))
			client_drop(c);
		else
			client_send(c);
		return;
	}
	n = recv(c->fd, c->request + c->have, CONTROL_REQUEST_MAX - c->have, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* a request without its newline is no request */
		client_drop(c);
		return;
	}
	end = memchr(c->request + c->have, '\n', (size_t)n);
	c->have += (size_t)n;
	if (end)
		client_request(c, (size_t)(end - c->request));
	else if (c->have == CONTROL_REQUEST_MAX)
		client_refuse(c, "the request is longer than 65536 bytes");
}

/* A slow client holds its place for CONTROL_SECONDS, no longer. */
static void on_tick(void *arg)
{
	struct control *c = arg;
	uint64_t now = loop_monotonic_ns();
	bool any = false;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *k = &c->client[i];

		if (k->fd >= 0 && now - k->since_ns > CONTROL_SECONDS * LOOP_SECOND)
			client_drop(k);
		any |= k->fd >= 0;
	}
	if (!any)
		loop_timer_set(c->loop, c->timer, 0, 0);
}

static bool allowed(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == 0 || cred.uid == geteuid();
}

/* A place for a new client: a free one, or that of the one whose request has been awaited longest. */
static struct client *place_of(struct control *c)
{
	struct client *oldest = NULL;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *k = &c->client[i];

		if (k->fd < 0)
			return k;
		if (!k->answer && (!oldest || k->since_ns < oldest->since_ns))
			oldest = k;
	}
	if (oldest)
		client_drop(oldest);
	return oldest;
}

/* No descriptor is left: the waiting client is taken with the spare one and hung up on, or the loop
 * would spin on it for ever. */
static void turn_away(struct control *c)
{
	int fd;

	if (c->spare >= 0)
		close(c->spare);
	fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_connect(void *arg, uint32_t events)
{
	struct control *c = arg;
	_close_ int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *k;

	(void)events;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		turn_away(c);
	if (fd < 0 || !allowed(fd))
		return;
	k = place_of(c);
	if (!k || loop_add(c->loop, fd, EPOLLIN, on_client, k) < 0)
		return;
	k->fd = TAKE_FD(fd);
	k->since_ns = loop_monotonic_ns();
	loop_timer_set(c->loop, c->timer, LOOP_SECOND, LOOP_SECOND);
}

static int make_directory(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	text_put(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = 0;
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Who holds the lock is the agent of this path; the kernel frees it when that agent dies, however
 * it dies. */
static int take_lock(struct control *c)
{
	char path[sizeof(c->address.sun_path) + 8];

	text_put(path, sizeof(path), "%s.lock", c->address.sun_path);
	c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock < 0)
		return -errno;
	if (flock(c->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	return 0;
}

static int take_path(struct control *c)
{
	struct stat st;
	mode_t old;
	int r;

	if (lstat(c->address.sun_path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return -EEXIST;
		if (unlink(c->address.sun_path) < 0)
			return -errno;
	}
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	old = umask(0177);
	r = bind(c->fd, (struct sockaddr *)&c->address, sizeof(c->address)) < 0 ? -errno : 0;
	umask(old);
	if (r == 0 && listen(c->fd, 16) < 0)
		r = -errno;
	return r;
}

int control_open(struct control **ret, struct loop *l, const char *path, control_fn fn, void *arg)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct control){
		.loop = l, .fd = -1, .lock = -1, .timer = -1, .spare = -1, .fn = fn, .arg = arg};
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		c->client[i].fd = -1;
		c->client[i].control = c;
	}
	c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = address_of(&c->address, path);
	r = r ? r : make_directory(path);
	r = r ? r : take_lock(c);
	r = r ? r : take_path(c);
	if (r == 0) {
		c->timer = loop_timer(l, 0, 0, on_tick, c);
		r = c->timer < 0 ? c->timer : loop_add(l, c->fd, EPOLLIN, on_connect, c);
	}
	if (r < 0) {
		control_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->client[i].fd >= 0)
			client_drop(&c->client[i]);
	loop_remove(c->loop, c->timer);
	loop_remove(c->loop, c->fd);
	if (c->fd >= 0) {
		unlink(c->address.sun_path);
		close(c->fd);
	}
	if (c->spare >= 0)
		close(c->spare);
	if (c->lock >=
	    0) /* the lock file stays: removing it would race with the next agent's open */
		close(c->lock);
	free(c);
}

static int call_send(int fd, const json_t *request)
{
	_free_ char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return -ENOMEM;
	text[len] = '\n'; /* instead of the NUL */
	for (size_t sent = 0; sent < len + 1;) {
		ssize_t n = send(fd, text + sent, len + 1 - sent, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		sent += (size_t)n;
	}
	return 0;
}

static int call_read(int fd, char **ret, size_t *len, uint64_t until)
{
	_free_ char *buf = NULL;
	size_t have = 0, size = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = loop_monotonic_ns();
		ssize_t n;

		if (now >= until || poll(&p, 1, (int)((until - now) / 1000000) + 1) == 0)
			return -ETIMEDOUT;
		if (have == size) {
			char *more = realloc(buf, size = size ? size * 2 : 16384);

			if (!more)
				return -ENOMEM;
			buf = more;
		}
		n = recv(fd, buf + have, size - have, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		have += n > 0 ? (size_t)n : 0;
		if (have > CONTROL_ANSWER_MAX)
			return -EPROTO;
	}
	*ret = TAKE_PTR(buf);
	*len = have;
	return 0;
}

int control_call(json_t **ret, const char *path, const json_t *request, unsigned seconds)
{
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_free_ char *answer = NULL;
	struct sockaddr_un a;
	json_t *j;
	size_t len = 0;
	int r = address_of(&a, path);

	if (r < 0)
		return r;
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	r = call_send(fd, request);
	if (r == 0)
		r = call_read(fd, &answer, &len, loop_monotonic_ns() + seconds * LOOP_SECOND);
	if (r < 0)
		return r;
	if (len == 0)
		/* the agent hung up without a word: not root, or too many at once */
		return -EACCES;
	j = json_loadb(answer, len, 0, NULL);
	if (!json_is_object(j)) {
		json_decref(j);
		return -EPROTO;
	}
	*ret = j;
	return 0;
}
