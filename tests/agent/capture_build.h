/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_build.h - captures written by hand, for the tests of their readers. */
#ifndef TESTS_AGENT_CAPTURE_BUILD_H
#define TESTS_AGENT_CAPTURE_BUILD_H
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (8u << 20)
struct bytes {
	uint8_t *b;
	size_t n, room; /* LIMIT at most */
	bool big;
};

static inline void u8s(struct bytes *o, const void *p, size_t n)
{
	while (o->n + n > o->room || !o->b) {
		o->room = o->room ? o->room * 4 : 128;
		o->b = realloc(o->b, o->room);
	}
	cr_assert(o->b && o->n + n <= LIMIT);
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static inline void u16(struct bytes *o, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	if (o->big)
		b[0] = (uint8_t)(v >> 8), b[1] = (uint8_t)v;
	u8s(o, b, 2);
}

static inline void u32(struct bytes *o, uint32_t v)
{
	if (o->big) {
		u16(o, (uint16_t)(v >> 16));
		u16(o, (uint16_t)v);
	} else {
		u16(o, (uint16_t)v);
		u16(o, (uint16_t)(v >> 16));
	}
}

static inline void pcap_head(struct bytes *o, uint32_t magic, uint32_t link)
{
	u32(o, magic);
	u16(o, 2);
	u16(o, 4);
	u32(o, 0);
	u32(o, 0);
	u32(o, 65535);
	u32(o, link);
}

/* A record of n bytes 0, 1, 2, ... */
static inline void record(struct bytes *o, uint32_t sec, uint32_t frac, uint32_t n, uint32_t len,
			  size_t extra)
{
	uint8_t zero[8] = {0};

	u32(o, sec);
	u32(o, frac);
	u32(o, n);
	u32(o, len);
	u8s(o, zero, extra);
	for (uint32_t i = 0; i < n; i++)
		u8s(o, &(uint8_t){(uint8_t)i}, 1);
}

static inline void block(struct bytes *o, uint32_t type, const struct bytes *body)
{
	static const uint8_t zero[4];
	size_t pad = (4 - body->n % 4) % 4;
	uint32_t len = (uint32_t)(12 + body->n + pad);

	u32(o, type);
	u32(o, len);
	if (body->n)
		u8s(o, body->b, body->n);
	u8s(o, zero, pad);
	u32(o, len);
	free(body->b);
}

static inline void section(struct bytes *o)
{
	struct bytes b = {.big = o->big};

	u32(&b, 0x1a2b3c4d);
	u16(&b, 1);
	u16(&b, 0);
	u32(&b, 0xffffffff);
	u32(&b, 0xffffffff);
	block(o, 0x0a0d0d0a, &b);
}

static inline void interface(struct bytes *o, uint16_t link, int resolution)
{
	struct bytes b = {.big = o->big};

	u16(&b, link);
	u16(&b, 0);
	u32(&b, 0);
	if (resolution >= 0) {
		u16(&b, 9);
		u16(&b, 1);
		u8s(&b, (uint8_t[]){(uint8_t)resolution, 0, 0, 0}, 4);
		u32(&b, 0);
	}
	block(o, 1, &b);
}

static inline void enhanced(struct bytes *o, uint32_t id, uint64_t t, uint32_t caplen, uint32_t n,
			    uint32_t len)
{
	struct bytes b = {.big = o->big};

	u32(&b, id);
	u32(&b, (uint32_t)(t >> 32));
	u32(&b, (uint32_t)t);
	u32(&b, caplen);
	u32(&b, len);
	for (uint32_t i = 0; i < n; i++)
		u8s(&b, &(uint8_t){(uint8_t)i}, 1);
	block(o, 6, &b);
}
#endif
