/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netlink.h - what the kernel programs cannot know by themselves: this host's own addresses
 * (rtnetlink, as they come and go) and the ports on which somebody listens (sock_diag, asked again
 * and again: the kernel tells nobody).
 */
#ifndef AGENT_HOST_NETLINK_H
#define AGENT_HOST_NETLINK_H
#include <stdbool.h>
#include "geo/base/ip.h"

#define HOST_PORT_WORDS (65536 / 64)

struct netlink;
typedef void host_address_fn(void *arg, const struct ip *ip, bool on);
typedef void host_device_fn(void *arg); /* one was made, changed or removed */
/* Calls fn for every address there is, then netlink_dispatch does for every change. device: or NULL. */
int netlink_open(struct netlink **ret, host_address_fn *fn, host_device_fn *device, void *arg);
void netlink_close(struct netlink *h); /* NULL is fine */
int netlink_fd(const struct netlink *h);
/* 0; -ENOBUFS: changes were lost, and the addresses have been read again (those that went are not
 * told). */
int netlink_dispatch(struct netlink *h);

/* The address that a packet to dst would leave with. */
int netlink_route_source(const struct ip *dst, struct ip *src);

/* Local ports: TCP that listen; UDP sockets without a peer outside the ephemeral range (a client
 * that has not connected looks like a server otherwise). proto 6 or 17. */
int netlink_listening(uint8_t proto, uint64_t bitmap[HOST_PORT_WORDS]);

/* The local process of a socket, by its addresses: the inode of sock_diag, for /proc/PID/fd; with
 * uid. -ENOENT. */
struct netlink_socket {
	uint64_t inode;
	uint64_t cgroup_id; /* 0 = the kernel does not say */
	uint32_t uid;
};
int netlink_socket(struct netlink_socket *ret, uint8_t proto, const struct ip *src, uint16_t sport,
		   const struct ip *dst, uint16_t dport);
/* Ends a socket of this network namespace: its process gets ECONNABORTED. The cookie says that it is
 * still that one. 0; -ENOENT: there is none; -EOPNOTSUP: the kernel cannot. */
int netlink_destroy(uint8_t proto, const struct ip *src, uint16_t sport, const struct ip *dst,
		    uint16_t dport, uint64_t cookie);
#endif
