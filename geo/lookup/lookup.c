/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup.c - light.h over plain arrays: the look-ups of user space. */
#include "geo/lookup/table_private.h"

#define ARRAY(ctx, array)	     (((const struct table *)(ctx))->arrays[array].data)
#define LOOKUP_READ16(ctx, array, i) ((uint32_t)((const uint16_t *)ARRAY(ctx, array))[i])
#define LOOKUP_READ32(ctx, array, i) (((const uint32_t *)ARRAY(ctx, array))[i])
#define LOOKUP_READ64(ctx, array, i) (((const uint64_t *)ARRAY(ctx, array))[i])
#include "geo/lookup/lookup.h"

static uint64_t half(const uint8_t *b)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | b[i];
	return n;
}

uint32_t table_lookup(const struct table *t, const struct ip *ip)
{
	if (ip->v == 4)
		return lookup_ipv4(t, ip_v4(ip));
	return ip->v == 6 ? lookup_ipv6(t, half(ip->b), half(ip->b + 8)) : TABLE_CLASS_INVALID;
}

unsigned table_classes_of(const struct table *t, const struct ip *ip, uint32_t out[TABLE_EMBED_MAX])
{
	_Static_assert((int)TABLE_EMBED_MAX == (int)LOOKUP_CLASSES_MAX, "one limit");
	if (ip->v == 6)
		return lookup_classes6(t, half(ip->b), half(ip->b + 8), out);
	out[0] = table_lookup(t, ip);
	return 1;
}

unsigned table_embedded(const struct table *t, const struct ip *ip, struct ip out[TABLE_EMBED_MAX])
{
	struct lookup_inner in;
	unsigned n = ip->v == 6 ? lookup_embedded(t, half(ip->b), half(ip->b + 8), &in) : 0;

	for (unsigned i = 0; i < n; i++)
		out[i] = ip_from_v4(in.v4[i]);
	return n;
}
