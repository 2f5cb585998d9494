/* SPDX-License-Identifier: BSD-2-Clause */
/* table4.c - the IPv4 half of the compiled table: 65,536 buckets of sorted bounds (light.h has the
 * layout). */
#include <errno.h>
#include <stdlib.h>
#include "geo/lookup/table_private.h"

struct entries { /* LOOKUP_ENTRIES4 as it grows */
	uint32_t *v;
	size_t n, room;
};

static int put(struct entries *e, uint32_t word)
{
	if (e->n >= LOOKUP_ENTRIES4_MAX)
		return -E2BIG;
	if (e->n == e->room) {
		size_t room = e->room ? 2 * e->room : 65536;
		uint32_t *v = realloc(e->v, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		e->v = v;
		e->room = room;
	}
	e->v[e->n++] = word;
	return 0;
}

/* The bucket's ranges are v[0..n): v[0] holds from its first address on, the others begin inside.
 */
static int bucket(struct entries *e, const struct class4 *v, size_t n, uint32_t *root)
{
	size_t at = e->n;
	int r = 0;

	if (n == 1) {
		*root = v[0].class;
		return 0;
	}
	if (n >= LOOKUP_LONG4)
		r = put(e, (uint32_t)n);
	if (!r)
		r = put(e, v[0].class);
	for (size_t i = 1; i < n && !r; i++)
		r = put(e, v[i].first << 16 | v[i].class);
	*root = (uint32_t)(n < LOOKUP_LONG4 ? n : LOOKUP_LONG4) << 20 | (uint32_t)at;
	return r;
}

int table4_build(struct table *t, const struct class4 *v, size_t n)
{
	uint32_t *root = malloc(LOOKUP_ROOT4_WORDS * sizeof(*root));
	struct entries e = {0};
	size_t i = 0, next;
	int r = root ? 0 : -ENOMEM;

	for (uint32_t b = 0; b < LOOKUP_ROOT4_WORDS && !r; b++) {
		for (next = i + 1; next < n && v[next].first >> 16 == b;)
			next++;
		r = bucket(&e, &v[i], next - i, &root[b]);
		i = next - 1; /* the last range of this bucket reaches the next one ... */
		if (next < n && v[next].first == (b + 1) << 16)
			i = next; /* ... unless one begins exactly there */
	}
	if (!e.n && !r)
		r = put(&e, 0); /* no array is empty */
	if (r) {
		free(root);
		free(e.v);
		return r;
	}
	table_take(t, LOOKUP_ROOT4, root, LOOKUP_ROOT4_WORDS * sizeof(*root));
	table_take(t, LOOKUP_ENTRIES4, e.v, e.n * sizeof(*e.v));
	return 0;
}
