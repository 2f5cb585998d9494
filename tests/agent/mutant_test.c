/* SPDX-License-Identifier: BSD-2-Clause */
/* mutant_test.c - captures with random damage, the same each time: nothing crashes, hangs, or reads
 * outside a frame. */
#include <criterion/criterion.h>
#include <zlib.h>
#define CAPTURE_FUZZ_MUTANTS
#include "tests/fuzz/capture_fuzz.c"

#define MUTANTS 2000

static size_t put(size_t at, const void *p, size_t n)
{
	cr_assert_leq(at + n, sizeof(whole));
	memcpy(whole + at, p, n);
	return at + n;
}

static size_t put32(size_t at, uint32_t v)
{
	return put(at, &v, 4);
}

/* IPv6 with extension headers, a fragment and a routing header; IPv4 with options; VLAN and LLC in
 * front */
static const uint8_t frames[][100] = {
	{2, 0,	  0, 0, 0,    1, 2, 0,	  0, 0,	 0,  2, 0x81, 0,    0, 5,   0x08,
	 0, 0x47, 0, 0, 48,   0, 7, 0x20, 0, 64, 17, 0, 0,    10,   0, 0,   5,
	 3, 80,	  0, 1, 0x83, 7, 4, 8,	  8, 8,	 8,  0, 0x9c, 0x40, 1, 0xbb},
	{2, 0,	0, 0,  0,    1,		  2,	0,	   0, 0, 0, 2, 0x86, 0xdd, 0x60, 0,  0,	  0,
	 0, 46, 0, 64, 0xfd, [38] = 0x26, 0x00, [54] = 43, 0, 5, 2, 0, 0,    0,	   0,	 44, 0,	  0,
	 1, 0,	0, 0,  0,    6,		  0,	0,	   1, 0, 0, 0, 9,    0x9c, 0x40, 1,  0xbb},
	{2, 0, 0,    0,	   0, 1, 2, 0,	0,    0, 0,    2,    0,	   80,	 0xaa,	      0xaa, 3,	0,
	 0, 0, 0x88, 0x47, 0, 1, 1, 64, 0x45, 0, 0,    40,   0,	   0,	 0,	      0,    64, 6,
	 0, 0, 10,   0,	   0, 5, 3, 80, 0,    1, 0x15, 0x38, 0x9c, 0x40, [58] = 0x50, 0x12},
};
#define NFRAMES (sizeof(frames) / sizeof(*frames))

static size_t pcap(uint32_t link)
{
	size_t at = put32(0, 0xa1b2c3d4);

	at = put32(at, 4u << 16 | 2);
	at = put32(put32(put32(put32(at, 0), 0), 65535), link);
	for (size_t i = 0; i < 4 * NFRAMES; i++) {
		at = put32(put32(put32(put32(at, 1795430400), 0), 100), 100);
		at = put(at, frames[i % NFRAMES], 100);
	}
	return at;
}

static size_t pcapng(void)
{
	size_t at = 0;

	for (int section = 0; section < 2; section++) {
		at = put32(put32(put32(put32(at, 0x0a0d0d0a), 28), 0x1a2b3c4d), 1);
		at = put32(put32(put32(at, 0xffffffff), 0xffffffff), 28);
		at = put32(put32(put32(put32(put32(at, 1), 20), 1), 0), 20);
		at = put32(put32(put32(put32(at, 1), 32), 101), 0);
		at = put32(put32(put32(put32(at, 1u << 16 | 9), 9), 0), 32);
		for (size_t i = 0; i < 2 * NFRAMES; i++) {
			at = put32(put32(put32(put32(put32(at, 6), 132), (uint32_t)i & 1), 0), 7);
			at = put(put32(put32(at, 100), 100), frames[i % NFRAMES], 100);
			at = put32(at, 132);
		}
		at = put32(put32(put32(put32(at, 3), 40), 24), 0);
		at = put32(put(at, frames[0], 20), 40);
	}
	return at;
}

Test(mutant, pcap)
{
	static const uint32_t links[] = {0,   1,   9,	50,  101, 104, 105, 107,
					 113, 127, 192, 239, 242, 258, 276};

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		mutants(pcap(links[i]), MUTANTS / 10);
	mutants(pcap(1), MUTANTS);
}

Test(mutant, pcapng)
{
	mutants(pcapng(), MUTANTS);
}

Test(mutant, gzip)
{
	static uint8_t plain[SIZE_MAX_FUZZ];
	size_t n = pcapng();
	z_stream z = {.next_in = plain,
		      .avail_in = (uInt)n,
		      .next_out = whole,
		      .avail_out = sizeof(whole)};

	memcpy(plain, whole, n);
	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = sizeof(whole) - z.avail_out;
	deflateEnd(&z);
	mutants(n, MUTANTS);
}
