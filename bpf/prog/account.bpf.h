/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* account.bpf.h - counts: exact totals, the socket's flow slot, and denials and alerts folded to
 * one for each flow. */
#ifndef BPF_PROG_ACCOUNT_BPF_H
#define BPF_PROG_ACCOUNT_BPF_H
#include "bpf/prog/verdict.bpf.h"
#include "bpf/prog/packet.bpf.h"

static __always_inline void account_total(const struct packet *p, __u32 decision)
{
	struct abi_total *t = bpf_map_lookup_elem(&totals, &decision);

	if (t) {
		add(t->packets, p->packets);
		add(t->bytes, p->bytes);
	}
}

static __always_inline bool account_same(const struct abi_key *a, const struct abi_key *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	/* addresses, then ports, protocol and family; 'opened' follows from them */
	return x[2] == y[2] && x[3] == y[3] && x[0] == y[0] && x[1] == y[1] &&
	       *(const __u32 *)&a->sport == *(const __u32 *)&b->sport &&
	       *(const __u16 *)&a->proto == *(const __u16 *)&b->proto;
}

static __always_inline void account_ring(struct abi_record *r, const struct abi_fold_key *key,
					 const struct abi_fold *f)
{
	r->kind = f->verdict.action == DECIDE_BLOCK ? ABI_DENIED : ABI_ALERTED;
	r->rtt_min_us = r->rtt_agreed_us = r->pad = 0;
	r->key = key->key;
	r->process = f->process;
	r->count = f->count;
	r->attempts = f->attempts;
	r->whole_packets = f->count.packets;
	r->whole_bytes = f->count.bytes;
	r->verdict = f->verdict;
	r->verdict.folded = key->folded;
	bpf_ringbuf_submit(r, 0);
}

static __always_inline bool account_fold_more(const struct abi_fold_key *key,
					      const struct abi_fold *f)
{
	struct abi_fold *old = bpf_map_lookup_elem(&folds, key);

	if (!old)
		return false;
	add(old->count.packets, f->count.packets);
	add(old->count.bytes, f->count.bytes);
	add(old->attempts, f->attempts);
	old->count.last_mono =
		bpf_ktime_get_ns(); /* the coarse clock is not for every kind of program */
	return true;
}

/* Takes a place, when there is one for this kind of fold: no part gets more of a kind than half of what is still free, so
 * that many floods together leave room for others too. */
static __always_inline bool fold_room_take(const struct abi_fold_key *key)
{
	static const __u32 most[] = {ABI_FOLD_FLOWS, ABI_FOLD_DESTINATIONS};
	__u32 zero = 0, part = abi_fold_part(key->who), kind = key->folded;
	struct abi_fold_room *room;

	room = bpf_map_lookup_elem(&fold_room, &zero);
	if (!room)
		return false;
	if (kind < ABI_FOLDED_PROCESS) {
		__u32 *used = &room->used[kind & 1][part], all = room->all;

		if (all >= ABI_FOLDS_MAX - ABI_FOLD_RESERVE ||
		    *used >= (kind ? most[1] : most[0]) ||
		    *used > (ABI_FOLDS_MAX - ABI_FOLD_RESERVE - all) / 2)
			return false;
		add(*used, 1);
	}
	add(room->all, 1);
	return true;
}

/* A fold without a record: the ring is full, and the walk over the folds tells it. */
static __always_inline bool account_fold_silent(const struct abi_fold_key *key, struct abi_fold *f)
{
	f->rang = 0;
	f->told_packets = 0;
	f->told_bytes = 0;
	f->told_attempts = 0;
	if (bpf_map_update_elem(&folds, key, f, BPF_NOEXIST))
		return account_fold_more(key, f);
	count(ABI_LOST_DENIALS);
	return true;
}

/* Counts it in the fold of this key, or makes one, which rings. false: no room. The record is asked
 * about once and then goes straight on: older verifiers lose sight of one that is asked about again. */
static __noinline bool account_fold_in(const struct abi_fold_key *key, struct abi_fold *f)
{
	struct abi_record *r;

	if (account_fold_more(key, f))
		return true;
	if (!fold_room_take(key))
		return false;
	f->count.first_mono = bpf_ktime_get_ns();
	f->count.last_mono = f->count.first_mono;
	r = bpf_ringbuf_reserve(&denial_ring, sizeof(*r), 0);
	if (!r)
		return account_fold_silent(key, f);
	f->rang = 1;
	f->told_packets = f->count.packets;
	f->told_bytes = f->count.bytes;
	f->told_attempts = f->attempts;
	if (bpf_map_update_elem(&folds, key, f, BPF_NOEXIST)) {
		bpf_ringbuf_discard(r, 0);
		return account_fold_more(key, f); /* another CPU was first, or it is full */
	}
	account_ring(r, key, f);
	return true;
}

static __always_inline void account_fold_lost(const struct abi_fold *f)
{
	__u32 zero = 0;
	struct abi_counters *c = bpf_map_lookup_elem(&counters, &zero);

	if (!c)
		return;
	add(c->count[ABI_LOST_FOLDS], 1);
	add(c->lost_folds.packets, f->count.packets);
	add(c->lost_folds.bytes, f->count.bytes);
}

/* A denial or an alert: the first of its flow and process rings, the others are counted in its fold
 * (abi.h, enum abi_folded). */
__noinline int account_fold(const struct abi_key *key, const struct abi_process *process,
			    const struct abi_verdict *verdict, __u64 packets, __u64 bytes)
{
	struct abi_fold_key k = {};
	struct abi_fold f = {};

	if (!key || !process || !verdict)
		return 0;
	k.key = *key;
	k.who = abi_who(process);
	k.generation = verdict->generation;
	k.decision = verdict->decision;
	k.enforced = verdict->enforced;
	f.process = *process;
	f.verdict = *verdict;
	f.count.packets = packets;
	f.count.bytes = bytes;
	f.attempts = verdict->hook != ABI_HOOK_SKB && verdict->hook != ABI_HOOK_DEVICE;
	if (account_fold_in(&k, &f))
		return 0;
	__builtin_memset(k.key.src, 0, sizeof(k.key.src));
	k.key.sport = 0;
	k.key.dport = 0;
	k.key.has_port = ABI_NO_PORT;
	k.folded = ABI_FOLDED_DESTINATION;
	if (account_fold_in(&k, &f))
		return 0;
	__builtin_memset(k.key.dst, 0, sizeof(k.key.dst));
	k.key.proto = 0;
	k.folded = ABI_FOLDED_PROCESS;
	if (!account_fold_in(&k, &f))
		account_fold_lost(&f);
	return 0;
}

/* Packets that a listener sent for a connection that nobody had accepted yet belong to the accepted
 * socket. */
static __always_inline void account_handshake_key(struct abi_handshake_key *h,
						  const struct abi_key *k)
{
	__builtin_memcpy(h->dst, k->dst, sizeof(h->dst));
	h->sport = k->sport;
	h->dport = k->dport;
	h->family = k->family;
}

__noinline int account_handshake(const struct packet *p)
{
	struct abi_handshake first = {}, *h;
	struct abi_handshake_key key;

	if (!p)
		return 0;
	first.packets = p->packets;
	first.bytes = p->bytes;
	account_handshake_key(&key, &p->key);
	h = bpf_map_lookup_elem(&handshakes, &key);
	if (h) {
		add(h->packets, p->packets);
		add(h->bytes, p->bytes);
	} else {
		bpf_map_update_elem(&handshakes, &key, &first, BPF_ANY);
	}
	return 0;
}

__noinline int account_accept(struct abi_count *c, const struct abi_key *k)
{
	struct abi_handshake_key key;
	struct abi_handshake *h;

	if (!c || !k)
		return 0;
	account_handshake_key(&key, k);
	h = bpf_map_lookup_elem(&handshakes, &key);
	if (!h)
		return 0;
	c->packets += h->packets;
	c->bytes += h->bytes;
	bpf_map_delete_elem(&handshakes, &key);
	return 0;
}

/* The slot's first packet to this destination: hands over what the last one got. The record is
 * built on the stack, for older verifiers lose sight of a reserved one across the lock. */
static __noinline void account_turn(struct slot *s, const struct packet *p,
				    const struct abi_verdict *v)
{
	struct abi_count now = {.packets = p->packets, .bytes = p->bytes};
	struct abi_record r = {.kind = ABI_FLOW_SPILL};

	if (s->key.family) {
		now.first_mono = bpf_ktime_get_coarse_ns();
	} else {
		now.first_mono = bpf_ktime_get_ns();
		if (s->flags & SLOT_ACCEPTS && p->key.proto == IP_TCP)
			account_accept(&now, &p->key);
	}
	now.last_mono = bpf_jiffies64();
	bpf_spin_lock(&s->lock);
	s->turns++;
	r.count.first_mono = s->count.first_mono;
	r.count.last_mono = s->count.last_mono;
	slot_claim(s, &r.count.packets, &r.count.bytes);
	r.whole_packets = s->count.packets - s->turned.packets;
	r.whole_bytes = s->count.bytes - s->turned.bytes;
	r.key = s->key;
	r.verdict = s->verdict;
	s->turned.packets = s->count.packets;
	s->turned.bytes = s->count.bytes;
	add(s->count.packets, now.packets);
	add(s->count.bytes, now.bytes);
	s->key = p->key;
	s->count.first_mono = now.first_mono;
	s->count.last_mono = now.last_mono;
	s->verdict = *v;
	s->turns++;
	bpf_spin_unlock(&s->lock);
	if (!r.key.family)
		return;
	r.process = s->process;
	slot_count(&r.count, &r.count);
	if (bpf_ringbuf_output(&flow_ring, &r, sizeof(r), flow_ring_flags(s->turns)))
		count(ABI_LOST_FLOWS);
}

/*
 * Another packet to the slot's destination. TCP sends under the socket's lock; others add
 * atomically, for a lock here would double the cost of the hook. When two threads share an
 * unconnected socket, a packet may be added to the slot just as the other thread turns it: it is
 * then counted for the new destination. Never lost, never twice.
 */
static __always_inline void account_more(struct slot *s, const struct packet *p)
{
	s->count.last_mono = bpf_jiffies64();
	if (p->key.proto == IP_TCP) {
		s->count.packets += p->packets;
		s->count.bytes += p->bytes;
	} else {
		add(s->count.packets, p->packets);
		add(s->count.bytes, p->bytes);
	}
}
#endif
