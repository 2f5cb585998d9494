/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_tree.c - builds the search tree of a MaxMind DB depth first, and encodes its nodes. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "geo/mmdb/mmdb_tree.h"

typedef unsigned __int128 u128;

#define V4_DEPTH 96 /* of ::/96 */

struct build {
	struct mmdb_tree *tree;
	const struct mmdb_leaf *at, *end; /* cursor over the leaves of the family being walked */
	const struct mmdb_leaf *v4, *v4_end;
	uint32_t v4_record;
	int error;
};

static uint32_t new_node(struct build *b)
{
	struct mmdb_tree *t = b->tree;

	if (t->n == t->capacity) {
		uint32_t capacity = t->capacity ? t->capacity * 2 : 1024;
		void *p = capacity > MMDB_NODES_MAX
				  ? NULL
				  : reallocarray(t->nodes, capacity, sizeof(*t->nodes));

		if (!p) {
			b->error = capacity > MMDB_NODES_MAX ? -E2BIG : -ENOMEM;
			return MMDB_NOTHING;
		}
		t->nodes = p;
		t->capacity = capacity;
	}
	return t->n++;
}

static uint32_t leaf_record(const struct mmdb_leaf *leaf)
{
	return leaf->value == MMDB_NOTHING ? MMDB_NOTHING : MMDB_DATA_BIT | leaf->value;
}

/* What stands at an alias of IPv4: one of three prefixes, all behind ::/96 in address order. */
static bool is_alias(u128 first, unsigned depth)
{
	if (depth == V4_DEPTH)
		return first == (u128)0xffff << 32; /* ::ffff:0:0/96 */
	if (depth == 32)
		return first == (u128)0x20010000 << 96;	    /* Teredo */
	return depth == 16 && first == (u128)0x2002 << 112; /* 6to4 */
}

/* True for a block that holds one of the special prefixes: it is split even when a single leaf
 * covers it. */
static bool holds_special(u128 first, unsigned depth)
{
	static const struct {
		u128 first;
		unsigned depth;
	} special[] = {
		{0, V4_DEPTH},
		{(u128)0xffff << 32, V4_DEPTH},
		{(u128)0x20010000 << 96, 32},
		{(u128)0x2002 << 112, 16},
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (depth < special[i].depth &&
		    (depth ? special[i].first >> (128 - depth) == first >> (128 - depth) : true))
			return true;
	return false;
}

static uint32_t walk(struct build *b, u128 first, unsigned depth, unsigned bits);

/* ::/96: the same walk over the other family's leaves, which ends 32 bits further down. */
static uint32_t walk_v4(struct build *b)
{
	struct build inner = {.tree = b->tree, .at = b->v4, .end = b->v4_end};

	b->v4_record = walk(&inner, 0, 0, 32);
	b->error = inner.error;
	return b->v4_record;
}

static uint32_t split(struct build *b, u128 first, unsigned depth, unsigned bits)
{
	uint32_t node = new_node(b), left, right;

	if (b->error)
		return MMDB_NOTHING;
	left = walk(b, first, depth + 1, bits);
	right = walk(b, first | (u128)1 << (bits - depth - 1), depth + 1, bits);
	if (left == right && left >= MMDB_DATA_BIT && node && node + 1 == b->tree->n) {
		b->tree->n--; /* both halves say the same */
		return left;
	}
	b->tree->nodes[node][0] = left;
	b->tree->nodes[node][1] = right;
	return node;
}

/* The record for the block of this length; the cursor moves to the leaf that holds the block's
 * first address. */
static uint32_t walk(struct build *b, u128 first, unsigned depth, unsigned bits)
{
	u128 last = first | (depth	   ? ((u128)1 << (bits - depth)) - 1
			     : bits == 128 ? ~(u128)0
					   : ((u128)1 << bits) - 1);
	bool v6 = bits == 128;

	if (b->error)
		return MMDB_NOTHING;
	if (v6 && depth == V4_DEPTH && !first)
		return walk_v4(b);
	if (v6 && is_alias(first, depth))
		return b->v4_record;
	while (b->at + 1 < b->end && b->at[1].first <= first)
		b->at++;
	if ((b->at + 1 == b->end || b->at[1].first > last) && !(v6 && holds_special(first, depth)))
		return leaf_record(b->at);
	return split(b, first, depth, bits);
}

int mmdb_tree_build(struct mmdb_tree *ret, const struct mmdb_leaf *v4, size_t n4,
		    const struct mmdb_leaf *v6, size_t n6)
{
	struct mmdb_tree t = {0};
	struct build b = {.tree = &t, .at = v6, .end = v6 + n6, .v4 = v4, .v4_end = v4 + n4};

	if (!n4 || !n6 || v4->first || v6->first)
		return -EINVAL;
	walk(&b, 0, 0, 128);
	if (b.error) {
		free(t.nodes);
		return b.error;
	}
	*ret = t;
	return 0;
}

/* Nodes, then the 16 bytes between the sections, then data: all in one numbering. */
unsigned mmdb_tree_record_bits(const struct mmdb_tree *t, size_t data_bytes)
{
	uint64_t largest = (uint64_t)t->n + 16 + data_bytes;

	return largest < 1u << 24 ? 24 : largest < 1u << 28 ? 28 : largest <= UINT32_MAX ? 32 : 0;
}

static uint32_t value_of(const struct mmdb_tree *t, uint32_t record)
{
	if (record == MMDB_NOTHING)
		return t->n;
	return record & MMDB_DATA_BIT ? t->n + 16 + (record & ~MMDB_DATA_BIT) : record;
}

static void put24(uint8_t *out, uint32_t x)
{
	out[0] = (uint8_t)(x >> 16);
	out[1] = (uint8_t)(x >> 8);
	out[2] = (uint8_t)x;
}

size_t mmdb_tree_encode(const struct mmdb_tree *t, uint32_t node, unsigned bits, uint8_t out[8])
{
	uint32_t left = value_of(t, t->nodes[node][0]), right = value_of(t, t->nodes[node][1]);

	if (bits == 32) {
		out[0] = (uint8_t)(left >> 24);
		put24(out + 1, left);
		out[4] = (uint8_t)(right >> 24);
		put24(out + 5, right);
		return 8;
	}
	put24(out, left);
	if (bits == 24) {
		put24(out + 3, right);
		return 6;
	}
	out[3] = (uint8_t)((left >> 24 & 0xf) << 4 | (right >> 24 & 0xf));
	put24(out + 4, right);
	return 7;
}
