/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * place.bpf.h - geo/lookup/lookup.h and rules/decide.h over maps: the reads, and nothing else.
 *
 * One array map a flat array, a single element each, sized, filled and frozen by the loader before
 * the program is loaded. The program names the map where it wants the element's address: the loader
 * (map_value.c) turns the instruction that loads a map into the one that loads its value, so that an
 * address is a constant where a look-up is ten instructions. The number of elements stands in
 * .rodata, a constant to the verifier.
 */
#ifndef BPF_PROG_PLACE_BPF_H
#define BPF_PROG_PLACE_BPF_H
#include "bpf/prog/state.bpf.h"
#include "rules/decide.h"
#include "geo/lookup/lookup.h"

#define FLAT_ARRAY(name)                                                                           \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 1);                                                            \
		__uint(key_size, 4);                                                               \
		__uint(value_size, 8);                                                             \
	} name SEC(".maps")

/* Order and names: enum lookup_array, enum decide_array (load.c has the same lists). */
FLAT_ARRAY(p_root4);
FLAT_ARRAY(p_entries4);
FLAT_ARRAY(p_root6);
FLAT_ARRAY(p_nodes6);
FLAT_ARRAY(p_leaves6);
FLAT_ARRAY(p_flags);
FLAT_ARRAY(p_small);
FLAT_ARRAY(r_row_of);
FLAT_ARRAY(r_subj_of);
FLAT_ARRAY(r_tcp);
FLAT_ARRAY(r_udp);
FLAT_ARRAY(r_proto);
FLAT_ARRAY(r_column_of);
FLAT_ARRAY(r_matrix);

FLAT_ARRAY(r_decisions);

/* Exact whatever the rings lose: by decision of this generation. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_total);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_CGROUPS_MAX);
	__type(key, __u64);
	__type(value, struct abi_mask);
} cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_USERS_MAX);
	__type(key, __u32);
	__type(value, struct abi_mask);
} users SEC(".maps");

/* Set by the loader before load. Read through volatile: clang must not fold the zeros in. */
const volatile __u32 place_limit[LOOKUP_ARRAYS] = {};
const volatile __u32 rules_limit[DECIDE_ARRAYS] = {};
const volatile struct decide_header header = {};
const volatile __u32 generation = 0;
const volatile __u32 nat64_count = 0;
const volatile __u32 column_any = 0; /* of mask 0, everything known */

/* By enum lookup_array; only what the function reads is filled in. */
struct flat {
	const void *data[LOOKUP_ARRAYS];
	__u32 limit[LOOKUP_ARRAYS];
};

#define flat_get(f, array, name)                                                                   \
	do {                                                                                       \
		(f)->data[array] = flat_address(name);                                             \
		(f)->limit[array] = place_limit[array];                                            \
	} while (0)

/* Out of range leaves the function that reads, with class 0: light.h's invariant 3 says that it
 * does not happen, and the verifier need not follow a second path from every read. */
#define flat_read(ctx, type, array, index)                                                         \
	({                                                                                         \
		const struct flat *f_ = (ctx);                                                     \
		__u64 i_ = (__u32)(index);                                                         \
		__asm__ volatile("" : "+r"(i_)); /* check and use one register */                  \
		if (i_ >= f_->limit[array])                                                        \
			return 0;                                                                  \
		((const type *)f_->data[array])[i_];                                               \
	})
#define LOOKUP_READ16(ctx, array, index) flat_read(ctx, __u16, array, index)
#define LOOKUP_READ32(ctx, array, index) flat_read(ctx, __u32, array, index)
#define LOOKUP_READ64(ctx, array, index) flat_read(ctx, __u64, array, index)
#define LOOKUP_NAT64_COUNT(ctx)		 nat64_count
#define LOOKUP_IPV4(ctx, address)	 place4(address)
#define LOOKUP_IPV6(ctx, hi, lo)	 place6(hi, lo)
__u32 place4(__u32 address);
__u32 place6(__u64 hi, __u64 lo);
#include "geo/lookup/lookup.h"

/* The class of an IPv4 address (host order). */
__noinline __u32 place4(__u32 address)
{
	struct flat f;

	flat_get(&f, LOOKUP_ROOT4, p_root4);
	flat_get(&f, LOOKUP_ENTRIES4, p_entries4);
	return lookup_ipv4(&f, address);
}

/* The class of an IPv6 address, outer address only. */
__noinline __u32 place6(__u64 hi, __u64 lo)
{
	struct flat f;

	flat_get(&f, LOOKUP_ROOT6, p_root6);
	flat_get(&f, LOOKUP_NODES6, p_nodes6);
	flat_get(&f, LOOKUP_LEAVES6, p_leaves6);
	flat_get(&f, LOOKUP_SMALL, p_small);
	return lookup_ipv6(&f, hi, lo);
}

/* All classes that decide a destination: how many << 48, then 16 bits each. */
#define PLACES_N(p)	((__u32)((p) >> 48) & 3)
#define PLACES_AT(p, i) ((__u32)((p) >> (16 * (i))) & 0xffff)
__noinline __u64 place6_all(__u64 hi, __u64 lo)
{
	__u32 c[LOOKUP_CLASSES_MAX] = {};
	struct flat f;
	__u64 n;

	flat_get(&f, LOOKUP_SMALL, p_small);
	flat_get(&f, LOOKUP_FLAGS, p_flags);
	n = lookup_classes6(&f, hi, lo, c);
	return n << 48 | (__u64)(c[2] & 0xffff) << 32 | (__u64)(c[1] & 0xffff) << 16 |
	       (c[0] & 0xffff);
}
#endif
