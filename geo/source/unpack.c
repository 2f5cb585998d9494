/* SPDX-License-Identifier: BSD-2-Clause */
/* unpack.c - a source that came as gzip, as iptoasn and DB-IP publish: unpacked into memory, bounded,
 * so that every reader takes it. */
#include <errno.h>
#include <sys/mman.h>
#include <zlib.h>
#include "geo/source/source.h"

#define CHUNK (16u << 20)

static bool is_gzip(const struct bytes *b)
{
	return b->n > 2 && b->p[0] == 0x1f && b->p[1] == 0x8b && b->p[2] == 8;
}

struct room {
	uint8_t *p;
	size_t n, size;
};

static int grow(struct room *r)
{
	size_t size = r->size + CHUNK;
	void *p =
		r->p ? mremap(r->p, r->size, size, MREMAP_MAYMOVE)
		     : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	*r = (struct room){p, r->n, size};
	return 0;
}

/* Every member of the file, one after another. -EFBIG: over the limit; -EBADMSG: damaged or cut. */
static int inflate_all(z_stream *z, struct room *out)
{
	for (;;) {
		int r = out->n == out->size ? grow(out) : 0, e;
		uInt room = (uInt)(out->size - out->n);

		if (r)
			return r;
		z->next_out = out->p + out->n;
		z->avail_out = room;
		e = inflate(z, Z_NO_FLUSH);
		out->n += room - z->avail_out;
		if (out->n > SOURCE_UNPACKED_MAX)
			return -EFBIG;
		if (e == Z_STREAM_END && !z->avail_in)
			return 0;
		if (e == Z_STREAM_END)
			e = inflateReset(z);
		if (e != Z_OK)
			return -EBADMSG;
	}
}

/* Gives back what the last chunk had too much of. */
static int take(struct bytes *b, struct room *out)
{
	size_t size = out->size;
	void *p;

	if (!out->n)
		return -ENODATA;
	p = mremap(out->p, size, out->n, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	source_unread(b);
	*b = (struct bytes){p, out->n};
	*out = (struct room){0};
	return 0;
}

int source_unpack(struct bytes *b)
{
	z_stream z = {.next_in = (uint8_t *)(uintptr_t)b->p, .avail_in = (uInt)b->n};
	struct room out = {0};
	int r;

	if (!is_gzip(b))
		return 0;
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return -ENOMEM;
	r = inflate_all(&z, &out);
	inflateEnd(&z);
	if (!r)
		r = take(b, &out);
	if (out.p)
		munmap(out.p, out.size);
	return r;
}
