/* SPDX-License-Identifier: BSD-2-Clause */
/* frame.h - packets that a technique writes byte by byte. */
#ifndef AGENT_PROVE_FRAME_H
#define AGENT_PROVE_FRAME_H
#include "agent/prove/prove_private.h"

#define FRAME_ROOM 512
struct frame {
	size_t n;
	uint8_t b[FRAME_ROOM];
};
void frame_put(struct frame *f, const void *p, size_t n);
void frame_be16(struct frame *f, unsigned n);
/* Ethernet from one end of the cable to the other; the type that follows is the caller's. */
void frame_ether(struct frame *f);
/* An IP header to 'to' that has 'payload' bytes of proto behind it. */
void frame_ip(struct frame *f, const struct aim *a, const union prove_address *to, uint8_t proto,
	      size_t payload);
/* UDP with the token in it, and the IP header before it. */
void frame_udp(struct frame *f, const struct aim *a);
unsigned frame_type(const struct aim *a); /* 0x0800 or 0x86dd */
#endif
