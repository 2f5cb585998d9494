/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merkle.h - the hash tree over the journal's records: RFC 6962, SHA-256.
 *
 *     leaf(record)      = SHA-256(0x00 || record)
 *     node(left, right) = SHA-256(0x01 || left || right)
 *
 * A tree of n leaves is kept as its frontier: one hash for each bit that is set in n, the root of
 * a full subtree of that size. Appending a leaf is a carry, as in binary addition:
 *
 *     n = 6 = 110b        +1 leaf: 111b            +1 leaf: 1000b
 *     [4: ####] [2: ##]   [4: ####] [2: ##] [1: #]  [8: ########]
 *
 * tests/agent/journal_test.c checks it against RFC 6962's own recursive definition.
 */
#ifndef AGENT_JOURNAL_MERKLE_H
#define AGENT_JOURNAL_MERKLE_H
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH   32
#define MERKLE_LEVELS 64

struct merkle_hash {
	uint8_t b[MERKLE_HASH];
};
/* One hasher, reused: not for two threads at a time. Owned by the caller. */
struct merkle_hasher;
int merkle_hasher_new(struct merkle_hasher **ret); /* 0 or -ENOMEM */
void merkle_hasher_free(struct merkle_hasher *h);  /* NULL is fine */
void merkle_leaf(struct merkle_hasher *h, struct merkle_hash *ret, const void *record, size_t n);
void merkle_node(struct merkle_hasher *h, struct merkle_hash *ret, const struct merkle_hash *left,
		 const struct merkle_hash *right);

/* Plain data; {0} is the empty tree. */
struct merkle_frontier {
	uint64_t n;
	struct merkle_hash full[MERKLE_LEVELS]; /* [l] is valid when bit l of n is set */
};
void merkle_append(struct merkle_hasher *h, struct merkle_frontier *f,
		   const struct merkle_hash *leaf);
/* Of the empty tree: SHA-256 of nothing. */
void merkle_root(struct merkle_hasher *h, struct merkle_hash *ret, const struct merkle_frontier *f);

/*
 * Proofs ask for the roots of full subtrees: the one of 2^level leaves that begins at leaf
 * index << level. 0 or -errno, which the proof then returns.
 */
typedef int merkle_full_fn(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret);
struct merkle_source {
	struct merkle_hasher *hasher;
	merkle_full_fn *full;
	void *arg;
};
/* The root of the first n leaves. */
int merkle_root_of(const struct merkle_source *s, uint64_t n, struct merkle_hash *ret);
/* RFC 6962 2.1.1: the path of leaf i in the tree of n, leaf's sibling first. *count at most
 * MERKLE_LEVELS. -ERANGE when i >= n. */
int merkle_inclusion(const struct merkle_source *s, uint64_t i, uint64_t n,
		     struct merkle_hash path[MERKLE_LEVELS], unsigned *count);
/* The root that a path leads to; -EINVAL when the path is not as long as i and n want. */
int merkle_root_from(struct merkle_hasher *h, struct merkle_hash *ret,
		     const struct merkle_hash *leaf, uint64_t i, uint64_t n,
		     const struct merkle_hash *path, unsigned count);
#endif
