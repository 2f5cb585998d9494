/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb_tree.h - the search tree of a MaxMind DB, built in one pass over sorted leaves.
 *
 * The tree is of IPv6. IPv4 stands at ::/96, and readers expect to find it again at ::ffff:0:0/96,
 * 2002::/16 and 2001::/32: those records name the same node. Two equal halves become one leaf, so
 * that no node is needless.
 */
#ifndef GEO_MMDB_MMDB_TREE_H
#define GEO_MMDB_MMDB_TREE_H
#include <stddef.h>
#include <stdint.h>

/* From first up to the next leaf's first: this value. The first leaf of a family starts at 0. IPv4
 * in the low 32 bits. */
struct mmdb_leaf {
	unsigned __int128 first;
	uint32_t value; /* offset in the data section, or MMDB_NOTHING */
};
#define MMDB_NOTHING   0x80000000u
#define MMDB_DATA_BIT  0x40000000u
#define MMDB_NODES_MAX (1u << 28)

/* A record is a node number, MMDB_DATA_BIT | offset, or MMDB_NOTHING. */
struct mmdb_tree {
	uint32_t (*nodes)[2]; /* owned: free() */
	uint32_t n, capacity;
};
/* 0, -ENOMEM, -E2BIG. Always at least one node. */
int mmdb_tree_build(struct mmdb_tree *ret, const struct mmdb_leaf *v4, size_t n4,
		    const struct mmdb_leaf *v6, size_t n6);
/* 24, 28 or 32 bits a record for a data section of that size; 0: too large for all. */
unsigned mmdb_tree_record_bits(const struct mmdb_tree *t, size_t data_bytes);
/* A node as it stands in the file; returns its bytes: 6, 7 or 8. */
size_t mmdb_tree_encode(const struct mmdb_tree *t, uint32_t node, unsigned bits, uint8_t out[8]);
#endif
