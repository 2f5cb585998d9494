/* SPDX-License-Identifier: BSD-2-Clause */
/* special.c - the ranges whose kind is known before any source speaks: IANA's special-purpose
 * registries (RFC 6890). */
#include "geo/facts/special.h"

#define V4(a, b, c, d)                                                                             \
	((u128)((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d)))
#define NET4(addr, len)	  addr, addr | (0xffffffffU >> (len))
#define NET6(hi, lo, len) U128(hi, lo), U128(hi, lo) | (U128_MAX >> (len))
#define GROUP(g)	  ((uint64_t)(g) << 48)

/* 0.0.0.0 and :: are oneself in a connect(), and no wire carries them as a destination. */
static const struct special v4[] = {
	{V4(0, 0, 0, 0), V4(0, 0, 0, 0), SCOPE_LOCAL},
	{V4(0, 0, 0, 1), V4(0, 255, 255, 255), SCOPE_RESERVED},
	{NET4(V4(10, 0, 0, 0), 8), SCOPE_PRIVATE},
	{NET4(V4(100, 64, 0, 0), 10), SCOPE_PRIVATE}, /* RFC 6598 */
	{NET4(V4(127, 0, 0, 0), 8), SCOPE_LOCAL},
	{NET4(V4(169, 254, 0, 0), 16), SCOPE_LOCAL},
	{NET4(V4(172, 16, 0, 0), 12), SCOPE_PRIVATE},
	{NET4(V4(192, 0, 0, 0), 24), SCOPE_RESERVED},
	{NET4(V4(192, 0, 2, 0), 24), SCOPE_RESERVED},
	{NET4(V4(192, 88, 99, 0), 24), SCOPE_RESERVED}, /* 6to4 relays, RFC 7526 */
	{NET4(V4(192, 168, 0, 0), 16), SCOPE_PRIVATE},
	{NET4(V4(198, 18, 0, 0), 15), SCOPE_RESERVED},
	{NET4(V4(198, 51, 100, 0), 24), SCOPE_RESERVED},
	{NET4(V4(203, 0, 113, 0), 24), SCOPE_RESERVED},
	{NET4(V4(224, 0, 0, 0), 24), SCOPE_LOCAL},
	{V4(224, 0, 1, 0), V4(239, 255, 255, 255), SCOPE_MULTICAST},
	{V4(240, 0, 0, 0), V4(255, 255, 255, 254), SCOPE_RESERVED},
	{V4(255, 255, 255, 255), V4(255, 255, 255, 255), SCOPE_LOCAL},
};

/* ffXY::/16: scope Y of 1 (interface) or 2 (link) stays on the link whatever the flags X (RFC
 * 4291, 2.7). */
#define FF(x)                                                                                      \
	{NET6(GROUP(0xff00 | (x) << 4), 0, 16), SCOPE_MULTICAST},                                  \
		{U128(GROUP(0xff01 | (x) << 4), 0), U128(GROUP(0xff03 | (x) << 4), 0) - 1,         \
		 SCOPE_LOCAL},                                                                     \
	{                                                                                          \
		U128(GROUP(0xff03 | (x) << 4), 0),                                                 \
			U128(GROUP(0xff03 | (x) << 4), 0) + (U128(GROUP(13), 0) - 1),              \
			SCOPE_MULTICAST                                                            \
	}

static const struct special v6[] = {
	{0, 1, SCOPE_LOCAL},
	{2, 0xffffffffU, SCOPE_EMBEDDED}, /* compatible */
	{U128(0, 0x100000000ULL), U128(0, 0xfffeffffffffULL), SCOPE_RESERVED},
	{NET6(0, 0xffff00000000ULL, 96), SCOPE_EMBEDDED}, /* mapped */
	{U128(0, 0x1000000000000ULL), U128(0, 0xfffeffffffffffffULL), SCOPE_RESERVED},
	{U128(0, 0xffff000000000000ULL), U128(0, 0xffff0000ffffffffULL),
	 SCOPE_EMBEDDED}, /* translated */
	{U128(0, 0xffff000100000000ULL), U128(0x64ff9b00000000ULL, 0) - 1, SCOPE_RESERVED},
	{NET6(0x64ff9b00000000ULL, 0, 96), SCOPE_EMBEDDED}, /* NAT64 */
	{U128(0x64ff9b00000000ULL, 0x100000000ULL), U128(0x64ff9b00010000ULL, 0) - 1,
	 SCOPE_RESERVED},
	{NET6(0x64ff9b00010000ULL, 0, 48), SCOPE_EMBEDDED}, /* NAT64, RFC 8215 */
	{U128(0x64ff9b00020000ULL, 0), U128(GROUP(0x2000), 0) - 1, SCOPE_RESERVED},
	{NET6(GROUP(0x2001), 0, 32), SCOPE_EMBEDDED},	      /* Teredo */
	{NET6(0x2001000200000000ULL, 0, 48), SCOPE_RESERVED}, /* benchmarking, RFC 5180 */
	{NET6(0x2001001000000000ULL, 0, 28), SCOPE_RESERVED}, /* ORCHID */
	{NET6(0x2001002000000000ULL, 0, 28), SCOPE_RESERVED}, /* ORCHIDv2, RFC 7343 */
	{NET6(0x20010db800000000ULL, 0, 32), SCOPE_RESERVED},
	{NET6(GROUP(0x2002), 0, 16), SCOPE_EMBEDDED},	      /* 6to4 */
	{NET6(0x3fff000000000000ULL, 0, 20), SCOPE_RESERVED}, /* documentation, RFC 9637 */
	{U128(GROUP(0x4000), 0), U128(GROUP(0xfc00), 0) - 1,
	 SCOPE_RESERVED},			    /* not allocated; 5f00::/16 is SRv6 */
	{NET6(GROUP(0xfc00), 0, 7), SCOPE_PRIVATE}, /* ULA */
	{U128(GROUP(0xfe00), 0), U128(GROUP(0xfe80), 0) - 1, SCOPE_RESERVED},
	{NET6(GROUP(0xfe80), 0, 10), SCOPE_LOCAL},
	{U128(GROUP(0xfec0), 0), U128(GROUP(0xff00), 0) - 1,
	 SCOPE_RESERVED}, /* site-local, RFC 3879 */
	FF(0),
	FF(1),
	FF(2),
	FF(3),
	FF(4),
	FF(5),
	FF(6),
	FF(7),
	FF(8),
	FF(9),
	FF(10),
	FF(11),
	FF(12),
	FF(13),
	FF(14),
	FF(15),
};

size_t special_ranges(bool is6, const struct special **ret)
{
	*ret = is6 ? v6 : v4;
	return is6 ? sizeof(v6) / sizeof(v6[0]) : sizeof(v4) / sizeof(v4[0]);
}
