/* SPDX-License-Identifier: BSD-2-Clause */
/* technique_raw.c - raw sockets: headers of one's own, protocols without ports, fragments, source routes, inner packets. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/prove/frame.h"
#include "geo/base/cleanup.h"

#define HOPS 9 /* extension headers: more than any parser likes */

static int raw(const struct aim *a, int proto)
{
	return socket(a->to.sa.sa_family, SOCK_RAW | SOCK_CLOEXEC, proto);
}

static int hurl(int fd, const void *p, size_t n, const struct aim *a, const union prove_address *to)
{
	union prove_address at = *to;

	if (fd < 0)
		return -errno;
	at.in.sin_port = 0; /* of a raw IPv6 socket it is the protocol */
	return sendto(fd, p, n, 0, &at.sa, a->len) < 0 ? -errno : 0;
}

static int hurl_frame(const struct frame *f, const struct aim *a, const union prove_address *to)
{
	_close_ int fd = raw(a, IPPROTO_RAW);

	return hurl(fd, f->b, f->n, a, to);
}

int raw_header(const struct aim *a)
{
	struct frame f = {};

	frame_udp(&f, a);
	return hurl_frame(&f, a, &a->to);
}

/* The call names an allowed address, the header another one: the header is what goes out. */
int raw_connect(const struct aim *a)
{
	_close_ int fd = raw(a, IPPROTO_RAW);
	union prove_address eu = a->eu;
	struct frame f = {};

	frame_udp(&f, a);
	eu.in.sin_port = 0;
	if (fd < 0 || connect(fd, &eu.sa, a->len))
		return -errno;
	return send(fd, f.b, f.n, 0) < 0 ? -errno : 0;
}

static size_t echo(uint8_t *b, const struct aim *a)
{
	memset(b, 0, 8);
	b[0] = a->v == 4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	memcpy(b + 8, a->token, PROVE_TOKEN_LEN);
	return 8 + PROVE_TOKEN_LEN;
}

int raw_icmp(const struct aim *a)
{
	_close_ int fd = raw(a, a->v == 4 ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
	uint8_t b[64];
	size_t n = echo(b, a);

	return hurl(fd, b, n, a, &a->to);
}

int icmp_ping(const struct aim *a)
{
	_close_ int fd = socket(a->to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC,
				a->v == 4 ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
	uint8_t b[64];
	size_t n = echo(b, a);

	return hurl(fd, b, n, a, &a->to);
}

int raw_unknown(const struct aim *a)
{
	_close_ int fd = raw(a, 253); /* RFC 3692: for experiments */

	return hurl(fd, a->token, PROVE_TOKEN_LEN, a, &a->to);
}

/* A fragment that is not the first: no ports in it. */
int raw_fragment(const struct aim *a)
{
	struct frame f = {};
	uint8_t head[8] = {IPPROTO_UDP, 0, 0x00, 0x40, 0, 0, 0, 7};

	if (a->v == 4) {
		frame_ip(&f, a, &a->to, IPPROTO_UDP, PROVE_TOKEN_LEN);
		f.b[7] = 8; /* the kernel makes the checksum anew */
	} else {
		frame_ip(&f, a, &a->to, IPPROTO_FRAGMENT, 8 + PROVE_TOKEN_LEN);
		frame_put(&f, head, sizeof(head));
	}
	frame_put(&f, a->token, PROVE_TOKEN_LEN);
	return hurl_frame(&f, a, &a->to);
}

/* A routing header with a segment left: the header's destination is a hop in the EU. */
int raw_route(const struct aim *a)
{
	struct frame f = {};
	uint8_t head[8] = {IPPROTO_NONE, 2, 0, 1};

	frame_ip(&f, a, &a->eu, IPPROTO_ROUTING, 24 + PROVE_TOKEN_LEN);
	frame_put(&f, head, sizeof(head));
	frame_put(&f, &a->to.in6.sin6_addr, 16);
	frame_put(&f, a->token, PROVE_TOKEN_LEN);
	return hurl_frame(&f, a, &a->eu);
}

int raw_extensions(const struct aim *a)
{
	struct frame f = {};
	uint8_t head[8] = {IPPROTO_DSTOPTS, 0, 1, 4};

	frame_ip(&f, a, &a->to, IPPROTO_DSTOPTS, 8 * HOPS + PROVE_TOKEN_LEN);
	for (int i = 0; i < HOPS; i++) {
		if (i == HOPS - 1)
			head[0] = IPPROTO_NONE;
		frame_put(&f, head, sizeof(head));
	}
	frame_put(&f, a->token, PROVE_TOKEN_LEN);
	return hurl_frame(&f, a, &a->to);
}

/* An outer packet to the EU that has one to the address in it. */
int raw_inner_ipip(const struct aim *a)
{
	struct frame f = {}, inner = {};
	uint8_t proto = a->v == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;

	frame_udp(&inner, a);
	frame_ip(&f, a, &a->eu, proto, inner.n);
	frame_put(&f, inner.b, inner.n);
	return hurl_frame(&f, a, &a->eu);
}
