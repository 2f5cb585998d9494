/* SPDX-License-Identifier: BSD-2-Clause */
/* fragment.c - a bounded, set-associative memory of first fragments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "agent/flow/fragment.h"

struct fragment {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint16_t sport, dport;
	uint64_t used; /* order of arrival; 0 = empty */
	uint64_t time_ns;
	uint8_t v, raw_proto, proto, has_ports;
};
struct fragments {
	struct fragment *slot;
	uint64_t clock, seed;
};

int fragments_new(struct fragments **ret)
{
	struct fragments *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	if (getrandom(&f->seed, sizeof(f->seed), 0) != sizeof(f->seed))
		f->seed = (uintptr_t)f;
	*ret = f;
	return 0;
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	free(f->slot);
	free(f);
}

static void fragment_key(struct fragment *ret, const struct packet *k)
{
	size_t n = k->v == 4 ? 4 : 16;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->src, k->src, n);
	memcpy(ret->dst, k->dst, n);
	ret->id = k->fragment_id;
	ret->v = k->v;
	ret->raw_proto = k->raw_proto;
}

static bool same(const struct fragment *a, const struct fragment *b)
{
	return a->id == b->id && a->v == b->v && a->raw_proto == b->raw_proto &&
	       !memcmp(a->src, b->src, 16) && !memcmp(a->dst, b->dst, 16);
}

static struct fragment *group(struct fragments *f, const struct fragment *key)
{
	uint64_t w[4],
		h = f->seed ^ key->id ^ (uint64_t)key->raw_proto << 40 ^ (uint64_t)key->v << 48;

	memcpy(w, key->src, 16);
	memcpy(w + 2, key->dst, 16);
	for (int i = 0; i < 4; i++) {
		unsigned __int128 x = (unsigned __int128)(h ^ w[i]) * 0x9e3779b97f4a7c15ull;

		h = (uint64_t)x ^ (uint64_t)(x >> 64);
	}
	return f->slot + h % (FRAGMENT_MAX / FRAGMENT_WAYS) * FRAGMENT_WAYS;
}

static bool lives(const struct fragment *f, uint64_t time_ns)
{
	return (time_ns > f->time_ns ? time_ns - f->time_ns : f->time_ns - time_ns) <= FRAGMENT_NS;
}

static void remember(struct fragment *g, struct fragment *key, const struct packet *k, uint64_t now)
{
	struct fragment *to = g;

	for (int i = 0; i < FRAGMENT_WAYS; i++) {
		if (g[i].used && same(&g[i], key)) {
			/* the first of two firsts counts: a second one may be there to confuse */
			if (lives(&g[i], key->time_ns))
				return;
			to = &g[i];
			break;
		}
		if (g[i].used < to->used)
			to = &g[i];
	}
	key->proto = k->proto;
	key->sport = k->sport;
	key->dport = k->dport;
	key->has_ports = (k->flags & PACKET_HAS_PORTS) != 0;
	key->used = now;
	*to = *key;
}

int fragments_see(struct fragments *f, struct packet *k, uint64_t time_ns)
{
	struct fragment key, *g;

	if (!f->slot) {
		f->slot = calloc(FRAGMENT_MAX, sizeof(*f->slot));
		if (!f->slot)
			return -ENOMEM;
	}
	fragment_key(&key, k);
	key.time_ns = time_ns;
	g = group(f, &key);
	if (!(k->flags & PACKET_LATER)) {
		remember(g, &key, k, ++f->clock);
		return 0;
	}
	for (int i = 0; i < FRAGMENT_WAYS; i++) {
		if (!g[i].used || !same(&g[i], &key) || !lives(&g[i], time_ns))
			continue;
		k->proto = g[i].proto;
		k->sport = g[i].sport;
		k->dport = g[i].dport;
		if (g[i].has_ports)
			k->flags |= PACKET_HAS_PORTS;
		return 0;
	}
	return 1;
}
