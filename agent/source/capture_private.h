/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_private.h - what the two capture formats share. */
#ifndef AGENT_SOURCE_CAPTURE_PRIVATE_H
#define AGENT_SOURCE_CAPTURE_PRIVATE_H
#include <string.h>
#include "agent/source/capture.h"
#include "agent/source/input.h"

/* a record or block up to here is stepped over; past it the file is lost */
#define CAPTURE_SKIP_MAX (16u << 20)

struct pcapng_interface {
	uint16_t link;
	uint8_t resolution; /* if_tsresol: 10^-n, or 2^-n with the top bit */
	uint32_t snaplen;
	int64_t offset; /* seconds */
};
struct capture {
	struct input in;
	char *path;
	int (*next)(struct capture *c, struct packet_frame *frames, unsigned max);
	bool swapped, done;
	uint64_t number;
	uint64_t damaged[CAPTURE_DAMAGES];
	/* pcap */
	uint16_t link;
	uint32_t header; /* bytes of a record's header: 16, modified 24 */
	uint32_t unit;	 /* nanoseconds of the fraction: 1000 or 1 */
	/* pcapng */
	struct pcapng_interface *interfaces; /* owned */
	size_t ninterfaces, room;
};

static inline uint32_t capture_u32(const struct capture *c, const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return c->swapped ? __builtin_bswap32(x) : x;
}
static inline uint16_t capture_u16(const struct capture *c, const uint8_t *p)
{
	uint16_t x;

	memcpy(&x, p, sizeof(x));
	return c->swapped ? __builtin_bswap16(x) : x;
}
int pcapng_next(struct capture *c, struct packet_frame *frames, unsigned max);
#endif
