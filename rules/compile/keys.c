/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.c - keys of one size, each once: open addressing, never more than half full. */
#include <errno.h>
#include <string.h>
#include "rules/compile/keys.h"

void keys_init(struct keys *in, struct arena *a, size_t size, size_t max)
{
	*in = (struct keys){.arena = a, .size = size, .max = max};
}

const void *keys_key(const struct keys *in, size_t i)
{
	return (const char *)in->keys.items + i * in->size;
}

static uint64_t hash(const unsigned char *key, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ull, word;

	for (; size >= 8; key += 8, size -= 8) {
		memcpy(&word, key, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	for (; size; key++, size--)
		h = (h ^ *key) * 0x100000001b3ull;
	return h ^ h >> 32;
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct keys *in, const void *key)
{
	size_t i = hash(key, in->size) & (in->nslots - 1);

	while (in->slots[i] && memcmp(keys_key(in, in->slots[i] - 1), key, in->size))
		i = (i + 1) & (in->nslots - 1);
	return &in->slots[i];
}

static int grow(struct keys *in)
{
	size_t n = in->nslots ? in->nslots * 2 : 64;
	uint32_t *slots = arena_alloc(in->arena, n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	in->slots = slots;
	in->nslots = n;
	for (size_t i = 0; i < in->keys.n; i++)
		*slot_of(in, keys_key(in, i)) = (uint32_t)i + 1;
	return 0;
}

int64_t keys_add(struct keys *in, const void *key)
{
	uint32_t *slot;
	void *copy;

	if (in->keys.n * 2 >= in->nslots && grow(in))
		return -ENOMEM;
	slot = slot_of(in, key);
	if (*slot)
		return *slot - 1;
	if (in->keys.n >= in->max)
		return -E2BIG;
	copy = list_push(in->arena, &in->keys, in->size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, in->size);
	*slot = (uint32_t)in->keys.n;
	return (int64_t)in->keys.n - 1;
}
