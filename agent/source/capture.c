/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.c - tells what kind of capture a file is, and reads the classic pcap format. */
#include <errno.h>
#include <stdlib.h>
#include "agent/source/capture_private.h"

#define PCAP_HEADER 24

static const char *const damage_names[] = {
	[CAPTURE_TRUNCATED] = "truncated",	 [CAPTURE_BAD_RECORD] = "bad_record",
	[CAPTURE_BAD_LENGTH] = "bad_length",	 [CAPTURE_BAD_BLOCK] = "bad_block",
	[CAPTURE_NO_INTERFACE] = "no_interface", [CAPTURE_BAD_GZIP] = "bad_gzip",
};
_Static_assert(sizeof(damage_names) / sizeof(*damage_names) == CAPTURE_DAMAGES, "a name each");

const char *capture_damage_name(enum capture_damage d)
{
	return d < CAPTURE_DAMAGES ? damage_names[d] : "";
}

/* A record that claims too much: step over it when that is safe, else the rest of the file is lost.
 */
static int pcap_oversized(struct capture *c, uint32_t caplen)
{
	int r;

	c->damaged[CAPTURE_BAD_RECORD]++;
	c->number++;
	if (caplen > CAPTURE_SKIP_MAX) {
		c->done = true;
		return 0;
	}
	r = input_skip(&c->in, (uint64_t)c->header + caplen);
	if (r > 0)
		c->done = true;
	return r < 0 ? r : 0;
}

/* The window holds no whole record. 0: look again; 1: hand over what there is; -errno. */
static int pcap_more(struct capture *c, unsigned have)
{
	const uint8_t *p = c->in.buf + c->in.pos;
	size_t left = input_left(&c->in), want = c->header;
	uint32_t caplen = 0;

	if (left >= want) {
		caplen = capture_u32(c, p + 8);
		want += caplen;
	}
	if (caplen > CAPTURE_PACKET_MAX)
		return have ? 1 : pcap_oversized(c, caplen);
	if (c->in.eof) {
		if (left)
			c->damaged[CAPTURE_TRUNCATED]++;
		c->in.pos = c->in.have;
		c->done = true;
		return 1;
	}
	return have ? 1 : input_want(&c->in, want);
}

static int pcap_next(struct capture *c, struct packet_frame *frames, unsigned max)
{
	unsigned n = 0;

	while (n < max && !c->done) {
		const uint8_t *p = c->in.buf + c->in.pos;
		size_t left = input_left(&c->in);
		struct packet_frame *f = &frames[n];
		uint32_t caplen;
		int r;

		caplen = left >= c->header ? capture_u32(c, p + 8) : 0;
		if (left < c->header || caplen > CAPTURE_PACKET_MAX || left - c->header < caplen) {
			r = pcap_more(c, n);
			if (r < 0)
				return r;
			if (r > 0)
				break;
			continue;
		}
		__builtin_prefetch(p + INPUT_SLACK - 128); /* another core read this block */
		__builtin_prefetch(p + INPUT_SLACK - 64);
		f->caplen = caplen;
		f->len = capture_u32(c, p + 12);
		f->time_ns = capture_u32(c, p) * 1000000000ull +
			     (uint64_t)capture_u32(c, p + 4) * c->unit;
		f->data = p + c->header;
		f->link = c->link;
		f->number = ++c->number;
		if (caplen > f->len) {
			c->damaged[CAPTURE_BAD_LENGTH]++;
			f->len = caplen;
		}
		c->in.pos += c->header + caplen;
		n++;
	}
	return (int)n;
}

struct magic {
	uint8_t bytes[4];
	bool little;
	uint32_t header, unit;
};
static const struct magic magics[] = {
	{{0xd4, 0xc3, 0xb2, 0xa1}, true, 16, 1000}, {{0xa1, 0xb2, 0xc3, 0xd4}, false, 16, 1000},
	{{0x4d, 0x3c, 0xb2, 0xa1}, true, 16, 1},    {{0xa1, 0xb2, 0x3c, 0x4d}, false, 16, 1},
	{{0x34, 0xcd, 0xb2, 0xa1}, true, 24, 1000}, {{0xa1, 0xb2, 0xcd, 0x34}, false, 24, 1000},
};
static const struct {
	uint8_t bytes[4], n;
	const char *name;
} compressions[] = {
	{{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstd"}, {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4"},
	{{'B', 'Z', 'h'}, 3, "bzip2"},	       {{0xfd, '7', 'z', 'X'}, 4, "xz"},
	{{'P', 'K', 3, 4}, 4, "zip"},
};

static int pcap_start(struct capture *c, const struct magic *m)
{
	int r = input_want(&c->in, PCAP_HEADER);
	const uint8_t *p = c->in.buf + c->in.pos;

	if (r < 0)
		return r;
	c->swapped = m->little != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
	c->header = m->header;
	c->unit = m->unit;
	c->next = pcap_next;
	if (input_left(&c->in) < PCAP_HEADER) {
		c->damaged[CAPTURE_TRUNCATED]++;
		c->done = true;
		return 0;
	}
	c->link =
		(uint16_t)capture_u32(c,
				      p + 20); /* the upper half speaks of frame check sequences */
	c->in.pos += PCAP_HEADER;
	return 0;
}

static int unknown_format(struct capture *c, struct diag_sink *d)
{
	const uint8_t *p = c->in.buf + c->in.pos;

	for (size_t i = 0; i < sizeof(compressions) / sizeof(*compressions); i++)
		if (!memcmp(p, compressions[i].bytes, compressions[i].n)) {
			diag_error(d, c->path, 0,
				   "compressed with %s, which is not read: decompress it first, "
				   "for instance into a pipe and 'cordon replay -'",
				   compressions[i].name);
			return -ENOTSUP;
		}
	diag_error(d, c->path, 0,
		   "not a capture: begins with %02x %02x %02x %02x, not as pcap, pcapng or "
		   "gzip do",
		   p[0], p[1], p[2], p[3]);
	return -EINVAL;
}

/* The first four bytes of what is to be read say what it is. */
static int capture_start(struct capture *c, struct diag_sink *d)
{
	static const uint8_t pcapng_magic[4] = {0x0a, 0x0d, 0x0d, 0x0a};
	const uint8_t *p;
	int r = input_want(&c->in, 4);

	if (r < 0)
		return r;
	c->next = pcap_next;
	p = c->in.buf + c->in.pos;
	if (input_left(&c->in) < 4) {
		c->damaged[c->in.bad_gzip ? CAPTURE_BAD_GZIP : CAPTURE_TRUNCATED]++;
		c->done = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (!memcmp(p, magics[i].bytes, 4))
			return pcap_start(c, &magics[i]);
	if (!memcmp(p, pcapng_magic, 4)) {
		c->next = pcapng_next;
		return 0;
	}
	return unknown_format(c, d);
}

static int capture_begin(struct capture *c, struct diag_sink *d)
{
	int r = input_want(&c->in, 2);

	if (r < 0)
		return r;
	if (input_left(&c->in) >= 2 && c->in.buf[c->in.pos] == 0x1f &&
	    c->in.buf[c->in.pos + 1] == 0x8b) {
		r = input_gunzip(&c->in);
		if (r < 0)
			return r;
	}
	return capture_start(c, d);
}

int capture_open(struct capture **ret, const char *path, bool hash, struct diag_sink *d)
{
	struct capture *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		c->path = strdup(strcmp(path, "-") ? path : "standard input");
		r = c->path ? input_open(&c->in, path) : -ENOMEM;
	}
	if (r == 0 && hash)
		r = input_hash(&c->in);
	if (r == 0) {
		r = capture_begin(c, d);
		if (r == -EINVAL || r == -ENOTSUP) {
			capture_close(c);
			return r;
		}
		input_ahead(&c->in);
	}
	if (r < 0) {
		diag_error(d, path, 0, "%s", r == -EISDIR ? "a directory" : strerror(-r));
		capture_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	input_close(&c->in);
	free(c->interfaces);
	free(c->path);
	free(c);
}

int capture_next(struct capture *c, struct packet_frame *frames, unsigned max)
{
	int n = c->next(c, frames, max);

	/* damage inside the compressed data shows itself as an end: say which of the two it was,
	 * once */
	if (n == 0 && c->in.bad_gzip && !c->damaged[CAPTURE_BAD_GZIP])
		c->damaged[CAPTURE_BAD_GZIP]++;
	return n;
}

const uint64_t *capture_damaged(const struct capture *c)
{
	return c->damaged;
}
uint64_t capture_bytes(const struct capture *c)
{
	return c->in.read;
}
uint64_t capture_size(const struct capture *c)
{
	return c->in.size;
}
int capture_sha256(struct capture *c, char ret[65])
{
	return input_sha256(&c->in, ret);
}
