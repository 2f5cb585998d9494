/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - growing, adding and sweeping of the flow table; the look-up is inline in table.h. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>
#include "agent/flow/table.h"

#define SLOTS_MIN (1u << 12)
#define MORE_MIN  (1u << 11)

/* Zeroed, in huge pages where the kernel gives them: a look-up that misses the cache should not miss
 * the page table's as well. NULL: no memory. */
static void *pages_new(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static struct flow *slots_new(size_t n)
{
	return pages_new(n * sizeof(struct flow));
}

/* Twice the room; what is there stays. */
static int more_grow(struct flow_table *t)
{
	size_t bytes = t->room * sizeof(*t->more);
	void *to = mremap(t->more, bytes, bytes * 2, MREMAP_MAYMOVE);

	if (to == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(to, bytes * 2, MADV_HUGEPAGE);
	t->more = to;
	t->room *= 2;
	return 0;
}

int flow_table_new(struct flow_table *t, size_t max)
{
	memset(t, 0, sizeof(*t));
	t->max = max;
	t->mask = SLOTS_MIN - 1;
	t->room = MORE_MIN;
	t->nmore = 1; /* 0 says: empty */
	if (getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
		t->seed = (uintptr_t)t;
	t->slot = slots_new(SLOTS_MIN);
	t->more = pages_new(t->room * sizeof(*t->more));
	if (t->slot && t->more)
		return 0;
	flow_table_free(t);
	return -ENOMEM;
}

void flow_table_free(struct flow_table *t)
{
	if (t->slot)
		munmap(t->slot, (t->mask + 1) * sizeof(*t->slot));
	if (t->more)
		munmap(t->more, t->room * sizeof(*t->more));
	t->slot = NULL;
	t->more = NULL;
}

static struct flow *empty_slot(struct flow *slot, size_t mask, uint64_t hash)
{
	size_t i = hash & mask;

	while (slot[i].more)
		i = (i + 1) & mask;
	return &slot[i];
}

/* Into a table of n slots, leaving out what was dropped (more = 0 by then). */
static int rehash(struct flow_table *t, size_t n)
{
	struct flow *to = slots_new(n);

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i <= t->mask; i++)
		if (t->slot[i].more)
			*empty_slot(to, n - 1, flow_hash(t, &t->slot[i].id)) = t->slot[i];
	munmap(t->slot, (t->mask + 1) * sizeof(*t->slot));
	t->slot = to;
	t->mask = n - 1;
	return 0;
}

static uint32_t more_new(struct flow_table *t)
{
	uint32_t i = t->free;

	if (i) {
		t->free = t->more[i].capture;
		memset(&t->more[i], 0, sizeof(t->more[i]));
		return i;
	}
	if (t->nmore == t->room && more_grow(t) < 0)
		return 0;
	return t->nmore++; /* zero: nobody had it before */
}

int flow_table_add(struct flow_table *t, const struct flow_id *id, uint64_t hash, struct flow **ret)
{
	struct flow *f;
	uint32_t more;

	if (t->used >= t->max)
		return -ENOSPC;
	if ((t->used + 1) * 2 > t->mask + 1 && rehash(t, (t->mask + 1) * 2) < 0)
		return -ENOMEM;
	more = more_new(t);
	if (!more)
		return -ENOMEM;
	f = empty_slot(t->slot, t->mask, hash);
	*f = (struct flow){.id = *id, .more = more};
	f->id.rest &= ~FLOW_FLAGS;
	t->used++;
	*ret = f;
	return 0;
}

/* Without memory for a copy: every flow moves to the first free slot from its home until none moves
 * any more. */
static void mend(struct flow_table *t)
{
	bool moved;

	do {
		moved = false;
		for (size_t i = 0; i <= t->mask; i++) {
			struct flow f = t->slot[i], *to;

			if (!f.more)
				continue;
			t->slot[i].more = 0;
			to = empty_slot(t->slot, t->mask, flow_hash(t, &f.id));
			*to = f;
			moved |= to != &t->slot[i];
		}
	} while (moved);
}

void flow_table_sweep(struct flow_table *t,
		      bool (*drop)(void *arg, struct flow *f, struct flow_more *m), void *arg)
{
	size_t dropped = 0;

	for (size_t i = 0; i <= t->mask; i++) {
		struct flow *f = &t->slot[i];
		uint32_t more = f->more;

		if (!more || !drop(arg, f, &t->more[more]))
			continue;
		t->more[more].capture = t->free;
		t->free = more;
		f->more = 0;
		dropped++;
	}
	t->used -= dropped;
	if (dropped && rehash(t, t->mask + 1) < 0)
		mend(t);
}
