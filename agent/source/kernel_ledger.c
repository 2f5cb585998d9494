/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel_ledger.c - turns of flows, by a hash of 64 bits, and what of them was added. */
#include "agent/source/kernel_ledger.h"
#include <errno.h>
#include <stdlib.h>
#include "geo/facts/country.h"

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

static const char *law_of(const struct place *p, char buf[3])
{
	return p && p->jurisdiction ? country_text(p->jurisdiction, buf) : NULL;
}

/* How well the place is known: the grade of its evidence, else why it counts as no place. */
static const char *grade_of(const struct event *e)
{
	const struct place *p = e->place;

	if (!p)
		return place_status_name(PLACE_UNKNOWN);
	if (e->refuted)
		return "refuted";
	if (p->status != PLACE_KNOWN)
		return place_status_name((enum place_status)p->status);
	return p->flags & PLACE_STALE ? "stale" : place_grade_name((enum place_grade)p->grade);
}

static void add(struct kernel_ledger *l, const struct kernel_record *k, const struct event *e,
		const struct ledger_sum *s)
{
	char country[3], law[3];
	struct ledger_key key = {
		.unit = e->process.unit,
		.exe = e->process.exe,
		.user = e->process.user,
		.country = e->place && e->place->country ? country_text(e->place->country, country)
							 : NULL,
		.provider = e->provider,
		.region = e->region,
		.operator= e->operator_name,
		.law = law_of(e->place, law),
		.grade = grade_of(e),
		.rule = e->rule ? e->rule->text : "default: no rule matches",
		.dst = k->dst,
		.port = k->opened == OPENED_PEER ? k->sport : k->dport,
		.proto = k->proto,
		.verdict = k->verdict.action,
		.enforced = k->verdict.enforced,
		.by_peer = k->opened == OPENED_PEER,
	};

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
