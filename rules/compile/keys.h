/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.h - keys of one size, each once, numbered from 0 in the order they came. */
#ifndef RULES_COMPILE_KEYS_H
#define RULES_COMPILE_KEYS_H
#include <stddef.h>
#include <stdint.h>
#include "rules/parse/arena.h"

struct keys {
	struct arena *arena; /* the caller's */
	size_t size, max;
	struct list keys;
	uint32_t *slots; /* number + 1; 0 = free */
	size_t nslots;
};
void keys_init(struct keys *in, struct arena *a, size_t size, size_t max);
/* The number of the key; -E2BIG past max, -ENOMEM. */
int64_t keys_add(struct keys *in, const void *key);
/* The key of a number; moves with the next keys_add. */
const void *keys_key(const struct keys *in, size_t i);
#endif
