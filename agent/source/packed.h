/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packed.h - compressed bytes as a stream of members: gzip (RFC 1952), zstd (RFC 8878), lz4 frames,
 * xz. What a file is compressed with is said by its first bytes, never by its name.
 *
 * A member is what one run of the compressor wrote; files of several, put after each other, are one
 * stream. The caller owns the bytes on both sides.
 */
#ifndef AGENT_SOURCE_PACKED_H
#define AGENT_SOURCE_PACKED_H
#include <stddef.h>
#include <stdint.h>

#define PACKED_MAGIC 6 /* bytes that say what it is */

enum packed_result {
	PACKED_MORE, /* went on; wants more bytes, or more room */
	PACKED_END,  /* the member has ended, its checksum is right */
	PACKED_BAD,  /* damaged: what was put out so far is good as far as is known */
	PACKED_NO_MEMORY,
};
struct packed_io {
	const uint8_t *in;
	size_t left;
	uint8_t *out;
	size_t room;
};
struct packed;
/* 0; -ENOENT: these bytes begin none of the four; -ENOMEM */
int packed_new(struct packed **ret, const uint8_t *magic, size_t n);
void packed_free(struct packed *p); /* NULL is fine */
/* Before each member but the first. 0 or -ENOMEM. */
int packed_reset(struct packed *p);
enum packed_result packed_run(struct packed *p, struct packed_io *io);
/* Where the next member begins in b; n when nowhere. */
size_t packed_find(const struct packed *p, const uint8_t *b, size_t n);
#endif
