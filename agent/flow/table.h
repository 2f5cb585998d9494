/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - one-way flows: 5-tuple -> counters, in an open-addressing table of one cache line a
 * flow.
 *
 * The line holds what every packet touches. What is needed at the first packet and at the end
 * stands elsewhere (struct flow_more, found by index), so that a million flows cost one cache miss
 * a packet and no more:
 *
 *     hash --> | key 40 | bytes 8 | last 8 | packets 4 | more 4 |
 *                                                          '--> first packet, verdict, destination
 *
 * Callers hash and prefetch a batch of keys first and look them up afterwards (pipeline.c).
 *
 * Invariants (tests/agent/table_test.c): 1. at most half of the slots are used; 2. a flow's index
 * never changes and is not 0; 3. the table never holds more than 'max' flows: flow_table_add says
 * -ENOSPC, and the owner sweeps.
 */
#ifndef AGENT_FLOW_TABLE_H
#define AGENT_FLOW_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "geo/base/ip.h"

/* src, dst, and one word: sport, dport, protocol, version and layer, route, four flags of the
 * owner's that are not compared, era:
 *
 *     0     16    32    40      44    56    59    64
 *     sport dport proto ver|lay route flags era
 *
 * A version is 4 or 6, so that two of its bits are free: the lowest says that the packet was inside
 * another one, the highest is the fourth of the flags. */
struct flow_id {
	uint64_t src[2], dst[2], rest;
};
#define FLOW_FLAG(n) (1ull << (56 + (n)))
#define FLOW_FLAG_4  (1ull << 43)
#define FLOW_FLAGS   (7ull << 56 | FLOW_FLAG_4)
#define FLOW_INNER   (1ull << 40)
#define FLOW_ERAS    32u
#define FLOW_ERA(n)  ((uint64_t)(n) << 59)

struct flow {
	struct flow_id id;
	uint64_t bytes, last_ns;
	uint32_t packets; /* the carry is in flow_more.packets_high */
	uint32_t more;	  /* 0: empty slot */
};
_Static_assert(sizeof(struct flow) == 64, "a cache line");

struct flow_more {
	uint64_t first_ns, number; /* the packet that began it */
	uint64_t until_ns;	   /* decide again then; 0 = never */
	uint64_t
		over_used; /* what its rule with 'over' had counted when it was reached; 0 = none */
	uint64_t rtt_min_ns; /* to the destination; 0 = none */
	uint32_t capture, destination, class, packets_high;
	uint16_t rule; /* index + 1 */
	uint8_t action, severity, opened, egress;
	uint8_t embedded, has_icmp, icmp_type, icmp_code;
	uint8_t samples;    /* of the round-trip time */
	uint8_t side;	    /* enum packet_side of the first packet */
	uint8_t because;    /* enum opened_because */
	uint8_t closed;	    /* FIN or RST was seen */
	uint8_t depth;	    /* packets around it */
	uint8_t inside;	    /* it comes from inside */
	uint8_t covered;    /* the packet around it leaves: its bytes are counted there */
	uint16_t part;	    /* parts of the flow that ended before this one */
	const char *tunnel; /* that it was in; a literal */
	uint32_t comment;   /* number of the text that its packets carry as evidence */
	uint32_t names;	    /* set of the flow's names (agent/names); 0: none */
	uint32_t base;	    /* TCP: the sequence number of the first byte that is read for a name */
	uint8_t based;	    /* base means something */
	uint8_t pieces;	    /* that were read without a name */
	uint32_t charges;   /* bit by meter: what its packets count for (rules/meter.h) */
	uint32_t told_bytes; /* live: of the first packet, which has an event already */
};

struct flow_table {
	struct flow *slot;
	size_t mask, used, max;
	uint64_t seed;
	struct flow_more *more;
	uint32_t nmore, room, free; /* free: chain of unused ones through .capture */
};
int flow_table_new(struct flow_table *t, size_t max);
void flow_table_free(struct flow_table *t);
/* A flow that is not there. *ret has bytes, packets, last_ns and flags 0 and a zeroed more. 0,
 * -ENOSPC, -ENOMEM. Pointers into the table are dead afterwards. */
int flow_table_add(struct flow_table *t, const struct flow_id *id, uint64_t hash,
		   struct flow **ret);
/* Drops every flow for which drop() is true; drop sees it whole. */
void flow_table_sweep(struct flow_table *t,
		      bool (*drop)(void *arg, struct flow *f, struct flow_more *m), void *arg);

static inline uint64_t flow_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 x = (unsigned __int128)a * b;

	return (uint64_t)x ^ (uint64_t)(x >> 64);
}
static inline uint64_t flow_hash(const struct flow_table *t, const struct flow_id *id)
{
	uint64_t h = flow_mix(id->src[0] ^ t->seed, id->src[1] ^ 0x9e3779b97f4a7c15ull);

	h ^= flow_mix(id->dst[0] ^ h, id->dst[1] ^ 0xa0761d6478bd642full);
	return flow_mix((id->rest & ~FLOW_FLAGS) ^ h, 0xe7037ed1a0b428dbull ^ t->seed);
}
static inline void flow_prefetch(const struct flow_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->slot[hash & t->mask], 1);
}
static inline bool flow_same(const struct flow_id *a, const struct flow_id *b)
{
	return !(((a->rest ^ b->rest) & ~FLOW_FLAGS) | (a->src[0] ^ b->src[0]) |
		 (a->src[1] ^ b->src[1]) | (a->dst[0] ^ b->dst[0]) | (a->dst[1] ^ b->dst[1]));
}
static inline struct flow *flow_find(const struct flow_table *t, const struct flow_id *id,
				     uint64_t hash)
{
	for (size_t i = hash & t->mask; t->slot[i].more; i = (i + 1) & t->mask)
		if (flow_same(&t->slot[i].id, id))
			return &t->slot[i];
	return NULL;
}

/* The word whose first four bytes in memory are the address. */
static inline uint64_t flow_word4(uint32_t address)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? address : (uint64_t)address << 32;
}
/* version 4 or 6; route: 0, or the number of a source route (12 bits) */
static inline void flow_id_make(struct flow_id *id, uint8_t version, const uint8_t *src,
				const uint8_t *dst, uint16_t sport, uint16_t dport, uint8_t proto,
				unsigned route)
{
	if (version ==
	    4) { /* by value: a load of 8 bytes just after a store of 4 would wait for it */
		uint32_t a, b;

		memcpy(&a, src, 4);
		memcpy(&b, dst, 4);
		id->src[0] = flow_word4(a);
		id->dst[0] = flow_word4(b);
		id->src[1] = id->dst[1] = 0;
	} else {
		memcpy(id->src, src, 16);
		memcpy(id->dst, dst, 16);
	}
	id->rest = sport | (uint64_t)dport << 16 | (uint64_t)proto << 32 |
		   (uint64_t)(version & 15) << 40 | (uint64_t)(route & 0xfff) << 44;
}
/* The same flow in the other direction, without its route. */
static inline struct flow_id flow_reverse(const struct flow_id *id)
{
	return (struct flow_id){.src = {id->dst[0], id->dst[1]},
				.dst = {id->src[0], id->src[1]},
				.rest = (id->rest & 0xf80007ff00000000ull) |
					(id->rest >> 16 & 0xffff) | (id->rest & 0xffff) << 16};
}
static inline uint8_t flow_version(const struct flow_id *id)
{
	return id->rest >> 40 & 6;
}
static inline uint8_t flow_proto(const struct flow_id *id)
{
	return (uint8_t)(id->rest >> 32);
}
static inline uint16_t flow_sport(const struct flow_id *id)
{
	return (uint16_t)id->rest;
}
static inline uint16_t flow_dport(const struct flow_id *id)
{
	return (uint16_t)(id->rest >> 16);
}
static inline unsigned flow_route(const struct flow_id *id)
{
	return id->rest >> 44 & 0xfff;
}
/* The words hold an IPv4 address as struct ip does: its bytes first, the rest zero. */
static inline struct ip flow_address(const struct flow_id *id, const uint64_t word[2])
{
	struct ip ip;

	memcpy(ip.b, word, sizeof(ip.b));
	ip.v = flow_version(id);
	return ip;
}
static inline struct ip flow_src(const struct flow_id *id)
{
	return flow_address(id, id->src);
}
static inline struct ip flow_dst(const struct flow_id *id)
{
	return flow_address(id, id->dst);
}
static inline bool flow_inner(const struct flow_id *id)
{
	return id->rest & FLOW_INNER;
}
static inline unsigned flow_era(const struct flow_id *id)
{
	return (unsigned)(id->rest >> 59);
}
static inline uint64_t flow_packets(const struct flow *f, const struct flow_more *m)
{
	return (uint64_t)m->packets_high << 32 | f->packets;
}
#endif
