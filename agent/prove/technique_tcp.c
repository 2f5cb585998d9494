/* SPDX-License-Identifier: BSD-2-Clause */
/* technique_tcp.c - connections out, by each way to begin one, and connections in, whose answers go out. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/prove/prove_private.h"
#include "geo/base/cleanup.h"

#define PATIENCE_MS 1500
#define ANSWER_MS   400

static bool comes(int fd, short what, int ms)
{
	struct pollfd p = {.fd = fd, .events = what};

	return poll(&p, 1, ms) == 1;
}

/* A SYN that is dropped is sent again for minutes: connect() must not wait for that. */
static int connect_and_send(int fd, const struct sockaddr *to, socklen_t len, const struct aim *a)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (fd < 0)
		return -errno;
	if (connect(fd, to, len) && errno != EINPROGRESS)
		return -errno;
	if (!comes(fd, POLLOUT, PATIENCE_MS))
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 && err)
		return -err;
	return send(fd, a->token, PROVE_TOKEN_LEN, 0) < 0 ? -errno : 0;
}

static int stream(const struct aim *a, int proto)
{
	return socket(a->to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, proto);
}

int tcp_connect(const struct aim *a)
{
	_close_ int fd = socket(a->to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval t = {.tv_sec = 2};

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)))
		return -errno;
	return connect_and_send(fd, &a->to.sa, a->len, a);
}

int tcp_nonblock(const struct aim *a)
{
	_close_ int fd = stream(a, 0);

	return connect_and_send(fd, &a->to.sa, a->len, a);
}

int tcp_mptcp(const struct aim *a)
{
	_close_ int fd = stream(a, IPPROTO_MPTCP);

	return connect_and_send(fd, &a->to.sa, a->len, a);
}

int sctp_send(const struct aim *a)
{
	_close_ int fd = stream(a, IPPROTO_SCTP);

	return connect_and_send(fd, &a->to.sa, a->len, a);
}

int tcp_mapped(const struct aim *a)
{
	_close_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_port = htons(PROVE_PORT),
				  .sin6_addr.s6_addr = {[10] = 0xff, 0xff}};

	memcpy(to.sin6_addr.s6_addr + 12, &a->to.in.sin_addr, 4);
	return connect_and_send(fd, (struct sockaddr *)&to, sizeof(to), a);
}

/* Data in the SYN, and no connect(). */
int tcp_fastopen(const struct aim *a)
{
	_close_ int fd = stream(a, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on)))
		return -errno;
	if (sendto(fd, a->token, PROVE_TOKEN_LEN, MSG_FASTOPEN, &a->to.sa, a->len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return comes(fd, POLLOUT, PATIENCE_MS) ? 0 : -ETIMEDOUT;
}

/* ---- in: it is the peer that opens, and the data goes out as an answer ---- */
enum { TURN_LISTENS = 1, TURN_OVER };

/* Ports below 1024 are not for everybody. */
static struct aim in_port(const struct aim *a)
{
	struct aim b = *a;

	b.from.in.sin_port = htons(5432);
	return b;
}

static int in_listen(const struct aim *a, int type)
{
	struct aim b = in_port(a);
	int fd = socket(a->to.sa.sa_family, type | SOCK_CLOEXEC, 0), on = 1, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &b.from.sa, a->len) == 0 && (type == SOCK_DGRAM || listen(fd, 8) == 0)) {
		__atomic_store_n(a->turn, TURN_LISTENS, __ATOMIC_RELEASE);
		return fd;
	}
	err = -errno;
	close(fd);
	return err;
}

/* Until the peer came or gave up. While this side listens, nothing answers the peer in its place. */
static bool in_comes(const struct aim *a, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (__atomic_load_n(a->turn, __ATOMIC_ACQUIRE) != TURN_OVER)
		if (poll(&p, 1, 20) == 1)
			return true;
	return false;
}

int in_tcp(const struct aim *a)
{
	_close_ int fd = in_listen(a, SOCK_STREAM), peer = -1;

	if (fd < 0)
		return fd;
	if (!in_comes(a, fd))
		return -ETIMEDOUT;
	peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0)
		return -errno;
	return send(peer, a->token, PROVE_TOKEN_LEN, 0) < 0 ? -errno : 0;
}

int in_udp(const struct aim *a)
{
	_close_ int fd = in_listen(a, SOCK_DGRAM);
	union prove_address from;
	socklen_t n = sizeof(from);
	char c;

	if (fd < 0)
		return fd;
	if (!in_comes(a, fd) || recvfrom(fd, &c, 1, 0, &from.sa, &n) < 0)
		return -ETIMEDOUT;
	return sendto(fd, a->token, PROVE_TOKEN_LEN, 0, &from.sa, n) < 0 ? -errno : 0;
}

/* From the shot's own address, once the other side listens. */
static int in_peer(const struct aim *a, int type)
{
	_close_ int fd = socket(a->to.sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	union prove_address from = a->to;
	struct aim b = in_port(a);
	int on = 1;

	while (__atomic_load_n(a->turn, __ATOMIC_ACQUIRE) != TURN_LISTENS)
		usleep(2000);
	from.in.sin_port = 0;
	if (fd < 0 || (a->v == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on))) ||
	    bind(fd, &from.sa, a->len))
		return -errno;
	if (connect(fd, &b.from.sa, a->len) && errno != EINPROGRESS)
		return -errno;
	if (type == SOCK_DGRAM && send(fd, "?", 1, 0) < 0)
		return -errno;
	return comes(fd, POLLIN, ANSWER_MS) ? 0 : -ETIMEDOUT;
}

static int in_over(const struct aim *a, int r)
{
	__atomic_store_n(a->turn, TURN_OVER, __ATOMIC_RELEASE);
	return r;
}

int in_tcp_peer(const struct aim *a)
{
	return in_over(a, in_peer(a, SOCK_STREAM));
}

int in_udp_peer(const struct aim *a)
{
	return in_over(a, in_peer(a, SOCK_DGRAM));
}
