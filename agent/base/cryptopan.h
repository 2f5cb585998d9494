/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cryptopan.h - addresses become others, and those that shared a prefix still share one (Xu, Fan,
 * Ammar, Moon: Prefix-Preserving IP Address Anonymization, 2002), for both families. Who has the key
 * can do it again and compare; without it nothing leads back.
 */
#ifndef AGENT_BASE_CRYPTOPAN_H
#define AGENT_BASE_CRYPTOPAN_H
#include <stddef.h>
#include <stdint.h>

#define CRYPTOPAN_KEY 32
struct cryptopan;
int cryptopan_new(struct cryptopan **ret, const uint8_t key[CRYPTOPAN_KEY]); /* 0, -ENOMEM, -EIO */
void cryptopan_free(struct cryptopan *c);				     /* NULL is fine */
/* In place; n is 4 or 16. */
void cryptopan_address(struct cryptopan *c, uint8_t *address, size_t n);
/* The key in a file: 32 bytes, or 64 hexadecimal digits. 0 or -errno. */
int cryptopan_key(uint8_t ret[CRYPTOPAN_KEY], const char *path);
#endif
