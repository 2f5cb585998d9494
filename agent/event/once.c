/* SPDX-License-Identifier: BSD-2-Clause */
/* once.c - a direct-mapped table of hashes; the newer of two that collide stays. */
#include <string.h>
#include "agent/event/once.h"

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 x = (unsigned __int128)a * b;

	return (uint64_t)x ^ (uint64_t)(x >> 64);
}

bool once_first(struct once *o, const struct ip *address, uint16_t country)
{
	uint64_t half[2], hash;

	memcpy(half, address->b, sizeof(half));
	hash = mix(half[0] ^ 0x9e3779b97f4a7c15ull, half[1] ^ 0xa0761d6478bd642full ^ country);
	hash = mix(hash ^ address->v, 0xe7037ed1a0b428dbull) | 1;
	if (o->told[hash / 2 % ONCE_MAX] == hash)
		return false;
	o->told[hash / 2 % ONCE_MAX] = hash;
	return true;
}
