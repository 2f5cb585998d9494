/* SPDX-License-Identifier: BSD-2-Clause */
/* destinations.c - destinations by address, and the lines of what went to each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "agent/engine/destinations.h"

#define ROOM_MIN 1024u

int destinations_new(struct destinations *a, uint32_t max)
{
	memset(a, 0, sizeof(*a));
	a->max = max;
	a->destinations_room = a->lines_room = ROOM_MIN;
	a->mask = 2 * ROOM_MIN - 1;
	a->destination = calloc(ROOM_MIN, sizeof(*a->destination));
	a->line = calloc(ROOM_MIN, sizeof(*a->line));
	a->slot = calloc(a->mask + 1, sizeof(*a->slot));
	a->ndestinations = a->nlines = 1;
	if (getrandom(&a->seed, sizeof(a->seed), 0) != sizeof(a->seed))
		a->seed = (uintptr_t)a;
	if (a->destination && a->line && a->slot)
		return 0;
	destinations_free(a);
	return -ENOMEM;
}

void destinations_free(struct destinations *a)
{
	free(a->destination);
	free(a->line);
	free(a->slot);
	memset(a, 0, sizeof(*a));
}

static uint32_t find_slot(const struct destinations *a, const struct ip *ip, uint32_t hash)
{
	uint32_t i = hash & a->mask;

	for (; a->slot[i]; i = (i + 1) & a->mask) {
		const struct destination *d = &a->destination[a->slot[i]];

		if (d->v == ip->v && !memcmp(d->address, ip->b, 16))
			break;
	}
	return i;
}

static void locate(struct destination *d, const struct engine *e)
{
	struct ip ip = ip_from_bytes(d->v, d->address);

	d->nclasses = (uint8_t)table_classes_of(e->table, &ip, d->class);
	d->embedded = d->nclasses > 1 || d->class[0] != table_lookup(e->table, &ip);
	d->reach = (uint8_t)engine_reach(e, &ip);
}

static int grow_destinations(struct destinations *a)
{
	uint32_t room = a->destinations_room * 2, *slot, *old = a->slot;
	struct destination *d = reallocarray(a->destination, room, sizeof(*d));

	if (!d)
		return -ENOMEM;
	a->destination = d;
	slot = calloc((size_t)room * 2, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	a->destinations_room = room;
	a->slot = slot;
	a->mask = room * 2 - 1;
	for (uint32_t i = 1; i < a->ndestinations; i++) {
		struct ip ip = ip_from_bytes(d[i].v, d[i].address);

		slot[find_slot(a, &ip, destinations_hash(a, &ip))] = i;
	}
	free(old);
	return 0;
}

int destinations_find(struct destinations *a, const struct engine *e, const struct ip *dst,
		      uint32_t hash, uint32_t *ret)
{
	uint32_t i = find_slot(a, dst, hash);
	struct destination *d;

	*ret = a->slot[i];
	if (*ret || a->ndestinations > a->max)
		return 0;
	if (a->ndestinations == a->destinations_room) {
		int r = grow_destinations(a);

		if (r < 0)
			return r;
		i = find_slot(a, dst, hash);
	}
	*ret = a->slot[i] = a->ndestinations++;
	d = &a->destination[*ret];
	memset(d, 0, sizeof(*d));
	memcpy(d->address, dst->b, 16);
	d->v = dst->v;
	locate(d, e);
	return 0;
}

int destinations_add(struct destinations *a, const struct destination_line *what)
{
	uint32_t first = a->destination[what->destination].first_line;
	struct destination_line *l;

	for (uint32_t i = first; i; i = l->next) {
		l = &a->line[i];
		if (l->rule != what->rule || l->action != what->action ||
		    l->egress != what->egress || l->layer != what->layer || l->class != what->class)
			continue;
		l->packets += what->packets;
		l->bytes += what->bytes;
		l->flows += what->flows;
		l->first_ns = what->first_ns < l->first_ns ? what->first_ns : l->first_ns;
		l->last_ns = what->last_ns > l->last_ns ? what->last_ns : l->last_ns;
		return 0;
	}
	if (a->nlines == a->lines_room) {
		l = reallocarray(a->line, (size_t)a->lines_room * 2, sizeof(*l));
		if (!l)
			return -ENOMEM;
		a->line = l;
		a->lines_room *= 2;
	}
	a->line[a->nlines] = *what;
	a->line[a->nlines].next = first;
	a->destination[what->destination].first_line = a->nlines++;
	return 0;
}

void destinations_relocate(struct destinations *a, const struct engine *e)
{
	for (uint32_t i = 1; i < a->ndestinations; i++)
		locate(&a->destination[i], e);
}
