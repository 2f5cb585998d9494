/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * destinations.h - destinations, each looked up once in the place table, with what went there under
 * which rule.
 *
 * A destination never moves: its number is good for the life of the account. Number 0 stands for
 * all destinations past DESTINATIONS_MAX: they are judged like any other, and counted together.
 */
#ifndef AGENT_ENGINE_DESTINATIONS_H
#define AGENT_ENGINE_DESTINATIONS_H
#include <string.h>
#include "agent/engine/engine.h"

#define DESTINATIONS_MAX (4u << 20) /* destinations */

struct destination {
	uint8_t address[16];
	uint8_t v, nclasses;
	uint8_t embedded; /* what is inside the address decides */
	uint8_t reach;	  /* enum engine_reach of the address */
	uint32_t class[TABLE_EMBED_MAX];
	uint32_t first_line; /* index of its first line; 0 = none yet */
};
/* What went to one destination, judged as of one place, under one verdict of one rule. */
struct destination_line {
	uint64_t packets, bytes, flows;
	uint64_t first_ns, last_ns;
	uint32_t next, destination;
	uint32_t class; /* that decided */
	uint16_t rule;
	uint8_t action;
	bool egress : 1;
	uint8_t layer : 7; /* layer: whose the bytes are is the caller's to say */
};
struct destinations {
	struct destination *destination; /* [0] is the one past the limit */
	uint32_t ndestinations, destinations_room;
	uint32_t *slot; /* open addressing: number of a destination, 0 = empty */
	uint32_t mask;
	struct destination_line *line; /* [0] unused */
	uint32_t nlines, lines_room;
	uint32_t max;
	uint64_t seed;
};
int destinations_new(struct destinations *a, uint32_t max);
void destinations_free(struct destinations *a);
/* Number of the destination, looked up in e's table when it is new; 0: past the limit. -ENOMEM.
 * hash: destinations_hash. */
int destinations_find(struct destinations *a, const struct engine *e, const struct ip *dst,
		      uint32_t hash, uint32_t *ret);
/* Adds to the line (destination, action, rule, egress, class). 0 or -ENOMEM. */
int destinations_add(struct destinations *a, const struct destination_line *what);
/* Another engine: every destination is looked up again. */
void destinations_relocate(struct destinations *a, const struct engine *e);

static inline uint32_t destinations_hash(const struct destinations *a, const struct ip *ip)
{
	uint64_t w[2];
	unsigned __int128 x;

	memcpy(w, ip->b, sizeof(w));
	x = (unsigned __int128)(w[0] ^ a->seed) * (w[1] ^ 0x9e3779b97f4a7c15ull ^ ip->v);
	x = (unsigned __int128)((uint64_t)x ^ (uint64_t)(x >> 64)) * 0xe7037ed1a0b428dbull;
	return (uint32_t)((uint64_t)x ^ (uint64_t)(x >> 64));
}
/* Ask for the memory ahead of destinations_find: first the slot, then (later, when that is there) what
 * it points to. */
static inline void destinations_prefetch_slot(const struct destinations *a, uint32_t hash)
{
	__builtin_prefetch(&a->slot[hash & a->mask]);
}
static inline void destinations_prefetch(const struct destinations *a, uint32_t hash)
{
	__builtin_prefetch(&a->destination[a->slot[hash & a->mask]]);
}
#endif
