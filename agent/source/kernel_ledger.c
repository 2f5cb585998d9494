/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel_ledger.c - turns of flows, by a hash of 64 bits, and what of them was added. */
#include "agent/source/kernel_ledger.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/source/ledger_key.h"
#include "geo/base/cleanup.h"

#define SLOTS (2u * KERNEL_LEDGER_FLOWS)

struct turn {
	uint64_t hash; /* 0: none */
	uint64_t packets, bytes;
	uint32_t attempts;
	uint32_t here; /* seen by this agent; 0 in what is saved */
};
struct saved {
	char magic[8];
	struct turn turn[];
};
static const char magic[8] = "turns 1";

struct kernel_ledger {
	struct ledger *ledger;
	unsigned turns;
	struct turn turn[SLOTS];
};

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

/* The turns of now, beside the minute that has their counts. */
static void *save(void *arg, size_t *n)
{
	const struct kernel_ledger *l = arg;
	struct saved *s = malloc(sizeof(*s) + l->turns * sizeof(s->turn[0]));
	unsigned at = 0;

	*n = 0;
	if (!s)
		return NULL;
	memcpy(s->magic, magic, sizeof(magic));
	for (unsigned i = 0; i < SLOTS && at < l->turns; i++) {
		if (!l->turn[i].hash)
			continue;
		s->turn[at] = l->turn[i];
		s->turn[at++].here = 0;
	}
	*n = sizeof(*s) + at * sizeof(s->turn[0]);
	return s;
}

static void restore(struct kernel_ledger *l, const struct saved *s, size_t n)
{
	if (n < sizeof(*s) || memcmp(s->magic, magic, sizeof(magic)) != 0)
		return;
	n = (n - sizeof(*s)) / sizeof(s->turn[0]);
	for (size_t i = 0; i < n && l->turns < KERNEL_LEDGER_FLOWS; i++) {
		struct turn *t = s->turn[i].hash ? find(l, s->turn[i].hash) : NULL;

		if (!t || t->hash)
			continue;
		*t = s->turn[i];
		t->here = 0;
		l->turns++;
	}
}

int kernel_ledger_new(struct kernel_ledger **ret, struct ledger *ledger, uint64_t epoch)
{
	struct kernel_ledger *l = calloc(1, sizeof(*l));
	_free_ void *saved = NULL;
	size_t n;

	if (!l)
		return -ENOMEM;
	l->ledger = ledger;
	saved = ledger_remembered(ledger, epoch, &n);
	if (saved)
		restore(l, saved, n);
	ledger_memory(ledger, save, l);
	*ret = l;
	return 0;
}

/* No room: turns of earlier agents that this one never saw have ended, or have long been quiet. */
static void forget(struct kernel_ledger *l)
{
	for (unsigned i = 0; i < SLOTS; i++)
		while (l->turn[i].hash && !l->turn[i].here)
			drop(l, &l->turn[i]);
}

/* A record that was made before the last one adds nothing. */
static uint64_t attempts_since(const struct turn *t, const struct kernel_record *k)
{
	uint64_t n = (k->whole_attempts - (t->hash ? t->attempts : 0)) & ABI_ATTEMPTS_MASK;

	return n > ABI_ATTEMPTS_MASK / 2 ? 0 : n;
}

static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

bool kernel_ledger_new_in(const struct kernel_ledger *l, const struct kernel_record *k)
{
	const struct turn *t = find((struct kernel_ledger *)(uintptr_t)l, hash_of(k));

	return !t->hash || k->whole_packets > t->packets || attempts_since(t, k);
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
	struct ledger_sum s = {.flows = !t->hash,
			       .attempts = attempts_since(t, k),
			       .first_ns = k->first_ns,
			       .last_ns = k->last_ns};
	bool known = t->hash;

	if (!known && !ended) {
		if (l->turns == KERNEL_LEDGER_FLOWS)
			forget(l);
		if (l->turns == KERNEL_LEDGER_FLOWS)
			return; /* at its end, then */
		t = find(l, hash);
		*t = (struct turn){.hash = hash};
		l->turns++;
	}
	s.packets = more(k->whole_packets, known ? t->packets : 0);
	s.bytes = more(k->whole_bytes, known ? t->bytes : 0);
	if (s.packets || s.attempts || !known)
		add(l, k, e, &s);
	if (!ended) {
		t->packets += s.packets;
		t->bytes += s.bytes;
		t->attempts = (uint32_t)(t->attempts + s.attempts) & ABI_ATTEMPTS_MASK;
		t->here = 1;
	} else if (known) {
		drop(l, t);
	}
}
