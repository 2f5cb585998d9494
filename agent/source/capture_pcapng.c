/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_pcapng.c - pcapng by its blocks: any number of sections of either byte order, any number
 * of interfaces, each with its link type and clock (libpcap refuses two link types in one file).
 * draft-ietf-opsawg-pcapng.
 */
#include <errno.h>
#include <stdlib.h>
#include "agent/source/capture_private.h"

#define BLOCK_SECTION	  0x0a0d0d0au /* the same in both byte orders */
#define BLOCK_INTERFACE	  1u
#define BLOCK_PACKET	  2u /* obsolete */
#define BLOCK_SIMPLE	  3u
#define BLOCK_STATISTICS  5u
#define BLOCK_ENHANCED	  6u
#define BLOCK_SECRETS	  10u
#define BLOCK_CUSTOM	  0xbadu
#define BLOCK_CUSTOM_NOT  0x40000badu /* not to be copied */
#define BLOCK_MIN	  12u
#define DROPS_UNKNOWN	  0xffffu /* of the obsolete block */
#define OPTION_FLAGS	  2u
#define OPTION_DROPCOUNT  4u
#define OPTION_ADDRESS4	  4u
#define OPTION_ADDRESS6	  5u
#define OPTION_IFDROP	  5u
#define OPTION_OSDROP	  7u
#define OPTION_TSRESOL	  9u
#define OPTION_TSOFFSET	  14u
#define RESOLUTION_US	  6u
#define SEARCH_LENGTH_MAX (64u << 20) /* of a block that a search believes */

static uint64_t u64(const struct capture *c, const uint8_t *p)
{
	uint64_t a = capture_u32(c, p), b = capture_u32(c, p + 4);

	return c->swapped == capture_host_little() ? a << 32 | b : b << 32 | a;
}

/* Time in the interface's own units -> nanoseconds; 0, which is no time, for what is before 1970 or after 2554. */
static uint64_t block_time(const struct pcapng_interface *i, uint32_t high, uint32_t low)
{
	__int128 ns = (uint64_t)high << 32 | low;
	unsigned n = i->resolution & 0x7f;

	if (i->resolution & 0x80) {
		ns = ns * 1000000000 >> n;
	} else {
		for (; n < 9; n++)
			ns *= 10;
		for (; n > 9; n--)
			ns /= 10;
	}
	ns += (__int128)i->offset * 1000000000;
	return ns < 0 || ns > UINT64_MAX ? 0 : (uint64_t)ns;
}

struct option {
	uint16_t code, len;
	const uint8_t *value;
};

/* The next option of *p; false at the end of them. */
static bool next_option(const struct capture *c, const uint8_t **p, size_t *left, struct option *o)
{
	size_t step;

	if (*left < 4)
		return false;
	*o = (struct option){capture_u16(c, *p), capture_u16(c, *p + 2), *p + 4};
	step = 4 + ((size_t)o->len + 3) / 4 * 4;
	if (!o->code || step > *left)
		return false;
	*p += step;
	*left -= step;
	return true;
}

static void add_host(struct capture *c, uint8_t version, const uint8_t *address)
{
	if (c->nhosts < CAPTURE_HOSTS_MAX)
		c->host[c->nhosts++] = ip_from_bytes(version, address);
}

static void interface_options(struct capture *c, struct pcapng_interface *i, const uint8_t *p,
			      size_t left)
{
	struct option o;

	while (next_option(c, &p, &left, &o)) {
		if (o.code == OPTION_TSRESOL && o.len == 1)
			i->resolution = o.value[0];
		else if (o.code == OPTION_TSOFFSET && o.len == 8)
			i->offset = (int64_t)u64(c, o.value);
		else if (o.code == OPTION_ADDRESS4 && o.len == 8)
			add_host(c, 4, o.value);
		else if (o.code == OPTION_ADDRESS6 && o.len == 17)
			add_host(c, 6, o.value);
	}
}

/* How many packets the interface lost, by its last statistics: they count from the start. */
static void statistics(struct capture *c, const uint8_t *body, size_t len)
{
	const uint8_t *p = body + 12;
	size_t left = len < 12 ? 0 : len - 12;
	uint64_t dropped = 0;
	struct option o;

	if (len < 12 || capture_u32(c, body) >= c->ninterfaces)
		return;
	while (next_option(c, &p, &left, &o))
		if ((o.code == OPTION_IFDROP || o.code == OPTION_OSDROP) && o.len == 8)
			dropped += u64(c, o.value);
	c->interfaces[capture_u32(c, body)].dropped = dropped;
}

static int add_interface(struct capture *c, const uint8_t *body, size_t len)
{
	struct pcapng_interface *i;

	if (len < 8 || c->ninterfaces >= CAPTURE_INTERFACES_MAX) {
		capture_lose(c, CAPTURE_BAD_BLOCK, len);
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

static void packet_options(struct capture *c, const uint8_t *p, size_t left, struct packet_frame *f)
{
	struct option o;

	while (next_option(c, &p, &left, &o)) {
		if (o.code == OPTION_FLAGS && o.len == 4)
			f->side = capture_u32(c, o.value) & 3; /* 1 inbound, 2 outbound */
		else if (o.code == OPTION_DROPCOUNT && o.len == 8)
			c->damaged[CAPTURE_DROPPED] += u64(c, o.value);
	}
	if (f->side > PACKET_SIDE_OUT)
		f->side = PACKET_SIDE_UNKNOWN;
}

/* The interface of a packet. After damage its description may be what was lost: then the packet is
 * read as the others are. NULL: there is none. */
static const struct pcapng_interface *interface_of(struct capture *c, uint32_t id)
{
	static const struct pcapng_interface ethernet = {.link = 1, .resolution = RESOLUTION_US};

	if (id < c->ninterfaces)
		return &c->interfaces[id];
	c->damaged[CAPTURE_NO_INTERFACE]++;
	if (!c->damaged[CAPTURE_BAD_BLOCK] && !c->damaged[CAPTURE_NO_HEADER] && !c->odd_block)
		return NULL;
	return c->ninterfaces ? &c->interfaces[0] : &ethernet;
}

static void simple_packet(const struct capture *c, const struct pcapng_interface *i,
			  const uint8_t *b, size_t room, struct packet_frame *f)
{
	f->len = f->caplen = capture_u32(c, b);
	f->time_ns = 0;
	if (i->snaplen && f->caplen > i->snaplen)
		f->caplen = i->snaplen;
	if (f->caplen > room)
		f->caplen = (uint32_t)room;
}

/* 1: *f is a packet; 0: it is none, and counted if it should have been. */
static int packet_block(struct capture *c, uint32_t type, const uint8_t *b, size_t len,
			struct packet_frame *f)
{
	const struct pcapng_interface *i;
	uint32_t id, fixed = type == BLOCK_SIMPLE ? 4 : 20;
	size_t padded;

	if (len < fixed) {
		capture_lose(c, CAPTURE_BAD_BLOCK, len);
		return 0;
	}
	f->number = ++c->number;
	f->side = PACKET_SIDE_UNKNOWN;
	id = type == BLOCK_SIMPLE     ? 0
	     : type == BLOCK_ENHANCED ? capture_u32(c, b)
				      : capture_u16(c, b);
	i = interface_of(c, id);
	if (!i)
		return 0;
	f->link = i->link;
	if (type == BLOCK_SIMPLE) {
		simple_packet(c, i, b, len - fixed, f);
	} else {
		f->time_ns = block_time(i, capture_u32(c, b + 4), capture_u32(c, b + 8));
		f->caplen = capture_u32(c, b + 12);
		f->len = capture_u32(c, b + 16);
	}
	if (f->caplen > len - fixed || f->caplen > CAPTURE_PACKET_MAX) {
		capture_lose(c, CAPTURE_BAD_RECORD, len);
		return 0;
	}
	if (f->caplen > f->len) {
		c->damaged[CAPTURE_BAD_LENGTH]++;
		f->len = f->caplen;
	}
	if (type == BLOCK_PACKET && capture_u16(c, b + 2) != DROPS_UNKNOWN)
		c->damaged[CAPTURE_DROPPED] += capture_u16(c, b + 2);
	f->data = b + fixed;
	padded = fixed + (f->caplen + 3ull) / 4 * 4;
	if (type != BLOCK_SIMPLE && padded + 4 <= len)
		packet_options(c, b + padded, len - padded, f);
	return 1;
}

/* A section header says the byte order of itself and of what follows. False: it is none. */
static bool section_order(const uint8_t *p, bool *swapped)
{
	static const uint8_t little[4] = {0x4d, 0x3c, 0x2b, 0x1a},
			     big[4] = {0x1a, 0x2b, 0x3c, 0x4d};

	if (!memcmp(p + 8, little, 4))
		*swapped = !capture_host_little();
	else if (!memcmp(p + 8, big, 4))
		*swapped = capture_host_little();
	else
		return false;
	return true;
}

static bool is_packet(uint32_t type)
{
	return type == BLOCK_PACKET || type == BLOCK_SIMPLE || type == BLOCK_ENHANCED;
}

static bool known_type(uint32_t type)
{
	return (type && type <= BLOCK_SECRETS) || type == BLOCK_CUSTOM ||
	       type == BLOCK_CUSTOM_NOT || type == BLOCK_SECTION;
}

/* Does a block stand at this offset of the buffer, by its type and both of its lengths? */
static bool is_block(struct capture *c, size_t at)
{
	const uint8_t *p = c->in.buf + at;
	size_t left = c->in.have - at;
	bool was = c->swapped, order = was, yes;
	uint32_t len;

	if (left < BLOCK_MIN || !known_type(capture_u32(c, p)))
		return false;
	if (capture_u32(c, p) == BLOCK_SECTION && !section_order(p, &order))
		return false;
	c->swapped = order;
	len = capture_u32(c, p + 4);
	yes = len >= BLOCK_MIN && len % 4 == 0 && len <= SEARCH_LENGTH_MAX;
	if (yes && len <= left)
		yes = capture_u32(c, p + len - 4) == len;
	else if (yes)
		yes = !c->in.eof;
	c->swapped = was;
	return yes;
}

static size_t find_block(struct capture *c, size_t from)
{
	for (size_t at = from; at + BLOCK_MIN <= c->in.have; at++)
		if (is_block(c, at) || capture_is_header(c->in.buf + at, c->in.have - at))
			return at;
	return 0;
}

/* Nothing at the window's start can be read: on to the next block. 0 or -errno. */
static int resync(struct capture *c, enum capture_damage what)
{
	struct capture_note *mine = c->nnotes < CAPTURE_NOTES_MAX ? &c->note[c->nnotes] : NULL;
	int r = input_want(&c->in, INPUT_WINDOW);
	size_t from = 1, at;
	uint64_t lost = 0;

	if (r < 0)
		return r;
	c->number++;
	capture_lose(c, what, 0);
	while (!(at = find_block(c, c->in.pos + from)) && !c->in.eof) {
		size_t step = input_left(&c->in) - (BLOCK_MIN - 1);

		lost += step;
		c->in.pos += step;
		from = 0;
		r = input_want(&c->in, INPUT_WINDOW);
		if (r < 0)
			return r;
	}
	c->done = !at;
	at = at ? at : c->in.have;
	lost += at - c->in.pos;
	c->in.pos = at;
	c->lost += lost;
	if (mine)
		mine->bytes = lost;
	return 0;
}

/* The two lengths of a block differ. Where another block stands behind it, the first one was right:
 * what it describes is believed, a packet is not. */
static int bad_trailer(struct capture *c, uint32_t type, uint32_t len)
{
	size_t end = c->in.pos + len;

	if (end == c->in.have ? !c->in.eof : !is_block(c, end))
		return resync(c, CAPTURE_BAD_BLOCK);
	capture_lose(c, CAPTURE_BAD_BLOCK, is_packet(type) ? len : 0);
	if (!is_packet(type))
		return 1;
	c->number++;
	c->in.pos = end;
	return 0;
}

/* The block at the window's start, whole: 1 a packet, 0 something else, -errno. */
static int block(struct capture *c, uint32_t type, uint32_t len, struct packet_frame *f)
{
	const uint8_t *p = capture_at(c);
	int r;

	if (capture_u32(c, p + len - 4) != len) {
		r = bad_trailer(c, type, len);
		if (r <= 0)
			return r;
	}
	r = 0;
	if (type == BLOCK_SECTION)
		c->ninterfaces = 0;
	else if (type == BLOCK_INTERFACE)
		r = add_interface(c, p + 8, len - BLOCK_MIN);
	else if (type == BLOCK_STATISTICS)
		statistics(c, p + 8, len - BLOCK_MIN);
	else if (is_packet(type))
		r = packet_block(c, type, p + 8, len - BLOCK_MIN, f);
	else if (!known_type(type))
		c->odd_block = true;
	c->in.pos += len;
	return r;
}

/* A block that the window cannot hold: secrets, names, what others define. Whatever its size, it is
 * stepped over; one that is larger than its file is none. */
static int large_block(struct capture *c, uint32_t type, uint32_t len)
{
	uint64_t left = c->packed || !c->in.size ? UINT64_MAX : c->in.size - input_offset(&c->in);
	int r;

	if (is_packet(type) || !known_type(type) || len > left)
		return resync(c, CAPTURE_BAD_BLOCK);
	r = input_skip(&c->in, len);
	if (r > 0) {
		capture_lose(c, CAPTURE_TRUNCATED, 0);
		c->done = true;
	}
	return r < 0 ? r : 0;
}

/* A block that is cut, or whose length says more than there is. */
static int cut_block(struct capture *c)
{
	if (find_block(c, c->in.pos + 1))
		return resync(c, CAPTURE_BAD_BLOCK);
	capture_lose(c, CAPTURE_TRUNCATED, input_left(&c->in));
	c->in.pos = c->in.have;
	c->done = true;
	return 0;
}

/* Type and length of the next block. 1; 0: none here, look again unless done; -errno. */
static int block_head(struct capture *c, uint32_t *type, uint32_t *len)
{
	const uint8_t *p;
	int r = input_want(&c->in, BLOCK_MIN);

	if (r < 0)
		return r;
	p = capture_at(c);
	if (input_left(&c->in) < BLOCK_MIN) {
		if (input_left(&c->in))
			capture_lose(c, CAPTURE_TRUNCATED, input_left(&c->in));
		c->in.pos = c->in.have;
		c->done = true;
		return 0;
	}
	*type = capture_u32(c, p);
	if (*type == BLOCK_SECTION && !section_order(p, &c->swapped))
		return resync(c, CAPTURE_BAD_BLOCK);
	*len = capture_u32(c, p + 4);
	if (*type != BLOCK_SECTION && capture_is_header(p, input_left(&c->in))) {
		capture_lose(c, CAPTURE_JOINED, 0);
		r = capture_section(c);
		return r < 0 ? r : 0;
	}
	if (*len >= BLOCK_MIN && *len % 4 == 0)
		return 1;
	return resync(c, *type || *len ? CAPTURE_BAD_BLOCK : CAPTURE_ZEROS);
}

/* 1: *f is a packet; 0: something else, or look again; -EAGAIN: the frames so far first; -errno */
static int next_block(struct capture *c, unsigned have, struct packet_frame *f)
{
	uint32_t type = 0, len = 0;
	int r;

	/* whatever moves the window waits until the frames in it were handed over */
	if (have && !is_block(c, c->in.pos))
		return -EAGAIN;
	r = block_head(c, &type, &len);
	if (r <= 0)
		return r;
	if (input_left(&c->in) >= len)
		return block(c, type, len, f);
	if (have)
		return -EAGAIN;
	if (len > INPUT_WINDOW)
		return large_block(c, type, len);
	r = input_want(&c->in, len);
	return r == 0 && input_left(&c->in) < len ? cut_block(c) : r;
}

int pcapng_next(struct capture *c, struct packet_frame *frames, unsigned max)
{
	unsigned n = 0;

	while (n < max && !c->done && c->next == pcapng_next) {
		int r = next_block(c, n, &frames[n]);

		if (r == -EAGAIN)
			break;
		if (r < 0)
			return r;
		n += (unsigned)r;
	}
	return (int)n;
}

/* And another one behind it, as far as can be seen? One alone stands in many a file by chance. */
static bool are_blocks(struct capture *c, size_t at)
{
	size_t next;

	if (!is_block(c, at))
		return false;
	next = at + capture_u32(c, c->in.buf + at + 4);
	return next == c->in.have || (next < c->in.have && is_block(c, next));
}

/* A byte order that fits right here is the right one: blocks of the other look like blocks too, three
 * bytes further on. */
bool pcapng_headless(struct capture *c)
{
	for (int i = 0; i < 4; i++) {
		size_t at = c->in.pos;

		c->swapped = i & 1;
		if (i >= 2)
			at = find_block(c, at + 1);
		if (at < c->in.pos || at > c->in.pos + 4096 || !are_blocks(c, at))
			continue;
		c->in.pos = at;
		c->next = pcapng_next;
		return true;
	}
	return false;
}
