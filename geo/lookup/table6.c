/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table6.c - the IPv6 half of the compiled table: a poptrie (light.h has the layout).
 *
 * Nodes are made breadth first, so that the children of a node are neighbours: a queue holds, for
 * each node that has a number but no content yet, the prefix it stands for and the range in which
 * that prefix begins.
 */
#include <errno.h>
#include <stdlib.h>
#include "geo/lookup/table_private.h"

#define SLOTS 64

struct todo {
	u128 first;   /* of the node's prefix */
	uint32_t in;  /* index of the range that holds it */
	uint8_t bits; /* prefix length; its slots are 6 bits longer, past 128 they do not exist */
};
struct trie {
	const struct class6 *v;
	size_t n;
	uint64_t *nodes; /* 3 a node */
	struct todo *todo;
	size_t nnodes, node_room;
	uint16_t *leaves;
	size_t nleaves, leaf_room;
};

static int add_node(struct trie *t, u128 first, size_t in, unsigned bits)
{
	if (t->nnodes >= LOOKUP_NODES6_MAX)
		return -E2BIG;
	if (t->nnodes == t->node_room) {
		size_t room = t->node_room ? 2 * t->node_room : 16384;
		uint64_t *nodes = realloc(t->nodes, 3 * room * sizeof(*nodes));
		struct todo *todo;

		if (!nodes)
			return -ENOMEM;
		t->nodes = nodes;
		todo = realloc(t->todo, room * sizeof(*todo));
		if (!todo)
			return -ENOMEM;
		t->todo = todo;
		t->node_room = room;
	}
	t->todo[t->nnodes++] = (struct todo){first, (uint32_t)in, (uint8_t)bits};
	return 0;
}

static int add_leaf(struct trie *t, uint32_t class)
{
	if (t->nleaves >= LOOKUP_LEAVES6_MAX)
		return -E2BIG;
	if (t->nleaves == t->leaf_room) {
		size_t room = t->leaf_room ? 2 * t->leaf_room : 65536;
		uint16_t *v = realloc(t->leaves, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		t->leaves = v;
		t->leaf_room = room;
	}
	t->leaves[t->nleaves++] = (uint16_t) class;
	return 0;
}

/* The range that holds the address, from range i on. */
static size_t seek(const struct trie *t, size_t i, u128 address)
{
	while (i + 1 < t->n && t->v[i + 1].first <= address)
		i++;
	return i;
}

/* Whether one range holds all of first..last, when range i holds first. */
static bool whole(const struct trie *t, size_t i, u128 last)
{
	return i + 1 == t->n || t->v[i + 1].first > last;
}

/* The first slot after s that range i does not hold whole; it begins in or before slot s. */
static unsigned run(const struct trie *t, size_t i, u128 first, unsigned shift, unsigned over)
{
	u128 slot;

	if (i + 1 == t->n)
		return SLOTS;
	slot = (t->v[i + 1].first - first) >> shift << over;
	return slot < SLOTS ? (unsigned)slot : SLOTS;
}

/*
 * Fills node k: from boundary to boundary, for most slots lie in one range. A slot spans 2^(122 -
 * bits) addresses. The last level has fewer than 6 bits left: two slots share an address, and are
 * leaves as an address can not be split.
 */
static int fill(struct trie *t, size_t k)
{
	const struct todo todo = t->todo[k];
	unsigned bits = todo.bits + 6U, over = bits > 128 ? bits - 128 : 0,
		 shift = over ? 0 : 128 - bits, s = 0;
	uint64_t vector = 0, leafvec = 0;
	size_t i = todo.in, children = t->nnodes, leaves = t->nleaves;
	uint32_t last_class = UINT32_MAX;
	int r = 0;

	while (s < SLOTS && !r) {
		u128 first = todo.first + ((u128)(s >> over) << shift),
		     last = first + (((u128)1 << shift) - 1);

		i = seek(t, i, first);
		if (!whole(t, i, last)) {
			vector |= 1ULL << s++;
			r = add_node(t, first, i, bits);
			continue;
		}
		if (t->v[i].class != last_class) {
			leafvec |= 1ULL << s;
			last_class = t->v[i].class;
			r = add_leaf(t, last_class);
		}
		s = run(t, i, todo.first, shift, over);
	}
	t->nodes[3 * k] = vector;
	t->nodes[3 * k + 1] = leafvec;
	t->nodes[3 * k + 2] = (uint64_t)leaves << 32 | (uint32_t)children;
	return r;
}

/* A word of a root: the class, or a new node. */
static int root_word(struct trie *t, u128 first, unsigned bits, size_t *i, uint32_t *ret)
{
	u128 last = first + (((u128)1 << (128 - bits)) - 1);

	*i = seek(t, *i, first);
	if (whole(t, *i, last)) {
		*ret = LOOKUP_LEAF | t->v[*i].class;
		return 0;
	}
	*ret = (uint32_t)t->nnodes;
	return add_node(t, first, *i, bits);
}

static int roots(struct trie *t, uint32_t *root, uint64_t *small)
{
	size_t i = 0;
	int r = 0;

	for (unsigned e = 0; e < 8 && !r; e++) {
		u128 base = (u128)e << 125;
		uint32_t word = 0;

		if (e != 1)
			r = root_word(t, base, 3, &i, &word);
		small[e] = word;
		for (uint32_t k = 0; e == 1 && k < LOOKUP_ROOT6_WORDS && !r; k++)
			r = root_word(t, base + ((u128)k << 108), 20, &i, &root[k]);
	}
	return r;
}

int table6_build(struct table *t, const struct class6 *v, size_t n)
{
	struct trie trie = {.v = v, .n = n};
	uint32_t *root = malloc(LOOKUP_ROOT6_WORDS * sizeof(*root));
	uint64_t *small = calloc(LOOKUP_SMALL_WORDS, sizeof(*small));
	int r = root && small ? 0 : -ENOMEM;

	if (!r)
		r = add_node(&trie, 0, 0,
			     0); /* node 0 answers nothing but keeps the arrays from being empty */
	if (!r)
		r = add_leaf(&trie, 0);
	if (!r)
		r = roots(&trie, root, small);
	for (size_t k = 1; k < trie.nnodes && !r; k++)
		r = fill(&trie, k);
	free(trie.todo);
	if (r) {
		free(root);
		free(small);
		free(trie.nodes);
		free(trie.leaves);
		return r;
	}
	trie.nodes[0] = trie.nodes[1] = trie.nodes[2] = 0;
	table_take(t, LOOKUP_ROOT6, root, LOOKUP_ROOT6_WORDS * sizeof(*root));
	table_take(t, LOOKUP_SMALL, small, LOOKUP_SMALL_WORDS * sizeof(*small));
	table_take(t, LOOKUP_NODES6, trie.nodes, 3 * trie.nnodes * sizeof(*trie.nodes));
	table_take(t, LOOKUP_LEAVES6, trie.leaves, trie.nleaves * sizeof(*trie.leaves));
	return 0;
}
