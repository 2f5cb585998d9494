/* SPDX-License-Identifier: BSD-2-Clause */
/* table_private.h - inside geo only: the compiled table while it is built, and what its parts hand to
 * one another. */
#ifndef GEO_LOOKUP_TABLE_PRIVATE_H
#define GEO_LOOKUP_TABLE_PRIVATE_H
#include "geo/claims/store.h"
#include "geo/lookup/lookup.h"
#include "geo/lookup/table.h"

struct table {
	struct table_array arrays[LOOKUP_ARRAYS];
	struct place_class *classes;
	uint32_t nclasses;
	/* bitmaps of PLACE_SETS_MAX bits, 0 is empty; the classes point into it */
	struct intern masks;
};

/* Disjoint, sorted, from address 0 to the last of the family: from first on, up to the next one,
 * the class. */
struct class4 {
	uint32_t first, class;
};
struct class6 {
	u128 first;
	uint32_t class;
};

/* policy_set_range.c: from first on, the address is in this set of sets (number in t->masks); sorted,
 * v[0].first = 0. */
struct policy_set_range {
	u128 first;
	uint32_t mask;
};
struct policy_set_ranges {
	struct policy_set_range *v;
	size_t n;
};
int policy_sets_build(struct policy_set_ranges *ret, struct table *t, const struct places *p,
		      const struct table_set *sets, size_t nsets, bool is6);

/* table4.c, table6.c: the arrays of a family. 0, -E2BIG (a limit of light.h), -ENOMEM. */
int table4_build(struct table *t, const struct class4 *v, size_t n);
int table6_build(struct table *t, const struct class6 *v, size_t n);
/* Owns data (malloc) from now on. */
void table_take(struct table *t, enum lookup_array a, void *data, size_t bytes);
#endif
