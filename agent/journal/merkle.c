/* SPDX-License-Identifier: BSD-2-Clause */
/* merkle.c - leaves, nodes, the frontier of a growing tree, and inclusion proofs (RFC 6962 2.1). */
#include "agent/journal/merkle.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct merkle_hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

int merkle_hasher_new(struct merkle_hasher **ret)
{
	struct merkle_hasher *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	if (!h->md || !h->ctx) {
		merkle_hasher_free(h);
		return -ENOMEM;
	}
	*ret = h;
	return 0;
}

void merkle_hasher_free(struct merkle_hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

/* SHA-256 of memory does not fail; were it to, a hash of zeros would show in every check. */
static void hash(struct merkle_hasher *h, struct merkle_hash *ret, uint8_t tag, const void *a,
		 size_t na, const void *b, size_t nb)
{
	struct merkle_hash sum = {0};

	if (EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1 &&
	    EVP_DigestUpdate(h->ctx, &tag, 1) == 1 && EVP_DigestUpdate(h->ctx, a, na) == 1 &&
	    (!nb || EVP_DigestUpdate(h->ctx, b, nb) == 1))
		EVP_DigestFinal_ex(h->ctx, sum.b, NULL);
	*ret = sum;
}

void merkle_leaf(struct merkle_hasher *h, struct merkle_hash *ret, const void *record, size_t n)
{
	hash(h, ret, 0, record, n, NULL, 0);
}

void merkle_node(struct merkle_hasher *h, struct merkle_hash *ret, const struct merkle_hash *left,
		 const struct merkle_hash *right)
{
	hash(h, ret, 1, left->b, MERKLE_HASH, right->b, MERKLE_HASH);
}

void merkle_append(struct merkle_hasher *h, struct merkle_frontier *f,
		   const struct merkle_hash *leaf)
{
	struct merkle_hash carry = *leaf;
	unsigned l;

	for (l = 0; f->n >> l & 1; l++)
		merkle_node(h, &carry, &f->full[l], &carry);
	f->full[l] = carry;
	f->n++;
}

static void empty_root(struct merkle_hasher *h, struct merkle_hash *ret)
{
	unsigned n = MERKLE_HASH;

	*ret = (struct merkle_hash){0};
	EVP_Digest("", 0, ret->b, &n, h->md, NULL);
}

void merkle_root(struct merkle_hasher *h, struct merkle_hash *ret, const struct merkle_frontier *f)
{
	unsigned l = 0;
	struct merkle_hash r;

	if (!f->n) {
		empty_root(h, ret);
		return;
	}
	while (!(f->n >> l & 1))
		l++;
	r = f->full[l];
	while (++l < MERKLE_LEVELS)
		if (f->n >> l & 1)
			merkle_node(h, &r, &f->full[l], &r);
	*ret = r;
}

/* The largest power of two below n (n > 1), as its exponent. */
static unsigned split(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n - 1);
}

/* The root of leaves first .. first + n - 1; first is a multiple of the power of two above n. */
static int range_root(const struct merkle_source *s, uint64_t first, uint64_t n,
		      struct merkle_hash *ret)
{
	struct merkle_hash part[MERKLE_LEVELS] = {0};
	unsigned parts = 0;
	int r;

	/* full subtrees from left to right, then folded from the right: no recursion */
	while (n) {
		unsigned l = 63 - (unsigned)__builtin_clzll(n);

		r = s->full(s->arg, l, first >> l, &part[parts++]);
		if (r < 0)
			return r;
		first += 1ull << l;
		n -= 1ull << l;
	}
	*ret = part[--parts];
	while (parts)
		merkle_node(s->hasher, ret, &part[--parts], ret);
	return 0;
}

int merkle_root_of(const struct merkle_source *s, uint64_t n, struct merkle_hash *ret)
{
	if (!n) {
		empty_root(s->hasher, ret);
		return 0;
	}
	return range_root(s, 0, n, ret);
}

int merkle_inclusion(const struct merkle_source *s, uint64_t i, uint64_t n,
		     struct merkle_hash path[MERKLE_LEVELS], unsigned *count)
{
	struct merkle_hash down[MERKLE_LEVELS];
	uint64_t first = 0;
	unsigned k = 0;

	if (i >= n)
		return -ERANGE;
	while (n > 1) { /* from the root down: the side that i is not in */
		uint64_t left = 1ull << split(n);
		int r;

		if (i - first < left) {
			r = range_root(s, first + left, n - left, &down[k++]);
			n = left;
		} else {
			r = range_root(s, first, left, &down[k++]);
			first += left;
			n -= left;
		}
		if (r < 0)
			return r;
	}
	*count = k;
	for (unsigned j = 0; j < k; j++)
		path[j] = down[k - 1 - j];
	return 0;
}

int merkle_root_from(struct merkle_hasher *h, struct merkle_hash *ret,
		     const struct merkle_hash *leaf, uint64_t i, uint64_t n,
		     const struct merkle_hash *path, unsigned count)
{
	uint64_t last = n - 1;
	struct merkle_hash r = *leaf;

	if (i >= n)
		return -EINVAL;
	for (unsigned j = 0; j < count; j++) {
		if (!last)
			return -EINVAL; /* longer than the tree is high */
		if (i & 1 || i == last) {
			merkle_node(h, &r, &path[j], &r);
			while (!(i & 1) && i) {
				i >>= 1;
				last >>= 1;
			}
		} else {
			merkle_node(h, &r, &r, &path[j]);
		}
		i >>= 1;
		last >>= 1;
	}
	if (last)
		return -EINVAL;
	*ret = r;
	return 0;
}
