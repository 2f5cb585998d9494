/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_private.h - what the two capture formats share. */
#ifndef AGENT_SOURCE_CAPTURE_PRIVATE_H
#define AGENT_SOURCE_CAPTURE_PRIVATE_H
#include <string.h>
#include "agent/source/capture.h"
#include "agent/source/input.h"

#define CAPTURE_CHAIN 3 /* headers that must follow each other before a place is believed */

struct pcapng_interface {
	uint16_t link;
	uint8_t resolution; /* if_tsresol: 10^-n, or 2^-n with the top bit */
	uint32_t snaplen;
	int64_t offset;	  /* seconds */
	uint64_t dropped; /* the last statistics of it */
};
enum pcap_lengths { LENGTHS_PLAIN, LENGTHS_SWAPPED, LENGTHS_SWAPPED_IF_WRONG };
struct capture {
	struct input in;
	char *path;
	int (*next)(struct capture *c, struct packet_frame *frames, unsigned max);
	bool swapped, done;
	bool packed; /* sizes of the file say nothing of the stream */
	uint64_t number;
	uint64_t damaged[CAPTURE_DAMAGES], lost;
	struct capture_note note[CAPTURE_NOTES_MAX];
	size_t nnotes;
	struct ip host[CAPTURE_HOSTS_MAX];
	size_t nhosts;
	/* pcap */
	uint16_t link;
	uint32_t header; /* bytes of a record's header: 16, modified 24, Nokia's 20 */
	uint32_t unit;	 /* nanoseconds of the fraction: 1000 or 1 */
	enum pcap_lengths lengths;
	bool settled; /* a record was read: its header has the size that the file header says */
	/* pcapng */
	struct pcapng_interface *interfaces; /* owned */
	size_t ninterfaces, room;
	bool odd_block; /* one of a type that nobody knows: an interface may have been that */
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
static inline const uint8_t *capture_at(const struct capture *c)
{
	return c->in.buf + c->in.pos;
}
static inline bool capture_host_little(void)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}
/* Counts a damage of so many bytes at the window's start, and remembers the first ones. */
void capture_lose(struct capture *c, enum capture_damage what, uint64_t bytes);

/* capture.c: does a file header stand at p (n bytes to the end of what is there)? */
bool capture_is_header(const uint8_t *p, size_t n);
/* Begins to read the file whose header stands at the window's start. 1; 0: none does; -errno. */
int capture_section(struct capture *c);

int pcap_next(struct capture *c, struct packet_frame *frames, unsigned max);
/* No file header: do records stand at the window's start, in some byte order? Then they are read. */
bool pcap_headless(struct capture *c);

int pcapng_next(struct capture *c, struct packet_frame *frames, unsigned max);
bool pcapng_headless(struct capture *c); /* no section header, yet blocks */
#endif
