/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.h - the first bytes of connections whose hello came in several pieces, in any order:
 * a fixed number of buffers; when all are in use the one that was longest without a piece is given
 * up, and counted.
 */
#ifndef AGENT_NAMES_STREAM_H
#define AGENT_NAMES_STREAM_H
#include <stddef.h>
#include <stdint.h>

struct streams;
/* n: how many at a time. 0 or -ENOMEM. */
int streams_new(struct streams **ret, unsigned n);
void streams_free(struct streams *s);
/* A piece of the stream with this key, by its place from the stream's beginning; what lies beyond
 * HELLO_MAX is left out. The bytes from the beginning on that are there without a gap: *len of
 * them, valid until the next call, to which they may be handed back. */
const uint8_t *streams_add(struct streams *s, uint64_t key, uint64_t offset, const uint8_t *p,
			   size_t n, size_t *len);
void streams_drop(struct streams *s, uint64_t key);
uint64_t streams_given_up(const struct streams *s);
#endif
