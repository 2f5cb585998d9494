/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookup.h - address -> class in constant time: the layout of the compiled place table and the
 * look-ups themselves, one text for the kernel programs and for user space. Pure: no memory, no
 * globals, bounded loops, no recursion.
 *
 * What. table.c compiles the places and the policy's sets into seven flat arrays of words (enum
 * lookup_array). Nothing in them is a pointer, so they are copied into array maps as they are, and
 * the same bytes answer in both worlds.
 *
 * IPv4 ("i16"): the high half of the address picks a bucket, the low half is searched in it.
 *
 *     address  a.b.c.d            ROOT4[a.b]: one word a bucket
 *     +----------+----------+     +-------------+---------------+
 *     | high 16  |  low 16  | --> | n, 12 bits  | at, 20 bits   |
 *     +----------+----------+     +-------------+---------------+
 *                     |           n = 0: the whole bucket has the class at & 0xffff: one read
 *                     |           else:  ENTRIES4[at .. at + n), sorted, each bound << 16 | class;
 *                     |                  n = LOOKUP_LONG4: the word at 'at' is the real n, and
 *                     |                  the entries follow it
 *                     '--> the last entry whose bound <= low 16. The first bound of a bucket is 0.
 *
 *   Two dependent reads, and the bucket is a cache line or two: with cold caches, the real case,
 *   nothing measured faster (a LPM trie takes 14 times as long). n has no power-of-two padding,
 *   which would cost a third of the memory.
 *
 * IPv6 (poptrie, Asai and Ohara, SIGCOMM 2015): 2000::/3, where everything lives, has a direct
 * root of 17 bits, then nodes of 64 slots, 6 bits a level, down to /128. The other seven eighths
 * (ULA, link-local, multicast, ::/96, NAT64) start at bit 3 with the word SMALL[address >> 61] and
 * go the same way: few nodes, same constant bound.
 *
 *     word (of ROOT6, SMALL or computed): LOOKUP_LEAF | class, or the number of a node
 *     node = NODES6[3n .. 3n+2]: vector   bit s: slot s is a node, else a leaf
 *                                leafvec  bit s: slot s is a leaf, unlike the leaf before it
 *                                base     low 32 bits: number of the first child;
 *                                         high 32 bits: index of the first leaf
 *     child of slot s = base.low  + popcount(vector below s)
 *     class of slot s = LEAVES6[base.high + popcount(leafvec up to and with s) - 1]
 *
 * FLAGS has a word a class: what the rule for addresses inside addresses must know of it (below).
 *
 * Addresses inside addresses (lookup_embedded, lookup_classes6): the verdict is the worst of the
 * classes that lookup_classes6 returns. The embedded IPv4 counts always, and if it is private,
 * local or malformed it counts as class 0, an unknown place: 10.0.0.1 behind NAT64 is not our
 * private network, whatever a place line says of that. Only behind a NAT64 prefix of the
 * operator's own (configured) a private address with a place line is that place. The outer address
 * counts when a place line or a set of the policy covers it (its class is then not LOOKUP_SILENT),
 * as it says nothing of its own. A *socket* call with ::ffff:a.b.c.d is another thing: the kernel
 * sends IPv4. Hooks on connect and sendmsg first try lookup_unmap() and then ask lookup_ipv4().
 *
 * Invariants (tests/geo/table_test.c holds them):
 *  1. Class 0 is the unknown place, global scope, in no set. A bounded loop that ran out answers 0.
 *  2. Arrays stay below the limits here; table.c refuses beyond. All but NODES6 have at most 4 MB,
 *     which is all that kernels before 5.16 take as one value; NODES6 has 3.2 MB for the whole of
 *     tor-geoipdb, and may grow to 12.
 *  3. Every index made from a word of the arrays is inside its array; the includer's reads may
 *     mask instead of check.
 *  4. For every address, lookup_ipv4/6 == the class of places_lookup() and of the sets that hold
 *     the address.
 *
 * The includer gives the reads, in elements of the named width:
 *     LOOKUP_READ16(ctx, array, index)  -> LOOKUP_U32; LOOKUP_READ32 likewise
 *     LOOKUP_READ64(ctx, array, index)  -> LOOKUP_U64
 *     LOOKUP_NAT64_COUNT(ctx)           optional: a constant spares a read for each IPv6 packet
 *                                       (default: SMALL[8])
 *     LOOKUP_IPV4(ctx, address), LOOKUP_IPV6(ctx, hi, lo)
 *                                       optional: what lookup_classes6 calls for one look-up
 * In BPF: put lookup_ipv4 and lookup_ipv6 into __noinline global functions, verified once (and
 * name them so). The search is branchless through LOOKUP_OPAQUE, which keeps clang from making the
 * mask a branch again.
 */
#ifndef GEO_LOOKUP_LOOKUP_H
#define GEO_LOOKUP_LOOKUP_H
#ifndef __bpf__
#include <stdint.h>
#define LOOKUP_U16 uint16_t
#define LOOKUP_U32 uint32_t
#define LOOKUP_U64 uint64_t
#else
#define LOOKUP_U16 __u16
#define LOOKUP_U32 __u32
#define LOOKUP_U64 __u64
#endif

enum lookup_array {
	LOOKUP_ROOT4,	 /* u32 x LOOKUP_ROOT4_WORDS, always */
	LOOKUP_ENTRIES4, /* u32 x up to LOOKUP_ENTRIES4_MAX */
	LOOKUP_ROOT6,	 /* u32 x LOOKUP_ROOT6_WORDS, always */
	LOOKUP_NODES6,	 /* u64, 3 a node, x up to 3 * LOOKUP_NODES6_MAX */
	LOOKUP_LEAVES6,	 /* u16 x up to LOOKUP_LEAVES6_MAX */
	LOOKUP_FLAGS,	 /* u16 by class */
	LOOKUP_SMALL,	 /* u64 x LOOKUP_SMALL_WORDS, always */
	LOOKUP_ARRAYS
};
#define LOOKUP_ROOT4_WORDS  65536u
#define LOOKUP_ENTRIES4_MAX (1u << 20) /* 4 MB */
#define LOOKUP_ROOT6_WORDS  131072u
#define LOOKUP_NODES6_MAX   (1u << 19) /* 12 MB */
#define LOOKUP_LEAVES6_MAX  (1u << 21) /* 4 MB */
#define LOOKUP_FLAGS_MAX    65536u
#define LOOKUP_SMALL_WORDS  64u

#define LOOKUP_LONG4  0xfffu	  /* n of a root word: the real count stands before the entries */
#define LOOKUP_LEAF   0x80000000u /* a word that is a class */
#define LOOKUP_STEPS4 17
#define LOOKUP_STEPS6 21

/* SMALL: [0..7] words of the eighths (1 is not used: ROOT6), [8] number of NAT64 prefixes, then
 * {hi, lo, length} each, the longest first. */
#define LOOKUP_SMALL_NAT64 8
#define LOOKUP_NAT64_MAX   16 /* configured prefixes */

/* FLAGS */
#define LOOKUP_SILENT 1u /* scope embedded and in no set: as an outer address it has no say */
#define LOOKUP_INSIDE 2u /* private or local: as an embedded address it counts as class 0 */

#define LOOKUP_INNER_MAX   2
#define LOOKUP_CLASSES_MAX 3
/* The IPv4 addresses inside an IPv6 one, host order. bad: bit i is set when v4[i] may not stand
 * there. */
struct lookup_inner {
	LOOKUP_U32 v4[LOOKUP_INNER_MAX];
	LOOKUP_U32 n;
	LOOKUP_U32 bad;
};

#define LOOKUP_INLINE static __attribute__((always_inline, unused)) inline
#ifdef __bpf__
#define LOOKUP_OPAQUE(x) __asm__ volatile("" : "+r"(x))
#else
#define LOOKUP_OPAQUE(x) (void)(x)
#endif

/* ::ffff:a.b.c.d as a socket means it: 1 and the IPv4 address, or 0. */
LOOKUP_INLINE int lookup_unmap(LOOKUP_U64 hi, LOOKUP_U64 lo, LOOKUP_U32 *v4)
{
	if (hi || lo >> 32 != 0xffff)
		return 0;
	*v4 = (LOOKUP_U32)lo;
	return 1;
}

/* RFC 6052, 2.2: the IPv4 address behind a prefix of this length; bits 64 to 71 are skipped and
 * must be zero. */
LOOKUP_INLINE LOOKUP_U32 lookup_rfc6052(LOOKUP_U64 hi, LOOKUP_U64 lo, LOOKUP_U32 length,
					LOOKUP_U32 *bad)
{
	*bad = length != 96 && lo >> 56;
	if (length == 32)
		return (LOOKUP_U32)hi;
	if (length == 40)
		return (LOOKUP_U32)(hi << 8) | ((LOOKUP_U32)(lo >> 48) & 0xff);
	if (length == 48)
		return (LOOKUP_U32)(hi << 16) | ((LOOKUP_U32)(lo >> 40) & 0xffff);
	if (length == 56)
		return (LOOKUP_U32)(hi << 24) | ((LOOKUP_U32)(lo >> 32) & 0xffffff);
	if (length == 64)
		return (LOOKUP_U32)(lo >> 24);
	return (LOOKUP_U32)lo;
}

/* Private, shared, local or link-scope: no such address may be embedded (RFC 6052, 3.1; RFC 3056,
 * 2; RFC 4380, 4). */
LOOKUP_INLINE LOOKUP_U32 lookup_is_inside(LOOKUP_U32 v4)
{
	LOOKUP_U32 b = v4 >> 16;

	return v4 >> 24 == 10 || v4 >> 24 == 127 || !(v4 >> 24) || b >> 4 == 0xac1 || b == 0xc0a8 ||
	       b == 0xa9fe || v4 >> 22 == 0x191 || v4 >> 8 == 0xe00000 || v4 == 0xffffffff;
}

/* The forms that need no configuration. Returns how many addresses are inside (also in ret->n). */
LOOKUP_INLINE LOOKUP_U32 lookup_embedded_fixed(LOOKUP_U64 hi, LOOKUP_U64 lo,
					       struct lookup_inner *ret)
{
	ret->v4[0] = (LOOKUP_U32)lo;
	ret->v4[1] = 0;
	ret->bad = 0;
	ret->n = 0;
	if (hi >> 48 == 0x2002) { /* 6to4, RFC 3056 */
		ret->v4[0] = (LOOKUP_U32)(hi >> 16);
		ret->n = 1;
	} else if (hi >> 32 == 0x20010000) { /* Teredo, RFC 4380: the client stands inverted */
		ret->v4[0] = (LOOKUP_U32)hi;
		ret->v4[1] = ~(LOOKUP_U32)lo;
		ret->n = 2;
		/* local-use NAT64, RFC 8215; other lengths in it are configured */
	} else if (hi >> 16 == 0x64ff9b0001) {
		ret->v4[0] = lookup_rfc6052(hi, lo, 48, &ret->bad);
		ret->n = 1;
	} else if (hi == 0x64ff9b00000000 && !(lo >> 32)) { /* NAT64, RFC 6052 */
		ret->n = 1;
	} else if (!hi && (lo >> 32 == 0xffff ||
			   lo >> 32 == 0xffff0000)) { /* mapped; translated, RFC 7915 */
		ret->n = 1;
	} else if (!hi && !(lo >> 32) &&
		   lo > 1) { /* compatible, RFC 4291; :: and ::1 are themselves */
		ret->n = 1;
	}
	ret->bad |= lookup_is_inside(ret->v4[0]) | lookup_is_inside(ret->v4[1]) << 1;
	return ret->n;
}

/* A configured NAT64 prefix: 1 when it holds the address. len is one of RFC 6052. */
LOOKUP_INLINE int lookup_has(LOOKUP_U64 phi, LOOKUP_U64 plo, LOOKUP_U32 length, LOOKUP_U64 hi,
			     LOOKUP_U64 lo)
{
	if (length > 64)
		return phi == hi && !((plo ^ lo) >> 32); /* 96 is the only one */
	return length == 64 ? phi == hi : !((phi ^ hi) >> (64 - (length & 63)));
}
#endif

#if defined(LOOKUP_READ32) && !defined(GEO_LIGHT_LOOKUPS)
#define GEO_LIGHT_LOOKUPS
#ifndef LOOKUP_IPV4
#define LOOKUP_IPV4(ctx, address) lookup_ipv4(ctx, address)
#define LOOKUP_IPV6(ctx, hi, lo)  lookup_ipv6(ctx, hi, lo)
#endif
#ifndef LOOKUP_NAT64_COUNT
#define LOOKUP_NAT64_COUNT(ctx) LOOKUP_READ64(ctx, LOOKUP_SMALL, LOOKUP_SMALL_NAT64)
#endif

/* The class of an IPv4 address in host order. */
LOOKUP_INLINE LOOKUP_U32 lookup_ipv4(const void *ctx, LOOKUP_U32 address)
{
	LOOKUP_U32 word = LOOKUP_READ32(ctx, LOOKUP_ROOT4, address >> 16);
	LOOKUP_U32 n = word >> 20, at = word & (LOOKUP_ENTRIES4_MAX - 1), key = address & 0xffff;

	(void)ctx;
	if (!n)
		return word & 0xffff;
	if (n == LOOKUP_LONG4) {
		n = LOOKUP_READ32(ctx, LOOKUP_ENTRIES4, at);
		at++;
	}
	for (int i = 0; i < LOOKUP_STEPS4; i++) {
		LOOKUP_U32 half = n >> 1, after;

		if (n <= 1)
			break;
		after = ((LOOKUP_READ32(ctx, LOOKUP_ENTRIES4, at + half) >> 16) - key - 1) >> 31;
		LOOKUP_OPAQUE(after);
		at += half * after;
		n -= half;
	}
	return LOOKUP_READ32(ctx, LOOKUP_ENTRIES4, at) & 0xffff;
}

/* The class of an IPv6 address, outer address only; the halves in host order. */
LOOKUP_INLINE LOOKUP_U32 lookup_ipv6(const void *ctx, LOOKUP_U64 hi, LOOKUP_U64 lo)
{
	LOOKUP_U32 word;

	(void)ctx;
	if (hi >> 61 == 1) {
		word = LOOKUP_READ32(ctx, LOOKUP_ROOT6,
				     (LOOKUP_U32)(hi >> 44) & (LOOKUP_ROOT6_WORDS - 1));
		hi = hi << 20 | lo >> 44;
		lo <<= 20;
	} else {
		word = (LOOKUP_U32)LOOKUP_READ64(ctx, LOOKUP_SMALL, (LOOKUP_U32)(hi >> 61));
		hi = hi << 3 | lo >> 61;
		lo <<= 3;
	}
	for (int i = 0; i < LOOKUP_STEPS6; i++) {
		LOOKUP_U64 bit, vector, base;

		if (word & LOOKUP_LEAF)
			return word & 0xffff;
		bit = 1ULL << (hi >> 58);
		vector = LOOKUP_READ64(ctx, LOOKUP_NODES6, 3 * word);
		base = LOOKUP_READ64(ctx, LOOKUP_NODES6, 3 * word + 2);
		if (!(vector & bit)) {
			LOOKUP_U64 leaves =
				LOOKUP_READ64(ctx, LOOKUP_NODES6, 3 * word + 1) & (bit | (bit - 1));

			return LOOKUP_READ16(ctx, LOOKUP_LEAVES6,
					     (LOOKUP_U32)(base >> 32) +
						     (LOOKUP_U32)__builtin_popcountll(leaves) - 1);
		}
		word = (LOOKUP_U32)base + (LOOKUP_U32)__builtin_popcountll(vector & (bit - 1));
		hi = hi << 6 | lo >> 58;
		lo <<= 6;
	}
	return word & LOOKUP_LEAF ? word & 0xffff : 0;
}

/* The IPv4 addresses inside an IPv6 one: 0, 1 or (Teredo) 2. */
LOOKUP_INLINE LOOKUP_U32 lookup_embedded(const void *ctx, LOOKUP_U64 hi, LOOKUP_U64 lo,
					 struct lookup_inner *ret)
{
	LOOKUP_U32 count = (LOOKUP_U32)LOOKUP_NAT64_COUNT(ctx);

	(void)ctx;
	for (LOOKUP_U32 i = 0; i < LOOKUP_NAT64_MAX && i < count; i++) {
		LOOKUP_U32 at = LOOKUP_SMALL_NAT64 + 1 + 3 * i;
		LOOKUP_U32 length = (LOOKUP_U32)LOOKUP_READ64(ctx, LOOKUP_SMALL, at + 2);

		if (lookup_has(LOOKUP_READ64(ctx, LOOKUP_SMALL, at),
			       LOOKUP_READ64(ctx, LOOKUP_SMALL, at + 1), length, hi, lo)) {
			ret->v4[0] = lookup_rfc6052(hi, lo, length, &ret->bad);
			ret->v4[1] = 0;
			ret->n = 1;
			return 1;
		}
	}
	return lookup_embedded_fixed(hi, lo, ret);
}

/* The class of an embedded address: 0 when it is private or local. */
LOOKUP_INLINE LOOKUP_U32 lookup_inner_class(const void *ctx, LOOKUP_U32 v4)
{
	LOOKUP_U32 c = LOOKUP_IPV4(ctx, v4);

	return LOOKUP_READ16(ctx, LOOKUP_FLAGS, c) & LOOKUP_INSIDE ? 0 : c;
}

/* The classes that decide an IPv6 address on the wire: 1 to LOOKUP_CLASSES_MAX; the worst verdict
 * of them counts. */
LOOKUP_INLINE LOOKUP_U32 lookup_classes6(const void *ctx, LOOKUP_U64 hi, LOOKUP_U64 lo,
					 LOOKUP_U32 out[LOOKUP_CLASSES_MAX])
{
	struct lookup_inner in;
	LOOKUP_U32 outer = LOOKUP_IPV6(ctx, hi, lo);

	if (!lookup_embedded(ctx, hi, lo, &in)) {
		out[0] = outer;
		return 1;
	}
	out[0] = in.bad & 1 ? 0 : lookup_inner_class(ctx, in.v4[0]);
	if (in.n == 2) {
		out[1] = in.bad & 2 ? 0 : lookup_inner_class(ctx, in.v4[1]);
		if (LOOKUP_READ16(ctx, LOOKUP_FLAGS, outer) & LOOKUP_SILENT)
			return 2;
		out[2] = outer;
		return 3;
	}
	if (LOOKUP_READ16(ctx, LOOKUP_FLAGS, outer) & LOOKUP_SILENT)
		return 1;
	out[1] = outer;
	return 2;
}
#endif
