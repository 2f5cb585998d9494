/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel_ledger.c - turns of flows, by a hash of 64 bits, and what of them was added. */
#include "agent/source/kernel_ledger.h"
#include <errno.h>
#include <stdlib.h>
#include "agent/source/ledger_key.h"

#define SLOTS (2u * KERNEL_LEDGER_FLOWS)

struct turn {
	uint64_t hash; /* 0: none */
	uint64_t packets, bytes;
};
struct kernel_ledger {
	struct ledger *ledger;
	unsigned turns;
	struct turn turn[SLOTS];
};

int kernel_ledger_new(struct kernel_ledger **ret, struct ledger *ledger)
{
	struct kernel_ledger *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->ledger = ledger;
	*ret = l;
	return 0;
}

void kernel_ledger_free(struct kernel_ledger *l)
{
	free(l);
}

static uint64_t hash_of(const struct kernel_record *k)
{
	struct flow_key key = {.src = k->src,
			       .dst = k->dst,
			       .sport = k->sport,
			       .dport = k->dport,
			       .proto = k->proto};
	uint64_t h = flow_key_hash(&key, k->cgroup_id ^ k->verdict.enforced);

	h = (h ^ k->first_mono) * 0x9e3779b97f4a7c15ull;
	h ^= h >> 32;
	return h ? h : 1;
}

static struct turn *find(struct kernel_ledger *l, uint64_t hash)
{
	uint64_t at = hash % SLOTS;

	while (l->turn[at].hash && l->turn[at].hash != hash)
		at = (at + 1) % SLOTS;
	return &l->turn[at];
}

/* Closes the gap that an entry leaves in its run (Knuth 6.4, algorithm R). */
static void drop(struct kernel_ledger *l, struct turn *t)
{
	size_t hole = (size_t)(t - l->turn), at = hole;

	for (;;) {
		size_t home;

		at = (at + 1) % SLOTS;
		if (!l->turn[at].hash)
			break;
		home = l->turn[at].hash % SLOTS;
		if ((at > hole) ? (home > hole && home <= at) : (home > hole || home <= at))
			continue;
		l->turn[hole] = l->turn[at];
		hole = at;
	}
	l->turn[hole].hash = 0;
	l->turns--;
}

bool kernel_ledger_new_in(const struct kernel_ledger *l, const struct kernel_record *k)
{
	const struct turn *t = find((struct kernel_ledger *)(uintptr_t)l, hash_of(k));

	return !t->hash || k->whole_packets > t->packets;
}

static void add(struct kernel_ledger *l, const struct kernel_record *k, const struct event *e,
		const struct ledger_sum *s)
{
	struct ledger_key_texts texts;
	struct ledger_key key;

	ledger_key_of(&key, e, &texts);
	key.dst = k->dst;
	key.port = k->opened == OPENED_PEER ? k->sport : k->dport;
	key.proto = k->proto;
	key.verdict = k->verdict.action;
	key.enforced = k->verdict.enforced;
	key.by_peer = k->opened == OPENED_PEER;
	ledger_add(l->ledger, &key, s);
}

void kernel_ledger_add(struct kernel_ledger *l, const struct kernel_record *k,
		       const struct event *e, bool ended)
{
	uint64_t hash = hash_of(k);
	struct turn *t = find(l, hash);
	struct ledger_sum s = {.flows = !t->hash, .first_ns = k->first_ns, .last_ns = k->last_ns};
	bool known = t->hash;

	if (!known && !ended) {
		if (l->turns == KERNEL_LEDGER_FLOWS)
			return; /* at its end, then */
		*t = (struct turn){.hash = hash};
		l->turns++;
	}
	s.packets = k->whole_packets - (known ? t->packets : 0);
	s.bytes = k->whole_bytes - (known ? t->bytes : 0);
	if (k->whole_packets > (known ? t->packets : 0) || !known)
		add(l, k, e, &s);
	if (!ended) {
		t->packets = k->whole_packets;
		t->bytes = k->whole_bytes;
	} else if (known) {
		drop(l, t);
	}
}
