/* SPDX-License-Identifier: BSD-2-Clause */
/* frame.c - packets that a technique writes byte by byte: Ethernet, IP, UDP. */
#include <arpa/inet.h>
#include <string.h>
#include "agent/prove/frame.h"

#define UDP_HEADER 8

void frame_put(struct frame *f, const void *p, size_t n)
{
	if (n > FRAME_ROOM - f->n)
		return;
	memcpy(f->b + f->n, p, n);
	f->n += n;
}

void frame_be16(struct frame *f, unsigned n)
{
	frame_put(f, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, 2);
}

void frame_ether(struct frame *f)
{
	frame_put(f, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
}

unsigned frame_type(const struct aim *a)
{
	return a->v == 4 ? 0x0800 : 0x86dd;
}

static unsigned checksum(const uint8_t *p, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (unsigned)(p[i] << 8 | p[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return 0xffff & ~((sum & 0xffff) + (sum >> 16));
}

void frame_ip(struct frame *f, const struct aim *a, const union prove_address *to, uint8_t proto,
	      size_t payload)
{
	uint8_t h[40] = {0x60, [6] = proto, 64};
	unsigned sum;

	if (a->v == 6) {
		h[4] = (uint8_t)(payload >> 8);
		h[5] = (uint8_t)payload;
		memcpy(h + 8, &a->from.in6.sin6_addr, 16);
		memcpy(h + 24, &to->in6.sin6_addr, 16);
		frame_put(f, h, 40);
		return;
	}
	memset(h, 0, sizeof(h));
	h[0] = 0x45;
	h[2] = (uint8_t)((payload + 20) >> 8);
	h[3] = (uint8_t)(payload + 20);
	h[8] = 64;
	h[9] = proto;
	memcpy(h + 12, &a->from.in.sin_addr, 4);
	memcpy(h + 16, &to->in.sin_addr, 4);
	sum = checksum(h, 20);
	h[10] = (uint8_t)(sum >> 8);
	h[11] = (uint8_t)sum;
	frame_put(f, h, 20);
}

void frame_udp(struct frame *f, const struct aim *a)
{
	size_t n = UDP_HEADER + PROVE_TOKEN_LEN;

	frame_ip(f, a, &a->to, IPPROTO_UDP, n);
	frame_be16(f, 4000);
	frame_be16(f, PROVE_PORT);
	frame_be16(f, (unsigned)n);
	frame_be16(f, 0);
	frame_put(f, a->token, PROVE_TOKEN_LEN);
}
