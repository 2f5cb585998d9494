/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.c - pieces to the beginning of a stream; each buffer remembers which stretches it has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/names/hello.h"
#include "agent/names/stream.h"

#define STRETCHES 16

struct stretch {
	uint32_t from, to;
};
struct stream {
	uint64_t key, used; /* used 0: free */
	struct stretch have[STRETCHES];
	unsigned n;
	uint8_t *bytes; /* owned by streams.bytes */
};
struct streams {
	struct stream *stream;
	uint8_t *bytes;
	unsigned n;
	uint64_t clock, given_up;
};

int streams_new(struct streams **ret, unsigned n)
{
	struct streams *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->n = n;
	s->stream = calloc(n, sizeof(*s->stream));
	s->bytes = calloc(n, HELLO_MAX);
	if (!s->stream || !s->bytes) {
		streams_free(s);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n; i++)
		s->stream[i].bytes = s->bytes + (size_t)i * HELLO_MAX;
	*ret = s;
	return 0;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	free(s->stream);
	free(s->bytes);
	free(s);
}

static struct stream *find(struct streams *s, uint64_t key)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->stream[i].used && s->stream[i].key == key)
			return &s->stream[i];
	return NULL;
}

static struct stream *take(struct streams *s, uint64_t key)
{
	struct stream *x = &s->stream[0];

	for (unsigned i = 1; i < s->n; i++)
		if (s->stream[i].used < x->used)
			x = &s->stream[i];
	s->given_up += x->used != 0;
	x->key = key;
	x->n = 0;
	return x;
}

/* Bytes that came first stay: a piece that says otherwise later changes nothing that was read. */
static void put(struct stream *x, uint32_t from, const uint8_t *p, size_t n)
{
	uint32_t to = from + (uint32_t)n, at = from;
	unsigned i = 0;

	while (at < to) {
		uint32_t until = to;

		for (i = 0; i < x->n; i++)
			if (at >= x->have[i].from && at < x->have[i].to)
				break;
		if (i < x->n) {
			at = x->have[i].to;
			continue;
		}
		for (i = 0; i < x->n; i++)
			if (x->have[i].from > at && x->have[i].from < until)
				until = x->have[i].from;
		if (x->n == STRETCHES)
			return;
		memmove(x->bytes + at, p + (at - from),
			until - at); /* p may be what this buffer gave */
		x->have[x->n++] = (struct stretch){at, until};
		at = until;
	}
}

/* Stretches that touch become one. */
static void join(struct stream *x)
{
	for (unsigned i = 0; i < x->n; i++)
		for (unsigned k = 0; k < x->n; k++)
			if (k != i && x->have[i].to == x->have[k].from) {
				x->have[i].to = x->have[k].to;
				x->have[k] = x->have[--x->n];
				i = k = 0;
			}
}

const uint8_t *streams_add(struct streams *s, uint64_t key, uint64_t offset, const uint8_t *p,
			   size_t n, size_t *len)
{
	struct stream *x = find(s, key);

	if (!x)
		x = take(s, key);
	x->used = ++s->clock;
	if (offset < HELLO_MAX) {
		if (n > HELLO_MAX - offset)
			n = (size_t)(HELLO_MAX - offset);
		put(x, (uint32_t)offset, p, n);
		join(x);
	}
	*len = 0;
	for (unsigned i = 0; i < x->n; i++)
		if (x->have[i].from == 0)
			*len = x->have[i].to;
	return x->bytes;
}

void streams_drop(struct streams *s, uint64_t key)
{
	struct stream *x = find(s, key);

	if (x)
		x->used = 0;
}

uint64_t streams_given_up(const struct streams *s)
{
	return s->given_up;
}
