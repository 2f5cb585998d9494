/*
 * table.h - the compiled place table: address -> class in constant time, the same bytes in the
 * kernel and in user space.
 *
 * The layouts and the look-ups themselves (geo/lookup/lookup.h, included by bpf/ too) are geo's; see there
 * for the essay.
 */
#ifndef GEO_LOOKUP_TABLE_H
#define GEO_LOOKUP_TABLE_H
#include "geo/places.h"

/* A set of addresses that the policy names; bit i of place_class.sets is sets[i]. */
struct table_set {
	const struct cidr *cidrs; /* owner: the policy */
	size_t ncidrs;
	uint32_t asn; /* 0, or: all ranges of this ASN */
};
struct table;
/* 0, -E2BIG (more than PLACE_CLASSES_MAX classes or PLACE_SETS_MAX sets; a diag says how many),
 * -ENOMEM. */
int table_build(struct table **ret, const struct places *p, const struct table_set *sets,
		size_t nsets, struct diag_sink *d);
void table_free(struct table *t);
uint32_t table_classes(const struct table *t);
const struct place_class *table_class(const struct table *t, uint32_t c);
uint32_t table_lookup(const struct table *t,
		      const struct ip *ip); /* the class; outer address only */

/* The classes that decide an address: itself, or what is embedded in it (mapped, translated,
 * compatible, 6to4, Teredo server and client, NAT64). The verdict is the worst of them. An
 * embedded address that is private or local gives TABLE_CLASS_INVALID (an unknown place). Returns
 * how many, 1..TABLE_EMBED_MAX. */
#define TABLE_EMBED_MAX	    3
#define TABLE_CLASS_INVALID 0
unsigned table_classes_of(const struct table *t, const struct ip *ip,
			  uint32_t out[TABLE_EMBED_MAX]);
/* The IPv4 addresses inside an IPv6 one (the operator's NAT64 prefixes counted). Returns how many,
 * 0 for IPv4. */
unsigned table_embedded(const struct table *t, const struct ip *ip, struct ip out[TABLE_EMBED_MAX]);

/* The flat arrays, to be copied into the kernel's maps. Owned by t. */
struct table_array {
	const void *data;
	size_t bytes;
};
size_t table_arrays(const struct table *t,
		    const struct table_array **ret); /* order as enum lookup_array in light.h */
#endif
