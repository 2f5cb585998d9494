/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookup.h - address -> class in constant time: the layout of the compiled place table and the
 * look-ups themselves, one text for the kernel programs and for user space. Pure: no memory, no
 * globals, bounded loops, no recursion.
 *
 * What. table.c compiles the places and the policy's sets into seven flat arrays of words (enum
 * light_array). Nothing in them is a pointer, so they are copied into array maps as they are, and
 * the same bytes answer in both worlds.
 *
 * IPv4 ("i16"): the high half of the address picks a bucket, the low half is searched in it.
 *
 *     address  a.b.c.d            ROOT4[a.b]: one word a bucket
 *     +----------+----------+     +-------------+---------------+
 *     | high 16  |  low 16  | --> | n, 12 bits  | at, 20 bits   |
 *     +----------+----------+     +-------------+---------------+
 *                     |              n = 0: the whole bucket has the class at & 0xffff, done: one
 * read |              else: ENTRIES4[at .. at + n), sorted, each bound << 16 | class; | n =
 * LIGHT_LONG4: the word at 'at' is the real n, entries follow it
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
 *     word (of ROOT6, SMALL or computed): LIGHT_LEAF | class, or the number of a node
 *     node = NODES6[3n .. 3n+2]: vector  bit s: slot s is a node, else a leaf
 *                                leafvec bit s: slot s is a leaf and differs from the leaf before
 * it base    low 32 bits: number of the first child; high 32: index of the first leaf child of slot
 * s = base.low  + popcount(vector below s) class of slot s = LEAVES6[base.high + popcount(leafvec
 * up to and with s) - 1]
 *
 * FLAGS has a word a class: what the rule for addresses inside addresses must know of it (below).
 *
 * Addresses inside addresses (light_embedded, light_classes6): the verdict is the worst of the
 * classes that light_classes6 returns. The embedded IPv4 counts always, and if it is private,
 * local or malformed it counts as class 0, an unknown place: 10.0.0.1 behind NAT64 is not our
 * private network, whatever a place line says of that. Only behind a NAT64 prefix of the
 * operator's own (configured) a private address with a place line is that place. The outer address
 * counts when a place line or a set of the policy covers it (its class is then not LIGHT_SILENT),
 * as it says nothing of its own. A *socket* call with ::ffff:a.b.c.d is another thing: the kernel
 * sends IPv4. Hooks on connect and sendmsg first try light_unmap() and then ask light_lookup4().
 *
 * Invariants (tests/geo/table_test.c holds them):
 *  1. Class 0 is the unknown place, global scope, in no set. A bounded loop that ran out answers 0.
 *  2. Arrays stay below the limits here; table.c refuses beyond. All but NODES6 have at most 4 MB,
 *     which is all that kernels before 5.16 take as one value; NODES6 has 3.2 MB for the whole of
 *     tor-geoipdb, and may grow to 12.
 *  3. Every index made from a word of the arrays is inside its array; the includer's reads may
 *     mask instead of check.
 *  4. For every address, light_lookup4/6 == the class of places_lookup() and of the sets that hold
 *     the address.
 *
 * The includer gives the reads, in elements of the named width:
 *     LIGHT_READ16(ctx, array, index), LIGHT_READ32, LIGHT_READ64  -> LIGHT_U32, LIGHT_U32,
 * LIGHT_U64 LIGHT_NAT64_COUNT(ctx), optional: a constant spares a read for each IPv6 packet
 * (default: SMALL[8]) LIGHT_LOOKUP4(ctx, address), LIGHT_LOOKUP6(ctx, hi, lo), optional: what
 * light_classes6 calls for one look-up In BPF: put light_lookup4 and light_lookup6 into __noinline
 * global functions, verified once (and name them so). The search is branchless through
 * LIGHT_OPAQUE, which keeps clang from making the mask a branch again.
 */
#ifndef GEO_LOOKUP_LOOKUP_H
#define GEO_LOOKUP_LOOKUP_H
#ifndef __bpf__
#include <stdint.h>
#define LIGHT_U16 uint16_t
#define LIGHT_U32 uint32_t
#define LIGHT_U64 uint64_t
#else
#define LIGHT_U16 __u16
#define LIGHT_U32 __u32
#define LIGHT_U64 __u64
#endif

enum light_array {
	LIGHT_ROOT4,	/* u32 x LIGHT_ROOT4_WORDS, always */
	LIGHT_ENTRIES4, /* u32 x up to LIGHT_ENTRIES4_MAX */
	LIGHT_ROOT6,	/* u32 x LIGHT_ROOT6_WORDS, always */
	LIGHT_NODES6,	/* u64, 3 a node, x up to 3 * LIGHT_NODES6_MAX */
	LIGHT_LEAVES6,	/* u16 x up to LIGHT_LEAVES6_MAX */
	LIGHT_FLAGS,	/* u16 by class */
	LIGHT_SMALL,	/* u64 x LIGHT_SMALL_WORDS, always */
	LIGHT_ARRAYS
};
#define LIGHT_ROOT4_WORDS  65536u
#define LIGHT_ENTRIES4_MAX (1u << 20) /* 4 MB */
#define LIGHT_ROOT6_WORDS  131072u
#define LIGHT_NODES6_MAX   (1u << 19) /* 12 MB */
#define LIGHT_LEAVES6_MAX  (1u << 21) /* 4 MB */
#define LIGHT_FLAGS_MAX	   65536u
#define LIGHT_SMALL_WORDS  64u

#define LIGHT_LONG4  0xfffu	 /* n of a root word: the real count stands before the entries */
#define LIGHT_LEAF   0x80000000u /* a word that is a class */
#define LIGHT_STEPS4 17
#define LIGHT_STEPS6 21

/* SMALL: [0..7] words of the eighths (1 is not used: ROOT6), [8] number of NAT64 prefixes, then
 * {hi, lo, length} each, the longest first. */
#define LIGHT_SMALL_NAT64 8
#define LIGHT_NAT64_MAX	  16 /* configured prefixes */

/* FLAGS */
#define LIGHT_SILENT 1u /* scope embedded and in no set: as an outer address it has no say */
#define LIGHT_INSIDE 2u /* private or local: as an embedded address it counts as class 0 */

#define LIGHT_INNER_MAX	  2
#define LIGHT_CLASSES_MAX 3
/* The IPv4 addresses inside an IPv6 one, host order. bad: bit i is set when v4[i] may not stand
 * there. */
struct light_inner {
	LIGHT_U32 v4[LIGHT_INNER_MAX];
	LIGHT_U32 n;
	LIGHT_U32 bad;
};

#define LIGHT_INLINE static __attribute__((always_inline, unused)) inline
#ifdef __bpf__
#define LIGHT_OPAQUE(x) __asm__ volatile("" : "+r"(x))
#else
#define LIGHT_OPAQUE(x) (void)(x)
#endif

/* ::ffff:a.b.c.d as a socket means it: 1 and the IPv4 address, or 0. */
LIGHT_INLINE int light_unmap(LIGHT_U64 hi, LIGHT_U64 lo, LIGHT_U32 *v4)
{
	if (hi || lo >> 32 != 0xffff)
		return 0;
	*v4 = (LIGHT_U32)lo;
	return 1;
}

/* RFC 6052, 2.2: the IPv4 address behind a prefix of this length; bits 64 to 71 are skipped and
 * must be zero. */
LIGHT_INLINE LIGHT_U32 light_rfc6052(LIGHT_U64 hi, LIGHT_U64 lo, LIGHT_U32 length, LIGHT_U32 *bad)
{
	*bad = length != 96 && lo >> 56;
	if (length == 32)
		return (LIGHT_U32)hi;
	if (length == 40)
		return (LIGHT_U32)(hi << 8) | ((LIGHT_U32)(lo >> 48) & 0xff);
	if (length == 48)
		return (LIGHT_U32)(hi << 16) | ((LIGHT_U32)(lo >> 40) & 0xffff);
	if (length == 56)
		return (LIGHT_U32)(hi << 24) | ((LIGHT_U32)(lo >> 32) & 0xffffff);
	if (length == 64)
		return (LIGHT_U32)(lo >> 24);
	return (LIGHT_U32)lo;
}

/* Private, shared, local or link-scope: no such address may be embedded (RFC 6052, 3.1; RFC 3056,
 * 2; RFC 4380, 4). */
LIGHT_INLINE LIGHT_U32 light_is_inside(LIGHT_U32 v4)
{
	LIGHT_U32 b = v4 >> 16;

	return v4 >> 24 == 10 || v4 >> 24 == 127 || !(v4 >> 24) || b >> 4 == 0xac1 || b == 0xc0a8 ||
	       b == 0xa9fe || v4 >> 22 == 0x191 || v4 >> 8 == 0xe00000 || v4 == 0xffffffff;
}

/* The forms that need no configuration. Returns how many addresses are inside (also in ret->n). */
LIGHT_INLINE LIGHT_U32 light_embedded_fixed(LIGHT_U64 hi, LIGHT_U64 lo, struct light_inner *ret)
{
	ret->v4[0] = (LIGHT_U32)lo;
	ret->v4[1] = 0;
	ret->bad = 0;
	ret->n = 0;
	if (hi >> 48 == 0x2002) { /* 6to4, RFC 3056 */
		ret->v4[0] = (LIGHT_U32)(hi >> 16);
		ret->n = 1;
	} else if (hi >> 32 == 0x20010000) { /* Teredo, RFC 4380: the client stands inverted */
		ret->v4[0] = (LIGHT_U32)hi;
		ret->v4[1] = ~(LIGHT_U32)lo;
		ret->n = 2;
	} else if (hi >> 16 == 0x64ff9b0001) { /* local-use NAT64, RFC 8215; other lengths in it are
						  configured */
		ret->v4[0] = light_rfc6052(hi, lo, 48, &ret->bad);
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
	ret->bad |= light_is_inside(ret->v4[0]) | light_is_inside(ret->v4[1]) << 1;
	return ret->n;
}

/* A configured NAT64 prefix: 1 when it holds the address. len is one of RFC 6052. */
LIGHT_INLINE int light_has(LIGHT_U64 phi, LIGHT_U64 plo, LIGHT_U32 length, LIGHT_U64 hi,
			   LIGHT_U64 lo)
{
	if (length > 64)
		return phi == hi && !((plo ^ lo) >> 32); /* 96 is the only one */
	return length == 64 ? phi == hi : !((phi ^ hi) >> (64 - (length & 63)));
}
#endif

#if defined(LIGHT_READ32) && !defined(GEO_LIGHT_LOOKUPS)
#define GEO_LIGHT_LOOKUPS
#ifndef LIGHT_LOOKUP4
#define LIGHT_LOOKUP4(ctx, address) light_lookup4(ctx, address)
#define LIGHT_LOOKUP6(ctx, hi, lo)  light_lookup6(ctx, hi, lo)
#endif
#ifndef LIGHT_NAT64_COUNT
#define LIGHT_NAT64_COUNT(ctx) LIGHT_READ64(ctx, LIGHT_SMALL, LIGHT_SMALL_NAT64)
#endif

/* The class of an IPv4 address in host order. */
LIGHT_INLINE LIGHT_U32 light_lookup4(const void *ctx, LIGHT_U32 address)
{
	LIGHT_U32 word = LIGHT_READ32(ctx, LIGHT_ROOT4, address >> 16);
	LIGHT_U32 n = word >> 20, at = word & (LIGHT_ENTRIES4_MAX - 1), key = address & 0xffff;

	(void)ctx;
	if (!n)
		return word & 0xffff;
	if (n == LIGHT_LONG4) {
		n = LIGHT_READ32(ctx, LIGHT_ENTRIES4, at);
		at++;
	}
	for (int i = 0; i < LIGHT_STEPS4; i++) {
		LIGHT_U32 half = n >> 1, after;

		if (n <= 1)
			break;
		after = ((LIGHT_READ32(ctx, LIGHT_ENTRIES4, at + half) >> 16) - key - 1) >> 31;
		LIGHT_OPAQUE(after);
		at += half * after;
		n -= half;
	}
	return LIGHT_READ32(ctx, LIGHT_ENTRIES4, at) & 0xffff;
}

/* The class of an IPv6 address, outer address only; the halves in host order. */
LIGHT_INLINE LIGHT_U32 light_lookup6(const void *ctx, LIGHT_U64 hi, LIGHT_U64 lo)
{
	LIGHT_U32 word;

	(void)ctx;
	if (hi >> 61 == 1) {
		word = LIGHT_READ32(ctx, LIGHT_ROOT6,
				    (LIGHT_U32)(hi >> 44) & (LIGHT_ROOT6_WORDS - 1));
		hi = hi << 20 | lo >> 44;
		lo <<= 20;
	} else {
		word = (LIGHT_U32)LIGHT_READ64(ctx, LIGHT_SMALL, (LIGHT_U32)(hi >> 61));
		hi = hi << 3 | lo >> 61;
		lo <<= 3;
	}
	for (int i = 0; i < LIGHT_STEPS6; i++) {
		LIGHT_U64 bit, vector, base;

		if (word & LIGHT_LEAF)
			return word & 0xffff;
		bit = 1ULL << (hi >> 58);
		vector = LIGHT_READ64(ctx, LIGHT_NODES6, 3 * word);
		base = LIGHT_READ64(ctx, LIGHT_NODES6, 3 * word + 2);
		if (!(vector & bit)) {
			LIGHT_U64 leaves =
				LIGHT_READ64(ctx, LIGHT_NODES6, 3 * word + 1) & (bit | (bit - 1));

			return LIGHT_READ16(ctx, LIGHT_LEAVES6,
					    (LIGHT_U32)(base >> 32) +
						    (LIGHT_U32)__builtin_popcountll(leaves) - 1);
		}
		word = (LIGHT_U32)base + (LIGHT_U32)__builtin_popcountll(vector & (bit - 1));
		hi = hi << 6 | lo >> 58;
		lo <<= 6;
	}
	return word & LIGHT_LEAF ? word & 0xffff : 0;
}

/* The IPv4 addresses inside an IPv6 one: 0, 1 or (Teredo) 2. */
LIGHT_INLINE LIGHT_U32 light_embedded(const void *ctx, LIGHT_U64 hi, LIGHT_U64 lo,
				      struct light_inner *ret)
{
	LIGHT_U32 count = (LIGHT_U32)LIGHT_NAT64_COUNT(ctx);

	(void)ctx;
	for (LIGHT_U32 i = 0; i < LIGHT_NAT64_MAX && i < count; i++) {
		LIGHT_U32 at = LIGHT_SMALL_NAT64 + 1 + 3 * i;
		LIGHT_U32 length = (LIGHT_U32)LIGHT_READ64(ctx, LIGHT_SMALL, at + 2);

		if (light_has(LIGHT_READ64(ctx, LIGHT_SMALL, at),
			      LIGHT_READ64(ctx, LIGHT_SMALL, at + 1), length, hi, lo)) {
			ret->v4[0] = light_rfc6052(hi, lo, length, &ret->bad);
			ret->v4[1] = 0;
			ret->n = 1;
			return 1;
		}
	}
	return light_embedded_fixed(hi, lo, ret);
}

/* The class of an embedded address: 0 when it is private or local. */
LIGHT_INLINE LIGHT_U32 light_inner_class(const void *ctx, LIGHT_U32 v4)
{
	LIGHT_U32 c = LIGHT_LOOKUP4(ctx, v4);

	return LIGHT_READ16(ctx, LIGHT_FLAGS, c) & LIGHT_INSIDE ? 0 : c;
}

/* The classes that decide an IPv6 address on the wire: 1 to LIGHT_CLASSES_MAX; the worst verdict
 * of them counts. */
LIGHT_INLINE LIGHT_U32 light_classes6(const void *ctx, LIGHT_U64 hi, LIGHT_U64 lo,
				      LIGHT_U32 out[LIGHT_CLASSES_MAX])
{
	struct light_inner in;
	LIGHT_U32 outer = LIGHT_LOOKUP6(ctx, hi, lo);

	if (!light_embedded(ctx, hi, lo, &in)) {
		out[0] = outer;
		return 1;
	}
	out[0] = in.bad & 1 ? 0 : light_inner_class(ctx, in.v4[0]);
	if (in.n == 2) {
		out[1] = in.bad & 2 ? 0 : light_inner_class(ctx, in.v4[1]);
		if (LIGHT_READ16(ctx, LIGHT_FLAGS, outer) & LIGHT_SILENT)
			return 2;
		out[2] = outer;
		return 3;
	}
	if (LIGHT_READ16(ctx, LIGHT_FLAGS, outer) & LIGHT_SILENT)
		return 1;
	out[1] = outer;
	return 2;
}
#endif
