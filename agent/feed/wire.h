/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h - a connection to a receiver: a UDP socket, a TCP stream, TLS over one (OpenSSL; the server's name is checked, TLS
 * 1.2 or later). For a road's thread: opening waits, sending does not.
 */
#ifndef AGENT_FEED_WIRE_H
#define AGENT_FEED_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <openssl/ssl.h>
#include "rules/policy.h"

#define WIRE_OPEN_MS 10000 /* for each address, and for the TLS handshake */
#define WIRE_WHY     192

struct wire {
	int fd; /* owned; -1 */
	bool datagram;
	SSL *ssl;	  /* owned; NULL: no TLS */
	uint64_t written; /* bytes given to the kernel, without TLS */
	struct sockaddr_storage peer;
	char why[WIRE_WHY];
};
struct wire_config {
	struct policy_target to;
	const char *ca, *cert, *key,
		*name; /* NULL: the system's authorities; no client; the host */
};
/* 0 or -errno; w->why says what. w->fd is -1 before. */
int wire_open(struct wire *w, const struct wire_config *c);
void wire_close(struct wire *w);
/* How many bytes it took; -EAGAIN; -errno. A datagram goes whole. */
long wire_send(struct wire *w, const void *bytes, size_t n);
/* May it go on (agent/feed/judge.h)? 0 or -JUDGE_REFUSED. */
int wire_judge(struct wire *w);
/* 0: the peer is there, as far as is known. -errno: it closed, reset, or refused a datagram. */
int wire_alive(struct wire *w);
/* The peer's kernel has this many of the bytes that wire_sent counts. */
uint64_t wire_acked(const struct wire *w);
uint64_t wire_sent(const struct wire *w);
/* Nothing more comes. 0: the peer read to the end, and closed; -EAGAIN; -errno. */
int wire_finish(struct wire *w);
/* Waits until there may be room, or ms are over. */
void wire_wait(const struct wire *w, int ms);
#endif
