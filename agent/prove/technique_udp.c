/* SPDX-License-Identifier: BSD-2-Clause */
/* technique_udp.c - datagrams, with and without a connection, by every call that sends one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/prove/prove_private.h"
#include "geo/base/cleanup.h"

static int udp(const struct aim *a)
{
	return socket(a->to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int result(ssize_t r)
{
	return r < 0 ? -errno : 0;
}

static int say(int fd, const struct aim *a, const union prove_address *to)
{
	return result(sendto(fd, a->token, PROVE_TOKEN_LEN, 0, &to->sa, a->len));
}

int udp_sendto(const struct aim *a)
{
	_close_ int fd = udp(a);

	return fd < 0 ? -errno : say(fd, a, &a->to);
}

int udp_connect(const struct aim *a)
{
	_close_ int fd = udp(a);

	if (fd < 0 || connect(fd, &a->to.sa, a->len))
		return -errno;
	return result(send(fd, a->token, PROVE_TOKEN_LEN, 0));
}

int udp_second(const struct aim *a)
{
	_close_ int fd = udp(a);
	int r = fd < 0 ? -errno : result(sendto(fd, "first", 5, 0, &a->eu.sa, a->len));

	return r < 0 ? r : say(fd, a, &a->to);
}

int udp_reconnect(const struct aim *a)
{
	_close_ int fd = udp(a);
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (fd < 0 || connect(fd, &a->eu.sa, a->len) || send(fd, "first", 5, 0) < 0 ||
	    connect(fd, &none, sizeof(none)) || connect(fd, &a->to.sa, a->len))
		return -errno;
	return result(send(fd, a->token, PROVE_TOKEN_LEN, 0));
}

int udp_sendmmsg(const struct aim *a)
{
	_close_ int fd = udp(a);
	union prove_address to[2] = {a->eu, a->to};
	char token[PROVE_TOKEN_LEN], first[] = "first";
	struct iovec v[2] = {{first, 5}, {token, sizeof(token)}};
	struct mmsghdr m[2] = {};
	int sent;

	memcpy(token, a->token, sizeof(token));
	for (int i = 0; i < 2; i++) {
		m[i].msg_hdr.msg_name = &to[i];
		m[i].msg_hdr.msg_namelen = a->len;
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	if (fd < 0)
		return -errno;
	sent = sendmmsg(fd, m, 2, 0);
	if (sent < 0)
		return -errno;
	return sent == 2 ? 0 : -EPERM;
}

/* An IPv4 address on an IPv6 socket, below 'high' (12 bytes; the last ones are often 0). */
static int embedded(const struct aim *a, const uint8_t *high, unsigned at)
{
	_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(PROVE_PORT)};

	memcpy(to.sin6_addr.s6_addr, high, 12);
	memcpy(to.sin6_addr.s6_addr + at, &a->to.in.sin_addr, 4);
	if (fd < 0)
		return -errno;
	return result(sendto(fd, a->token, PROVE_TOKEN_LEN, 0, (struct sockaddr *)&to, sizeof(to)));
}

int udp_mapped(const struct aim *a)
{
	return embedded(a, (const uint8_t[12]){[10] = 0xff, 0xff}, 12);
}

int udp_nat64(const struct aim *a)
{
	return embedded(a, (const uint8_t[12]){0, 0x64, 0xff, 0x9b}, 12);
}

int udp_6to4(const struct aim *a)
{
	return embedded(a, (const uint8_t[12]){0x20, 0x02}, 2);
}

int udp_long(const struct aim *a)
{
	_close_ int fd = udp(a);
	char b[5000] = "";

	for (size_t i = 0; i + PROVE_TOKEN_LEN < sizeof(b); i += 64)
		memcpy(b + i, a->token, PROVE_TOKEN_LEN);
	return fd < 0 ? -errno : result(sendto(fd, b, sizeof(b), 0, &a->to.sa, a->len));
}

int udp_gso(const struct aim *a)
{
	_close_ int fd = udp(a);
	int segment = 64;
	char b[64 * 8] = "";

	for (size_t i = 0; i < sizeof(b); i += 64)
		memcpy(b + i, a->token, PROVE_TOKEN_LEN);
	if (fd < 0 || setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		return -errno;
	return result(sendto(fd, b, sizeof(b), 0, &a->to.sa, a->len));
}

int udp_zerocopy(const struct aim *a)
{
	_close_ int fd = udp(a);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return -errno;
	return result(sendto(fd, a->token, PROVE_TOKEN_LEN, MSG_ZEROCOPY, &a->to.sa, a->len));
}

int udp_more(const struct aim *a)
{
	_close_ int fd = udp(a);

	if (fd < 0 || sendto(fd, "part", 4, MSG_MORE, &a->to.sa, a->len) < 0)
		return -errno;
	return say(fd, a, &a->to);
}

int udp_sendfile(const struct aim *a)
{
	_close_ int fd = udp(a);
	int pipes[2];
	ssize_t r;

	if (fd < 0 || pipe2(pipes, O_CLOEXEC))
		return -errno;
	if (write(pipes[1], a->token, PROVE_TOKEN_LEN) < 0 || connect(fd, &a->to.sa, a->len))
		return -errno;
	r = splice(pipes[0], NULL, fd, NULL, PROVE_TOKEN_LEN, 0);
	return result(r);
}

int udp_mark(const struct aim *a)
{
	static const unsigned marks[] = {1, 2, 0x10, 0x80, 0xca6c, 0x162, 0xffff, ~0u};
	int r = 0;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && r == 0; i++) {
		_close_ int fd = udp(a);

		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &marks[i], sizeof(marks[i])))
			return -errno;
		r = say(fd, a, &a->to);
	}
	return r;
}

int udp_name(const struct aim *a)
{
	prctl(PR_SET_NAME, "cordon");
	return udp_sendto(a);
}

int udp_bound(const struct aim *a)
{
	_close_ int fd = udp(a);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "out", 4))
		return -errno;
	return say(fd, a, &a->to);
}

int udp_lite(const struct aim *a)
{
	_close_ int fd = socket(a->to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);

	return fd < 0 ? -errno : say(fd, a, &a->to);
}

/* The socket is older than the process's place in another cgroup. */
int udp_moved(const struct aim *a)
{
	_close_ int fd = udp(a), procs = open(a->outside, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || procs < 0 || write(procs, "0", 1) != 1)
		return -errno;
	return say(fd, a, &a->to);
}

/* A source route whose first hop is allowed: the header names that hop. */
int udp_options(const struct aim *a)
{
	_close_ int fd = udp(a);
	uint8_t route[8] = {131, 7, 4};

	memcpy(route + 3, &a->to.in.sin_addr, 4);
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)))
		return -errno;
	return say(fd, a, &a->eu);
}
