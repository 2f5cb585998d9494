/* SPDX-License-Identifier: BSD-2-Clause */
/* special.h - the ranges that no database decides (IANA's special-purpose registries). */
#ifndef GEO_FACTS_SPECIAL_H
#define GEO_FACTS_SPECIAL_H
#include "geo/base/ip.h"
#include "geo/facts/scope.h"

struct special {
	u128 first, last;
	enum place_scope scope;
};
/* Disjoint and sorted, of a family; SCOPE_GLOBAL is the rest. Returns how many. */
size_t special_ranges(bool is6, const struct special **ret);
#endif
