/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - the other end of the cable: every frame that arrives is counted for the shot whose address or token it holds. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/prove/prove_private.h"

#define FRAME_MAX 65536
#define MARK	  "cordon-prove-end" /* the last frame that is sent */

/* What is behind the address of a place: a shot's number, or -1. */
static long number_at(const uint8_t *p, size_t left)
{
	static const uint8_t v4[2][2] = {{3, 80}, {52, 28}};
	static const uint8_t v6[2][4] = {{0x26, 0, 0x1f, 0x18}, {0x2a, 5, 0xd0, 0x14}};
	static const uint8_t none[10];

	for (int i = 0; i < 2; i++) {
		if (left >= 4 && memcmp(p, v4[i], 2) == 0)
			return (p[2] << 8 | p[3]) - PROVE_FIRST;
		if (left >= 16 && memcmp(p, v6[i], 4) == 0 && memcmp(p + 4, none, 10) == 0)
			return (p[14] << 8 | p[15]) - PROVE_FIRST;
	}
	return -1;
}

static void count_token(struct prove_shared *s, const uint8_t *p, size_t left)
{
	char token[PROVE_TOKEN_LEN + 1] = "";
	unsigned long n;

	if (left < PROVE_TOKEN_LEN || memcmp(p, PROVE_TOKEN, 13) != 0)
		return;
	memcpy(token, p, PROVE_TOKEN_LEN);
	n = strtoul(token + 13, NULL, 16);
	if (n < s->count)
		__atomic_add_fetch(&s->shot[n].tokens, 1, __ATOMIC_RELEASE);
}

static void count(struct prove_shared *s, const uint8_t *frame, size_t n)
{
	if (memmem(frame, n, MARK, strlen(MARK)))
		__atomic_store_n(&s->end, 1, __ATOMIC_RELEASE);
	for (size_t at = 12; at < n; at++) { /* not in the link's addresses, which are constant */
		long shot = number_at(frame + at, n - at);

		if (shot >= 0 && shot < (long)s->count)
			__atomic_add_fetch(&s->shot[shot].frames, 1, __ATOMIC_RELEASE);
		count_token(s, frame + at, n - at);
	}
}

/* Somebody answers, so that a connection can be made; nobody reads it. */
static int listeners(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PROVE_PORT)};
	int tcp = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (tcp < 0 || udp < 0 || bind(tcp, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(tcp, 4096) || bind(udp, (struct sockaddr *)&any, sizeof(any)))
		return -errno;
	return 0;
}

static void sink_main(struct prove_shared *s, int packet)
{
	static uint8_t frame[FRAME_MAX];
	struct sockaddr_ll from;
	struct tpacket_stats st = {};
	socklen_t n = sizeof(st);
	struct pollfd p = {.fd = packet, .events = POLLIN};

	__atomic_store_n(&s->ready, listeners() == 0 ? 1 : 2, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&s->end, __ATOMIC_ACQUIRE)) {
		socklen_t len = sizeof(from);
		ssize_t got;

		if (poll(&p, 1, -1) < 0)
			continue;
		got = recvfrom(packet, frame, sizeof(frame), 0, (struct sockaddr *)&from, &len);
		if (got > 0 && from.sll_pkttype != PACKET_OUTGOING)
			count(s, frame, (size_t)got);
	}
	if (getsockopt(packet, SOL_PACKET, PACKET_STATISTICS, &st, &n) == 0)
		s->lost = st.tp_drops;
	__atomic_store_n(&s->end, 2, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

int sink_start(struct stage *s)
{
	int packet, room = 32 << 20;

	if (setns(s->sink_ns, CLONE_NEWNET))
		return -errno;
	packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (packet >= 0)
		setsockopt(packet, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	s->sink = packet < 0 ? -1 : stage_fork();
	if (s->sink == 0) {
		close(s->alive);
		sink_main(s->shared, packet);
	}
	if (s->sink < 0)
		diag_say("prove: the sink: %s", strerror(errno));
	if (packet >= 0)
		close(packet);
	for (int i = 0; s->sink > 0 && i < 1000 && !s->shared->ready; i++)
		usleep(10000);
	if (s->sink > 0 && s->shared->ready != 1)
		diag_say("prove: the sink cannot listen");
	if (setns(s->db_ns, CLONE_NEWNET))
		return -errno;
	return s->shared->ready == 1 ? 0 : -EIO;
}

int sink_end(struct stage *s)
{
	struct aim a;
	int fd, r = -ETIMEDOUT;

	if (setns(s->db_ns, CLONE_NEWNET))
		return -errno;
	aim_at(&a, 4, true, PROVE_SHOTS_MAX);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; fd >= 0 && i < 500; i++) { /* the cable keeps the order */
		if (i % 50 == 0)
			sendto(fd, MARK, strlen(MARK), 0, &a.eu.sa, a.len);
		usleep(20000);
		if (__atomic_load_n(&s->shared->end, __ATOMIC_ACQUIRE) == 2) {
			r = 0;
			break;
		}
	}
	if (fd >= 0)
		close(fd);
	if (setns(s->own_ns, CLONE_NEWNET))
		return -errno;
	return r;
}
