/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_pcapng.c - pcapng by its blocks: any number of sections of either byte order, any number
 * of interfaces, each with its link type and clock (libpcap refuses two link types in one file).
 * draft-ietf-opsawg-pcapng.
 */
#include <errno.h>
#include <stdlib.h>
#include "agent/source/capture_private.h"

#define BLOCK_SECTION	0x0a0d0d0au /* the same in both byte orders */
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET	2u /* obsolete */
#define BLOCK_SIMPLE	3u
#define BLOCK_ENHANCED	6u
#define BLOCK_MIN	12u
#define OPTION_TSRESOL	9u
#define OPTION_TSOFFSET 14u
#define RESOLUTION_US	6u

static void lost(struct capture *c, enum capture_damage d)
{
	c->damaged[d]++;
	c->done = true;
}

/* Time in the interface's own units -> nanoseconds. */
static uint64_t block_time(const struct pcapng_interface *i, uint32_t high, uint32_t low)
{
	uint64_t t = (uint64_t)high << 32 | low, ns = t;
	unsigned n = i->resolution & 0x7f;

	if (i->resolution & 0x80) {
		ns = n > 63 ? 0 : (uint64_t)((unsigned __int128)t * 1000000000u >> n);
	} else {
		for (; n < 9; n++)
			ns *= 10;
		for (; n > 9; n--)
			ns /= 10;
	}
	return ns + (uint64_t)i->offset * 1000000000u;
}

static void interface_options(struct capture *c, struct pcapng_interface *i, const uint8_t *p,
			      size_t left)
{
	while (left >= 4) {
		uint16_t code = capture_u16(c, p), len = capture_u16(c, p + 2);
		size_t step = 4 + ((size_t)len + 3) / 4 * 4;

		if (!code || step > left)
			return;
		if (code == OPTION_TSRESOL && len == 1)
			i->resolution = p[4];
		if (code == OPTION_TSOFFSET && len == 8) {
			uint64_t a = capture_u32(c, p + 4), b = capture_u32(c, p + 8);
			bool little = c->swapped != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

			i->offset = (int64_t)(little ? b << 32 | a : a << 32 | b);
		}
		p += step;
		left -= step;
	}
}

static int add_interface(struct capture *c, const uint8_t *body, size_t len)
{
	struct pcapng_interface *i;

	if (len < 8 || c->ninterfaces >= CAPTURE_INTERFACES_MAX) {
		c->damaged[CAPTURE_BAD_BLOCK]++;
		return 0;
	}
	if (c->ninterfaces == c->room) {
		size_t room = c->room ? c->room * 2 : 8;

		i = reallocarray(c->interfaces, room, sizeof(*i));
		if (!i)
			return -ENOMEM;
		c->interfaces = i;
		c->room = room;
	}
	i = &c->interfaces[c->ninterfaces++];
	*i = (struct pcapng_interface){.link = capture_u16(c, body),
				       .resolution = RESOLUTION_US,
				       .snaplen = capture_u32(c, body + 4)};
	interface_options(c, i, body + 8, len - 8);
	return 0;
}

/* 1: *f is a packet; 0: it is none, and counted if it should have been. */
static int packet_block(struct capture *c, uint32_t type, const uint8_t *b, size_t len,
			struct packet_frame *f)
{
	const struct pcapng_interface *i;
	uint32_t id, fixed = type == BLOCK_SIMPLE ? 4 : 20;

	if (len < fixed) {
		c->damaged[CAPTURE_BAD_BLOCK]++;
		return 0;
	}
	f->number = ++c->number;
	id = type == BLOCK_SIMPLE     ? 0
	     : type == BLOCK_ENHANCED ? capture_u32(c, b)
				      : capture_u16(c, b);
	if (id >= c->ninterfaces) {
		c->damaged[CAPTURE_NO_INTERFACE]++;
		return 0;
	}
	i = &c->interfaces[id];
	f->link = i->link;
	if (type == BLOCK_SIMPLE) {
		f->len = f->caplen = capture_u32(c, b);
		f->time_ns = 0;
		if (i->snaplen && f->caplen > i->snaplen)
			f->caplen = i->snaplen;
		if (f->caplen > len - fixed)
			f->caplen = (uint32_t)(len - fixed);
	} else {
		f->time_ns = block_time(i, capture_u32(c, b + 4), capture_u32(c, b + 8));
		f->caplen = capture_u32(c, b + 12);
		f->len = capture_u32(c, b + 16);
	}
	if (f->caplen > len - fixed || f->caplen > CAPTURE_PACKET_MAX) {
		c->damaged[CAPTURE_BAD_RECORD]++;
		return 0;
	}
	if (f->caplen > f->len) {
		c->damaged[CAPTURE_BAD_LENGTH]++;
		f->len = f->caplen;
	}
	f->data = b + fixed;
	return 1;
}

/* A section header says the byte order of itself and of what follows. False: it is none. */
static bool section_order(struct capture *c, const uint8_t *p)
{
	static const uint8_t little[4] = {0x4d, 0x3c, 0x2b, 0x1a},
			     big[4] = {0x1a, 0x2b, 0x3c, 0x4d};
	bool host_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (!memcmp(p + 8, little, 4))
		c->swapped = !host_little;
	else if (!memcmp(p + 8, big, 4))
		c->swapped = host_little;
	else
		return false;
	c->ninterfaces = 0;
	return true;
}

static bool skippable(uint32_t type)
{
	return type != BLOCK_SECTION && type != BLOCK_INTERFACE && type != BLOCK_PACKET &&
	       type != BLOCK_SIMPLE && type != BLOCK_ENHANCED;
}

/* The block at the window's start, whole: 1 a packet, 0 something else, -errno. */
static int block(struct capture *c, uint32_t type, uint32_t len, struct packet_frame *f)
{
	const uint8_t *p = c->in.buf + c->in.pos;
	int r = 0;

	if (capture_u32(c, p + len - 4) != len) {
		lost(c, CAPTURE_BAD_BLOCK);
		return 0;
	}
	if (type == BLOCK_INTERFACE)
		r = add_interface(c, p + 8, len - BLOCK_MIN);
	else if (type == BLOCK_PACKET || type == BLOCK_SIMPLE || type == BLOCK_ENHANCED)
		r = packet_block(c, type, p + 8, len - BLOCK_MIN, f);
	c->in.pos += len;
	return r;
}

static int large_block(struct capture *c, uint32_t type, uint32_t len)
{
	int r;

	if (!skippable(type))
		c->damaged[CAPTURE_BAD_RECORD]++;
	r = input_skip(&c->in, len);
	if (r > 0)
		lost(c, CAPTURE_TRUNCATED);
	return r < 0 ? r : 0;
}

/* Type and length of the next block. 0: nothing (end, or the frames so far first); 1; -errno. */
static int block_head(struct capture *c, unsigned have, uint32_t *type, uint32_t *len)
{
	const uint8_t *p;
	int r = 0;

	if (input_left(&c->in) < BLOCK_MIN && !have)
		r = input_want(&c->in, BLOCK_MIN);
	if (r < 0)
		return r;
	p = c->in.buf + c->in.pos;
	if (input_left(&c->in) < BLOCK_MIN) {
		if (c->in.eof && input_left(&c->in))
			c->damaged[CAPTURE_TRUNCATED]++;
		c->done = c->in.eof;
		return 0;
	}
	*type = capture_u32(c, p);
	if (*type == BLOCK_SECTION && !section_order(c, p)) {
		lost(c, CAPTURE_BAD_BLOCK);
		return 0;
	}
	*len = capture_u32(c, p + 4);
	if (*len < BLOCK_MIN || *len % 4 || *len > CAPTURE_SKIP_MAX) {
		lost(c, CAPTURE_BAD_BLOCK);
		return 0;
	}
	return 1;
}

int pcapng_next(struct capture *c, struct packet_frame *frames, unsigned max)
{
	unsigned n = 0;

	while (n < max && !c->done) {
		uint32_t type, len;
		int r = block_head(c, n, &type, &len);

		if (r < 0)
			return r;
		if (!r)
			break;
		if (input_left(&c->in) < len) {
			if (n)
				break;
			r = len > INPUT_WINDOW ? large_block(c, type, len)
					       : input_want(&c->in, len);
			if (r < 0)
				return r;
			if (len <= INPUT_WINDOW && input_left(&c->in) < len)
				lost(c, CAPTURE_TRUNCATED);
			continue;
		}
		r = block(c, type, len, &frames[n]);
		if (r < 0)
			return r;
		n += (unsigned)r;
	}
	return (int)n;
}
