/* SPDX-License-Identifier: BSD-2-Clause */
/* tally.c - an open-addressing table of sums, and a line of time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/flow/tally.h"

#define ROOM_MIN 256u
#define SECOND	 1000000000ull

static uint32_t hash(const struct tally_line *l)
{
	uint64_t w[2], h = l->country | (uint64_t)l->port << 16 | (uint64_t)l->proto << 32 |
			   (uint64_t)l->action << 40 | (uint64_t)l->host.v << 48 |
			   (uint64_t)l->whom << 56;

	memcpy(w, l->host.b, sizeof(w));
	w[0] ^= l->name;
	for (unsigned i = 0; i < 2; i++) {
		unsigned __int128 x = (unsigned __int128)(h ^ w[i]) * 0x9e3779b97f4a7c15ull;

		h = (uint64_t)x ^ (uint64_t)(x >> 64);
	}
	return (uint32_t)(h ^ h >> 32);
}

static bool same(const struct tally_line *a, const struct tally_line *b)
{
	return a->country == b->country && a->port == b->port && a->proto == b->proto &&
	       a->action == b->action && a->whom == b->whom && a->name == b->name &&
	       !ip_cmp(&a->host, &b->host);
}

static uint32_t find(const struct tally *t, const struct tally_line *l)
{
	uint32_t mask = t->room * 2 - 1, i = hash(l) & mask;

	while (t->slot[i] && !same(&t->line[t->slot[i]], l))
		i = (i + 1) & mask;
	return i;
}

static int grow(struct tally *t)
{
	uint32_t room = t->room ? t->room * 2 : ROOM_MIN;
	struct tally_line *line = reallocarray(t->line, room, sizeof(*line));
	uint32_t *slot;

	if (!line)
		return -ENOMEM;
	t->line = line;
	slot = calloc((size_t)room * 2, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	free(t->slot);
	t->slot = slot;
	t->room = room;
	for (; t->n < TALLY_ACTIONS; t->n++)
		t->line[t->n] = (struct tally_line){.action = (uint8_t)t->n};
	for (uint32_t i = TALLY_ACTIONS; i < t->n; i++)
		t->slot[find(t, &t->line[i])] = i;
	return 0;
}

int tally_add(struct tally *t, const struct tally_line *what)
{
	uint32_t i, max = t->max ? t->max : TALLY_MAX;
	struct tally_line *l;

	if (t->n == t->room && t->n < max && grow(t) < 0)
		return -ENOMEM;
	i = find(t, what);
	if (!t->slot[i] && t->n < max) {
		t->line[t->n] = *what;
		t->slot[i] = t->n++;
		return 0;
	}
	l = &t->line[t->slot[i] ? t->slot[i] : what->action % TALLY_ACTIONS];
	l->packets += what->packets;
	l->bytes += what->bytes;
	l->flows += what->flows;
	return 0;
}

void tally_free(struct tally *t)
{
	free(t->line);
	free(t->slot);
	memset(t, 0, sizeof(*t));
}

/* Twice the width: neighbours are added up. Base stays a multiple of the width. */
static void widen(struct timeline *t)
{
	uint64_t base = t->base / (2 * t->width) * (2 * t->width);
	uint64_t shift = (t->base - base) / t->width;
	uint64_t old[TALLY_BUCKETS][TALLY_ACTIONS];

	memcpy(old, t->bytes, sizeof(old));
	memset(t->bytes, 0, sizeof(t->bytes));
	for (uint64_t i = 0; i < TALLY_BUCKETS; i++)
		for (unsigned a = 0; a < TALLY_ACTIONS; a++)
			t->bytes[(i + shift) / 2][a] += old[i][a];
	t->base = base;
	t->width *= 2;
}

uint64_t timeline_sum(const struct timeline *t, unsigned bucket)
{
	uint64_t sum = 0;

	for (unsigned a = 0; a < TALLY_ACTIONS; a++)
		sum += t->bytes[bucket][a];
	return sum;
}

/* Moves to an earlier begin where the end leaves room for it; false: too wide. */
static bool earlier(struct timeline *t, uint64_t first_ns)
{
	uint64_t base = first_ns / t->width * t->width, by = (t->base - base) / t->width;
	uint64_t last = TALLY_BUCKETS;

	while (last && !timeline_sum(t, (unsigned)last - 1))
		last--;
	if (by >= TALLY_BUCKETS || last + by > TALLY_BUCKETS)
		return false;
	memmove(t->bytes[by], t->bytes[0], (TALLY_BUCKETS - by) * sizeof(t->bytes[0]));
	memset(t->bytes[0], 0, by * sizeof(t->bytes[0]));
	t->base = base;
	return true;
}

void timeline_add(struct timeline *t, uint64_t first_ns, uint64_t last_ns, unsigned action,
		  uint64_t bytes)
{
	uint64_t from, to, each;

	if (last_ns < first_ns)
		last_ns = first_ns;
	if (!t->width) {
		t->width = SECOND;
		t->base = first_ns / SECOND * SECOND;
	}
	while (first_ns < t->base && !earlier(t, first_ns))
		widen(t);
	while ((last_ns - t->base) / t->width >= TALLY_BUCKETS)
		widen(t);
	from = (first_ns - t->base) / t->width;
	to = (last_ns - t->base) / t->width;
	each = bytes / (to - from + 1);
	for (uint64_t i = from; i <= to; i++)
		t->bytes[i][action] += each;
	t->bytes[from][action] += bytes - each * (to - from + 1);
}
