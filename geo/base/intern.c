/* SPDX-License-Identifier: BSD-2-Clause */
/* intern.c - open addressing with linear probing, at most half full; nothing is ever removed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "geo/base/intern.h"

#define FIRST_ROOM 256

static uint32_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return (uint32_t)(h >> 32);
}

static uint32_t hash_words(const uint32_t *w, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = (h ^ w[i]) * 0x9e3779b97f4a7c15ULL;
	return mix(h);
}

static uint32_t hash_text(const char *s, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 0x100000001b3ULL;
	return mix(h);
}

#define HUGE_PAGE (2U << 20)

void *realloc_big(void *old, size_t bytes)
{
	uint8_t *p = realloc(old, bytes);
	uintptr_t first = ((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)p + bytes) & ~(uintptr_t)(HUGE_PAGE - 1);

	if (p && bytes >= 2 * HUGE_PAGE && end > first)
		madvise((void *)first, end - first, MADV_HUGEPAGE); /* or not: only slower */
	return p;
}

int intern_init(struct intern *t, size_t bytes, size_t max)
{
	*t = (struct intern){
		.words = bytes / 4, .room = FIRST_ROOM, .nslots = 4 * FIRST_ROOM, .max = max};
	t->items = malloc(t->room * bytes);
	t->slots = calloc(t->nslots, sizeof(*t->slots));
	if (t->items && t->slots)
		return 0;
	intern_drop(t);
	return -ENOMEM;
}

void intern_drop(struct intern *t)
{
	free(t->items);
	free(t->slots);
	*t = (struct intern){0};
}

/* Records are a few words: a call of memcmp costs more than the comparison. */
static int differ(const uint32_t *a, const uint32_t *b, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (a[i] != b[i])
			return 1;
	return 0;
}

/* The slot that holds the item, or the empty one where it belongs. */
static uint32_t *intern_slot(const struct intern *t, const uint32_t *item)
{
	size_t i = hash_words(item, t->words) & (t->nslots - 1);

	while (t->slots[i] && differ(t->items + (t->slots[i] - 1) * t->words, item, t->words))
		i = (i + 1) & (t->nslots - 1);
	return &t->slots[i];
}

static int intern_grow(struct intern *t)
{
	uint32_t *items = realloc(t->items, 2 * t->room * t->words * 4), *slots;

	if (!items)
		return -ENOMEM;
	t->items = items;
	slots = calloc(2 * t->nslots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->nslots *= 2;
	t->room *= 2;
	for (uint32_t i = 0; i < t->n; i++)
		*intern_slot(t, t->items + i * t->words) = i + 1;
	return 0;
}

int intern_add(struct intern *t, const void *item, uint32_t *ret)
{
	uint32_t *slot = intern_slot(t, item);

	if (*slot) {
		*ret = *slot - 1;
		return 0;
	}
	if (t->n >= t->max)
		return -E2BIG;
	if (t->n == t->room) {
		int r = intern_grow(t);

		if (r)
			return r;
		slot = intern_slot(t, item);
	}
	memcpy(t->items + t->n * t->words, item, t->words * 4);
	*ret = (uint32_t)t->n++;
	*slot = *ret + 1;
	return 0;
}

int texts_init(struct texts *t, size_t max)
{
	*t = (struct texts){.n = 1, .room = FIRST_ROOM, .nslots = 4 * FIRST_ROOM, .max = max};
	t->v = calloc(t->room, sizeof(*t->v));
	t->slots = calloc(t->nslots, sizeof(*t->slots));
	if (t->v)
		t->v[0] = calloc(1, 1);
	if (t->v && t->slots && t->v[0])
		return 0;
	texts_drop(t);
	return -ENOMEM;
}

void texts_drop(struct texts *t)
{
	for (size_t i = 0; t->v && i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	free(t->slots);
	*t = (struct texts){0};
}

static uint32_t *texts_slot(const struct texts *t, const char *s, size_t n)
{
	size_t i = hash_text(s, n) & (t->nslots - 1);

	while (t->slots[i] && (strncmp(t->v[t->slots[i]], s, n) || t->v[t->slots[i]][n]))
		i = (i + 1) & (t->nslots - 1);
	return &t->slots[i];
}

static int texts_grow(struct texts *t)
{
	char **v = realloc(t->v, 2 * t->room * sizeof(*v));
	uint32_t *slots;

	if (!v)
		return -ENOMEM;
	t->v = v;
	slots = calloc(2 * t->nslots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->nslots *= 2;
	t->room *= 2;
	for (uint32_t i = 1; i < t->n; i++)
		*texts_slot(t, t->v[i], strlen(t->v[i])) = i;
	return 0;
}

int64_t texts_find(const struct texts *t, const char *s, size_t n)
{
	uint32_t i = n ? *texts_slot(t, s, n) : 0;

	return i || !n ? (int64_t)i : -ENOENT;
}

/* A text ends at its first NUL, if it has one. */
int texts_add(struct texts *t, const char *s, size_t n, uint32_t *ret)
{
	int64_t found;
	char *copy;

	n = strnlen(s, n);
	found = texts_find(t, s, n);
	if (found >= 0) {
		*ret = (uint32_t)found;
		return 0;
	}
	if (t->n > t->max)
		return -E2BIG;
	if (t->n == t->room && texts_grow(t))
		return -ENOMEM;
	copy = strndup(s, n);
	if (!copy)
		return -ENOMEM;
	t->v[t->n] = copy;
	*texts_slot(t, s, n) = (uint32_t)t->n;
	*ret = (uint32_t)t->n++;
	return 0;
}
