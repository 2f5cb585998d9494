/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - the socket that Prometheus scrapes: libmicrohttpd in the agent's own loop. */
#include "agent/daemon/metrics.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"

#define UNIX "unix:"

struct metrics {
	struct MHD_Daemon *http;
	struct loop *loop;
	int epoll;
	metrics_status_fn *status;
	void *arg;
	char *address;						/* owned */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" for an address */
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned code, char *text, const char *type)
{
	struct MHD_Response *r;
	enum MHD_Result ret;

	if (!text)
		return MHD_NO;
	r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(r, "Content-Type", type);
	ret = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return ret;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *size, void **state)
{
	struct metrics *m = arg;
	json_t *status;
	char *text;

	(void)version, (void)upload, (void)size, (void)state;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, strdup("GET /metrics\n"),
			      "text/plain");
	if (strcmp(url, "/metrics") != 0)
		return answer(c, MHD_HTTP_NOT_FOUND, strdup("/metrics is here\n"), "text/plain");
	status = m->status(m->arg);
	text = status ? metrics_text(status) : NULL;
	json_decref(status);
	if (!text)
		return MHD_NO;
	return answer(c, MHD_HTTP_OK, text, "text/plain; version=0.0.4; charset=utf-8");
}

static void on_ready(void *arg, uint32_t events)
{
	struct metrics *m = arg;

	(void)events;
	MHD_run(m->http);
}

/* The socket file of an agent that was killed goes; anything else that stands there stays. */
static int listen_unix(struct metrics *m, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	text_put(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || chmod(path, 0660) < 0 ||
	    listen(fd, METRICS_CONNECTIONS) < 0)
		return -errno;
	text_put(m->path, sizeof(m->path), "%s", path);
	return TAKE_FD(fd);
}

static bool loopback(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	return sa->ss_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == 127
					: IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* 127.0.0.1:9464 or [::1]:9464. */
static int parse_address(struct sockaddr_storage *sa, socklen_t *len, const char *text)
{
	struct sockaddr_in *v4 = (void *)sa;
	struct sockaddr_in6 *v6 = (void *)sa;
	const char *colon = strrchr(text, ':');
	char host[64];
	uint64_t port;

	if (!colon || text_number(&port, colon + 1, 65535) < 0 || !port)
		return -EINVAL;
	*sa = (struct sockaddr_storage){0};
	if (*text == '[' && colon > text + 1 && colon[-1] == ']') {
		text_put(host, sizeof(host), "%.*s", (int)(colon - text - 2), text + 1);
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons((uint16_t)port)};
		*len = sizeof(*v6);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	text_put(host, sizeof(host), "%.*s", (int)(colon - text), text);
	*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	*len = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? 0 : -EINVAL;
}

static int listen_address(const char *text)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int one = 1, r = parse_address(&sa, &len, text);
	_close_ int fd = -1;

	if (r < 0)
		return r;
	if (!loopback(&sa))
		return -EPERM;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, METRICS_CONNECTIONS) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static const char *why(int r)
{
	if (r == -EPERM)
		return "not a loopback address: numbers about this host stay on it";
	if (r == -EINVAL)
		return "unix:PATH, 127.0.0.1:PORT or [::1]:PORT";
	return strerror(-r);
}

static int start(struct metrics *m, int fd)
{
	const union MHD_DaemonInfo *info;

	m->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, m,
				   MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				   METRICS_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				   METRICS_TIMEOUT, MHD_OPTION_END);
	info = m->http ? MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		close(fd);
		return -EIO;
	}
	m->epoll = info->epoll_fd;
	return loop_add(m->loop, m->epoll, EPOLLIN, on_ready, m);
}

int metrics_open(struct metrics **ret, struct loop *l, const char *address,
		 metrics_status_fn *status, void *arg, struct diag_sink *d)
{
	struct metrics *m = calloc(1, sizeof(*m));
	int fd, r;

	if (!m)
		return -ENOMEM;
	*m = (struct metrics){.loop = l, .epoll = -1, .status = status, .arg = arg};
	m->address = strdup(address);
	if (!m->address) {
		metrics_close(m);
		return -ENOMEM;
	}
	fd = strncmp(address, UNIX, strlen(UNIX)) == 0 ? listen_unix(m, address + strlen(UNIX))
						       : listen_address(address);
	r = fd < 0 ? fd : start(m, fd);
	if (r < 0) {
		diag_error(d, address, 0, "cannot serve metrics: %s", why(r));
		metrics_close(m);
		return r;
	}
	*ret = m;
	return 0;
}

const char *metrics_address(const struct metrics *m)
{
	return m->address;
}

void metrics_second(struct metrics *m)
{
	MHD_run(m->http);
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	if (m->epoll >= 0)
		loop_remove(m->loop, m->epoll);
	if (m->http)
		MHD_stop_daemon(m->http);
	if (m->path[0])
		unlink(m->path);
	free(m->address);
	free(m);
}
