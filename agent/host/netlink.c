/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.c - rtnetlink for the host's addresses, sock_diag for listening ports and the owner of a
 * socket. */
#include "agent/host/netlink.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/base/file.h"

/* enum of the kernel; netinet/tcp.h lacks it */
#define TCP_NEW_SYN_RECV 12
#define BUFFER		 32768
#ifndef INET_DIAG_CGROUP_ID
#define INET_DIAG_CGROUP_ID 21
#endif

struct netlink {
	int fd; /* owned */
	host_address_fn *fn;
	host_device_fn *device; /* or NULL */
	void *arg;
};

static int netlink(int protocol, unsigned groups, int flags)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = groups};
	_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, protocol);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Only the kernel (port 0) is believed. Returns bytes, 0 when nothing waits, -errno. */
static ssize_t receive(int fd, char buf[BUFFER])
{
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	ssize_t n;

	do {
		len = sizeof(from);
		n = recvfrom(fd, buf, BUFFER, 0, (struct sockaddr *)&from, &len);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n;
}

/* One checked cursor over the attributes after a message's fixed part. NULL at the end or at the
 * first broken one. */
static const struct rtattr *attribute_next(const struct nlmsghdr *m, size_t *at)
{
	const struct rtattr *a = (const struct rtattr *)(const void *)((const char *)m + *at);
	size_t left = m->nlmsg_len > *at ? m->nlmsg_len - *at : 0;

	if (left < sizeof(*a) || a->rta_len < sizeof(*a) || a->rta_len > left)
		return NULL;
	*at += RTA_ALIGN((size_t)a->rta_len);
	return a;
}

static void on_address(struct netlink *h, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *a = NLMSG_DATA(m);
	const struct rtattr *at, *local = NULL, *address = NULL;
	size_t cursor = NLMSG_SPACE(sizeof(*a)), need;
	struct ip ip;

	if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*a)) ||
	    (a->ifa_family != AF_INET && a->ifa_family != AF_INET6))
		return;
	need = a->ifa_family == AF_INET ? 4 : 16;
	while ((at = attribute_next(m, &cursor))) {
		if (at->rta_type == IFA_LOCAL)
			local = at;
		else if (at->rta_type == IFA_ADDRESS)
			address = at;
	}
	if (!local) /* point-to-point links give both, and LOCAL is ours */
		local = address;
	if (!local || RTA_PAYLOAD(local) < need)
		return;
	ip = ip_from_bytes(a->ifa_family == AF_INET ? 4 : 6, RTA_DATA(local));
	h->fn(h->arg, &ip, m->nlmsg_type == RTM_NEWADDR);
}

/* True when a dump is over. */
static bool on_messages(struct netlink *h, const char *buf, ssize_t n)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)buf;
	unsigned left = (unsigned)n;

	for (; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
			return true;
		if (m->nlmsg_type == RTM_NEWADDR || m->nlmsg_type == RTM_DELADDR)
			on_address(h, m);
		else if (h->device &&
			 (m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_DELLINK))
			h->device(h->arg);
	}
	return false;
}

static int dump_addresses(struct netlink *h)
{
	struct {
		struct nlmsghdr m;
		struct ifaddrmsg a;
	} q = {.m = {.nlmsg_len = sizeof(q),
		     .nlmsg_type = RTM_GETADDR,
		     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	_close_ int fd = netlink(NETLINK_ROUTE, 0, 0);
	char buf[BUFFER] __attribute__((aligned(8)));
	ssize_t n;

	if (fd < 0)
		return fd;
	if (send(fd, &q, sizeof(q), 0) < 0)
		return -errno;
	do {
		n = receive(fd, buf);
		if (n < 0)
			return (int)n;
	} while (!on_messages(h, buf, n));
	return 0;
}

int netlink_open(struct netlink **ret, host_address_fn *fn, host_device_fn *device, void *arg)
{
	struct netlink *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	*h = (struct netlink){.fn = fn, .device = device, .arg = arg};
	h->fd = netlink(NETLINK_ROUTE,
			RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | (device ? RTMGRP_LINK : 0),
			SOCK_NONBLOCK);
	r = h->fd < 0 ? h->fd
		      : dump_addresses(h); /* after the subscription: nothing falls between */
	if (r < 0) {
		netlink_close(h);
		return r;
	}
	*ret = h;
	return 0;
}

void netlink_close(struct netlink *h)
{
	if (!h)
		return;
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}

int netlink_fd(const struct netlink *h)
{
	return h->fd;
}

int netlink_dispatch(struct netlink *h)
{
	char buf[BUFFER] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = receive(h->fd, buf)) > 0)
		on_messages(h, buf, n);
	if (n == -ENOBUFS) {
		int r = dump_addresses(h);

		if (h->device)
			h->device(h->arg);
		return r < 0 ? r : -ENOBUFS;
	}
	return (int)n;
}

static int ask_route(int fd, const struct ip *dst)
{
	size_t len = dst->v == 4 ? 4 : 16;
	struct {
		struct nlmsghdr m;
		struct rtmsg r;
		struct rtattr a;
		uint8_t dst[16];
	} q = {.m = {.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(q.r)) + RTA_LENGTH(len)),
		     .nlmsg_type = RTM_GETROUTE,
		     .nlmsg_flags = NLM_F_REQUEST},
	       .r = {.rtm_family = dst->v == 4 ? AF_INET : AF_INET6,
		     .rtm_dst_len = (uint8_t)(len * 8)},
	       .a = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = RTA_DST}};

	memcpy(q.dst, dst->b, len);
	return send(fd, &q, q.m.nlmsg_len, 0) < 0 ? -errno : 0;
}

int netlink_route_source(const struct ip *dst, struct ip *src)
{
	_close_ int fd = netlink(NETLINK_ROUTE, 0, 0);
	char buf[BUFFER] __attribute__((aligned(8)));
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)buf;
	size_t cursor = NLMSG_SPACE(sizeof(struct rtmsg));
	const struct rtattr *at;
	ssize_t n;
	int r = fd < 0 ? fd : ask_route(fd, dst);

	if (r < 0)
		return r;
	n = receive(fd, buf);
	if (n < 0)
		return (int)n;
	if (!NLMSG_OK(m, (unsigned)n) || m->nlmsg_type != RTM_NEWROUTE ||
	    m->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
		return -ENETUNREACH;
	while ((at = attribute_next(m, &cursor)))
		if (at->rta_type == RTA_PREFSRC && RTA_PAYLOAD(at) >= (dst->v == 4 ? 4u : 16u)) {
			*src = ip_from_bytes(dst->v, RTA_DATA(at));
			return 0;
		}
	return -EADDRNOTAVAIL;
}

static void ephemeral_range(uint16_t *first, uint16_t *last)
{
	_free_ char *s = NULL;
	unsigned a, b;
	size_t len;

	*first = 32768;
	*last = 60999;
	if (file_read(&s, &len, AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", 64) == 0 &&
	    sscanf(s, "%u %u", &a, &b) == 2 && a <= b && b <= 65535) {
		*first = (uint16_t)a;
		*last = (uint16_t)b;
	}
}

static int diag_ask(int fd, uint8_t family, uint8_t proto, uint32_t states)
{
	struct {
		struct nlmsghdr m;
		struct inet_diag_req_v2 r;
	} q = {.m = {.nlmsg_len = sizeof(q),
		     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	       .r = {.sdiag_family = family, .sdiag_protocol = proto, .idiag_states = states}};

	return send(fd, &q, sizeof(q), 0) < 0 ? -errno : 0;
}

struct ports {
	uint64_t *bitmap;
	uint8_t proto;
	uint16_t first, last; /* ephemeral: not counted for UDP */
};

/* 1: over; 0: more; -errno. */
static int on_ports(const struct ports *p, const char *buf, ssize_t n)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)buf;
	unsigned left = (unsigned)n;

	for (; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		const struct inet_diag_msg *d = NLMSG_DATA(m);
		uint16_t port;

		if (m->nlmsg_type == NLMSG_DONE)
			return 1;
		if (m->nlmsg_type == NLMSG_ERROR)
			return -EOPNOTSUPP;
		if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*d)))
			return -EPROTO;
		port = ntohs(d->id.idiag_sport);
		if (p->proto == IPPROTO_UDP &&
		    (d->id.idiag_dport || (port >= p->first && port <= p->last)))
			continue;
		p->bitmap[port / 64] |= 1ull << (port % 64);
	}
	return 0;
}

int netlink_listening(uint8_t proto, uint64_t bitmap[HOST_PORT_WORDS])
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	_close_ int fd = netlink(NETLINK_SOCK_DIAG, 0, 0);
	char buf[BUFFER] __attribute__((aligned(8)));
	struct ports p = {.bitmap = bitmap, .proto = proto};
	/* UDP sockets without a peer are in state "close" */
	uint32_t states = proto == IPPROTO_TCP ? 1u << TCP_LISTEN : 1u << TCP_CLOSE;

	if (fd < 0)
		return fd;
	memset(bitmap, 0, HOST_PORT_WORDS * sizeof(*bitmap));
	ephemeral_range(&p.first, &p.last);
	for (unsigned i = 0; i < sizeof(families); i++) {
		int r = diag_ask(fd, families[i], proto, states);

		while (r == 0) {
			ssize_t n = receive(fd, buf);

			r = n < 0 ? (int)n : on_ports(&p, buf, n);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void put_address(__be32 to[4], const struct ip *ip)
{
	memset(to, 0, 16);
	memcpy(to, ip->b, ip->v == 4 ? 4 : 16);
}

static void take_cgroup(struct netlink_socket *s, const struct nlmsghdr *m)
{
	size_t cursor = NLMSG_SPACE(sizeof(struct inet_diag_msg));
	const struct rtattr *at;

	while ((at = attribute_next(m, &cursor)))
		if (at->rta_type == INET_DIAG_CGROUP_ID && RTA_PAYLOAD(at) >= sizeof(s->cgroup_id))
			memcpy(&s->cgroup_id, RTA_DATA(at), sizeof(s->cgroup_id));
}

int netlink_socket(struct netlink_socket *ret, uint8_t proto, const struct ip *src, uint16_t sport,
		   const struct ip *dst, uint16_t dport)
{
	/* one UDP socket is asked for the other way round: udp_dump_one() in the kernel's net/ipv4/udp_diag.c */
	bool turned = proto == IPPROTO_UDP;
	const struct ip *here = turned ? dst : src, *there = turned ? src : dst;
	struct {
		struct nlmsghdr m;
		struct inet_diag_req_v2 r;
	} q = {.m = {.nlmsg_len = sizeof(q),
		     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		     .nlmsg_flags = NLM_F_REQUEST},
	       .r = {.sdiag_family = src->v == 4 ? AF_INET : AF_INET6,
		     .sdiag_protocol = proto,
		     .idiag_states = UINT32_MAX,
		     .id = {.idiag_sport = htons(turned ? dport : sport),
			    .idiag_dport = htons(turned ? sport : dport),
			    .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
	_close_ int fd = netlink(NETLINK_SOCK_DIAG, 0, 0);
	char buf[BUFFER] __attribute__((aligned(8)));
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)buf;
	struct netlink_socket s = {0};
	ssize_t n;

	if (fd < 0)
		return fd;
	put_address(q.r.id.idiag_src, here);
	put_address(q.r.id.idiag_dst, there);
	if (send(fd, &q, sizeof(q), 0) < 0)
		return -errno;
	n = receive(fd, buf);
	if (n < 0)
		return (int)n;
	if (!NLMSG_OK(m, (unsigned)n) || m->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    m->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		return -ENOENT;
	s.inode = ((const struct inet_diag_msg *)NLMSG_DATA(m))->idiag_inode;
	s.uid = ((const struct inet_diag_msg *)NLMSG_DATA(m))->idiag_uid;
	take_cgroup(&s, m);
	*ret = s;
	return 0;
}

struct diag_exact {
	struct nlmsghdr m;
	struct inet_diag_req_v2 r;
};

/* One socket by addresses and cookie: asked for, or ended. The first message of the answer in buf. */
static int diag_exact(struct diag_exact *q, uint16_t type, char *buf)
{
	_close_ int fd = netlink(NETLINK_SOCK_DIAG, 0, 0);
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)buf;
	ssize_t n;

	if (fd < 0)
		return fd;
	q->m.nlmsg_type = type;
	if (send(fd, q, sizeof(*q), 0) < 0)
		return -errno;
	n = receive(fd, buf);
	if (n < 0)
		return (int)n;
	if (!NLMSG_OK(m, (unsigned)n))
		return -EPROTO;
	if (m->nlmsg_type != NLMSG_ERROR)
		return 0;
	return m->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
		       ? -EPROTO
		       : ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
}

int netlink_destroy(uint8_t proto, const struct ip *src, uint16_t sport, const struct ip *dst,
		    uint16_t dport, uint64_t cookie)
{
	struct diag_exact q = {
		.m = {.nlmsg_len = sizeof(q), .nlmsg_flags = NLM_F_REQUEST},
		.r = {.sdiag_family = src->v == 4 ? AF_INET : AF_INET6,
		      .sdiag_protocol = proto,
		      .idiag_states = UINT32_MAX,
		      .id = {.idiag_sport = htons(sport),
			     .idiag_dport = htons(dport),
			     .idiag_cookie = {(uint32_t)cookie, (uint32_t)(cookie >> 32)}}}};
	char buf[BUFFER] __attribute__((aligned(8)));
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)buf;
	const struct inet_diag_msg *found = NLMSG_DATA(m);
	int r;

	put_address(q.r.id.idiag_src, src);
	put_address(q.r.id.idiag_dst, dst);
	r = diag_exact(&q, SOCK_DIAG_BY_FAMILY, buf);
	if (r < 0)
		return r;
	/* without a connection of these addresses the kernel answers with the listener */
	if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*found)) || found->idiag_state == TCP_LISTEN ||
	    found->idiag_state == TCP_NEW_SYN_RECV || found->id.idiag_dport != htons(dport))
		return -ENOENT;
	q.m.nlmsg_flags |= NLM_F_ACK;
	return diag_exact(&q, SOCK_DESTROY, buf);
}
