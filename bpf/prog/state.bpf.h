/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * state.bpf.h - what outlives a generation: the pinned maps and a socket's storage.
 *
 * A socket carries who made it and one flow slot (the destination it sends to now). TCP sends under
 * the socket's lock; all else takes the slot's. A slot that goes on to another destination hands
 * its counts to the flow ring first, so the sum of all records of a flow is exact unless
 * ABI_LOST_FLOWS says otherwise.
 *
 * Who hands counts out: the denial ring (a flow's first packet), the folds (what else was judged worth
 * an event by itself), the flow ring (turns and ends), the walk over the sockets (live). A packet is
 * handed out by exactly one of them, whoever comes first: 'told' says how much of 'count' is out, and
 * slot_claim moves it. So the agent adds up what it gets and keeps no books, and one that is killed
 * takes with it only what it had and did not write.
 */
#ifndef BPF_PROG_STATE_BPF_H
#define BPF_PROG_STATE_BPF_H
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "bpf/prog/abi.h"

#define IP_ICMP		  1
#define IP_TCP		  6
#define IP_UDP		  17
#define IP_ICMPV6	  58
#define STATE_ESTABLISHED 1  /* TCP_ESTABLISHED */
#define STATE_ESTABLISHED 1  /* TCP_ESTABLISHED */
#define STATE_CLOSE	  7  /* TCP_CLOSE */
#define STATE_LISTEN	  10 /* TCP_LISTEN */

/* this socket listens, or was accepted from one that does (storage is cloned) */
#define SLOT_ACCEPTS 1u

/* Who holds the socket and what it sent; never read by user space as it is (the iterator makes an
 * abi_record of it). */
struct slot {
	struct bpf_spin_lock lock;
	__u32 flags;
	__u32 turns;	  /* odd while the slot changes its destination: the iterator looks again */
	__u32 rtt_syn_us; /* the handshake's; 0: not seen */
	/* what every packet reads, in as few cache lines as it goes; family 0: no destination yet, or
	 * the flow has ended */
	struct abi_key key;
	struct abi_count count; /* of the socket, all turns; last_mono is in ticks: slot_count() */
	struct abi_verdict verdict;
	struct abi_total turned; /* count when the turn to this destination began */
	struct abi_total told;	 /* of count, what was handed out */
	struct abi_process process;
	__u32 walked; /* abi_walk.turn that met it last */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct slot);
} slots SEC(".maps");

/* Not an LRU: what it drops would be lost unseen. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_FOLDS_MAX);
	__type(key, struct abi_fold_key);
	__type(value, struct abi_fold);
} folds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_fold_room);
} fold_room SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_HEARD_MAX);
	__type(key, struct abi_heard_key);
	__type(value, __u32);
} heard SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_dhcp);
} dhcp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_HANDSHAKES_MAX);
	__type(key, struct abi_handshake_key);
	__type(value, struct abi_handshake);
} handshakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} denial_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} flow_ring SEC(".maps");

/* Cgroups without a mask: apart, so that no flood of denials stands before them. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} ask_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_METERS_MAX);
	__type(key, __u64);
	__type(value, struct abi_meter);
} meters SEC(".maps");

/* The address of an array map's only element (map_value.c); clang must not know what the variable
 * really is. */
#define flat_address(map)                                                                          \
	({                                                                                         \
		const void *p_ = &(map);                                                           \
		__asm__ volatile("" : "+r"(p_));                                                   \
		p_;                                                                                \
	})

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_OWN_MAX);
	__type(key, struct abi_own);
	__type(value, __u8);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_IMAGES_MAX);
	__type(key, struct abi_image_key);
	__type(value, struct abi_image);
} images SEC(".maps");

/* Atomic: a softirq on the same CPU may send in the middle of a process's packet. */
#define add(where, n) ((void)__sync_fetch_and_add(&(where), (n)))

static __always_inline void count(enum abi_counter c)
{
	__u32 zero = 0;
	struct abi_counters *v = bpf_map_lookup_elem(&counters, &zero);

	if (v)
		add(v->count[c], 1);
}

const volatile __u64 tick_ns = 4000000; /* set by the loader */

/* A packet leaves the tick (1 instruction); who reads makes it a time (a helper call). */
static __always_inline void slot_count(struct abi_count *to, const struct abi_count *c)
{
	__u64 ago = (bpf_jiffies64() - c->last_mono) * tick_ns;

	to->packets = c->packets;
	to->bytes = c->bytes;
	to->first_mono = c->first_mono;
	to->last_mono = bpf_ktime_get_ns() - ago;
}

/* The reader polls once a second anyway: wake it only when the ring fills up, and look at that now
 * and then. */
static __always_inline __u64 flow_ring_flags(__u32 turns)
{
	if (turns & 0x3e)
		return BPF_RB_NO_WAKEUP;
	return bpf_ringbuf_query(&flow_ring, BPF_RB_AVAIL_DATA) >
			       bpf_ringbuf_query(&flow_ring, BPF_RB_RING_SIZE) / 4
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

/* Moves 'told' up to what 'count' says now: the difference is the caller's to hand out. Two of them
 * may try at once (a sender, the walk); the one that loses looks again. */
static __always_inline __u64 slot_claim_word(__u64 *count, __u64 *told)
{
	for (int i = 0; i < 4; i++) {
		__u64 had = *(volatile __u64 *)told, now = *(volatile __u64 *)count;

		if (now <= had)
			return 0;
		if (__sync_val_compare_and_swap(told, had, now) == had)
			return now - had;
	}
	return 0; /* it stays, and is handed out with the next */
}

static __always_inline void slot_claim(struct slot *s, __u64 *packets, __u64 *bytes)
{
	*packets = slot_claim_word(&s->count.packets, &s->told.packets);
	*bytes = slot_claim_word(&s->count.bytes, &s->told.bytes);
}

/* The socket's flow is over: hands out the rest. */
static __always_inline void slot_end(struct slot *s, __u32 rtt_us, __u32 agreed_us)
{
	struct abi_record *r;

	if (!s->key.family)
		return;
	r = bpf_ringbuf_reserve(&flow_ring, sizeof(*r), 0);
	if (r) {
		r->kind = ABI_FLOW_END;
		r->rtt_min_us = rtt_us;
		r->rtt_agreed_us = agreed_us;
		r->pad = 0;
		r->key = s->key;
		r->process = s->process;
		slot_count(&r->count, &s->count);
		slot_claim(s, &r->count.packets, &r->count.bytes);
		r->attempts = 0;
		r->whole_packets = s->count.packets - s->turned.packets;
		r->whole_bytes = s->count.bytes - s->turned.bytes;
		r->verdict = s->verdict;
		bpf_ringbuf_submit(r, flow_ring_flags(0));
	} else {
		count(ABI_LOST_FLOWS);
	}
	s->key.family = 0;
}
#endif
