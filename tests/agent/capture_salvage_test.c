/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_salvage_test.c - what comes back from captures with damage in them, and odd writers. */
#include <fcntl.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>
#include "agent/source/capture.h"
#include "tests/agent/capture_build.h"

#define RECORDS 400u
#define TRIALS	300

struct got {
	int opened;
	uint64_t packets, damaged[CAPTURE_DAMAGES], lost;
	uint8_t seen[RECORDS]; /* records that came back as they were */
	uint8_t side[8];
	uint16_t link;
	uint32_t caplen, len;
	size_t hosts, notes;
	struct capture_note note;
};

/* What record i holds, at byte k. */
static uint8_t content(uint32_t i, uint32_t k)
{
	uint32_t x = (i * 2654435761u) ^ (k * 40503u);

	return (uint8_t)(x >> 11 ^ x >> 23);
}

static uint32_t size_of(uint32_t i)
{
	return 60 + i * 7919 % 1400;
}

static void data(struct bytes *o, uint32_t i)
{
	for (uint32_t k = 0; k < size_of(i); k++)
		u8s(o, &(uint8_t){content(i, k)}, 1);
}

static void a_record(struct bytes *o, uint32_t i)
{
	u32(o, 1750000000 + i);
	u32(o, i);
	u32(o, size_of(i));
	u32(o, size_of(i));
	data(o, i);
}

static void pcap_of(struct bytes *o, uint32_t from, uint32_t to)
{
	pcap_head(o, 0xa1b2c3d4, 1);
	for (uint32_t i = from; i < to; i++)
		a_record(o, i);
}

static void a_packet(struct bytes *o, uint32_t i)
{
	struct bytes b = {.big = o->big};
	uint64_t t = (1750000000ull + i) * 1000000 + i;

	u32(&b, 0);
	u32(&b, (uint32_t)(t >> 32));
	u32(&b, (uint32_t)t);
	u32(&b, size_of(i));
	u32(&b, size_of(i));
	data(&b, i);
	block(o, 6, &b);
}

static void pcapng_of(struct bytes *o, uint32_t from, uint32_t to)
{
	section(o);
	interface(o, 1, -1);
	for (uint32_t i = from; i < to; i++)
		a_packet(o, i);
}

static void compare(struct got *g, const struct packet_frame *f)
{
	uint64_t i = f->time_ns / 1000000000 - 1750000000;
	bool same = i < RECORDS && f->caplen == size_of((uint32_t)i) && f->len == f->caplen;

	for (uint32_t k = 0; same && k < f->caplen; k++)
		same = f->data[k] == content((uint32_t)i, k);
	if (same)
		g->seen[i]++;
}

static struct got read_bytes(const void *bytes, size_t n)
{
	struct packet_frame f[CAPTURE_BATCH];
	struct diag_sink sink = {0};
	struct got g = {0};
	struct capture *c;
	char path[64];
	int fd = memfd_create("capture", 0), r;
	const struct capture_note *note;

	cr_assert(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	g.opened = capture_open(&c, path, false, &sink);
	close(fd);
	if (g.opened < 0)
		return g;
	while ((r = capture_next(c, f, CAPTURE_BATCH)) > 0)
		for (int i = 0; i < r; i++) {
			if (g.packets < 8)
				g.side[g.packets] = f[i].side;
			g.packets++;
			g.link = f[i].link;
			g.caplen = f[i].caplen;
			g.len = f[i].len;
			compare(&g, &f[i]);
		}
	cr_expect_eq(r, 0);
	memcpy(g.damaged, capture_damaged(c), sizeof(g.damaged));
	g.lost = capture_lost(c);
	(void)capture_hosts(c, &g.hosts);
	note = capture_notes(c, &g.notes);
	if (g.notes)
		g.note = note[0];
	capture_close(c);
	return g;
}

static unsigned whole(const struct got *g)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RECORDS; i++)
		n += g->seen[i] == 1;
	return n;
}

static uint64_t damages(const struct got *g)
{
	uint64_t n = 0;

	for (int i = 0; i < CAPTURE_DAMAGES; i++)
		n += g->damaged[i];
	return n;
}

/* One byte anywhere becomes another: of the records that do not hold it, 99 of 100 come back. */
static void one_byte(const struct bytes *o, const char *format)
{
	unsigned worst = RECORDS;

	srandom(7);
	for (int trial = 0; trial < TRIALS; trial++) {
		size_t at = trial < 64 ? (size_t)trial : (size_t)random() % o->n;
		uint8_t was = o->b[at];
		struct got g;

		o->b[at] = (uint8_t)(was + 1 + random() % 255);
		g = read_bytes(o->b, o->n);
		o->b[at] = was;
		cr_expect_eq(g.opened, 0, "%s: byte %zu: not opened", format, at);
		cr_expect_geq(whole(&g), (RECORDS - 1) * 99 / 100, "%s: byte %zu: only %u whole",
			      format, at, whole(&g));
		worst = whole(&g) < worst ? whole(&g) : worst;
	}
	cr_expect_lt(worst, RECORDS, "%s: no trial hit a record", format);
}

Test(salvage, one_byte_of_a_pcap)
{
	struct bytes o = {0};

	pcap_of(&o, 0, RECORDS);
	cr_assert_eq(whole(&(struct got){0}), 0);
	one_byte(&o, "pcap");
	free(o.b);
}

Test(salvage, one_byte_of_a_pcapng)
{
	struct bytes o = {0};

	pcapng_of(&o, 0, RECORDS);
	one_byte(&o, "pcapng");
	free(o.b);
}

/* A length field of every record in turn: the others are whole, and the loss is told where it is. */
Test(salvage, every_length)
{
	static const uint32_t lengths[] = {0x7fffffff, 0xffffffff, 262145, 262144, 100000, 17, 1};
	struct bytes o = {0};
	size_t at;

	pcap_of(&o, 0, 40);
	at = 24;
	for (uint32_t i = 0; i < 40; i++) {
		for (size_t k = 0; k < sizeof(lengths) / sizeof(*lengths); k++) {
			uint32_t was = size_of(i);
			struct got g;

			memcpy(o.b + at + 8, &lengths[k], 4);
			g = read_bytes(o.b, o.n);
			memcpy(o.b + at + 8, &was, 4);
			cr_expect_eq(g.packets, 39, "record %u, length %u: %lu packets", i,
				     lengths[k], g.packets);
			cr_expect_eq(whole(&g), 39);
			cr_expect_geq(damages(&g), 1);
			cr_expect_eq(g.note.offset, at, "record %u: told at %lu", i, g.note.offset);
		}
		at += 16 + size_of(i);
	}
	free(o.b);
}

Test(salvage, zeros)
{
	static uint8_t zero[300000];
	struct bytes o = {0};
	struct got g;

	pcap_of(&o, 0, 40);
	u8s(&o, zero, sizeof(zero));
	g = read_bytes(o.b, o.n);
	cr_expect_eq(g.packets, 40);
	cr_expect_eq(g.damaged[CAPTURE_ZEROS], 1);
	cr_expect_eq(damages(&g), 1);
	cr_expect_eq(g.lost, sizeof(zero));
	for (uint32_t i = 40; i < 80; i++) /* and now it is a hole */
		a_record(&o, i);
	g = read_bytes(o.b, o.n);
	cr_expect_eq(whole(&g), 80);
	cr_expect_eq(g.damaged[CAPTURE_ZEROS], 1);
	free(o.b);
}

Test(salvage, files_after_each_other)
{
	struct bytes o = {0};
	struct got g;

	pcap_of(&o, 0, 20);
	pcapng_of(&o, 20, 30);
	o.big = true;
	pcap_of(&o, 30, 40);
	pcapng_of(&o, 40, 50);
	g = read_bytes(o.b, o.n);
	cr_expect_eq(whole(&g), 50, "%u", whole(&g));
	cr_expect_eq(g.damaged[CAPTURE_JOINED], 3, "%lu: a section in pcapng is none",
		     g.damaged[CAPTURE_JOINED]);
	free(o.b);
}

Test(salvage, no_file_header)
{
	for (int big = 0; big < 2; big++) {
		struct bytes o = {.big = big}, p = {.big = big};
		struct got g;

		pcap_of(&o, 0, 20);
		g = read_bytes(o.b + 24, o.n - 24);
		cr_expect_eq(whole(&g), 20, "pcap %d: %u", big, whole(&g));
		cr_expect_eq(g.damaged[CAPTURE_NO_HEADER], 1);
		cr_expect_eq(g.link, 1);
		pcapng_of(&p, 0, 20);
		g = read_bytes(p.b + 28, p.n - 28);
		cr_expect_eq(whole(&g), 20, "pcapng %d: %u", big, whole(&g));
		cr_expect_eq(g.damaged[CAPTURE_NO_HEADER], 1);
		free(o.b);
		free(p.b);
	}
}

/* Version 2.2 has the two lengths the other way round; Nokia's records have four bytes more. */
Test(salvage, odd_writers)
{
	struct bytes o = {0}, p = {0};
	struct got g;

	pcap_head(&o, 0xa1b2c3d4, 1);
	o.b[6] = 2;
	for (uint32_t i = 0; i < 3; i++) {
		u32(&o, 1750000000 + i);
		u32(&o, 0);
		u32(&o, 1500);
		u32(&o, 60);
		for (uint32_t k = 0; k < 60; k++)
			u8s(&o, &(uint8_t){content(i, k)}, 1);
	}
	g = read_bytes(o.b, o.n);
	cr_expect_eq(g.packets, 3);
	cr_expect_eq(g.caplen, 60);
	cr_expect_eq(g.len, 1500);
	cr_expect_eq(damages(&g), 0);
	pcap_head(&p, 0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < 20; i++) {
		u32(&p, 1750000000 + i);
		u32(&p, i);
		u32(&p, size_of(i));
		u32(&p, size_of(i));
		u32(&p, 0x01020304);
		data(&p, i);
	}
	g = read_bytes(p.b, p.n);
	cr_expect_eq(whole(&g), 20);
	cr_expect_eq(damages(&g), 0);
	free(o.b);
	free(p.b);
}

/* A block's option or statistics: addresses of the host, the side of a packet, what was lost. */
Test(salvage, what_pcapng_says_beside)
{
	static const uint8_t address4[] = {4, 0, 8, 0, 192, 0, 2, 10, 255, 255, 255, 0};
	static const uint8_t dropped[] = {5, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct bytes o = {0}, b = {0}, s = {0};
	struct got g;

	section(&o);
	u16(&b, 1);
	u16(&b, 0);
	u32(&b, 0);
	u8s(&b, address4, sizeof(address4));
	block(&o, 1, &b);
	for (uint32_t side = 0; side < 4; side++) {
		struct bytes p = {0};

		u32(&p, 0);
		u32(&p, 0);
		u32(&p, 1);
		u32(&p, 4);
		u32(&p, 4);
		u32(&p, 0x45);
		u16(&p, 2);
		u16(&p, 4);
		u32(&p, side);
		block(&o, 6, &p);
	}
	u32(&s, 0);
	u32(&s, 0);
	u32(&s, 0);
	u8s(&s, dropped, sizeof(dropped));
	block(&o, 5, &s);
	g = read_bytes(o.b, o.n);
	cr_expect_eq(g.packets, 4);
	cr_expect_eq(g.hosts, 1);
	cr_expect_eq(g.side[1], PACKET_SIDE_IN);
	cr_expect_eq(g.side[2], PACKET_SIDE_OUT);
	cr_expect_eq(g.side[3], PACKET_SIDE_UNKNOWN);
	cr_expect_eq(g.damaged[CAPTURE_DROPPED], 7);
	free(o.b);
}

/* A block of 3 MB that nobody knows, and its packets on both sides. */
Test(salvage, large_blocks)
{
	struct bytes o = {0}, b = {0};
	struct got g;

	pcapng_of(&o, 0, 5);
	for (uint32_t i = 0; i < 3u << 18; i++)
		u32(&b, i);
	block(&o, 0xbad, &b);
	a_packet(&o, 5);
	g = read_bytes(o.b, o.n);
	cr_expect_eq(whole(&g), 6);
	cr_expect_eq(damages(&g), 0);
	free(o.b);
}

/* As the command line programs do, with a checksum of what is inside. */
static size_t zstd(const struct bytes *in, uint8_t *to, size_t room)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(c, to, room, in->b, in->n);
	ZSTD_freeCCtx(c);
	cr_assert(!ZSTD_isError(n));
	return n;
}

static size_t lz4(const struct bytes *in, uint8_t *to, size_t room)
{
	LZ4F_preferences_t p = {.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled};
	size_t n = LZ4F_compressFrame(to, room, in->b, in->n, &p);

	cr_assert(!LZ4F_isError(n));
	return n;
}

static size_t xz(const struct bytes *in, uint8_t *to, size_t room)
{
	size_t n = 0;

	cr_assert_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, in->b, in->n, to, &n, room),
		     LZMA_OK);
	return n;
}

/* Two members each; whole, cut at the end, and with a damaged byte in the first. */
Test(salvage, zstd_lz4_xz)
{
	static size_t (*const how[])(const struct bytes *, uint8_t *, size_t) = {zstd, lz4, xz};
	static uint8_t to[2 << 20];

	for (size_t i = 0; i < 3; i++) {
		struct bytes a = {0}, b = {0};
		struct got g;
		size_t n, all;

		pcap_of(&a, 0, 200);
		pcap_of(&b, 200, 400);
		n = how[i](&a, to, sizeof(to));
		all = n + how[i](&b, to + n, sizeof(to) - n);
		g = read_bytes(to, all);
		cr_expect_eq(whole(&g), 400, "%zu: %u", i, whole(&g));
		cr_expect_eq(g.damaged[CAPTURE_JOINED], 1);
		cr_expect_eq(damages(&g), 1);
		g = read_bytes(to, n - 9);
		cr_expect_geq(damages(&g), 1, "%zu: cut, and not told", i);
		to[n / 2] ^= 0x55;
		to[n / 2 + 1] ^= 0x55;
		g = read_bytes(to, all);
		cr_expect_geq(whole(&g), 200, "%zu: the second member is whole, got %u", i,
			      whole(&g));
		cr_expect_geq(g.damaged[CAPTURE_BAD_PACKED], 1);
		free(a.b);
		free(b.b);
	}
}
