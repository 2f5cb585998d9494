/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_test.c - captures that are right in every format, and a file for every way to be wrong.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "agent/source/capture.h"
#include "tests/agent/capture_build.h"

static char path[64];

static void setup(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/cordon-capture-XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
}

static void write_file(const void *b, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, b, n), (ssize_t)n);
	close(fd);
}

struct result {
	int opened;
	uint64_t packets, bytes, damaged[CAPTURE_DAMAGES];
	uint64_t time_ns[8];
	uint32_t caplen[8], len[8];
	uint16_t link[8];
	char said[256];
};

static void keep_text(void *arg, const struct diag *d)
{
	snprintf(((struct result *)arg)->said, sizeof(((struct result *)arg)->said), "%s", d->text);
}

/* Reads the whole file, `max` frames at a time; every byte of every frame is touched. */
static struct result read_file(unsigned max)
{
	struct packet_frame f[CAPTURE_BATCH];
	struct result r = {0};
	struct diag_sink sink = {.fn = keep_text, .arg = &r};
	struct capture *c;
	uint64_t wrong = 0;
	int n;

	r.opened = capture_open(&c, path, false, &sink);
	if (r.opened < 0)
		return r;
	while ((n = capture_next(c, f, max)) > 0) {
		for (int i = 0; i < n; i++) {
			if (r.packets < 8) {
				r.time_ns[r.packets] = f[i].time_ns;
				r.caplen[r.packets] = f[i].caplen;
				r.len[r.packets] = f[i].len;
				r.link[r.packets] = f[i].link;
			}
			r.packets++;
			cr_expect_geq(f[i].len, f[i].caplen);
			for (uint32_t k = 0; k < f[i].caplen; k++)
				wrong += f[i].data[k] != (uint8_t)k;
			r.bytes += f[i].caplen;
		}
	}
	cr_expect_eq(n, 0);
	cr_expect_eq(wrong, 0, "%lu bytes are others", wrong);
	memcpy(r.damaged, capture_damaged(c), sizeof(r.damaged));
	capture_close(c);
	return r;
}

static struct result read_bytes(struct bytes *o)
{
	struct result r;

	write_file(o->b, o->n);
	r = read_file(CAPTURE_BATCH);
	free(o->b);
	o->b = NULL;
	return r;
}

static void sum_of(const void *bytes, size_t n, char text[65])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len;

	cr_assert_eq(EVP_Digest(bytes, n, md, &len, EVP_sha256(), NULL), 1);
	for (unsigned i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", md[i]);
}

static uint64_t damages(const struct result *r)
{
	uint64_t n = 0;

	for (int i = 0; i < CAPTURE_DAMAGES; i++)
		n += r->damaged[i];
	return n;
}

TestSuite(capture, .init = setup, .fini = teardown);

Test(capture, every_pcap_magic)
{
	static const struct {
		uint32_t magic;
		uint64_t ns;
		size_t extra;
	} kinds[] = {
		{0xa1b2c3d4, 7000, 0},
		{0xa1b23c4d, 7, 0},
		{0xa1b2cd34, 7000, 8},
	};

	for (int i = 0; i < 6; i++) {
		struct bytes o = {.big = i % 2};
		struct result r;

		pcap_head(&o, kinds[i / 2].magic, 0x10000000 | 101);
		record(&o, 1000, 7, 60, 1500, kinds[i / 2].extra);
		record(&o, 1001, 0, 0, 0, kinds[i / 2].extra);
		record(&o, 0xffffffff, 0, 33, 33, kinds[i / 2].extra);
		r = read_bytes(&o);
		cr_expect_eq(r.opened, 0);
		cr_expect_eq(r.packets, 3, "kind %d: %lu packets", i, r.packets);
		cr_expect_eq(damages(&r), 0);
		cr_expect_eq(r.time_ns[0], 1000000000000ull + kinds[i / 2].ns);
		cr_expect_eq(r.time_ns[2], 4294967295000000000ull);
		cr_expect_eq(r.len[0], 1500);
		cr_expect_eq(r.link[0], 101);
	}
}

Test(capture, pcapng_sections_interfaces_and_clocks)
{
	struct bytes o = {.big = true};
	struct result r;

	section(&o);
	interface(&o, 1, -1);
	interface(&o, 101, 9);
	interface(&o, 113, 0x80 | 10);
	enhanced(&o, 0, 5000000, 60, 60, 60);
	enhanced(&o, 1, 5000000007ull, 41, 41, 1500);
	enhanced(&o, 2, 5 * 1024 + 512, 16, 16, 16);
	block(&o, 0x0bad, &(struct bytes){.big = true});
	o.big = false;
	section(&o);
	interface(&o, 276, 3);
	enhanced(&o, 0, 1234, 20, 20, 20);
	r = read_bytes(&o);
	cr_expect_eq(r.packets, 4);
	cr_expect_eq(damages(&r), 0);
	cr_expect_eq(r.time_ns[0], 5000000000ull);
	cr_expect_eq(r.time_ns[1], 5000000007ull);
	cr_expect_eq(r.time_ns[2], 5500000000ull);
	cr_expect_eq(r.time_ns[3], 1234000000ull);
	cr_expect_eq(r.link[0], 1);
	cr_expect_eq(r.link[1], 101);
	cr_expect_eq(r.link[2], 113);
	cr_expect_eq(r.link[3], 276);
	cr_expect_eq(r.len[1], 1500);
}

static void interface_since(struct bytes *o, int resolution, int64_t offset)
{
	struct bytes b = {0};

	u16(&b, 1);
	u16(&b, 0);
	u32(&b, 0);
	u16(&b, 9);
	u16(&b, 1);
	u32(&b, (uint32_t)resolution);
	u16(&b, 14);
	u16(&b, 8);
	u32(&b, (uint32_t)(uint64_t)offset);
	u32(&b, (uint32_t)((uint64_t)offset >> 32));
	u32(&b, 0);
	block(o, 1, &b);
}

/* What no 64 bits of nanoseconds hold is no time: 1967 is not 2551, nor the far end of a clock 2025. */
Test(capture, pcapng_clocks_at_their_limits)
{
	static const struct {
		int resolution;
		int64_t offset;
		uint64_t t, ns;
	} rows[] = {
		{0, 0, 1750000000, 1750000000000000000ull},
		{0, 86400, 1750000000, 1750086400000000000ull},
		{6, -86400, 1750000000000000ull, 1749913600000000000ull},
		{9, 0, UINT64_MAX, UINT64_MAX},
		{9, 1, UINT64_MAX, 0},
		{9, -1, 999999999, 0},
		{9, -1, 1000000000, 0},
		{9, -1, 1000000001, 1},
		{6, -1750000000 - 3 * 31536000, 1750000000000000ull, 0},
		{6, INT64_MAX, 1750000000000000ull, 0},
		{6, INT64_MIN, 1750000000000000ull, 0},
		{6, 0, UINT64_MAX, 0},
		{0, 0, UINT64_MAX, 0},
		{0, 0, 20196744073ull + 1750000000, 0}, /* 2^64 ns and a time of 2025 */
		{0x80 | 10, 0, 1750000000ull * 1024 + 512, 1750000000500000000ull},
		{0x80 | 63, 0, 1ull << 63, 1000000000},
		{0x80 | 127, 0, UINT64_MAX, 0},
		{127, 0, UINT64_MAX, 0},
		{0x80, 0, UINT64_MAX, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes o = {0};
		struct result r;

		section(&o);
		interface_since(&o, rows[i].resolution, rows[i].offset);
		enhanced(&o, 0, rows[i].t, 20, 20, 20);
		r = read_bytes(&o);
		cr_expect_eq(r.packets, 1, "row %zu", i);
		cr_expect_eq(r.time_ns[0], rows[i].ns, "row %zu: %lu", i, r.time_ns[0]);
	}
}

Test(capture, packets_over_the_edge_of_a_block)
{
	struct bytes o = {0};
	struct result r;
	unsigned n = 0;

	pcap_head(&o, 0xa1b2c3d4, 1);
	for (; o.n + 3000 < LIMIT / 4; n++)
		record(&o, n, 0, 1000 + n % 517, 2000, 0);
	write_file(o.b, o.n);
	for (unsigned max = 1; max <= CAPTURE_BATCH; max += 31) {
		r = read_file(max);
		cr_expect_eq(r.packets, n);
		cr_expect_eq(damages(&r), 0);
	}
	free(o.b);
}

/* Large enough to be read ahead by a thread: the same packets; left in the middle, nothing hangs;
 * the sum is whole. */
Test(capture, read_ahead)
{
	struct packet_frame f[CAPTURE_BATCH];
	struct diag_sink sink = {0};
	struct bytes o = {0};
	struct capture *c;
	struct result r;
	char a[65], b[65];
	unsigned n = 0;

	pcap_head(&o, 0xa1b2c3d4, 1);
	for (; o.n + 70000 < LIMIT; n++)
		record(&o, n, 0, 60 + n * 7919 % 65000, 65100, 0);
	u32(&o, 1); /* and a piece of another */
	write_file(o.b, o.n);
	r = read_file(CAPTURE_BATCH);
	cr_expect_eq(r.packets, n);
	cr_expect_eq(r.damaged[CAPTURE_TRUNCATED], 1);
	sum_of(o.b, o.n, a);
	for (int batches = 0; batches < 200; batches += 40) {
		cr_assert_eq(capture_open(&c, path, true, &sink), 0);
		for (int i = 0; i < batches; i++)
			cr_assert_geq(capture_next(c, f, 1), 0);
		cr_assert_eq(capture_sha256(c, b), 0);
		cr_expect_str_eq(a, b);
		capture_close(c);
		cr_assert_eq(capture_open(&c, path, false, &sink), 0);
		capture_close(c);
	}
	free(o.b);
}

Test(capture, the_largest_packet_and_one_more)
{
	for (uint32_t over = 0; over < 2; over++) {
		struct bytes o = {0};
		struct result r;

		pcap_head(&o, 0xa1b2c3d4, 1);
		record(&o, 1, 0, CAPTURE_PACKET_MAX + over, CAPTURE_PACKET_MAX + over, 0);
		record(&o, 2, 0, 60, 60, 0);
		r = read_bytes(&o);
		cr_expect_eq(r.packets, 2 - over, "%lu",
			     r.packets); /* the one behind it is read all the same */
		cr_expect_eq(r.damaged[CAPTURE_BAD_RECORD], over);
	}
}

Test(capture, damaged_pcap)
{
	struct bytes o = {0};
	struct result r;

	pcap_head(&o, 0xa1b2c3d4, 1);
	r = read_bytes(&o);
	cr_expect_eq(r.packets + damages(&r), 0, "no packets is no damage");

	for (size_t cut = 0; cut < 24; cut++) { /* in the file's header */
		o = (struct bytes){0};
		pcap_head(&o, 0xa1b2c3d4, 1);
		o.n = cut;
		r = read_bytes(&o);
		cr_expect_eq(r.opened, 0);
		cr_expect_eq(r.damaged[CAPTURE_TRUNCATED], 1, "cut at %zu", cut);
	}
	for (size_t cut = 1; cut < 16 + 60; cut++) { /* in the second record */
		o = (struct bytes){0};
		pcap_head(&o, 0xa1b2c3d4, 1);
		record(&o, 1, 0, 60, 60, 0);
		record(&o, 2, 0, 60, 60, 0);
		o.n -= cut;
		r = read_bytes(&o);
		cr_expect_eq(r.packets, 1);
		cr_expect_eq(r.damaged[CAPTURE_TRUNCATED], 1);
		cr_expect_eq(damages(&r), 1);
	}
	o = (struct bytes){0};
	pcap_head(&o, 0xa1b2c3d4, 1);
	record(&o, 1, 0, 60, 40, 0); /* longer than itself: used, and told */
	record(&o, 1, 0, 60, 60, 0);
	r = read_bytes(&o);
	cr_expect_eq(r.packets, 2);
	cr_expect_eq(r.len[0], 60);
	cr_expect_eq(r.damaged[CAPTURE_BAD_LENGTH], 1);
	o = (struct bytes){0};
	pcap_head(&o, 0xa1b2c3d4, 1);
	record(&o, 1, 0, 60, 60, 0);
	u32(&o, 2);
	u32(&o, 0);
	u32(&o, 0xfffffff0); /* nothing after this can be trusted */
	u32(&o, 60);
	u8s(&o, path, sizeof(path));
	r = read_bytes(&o);
	cr_expect_eq(r.packets, 1);
	cr_expect_eq(r.damaged[CAPTURE_BAD_RECORD], 1);
}

/* One block of any type and length, after a good packet. */
static struct result with_block(uint32_t type, uint32_t len, uint32_t trailer, size_t body)
{
	static const uint8_t zero[256];
	struct bytes o = {0};

	section(&o);
	interface(&o, 1, -1);
	enhanced(&o, 0, 1, 60, 60, 60);
	u32(&o, type);
	u32(&o, len);
	u8s(&o, zero, body);
	u32(&o, trailer);
	enhanced(&o, 0, 1, 60, 60, 60);
	return read_bytes(&o);
}

Test(capture, damaged_pcapng)
{
	static const struct {
		const char *name;
		uint32_t type, len, trailer;
		size_t body;
		enum capture_damage d;
		uint64_t packets;
	} bad[] = {
		{"length 0", 6, 0, 0, 20, CAPTURE_BAD_BLOCK, 2},
		{"length 11", 6, 11, 11, 0, CAPTURE_BAD_BLOCK, 2},
		{"length not of fours", 6, 33, 33, 20, CAPTURE_BAD_BLOCK, 2},
		{"length enormous", 6, 0xfffffff0, 32, 20, CAPTURE_BAD_BLOCK, 2},
		{"length over the file", 6, 4096, 32, 20, CAPTURE_BAD_BLOCK, 2},
		{"lengths differ", 6, 32, 36, 20, CAPTURE_BAD_BLOCK, 2},
		{"packet block without room", 6, 28, 28, 16, CAPTURE_BAD_BLOCK, 2},
		{"interface block without room", 1, 16, 16, 4, CAPTURE_BAD_BLOCK, 2},
		{"section without byte order", 0x0a0d0d0a, 28, 28, 16, CAPTURE_BAD_BLOCK, 2},
		{"a skipped block over the file", 99, 4u << 20, 32, 20, CAPTURE_BAD_BLOCK, 2},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct result r = with_block(bad[i].type, bad[i].len, bad[i].trailer, bad[i].body);

		cr_expect_eq(r.packets, bad[i].packets, "%s: %lu packets", bad[i].name, r.packets);
		cr_expect_eq(r.damaged[bad[i].d], 1, "%s", bad[i].name);
		cr_expect_eq(damages(&r), 1, "%s", bad[i].name);
	}
}

Test(capture, pcapng_packets_that_lie)
{
	struct bytes o = {0};
	struct result r;

	section(&o);
	enhanced(&o, 0, 1, 60, 60, 60); /* no interface yet */
	interface(&o, 1, -1);
	enhanced(&o, 1, 1, 60, 60, 60);	      /* nor a second one */
	enhanced(&o, 0, 1, 61000, 60, 61000); /* more than its block holds */
	enhanced(&o, 0, 1, 60, 60, 8);
	enhanced(&o, 0, 1, 60, 60, 60);
	r = read_bytes(&o);
	cr_expect_eq(r.packets, 2);
	cr_expect_eq(r.damaged[CAPTURE_NO_INTERFACE], 2);
	cr_expect_eq(r.damaged[CAPTURE_BAD_RECORD], 1);
	cr_expect_eq(r.damaged[CAPTURE_BAD_LENGTH], 1);
}

Test(capture, interfaces_at_the_limit)
{
	struct bytes o = {0};
	struct result r;
	unsigned n = 0;

	section(&o);
	for (; n <= CAPTURE_INTERFACES_MAX; n++)
		interface(&o, 1, -1);
	enhanced(&o, CAPTURE_INTERFACES_MAX - 1, 1, 60, 60, 60);
	enhanced(&o, CAPTURE_INTERFACES_MAX, 1, 60, 60, 60);
	r = read_bytes(&o);
	cr_expect_eq(r.packets,
		     2); /* the second as if it came from the first interface, and told */
	cr_expect_eq(r.damaged[CAPTURE_BAD_BLOCK], 1);
	cr_expect_eq(r.damaged[CAPTURE_NO_INTERFACE], 1);
}

static size_t gzip(const struct bytes *in, uint8_t *to, size_t room)
{
	z_stream z = {
		.next_in = in->b, .avail_in = (uInt)in->n, .next_out = to, .avail_out = (uInt)room};

	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

Test(capture, gzip_members_garbage_and_damage)
{
	static uint8_t packed[65536];
	struct bytes a = {0}, b = {0};
	struct result r;
	size_t n, m;

	pcap_head(&a, 0xa1b2c3d4, 1);
	for (int i = 0; i < 200; i++)
		record(&a, 1, 0, 60, 60, 0);
	for (int i = 0; i < 100; i++)
		record(&b, 1, 0, 60, 60, 0);
	n = gzip(&a, packed, sizeof(packed));
	m = n + gzip(&b, packed + n, sizeof(packed) - n);
	write_file(packed, m);
	r = read_file(CAPTURE_BATCH);
	cr_expect_eq(r.packets, 300, "%lu packets of two members", r.packets);
	cr_expect_eq(damages(&r), 0);
	packed[m] = 'x'; /* what follows and is no member may have been one */
	write_file(packed, m + 1);
	r = read_file(CAPTURE_BATCH);
	cr_expect_eq(r.packets, 300);
	cr_expect_eq(r.damaged[CAPTURE_BAD_PACKED], 1);
	memset(packed + m, 0, 512); /* but zeros that fill up a block are nothing */
	write_file(packed, m + 512);
	r = read_file(CAPTURE_BATCH);
	cr_expect_eq(r.packets, 300);
	cr_expect_eq(damages(&r), 0);
	for (size_t cut = 1; cut < n; cut += 7) {
		write_file(packed, n - cut);
		r = read_file(CAPTURE_BATCH);
		cr_expect(damages(&r) > 0 || r.opened < 0, "cut by %zu", cut);
		cr_expect_leq(r.packets, 200);
	}
	packed[n / 2] ^= 0x55;
	write_file(packed, m);
	r = read_file(CAPTURE_BATCH);
	cr_expect(r.opened < 0 || r.damaged[CAPTURE_BAD_PACKED] == 1);
	free(a.b);
	free(b.b);
}

Test(capture, what_is_no_capture_is_named)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *says;
		int error;
	} files[] = {
		{"BZh9....", 8, "bzip2", -ENOTSUP},
		{"snoop\0\0\0\0\0\0\2", 12, "snoop", -ENOTSUP},
		{"GMBU....", 8, "Network Monitor", -ENOTSUP},
		{"PK\3\4....", 8, "zip", -ENOTSUP},
		{"hello, world", 12, "not a capture", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct result r;

		write_file(files[i].bytes, files[i].n);
		r = read_file(1);
		cr_expect_eq(r.opened, files[i].error);
		cr_expect_not_null(strstr(r.said, files[i].says), "said: %s", r.said);
	}
	unlink(path);
	cr_expect_eq(read_file(1).opened, -ENOENT);
	snprintf(path, sizeof(path), "/tmp");
	cr_expect_eq(read_file(1).opened, -EISDIR);
}

/* Of the file, not of its packets: a damaged tail counts. */
Test(capture, sum_on_the_way)
{
	struct packet_frame f[CAPTURE_BATCH];
	struct bytes o = {0};
	struct diag_sink sink = {0};
	struct capture *c;
	char a[65], b[65];

	pcap_head(&o, 0xa1b2c3d4, 1);
	for (int i = 0; i < 30000; i++)
		record(&o, 1, 0, 33, 33, 0);
	u32(&o, 7);
	write_file(o.b, o.n);
	sum_of(o.b, o.n, b);
	free(o.b);
	cr_assert_eq(capture_open(&c, path, true, &sink), 0);
	while (capture_next(c, f, CAPTURE_BATCH) > 0)
		;
	cr_assert_eq(capture_sha256(c, a), 0);
	capture_close(c);
	cr_expect_str_eq(a, b);
}
