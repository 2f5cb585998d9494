/* SPDX-License-Identifier: BSD-2-Clause */
/* frames.h - sockets of this network namespace that send frames and not IP packets: AF_PACKET, one by one, and how many AF_XDP. */
#ifndef AGENT_HOST_FRAMES_H
#define AGENT_HOST_FRAMES_H
#include <stddef.h>
#include <stdint.h>

#define FRAMES_MAX 64 /* looked at; the rest is counted */

struct frames_socket {
	uint64_t inode;
	uint32_t uid, ifindex; /* 0: bound to none */
	int32_t pid;	       /* 0: not looked for, or not found */
	char device[16], comm[64];
};
struct frames {
	struct frames_socket socket[FRAMES_MAX];
	size_t n;
	uint64_t more; /* than FRAMES_MAX */
	uint64_t xdp;
};
/* net: "/proc/net". 0 or -errno. */
int frames_read(struct frames *ret, const char *net);
const struct frames_socket *frames_find(const struct frames *f, uint64_t inode); /* or NULL */
/* Whose it is, by /proc/PID/fd. 0, -ENOENT, -E2BIG: see socket_process(). */
int frames_owner(struct frames_socket *s);
#endif
