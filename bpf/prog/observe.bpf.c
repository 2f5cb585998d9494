// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * observe.bpf.c - who makes sockets, and how flows end: hooks that decide nothing and know no
 * policy.
 */
#include "bpf/prog/exec.bpf.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PASS	 1
#define AF_INET	 2
#define AF_INET6 10
#define NO_RTT	 0xffffffffu

struct minmax_sample {
	__u32 v;
} __attribute__((preserve_access_index));
struct minmax {
	struct minmax_sample s[3];
} __attribute__((preserve_access_index));
struct sock;
struct tcp_sock {
	struct minmax rtt_min;
} __attribute__((preserve_access_index));

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));
struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct sock *sk;
	void *value;
} __attribute__((preserve_access_index));

/* tcp_min_rtt() in microseconds; 0 = no sample yet. */
static __always_inline __u32 rtt_min(const struct sock *sk)
{
	__u32 us = BPF_CORE_READ((const struct tcp_sock *)sk, rtt_min.s[0].v);

	return us == NO_RTT ? 0 : us;
}

SEC("cgroup/sock_create")
int sock_create(struct bpf_sock *ctx)
{
	struct slot *s;

	if (ctx->family != AF_INET && ctx->family != AF_INET6)
		return PASS;
	s = bpf_sk_storage_get(&slots, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s) {
		count(ABI_LOST_STORAGE);
		return PASS;
	}
	process_read(&s->process);
	image_note(&s->process, 0);
	return PASS;
}

static __always_inline void flow_end(struct slot *s, __u32 rtt_us)
{
	struct abi_count c = s->count;

	if (!c.packets)
		return;
	s->count.packets = 0;
	s->count.bytes = 0;
	flow_ring_put(ABI_FLOW_END, s, &s->key, &c, rtt_us);
}

/* All but TCP end when the process lets go (TCP goes on sending: its end is a state). */
SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	struct slot *s;

	if (ctx->protocol == IP_TCP)
		return PASS;
	s = bpf_sk_storage_get(&slots, ctx, NULL, 0);
	if (s)
		flow_end(s, 0);
	return PASS;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(sock_state, struct sock *sk, int from, int to)
{
	struct slot *s;

	if (to != STATE_CLOSE && to != STATE_LISTEN)
		return 0;
	s = bpf_sk_storage_get(&slots, sk, NULL, 0); /* none: not a socket of our cgroup */
	if (!s)
		return 0;
	if (to == STATE_LISTEN)
		s->flags |= SLOT_ACCEPTS;
	else
		flow_end(s, rtt_min(sk));
	return 0;
}

/*
 * A walk over all sockets. It goes through a hash with as many buckets as the host has CPUs, so each
 * read() starts by stepping over what was read before: what is not wanted must not be handed out.
 */
struct abi_walk walk; /* set by the loader before the walk */

static __always_inline bool live_wanted(const struct slot *s)
{
	__u32 action = s->verdict.action & 3;

	if (!(walk.actions & 1u << action))
		return false;
	/* of an idle flow there is nothing new */
	return !walk.since || (__s64)(s->count.last_mono - walk.since) >= 0;
}

SEC("iter/bpf_sk_storage_map")
int live_flows(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	const struct slot *s = ctx->value;
	struct sock *sk = ctx->sk;
	struct abi_record r = {.kind = ABI_FLOW_LIVE};
	__u32 turns;

	if (!s || !sk || !s->count.packets)
		return 0;
	if (!walk.now)
		walk.now = bpf_jiffies64();
	walk.count[s->verdict.action & 3]++;
	if (!live_wanted(s))
		return 0;
	turns = *(const volatile __u32 *)&s->turns;
	r.key = s->key;
	r.process = s->process;
	slot_count(&r.count, &s->count);
	r.verdict = s->verdict;
	if (turns & 1 || turns != *(const volatile __u32 *)&s->turns)
		return 0; /* between two destinations: the next look has it, and the ring has the
			     last */
	if (r.key.proto == IP_TCP)
		r.rtt_min_us = rtt_min(sk);
	bpf_seq_write(seq, &r, sizeof(r));
	return 0;
}
