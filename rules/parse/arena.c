/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.c - memory that is taken piece by piece and dropped whole. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules/parse/arena.h"

#define CHUNK_BYTES ((size_t)16 << 10)

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks; /* the first has the free space */
};

struct arena *arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *r)
{
	if (!r)
		return;
	for (struct chunk *c = r->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(r);
}

static struct chunk *chunk_new(struct arena *r, size_t bytes)
{
	size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c)
		return NULL;
	c->size = size;
	c->next = r->chunks;
	r->chunks = c;
	return c;
}

void *arena_alloc(struct arena *r, size_t n, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct chunk *c = r->chunks;
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + align - 1) / align * align;
	if (!bytes)
		bytes = align;
	if (!c || c->size - c->used < bytes)
		c = chunk_new(r, bytes);
	if (!c)
		return NULL;
	p = c->bytes + c->used;
	c->used += bytes;
	return p;
}

char *arena_copy(struct arena *r, const char *text, size_t len)
{
	char *p = arena_alloc(r, len + 1, 1);

	if (p && len)
		memcpy(p, text, len);
	return p;
}

char *arena_format(struct arena *r, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		p = arena_alloc(r, (size_t)n + 1, 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

void *list_push(struct arena *r, struct list *l, size_t size)
{
	size_t cap = l->cap ? l->cap * 2 : 4;
	void *items;

	if (l->cap && l->size != size)
		return NULL;
	if (l->n == l->cap) {
		items = arena_alloc(r, cap, size);
		if (!items)
			return NULL;
		if (l->n)
			memcpy(items, l->items, l->n * size);
		l->items = items;
		l->cap = cap;
		l->size = size;
	}
	return (char *)l->items + l->n++ * size;
}

void *list_add(struct arena *r, struct list *l, const void *item, size_t size)
{
	void *slot = list_push(r, l, size);

	if (slot)
		memcpy(slot, item, size);
	return slot;
}
