/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.h - a file or pipe as a window of bytes that moves forward: read in blocks of 1 MB,
 * decompressed on the way.
 *
 *      buf:  | used | window: pos .. have |   free   |
 *
 * The window's bytes stay where they are until input_want() is called. After input_ahead() a thread
 * reads (decompresses, hashes) the next blocks while the caller works on this one; the caller sees no
 * difference but in time.
 */
#ifndef AGENT_SOURCE_INPUT_H
#define AGENT_SOURCE_INPUT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_BLOCK  (1u << 20)
#define INPUT_WINDOW (1u << 20) /* the most that input_want can promise */
#define INPUT_SLACK  2048u /* allocated behind every block, so that a prefetch may point there */

struct input {
	uint8_t *buf;
	size_t pos, have;
	bool eof;
	uint64_t before;       /* bytes of the stream before buf[0] */
	uint64_t bad, bad_at;  /* at eof: places where compressed data is damaged, and where in the
				  file the first is; what was whole before and after is there */
	_Atomic uint64_t read; /* bytes of the file */
	uint64_t size;	       /* of a regular file; 0 = not known */
	struct input_private *private;
};
int input_open(struct input *in, const char *path);
void input_close(struct input *in);
/* Make at least 'want' bytes stand at buf + pos, unless the input ends before. 0 or -errno of
 * read(). */
int input_want(struct input *in, size_t want);
int input_skip(struct input *in,
	       uint64_t bytes); /* forwards; 1 when the input ended before, 0, -errno */
/* After the first input_want, for PACKED_MAGIC bytes: 1, and the window begins anew with decompressed
 * bytes; 0: not compressed; -errno. */
int input_unpack(struct input *in);
int input_hash(struct input *in); /* from the first byte: before the first input_want */
int input_sha256(struct input *in,
		 char ret[65]);	    /* reads to the end; -EINVAL: input_hash was not called */
void input_ahead(struct input *in); /* from now on read ahead in a thread; without one it goes on as
				       before */
static inline uint64_t input_offset(const struct input *in) /* of the window in the stream */
{
	return in->before + in->pos;
}
static inline size_t input_left(const struct input *in)
{
	return in->have - in->pos;
}
#endif
