/* SPDX-License-Identifier: BSD-2-Clause */
/* packed.c - four decompressors behind one row of functions each. */
#include <errno.h>
#include <stdbool.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include "agent/source/packed.h"

#define XZ_MEMORY (512ull << 20) /* xz -9 wants 65 MB; more than this is no capture's need */
#define ROOM_MAX  (1u << 30)	 /* zlib counts in 32 bits */

struct packed {
	const struct packing *how;
	union {
		z_stream gzip;
		ZSTD_DCtx *zstd;
		LZ4F_dctx *lz4;
		lzma_stream xz;
	};
};
struct packing {
	uint8_t magic[PACKED_MAGIC];
	uint8_t n;
	bool skips; /* knows frames that are to be stepped over, as pzstd writes one before each of its own */
	int (*start)(struct packed *p);
	int (*reset)(struct packed *p);
	enum packed_result (*run)(struct packed *p, struct packed_io *io);
	void (*end)(struct packed *p);
};

static void moved(struct packed_io *io, size_t in, size_t out)
{
	io->in += in;
	io->left -= in;
	io->out += out;
	io->room -= out;
}

static int gzip_start(struct packed *p)
{
	return inflateInit2(&p->gzip, 15 + 16) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_reset(struct packed *p)
{
	return inflateReset(&p->gzip) == Z_OK ? 0 : -ENOMEM;
}

static enum packed_result gzip_run(struct packed *p, struct packed_io *io)
{
	z_stream *z = &p->gzip;
	size_t left = io->left < ROOM_MAX ? io->left : ROOM_MAX;
	size_t room = io->room < ROOM_MAX ? io->room : ROOM_MAX;
	int r;

	z->next_in = (z_const Bytef *)io->in;
	z->avail_in = (uInt)left;
	z->next_out = io->out;
	z->avail_out = (uInt)room;
	r = inflate(z, Z_NO_FLUSH);
	moved(io, left - z->avail_in, room - z->avail_out);
	if (r == Z_STREAM_END)
		return PACKED_END;
	if (r == Z_MEM_ERROR)
		return PACKED_NO_MEMORY;
	return r == Z_OK || r == Z_BUF_ERROR ? PACKED_MORE : PACKED_BAD;
}

static void gzip_end(struct packed *p)
{
	inflateEnd(&p->gzip);
}

static int zstd_start(struct packed *p)
{
	p->zstd = ZSTD_createDCtx();
	return p->zstd ? 0 : -ENOMEM;
}

static int zstd_reset(struct packed *p)
{
	return ZSTD_isError(ZSTD_DCtx_reset(p->zstd, ZSTD_reset_session_only)) ? -ENOMEM : 0;
}

static enum packed_result zstd_run(struct packed *p, struct packed_io *io)
{
	ZSTD_inBuffer in = {io->in, io->left, 0};
	ZSTD_outBuffer out = {io->out, io->room, 0};
	size_t r = ZSTD_decompressStream(p->zstd, &out, &in);

	moved(io, in.pos, out.pos);
	if (ZSTD_isError(r))
		return PACKED_BAD;
	return r == 0 ? PACKED_END : PACKED_MORE;
}

static void zstd_end(struct packed *p)
{
	ZSTD_freeDCtx(p->zstd);
}

static int lz4_start(struct packed *p)
{
	return LZ4F_isError(LZ4F_createDecompressionContext(&p->lz4, LZ4F_VERSION)) ? -ENOMEM : 0;
}

static int lz4_reset(struct packed *p)
{
	LZ4F_resetDecompressionContext(p->lz4);
	return 0;
}

static enum packed_result lz4_run(struct packed *p, struct packed_io *io)
{
	size_t in = io->left, out = io->room;
	size_t r = LZ4F_decompress(p->lz4, io->out, &out, io->in, &in, NULL);

	if (LZ4F_isError(r))
		return PACKED_BAD;
	moved(io, in, out);
	return r == 0 ? PACKED_END : PACKED_MORE;
}

static void lz4_end(struct packed *p)
{
	LZ4F_freeDecompressionContext(p->lz4);
}

static int xz_reset(struct packed *p) /* keeps the memory of the member before */
{
	return lzma_stream_decoder(&p->xz, XZ_MEMORY, 0) == LZMA_OK ? 0 : -ENOMEM;
}

static int xz_start(struct packed *p)
{
	p->xz = (lzma_stream)LZMA_STREAM_INIT;
	return xz_reset(p);
}

static enum packed_result xz_run(struct packed *p, struct packed_io *io)
{
	lzma_ret r;

	p->xz.next_in = io->in;
	p->xz.avail_in = io->left;
	p->xz.next_out = io->out;
	p->xz.avail_out = io->room;
	r = lzma_code(&p->xz, LZMA_RUN);
	moved(io, io->left - p->xz.avail_in, io->room - p->xz.avail_out);
	if (r == LZMA_STREAM_END)
		return PACKED_END;
	if (r == LZMA_MEM_ERROR)
		return PACKED_NO_MEMORY;
	return r == LZMA_OK || r == LZMA_BUF_ERROR ? PACKED_MORE : PACKED_BAD;
}

static void xz_end(struct packed *p)
{
	lzma_end(&p->xz);
}

enum { GZIP, ZSTD, LZ4, XZ };
static const struct packing packings[] = {
	[GZIP] = {{0x1f, 0x8b, 8}, 3, false, gzip_start, gzip_reset, gzip_run, gzip_end},
	[ZSTD] = {{0x28, 0xb5, 0x2f, 0xfd}, 4, true, zstd_start, zstd_reset, zstd_run, zstd_end},
	[LZ4] = {{0x04, 0x22, 0x4d, 0x18}, 4, true, lz4_start, lz4_reset, lz4_run, lz4_end},
	[XZ] = {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, false, xz_start, xz_reset, xz_run, xz_end},
};

/* 0x184d2a50 to 5f, the length of what is to be stepped over, and that (RFC 8878, 3.1.2): the same in zstd and lz4 */
static bool is_skipped(const uint8_t *p, size_t n)
{
	return n >= 4 && p[0] >> 4 == 5 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18;
}

/* What follows such frames says which of the two it is; as far as nothing can be seen, zstd. */
static const struct packing *behind_skipped(const uint8_t *p, size_t n)
{
	while (is_skipped(p, n) && n >= 8) {
		uint64_t len = 8 + ((uint64_t)p[4] | (uint64_t)p[5] << 8 | (uint64_t)p[6] << 16 |
				    (uint64_t)p[7] << 24);

		if (len >= n)
			break;
		p += len;
		n -= len;
	}
	return n >= packings[LZ4].n && !memcmp(p, packings[LZ4].magic, packings[LZ4].n)
		       ? &packings[LZ4]
		       : &packings[ZSTD];
}

static const struct packing *packing_of(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(*packings); i++)
		if (n >= packings[i].n && !memcmp(p, packings[i].magic, packings[i].n))
			return &packings[i];
	return is_skipped(p, n) ? behind_skipped(p, n) : NULL;
}

int packed_new(struct packed **ret, const uint8_t *magic, size_t n)
{
	const struct packing *how = packing_of(magic, n);
	struct packed *p = how ? calloc(1, sizeof(*p)) : NULL;
	int r;

	if (!p)
		return how ? -ENOMEM : -ENOENT;
	p->how = how;
	r = how->start(p);
	if (r < 0)
		free(p);
	else
		*ret = p;
	return r;
}

void packed_free(struct packed *p)
{
	if (!p)
		return;
	p->how->end(p);
	free(p);
}

int packed_reset(struct packed *p)
{
	return p->how->reset(p);
}

enum packed_result packed_run(struct packed *p, struct packed_io *io)
{
	return p->how->run(p, io);
}

size_t packed_find(const struct packed *p, const uint8_t *b, size_t n)
{
	const uint8_t *hit =
		p->how->skips && is_skipped(b, n) ? b : memmem(b, n, p->how->magic, p->how->n);

	return hit ? (size_t)(hit - b) : n;
}
