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
#define SYN_FIN	 2 /* what of bytes_acked is no data */

struct minmax_sample {
	__u32 t, v;
} __attribute__((preserve_access_index));
struct minmax {
	struct minmax_sample s[3];
} __attribute__((preserve_access_index));
struct sock;
struct tcp_sock {
	struct minmax rtt_min;
	__u32 srtt_us; /* eight times the smoothed time */
	__u64 bytes_acked;
} __attribute__((preserve_access_index));

struct bpf_map;
struct bpf_iter_meta;
struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct sock *sk;
	void *value;
} __attribute__((preserve_access_index));

struct file;
struct socket {
	struct sock *sk;
} __attribute__((preserve_access_index));
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct file *file;
} __attribute__((preserve_access_index));

/* tcp_min_rtt() in microseconds; 0 = no sample yet. */
static __always_inline __u32 rtt_min(const struct sock *sk)
{
	__u32 us = BPF_CORE_READ((const struct tcp_sock *)sk, rtt_min.s[0].v);

	return us == NO_RTT ? 0 : us;
}

/*
 * What handshake and data agree on: the longer of the two, from above; 0 = not both known. A SYN proxy answers the one at
 * once, an acknowledgement sent before the data came shortens the other; neither can do both. The handshake's is what
 * rtt_min was when the connection came about. The kernel keeps no minimum of the data's alone, yet three bounds of it:
 *  - it went below the handshake's: that was data, and the handshake's is the longer;
 *  - minmax's second sample, once it is a later one (lib/win_minmax.c);
 *  - srtt = the handshake's, smoothed over by n >= 1 of the data's, 1/8 each (tcp_rtt_estimator): what their weighted mean
 *    is at n = 1 is the most that it can be, and the minimum is no more than that.
 */
static __always_inline __u32 rtt_agreed(const struct sock *sk, const struct slot *s)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	__u32 syn = s->rtt_syn_us, min = rtt_min(sk), smooth, second, data;

	if (!syn || !min || BPF_CORE_READ(tp, bytes_acked) <= SYN_FIN)
		return 0;
	if (min < syn)
		return syn;
	smooth = BPF_CORE_READ(tp, srtt_us);
	if (smooth == syn * 8) /* of a retransmission there is no sample */
		return 0;
	data = smooth > syn * 7 ? smooth - syn * 7 : 0;
	second = BPF_CORE_READ(tp, rtt_min.s[1].v);
	if (second < data && BPF_CORE_READ(tp, rtt_min.s[1].t) != BPF_CORE_READ(tp, rtt_min.s[0].t))
		data = second;
	return data > syn ? data : syn;
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

/* All but TCP end when the process lets go (TCP goes on sending: its end is a state). */
SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	struct slot *s;

	if (ctx->protocol == IP_TCP)
		return PASS;
	s = bpf_sk_storage_get(&slots, ctx, NULL, 0);
	if (s)
		slot_end(s, 0, 0);
	return PASS;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(sock_state, struct sock *sk, int from, int to)
{
	struct slot *s;

	if (to != STATE_CLOSE && to != STATE_LISTEN && to != STATE_ESTABLISHED)
		return 0;
	s = bpf_sk_storage_get(&slots, sk, NULL, 0); /* none: not a socket of our cgroup */
	if (!s)
		return 0;
	if (to == STATE_LISTEN)
		s->flags |= SLOT_ACCEPTS;
	else if (to == STATE_ESTABLISHED)
		s->rtt_syn_us = rtt_min(sk);
	else
		slot_end(s, rtt_min(sk), rtt_agreed(sk, s));
	return 0;
}

/*
 * A walk over all sockets. It goes through a hash with as many buckets as the host has CPUs, so each
 * read() starts by stepping over what was read before: what is not wanted must not be handed out, and
 * what is goes to memory of ours, which holds five times what a seq_file does.
 */
struct abi_walk walk; /* set by the loader before the walk */
struct abi_record walked[ABI_WALKED];

static __always_inline bool live_wanted(const struct slot *s)
{
	__u32 action = s->verdict.action & 3;

	if (!(walk.actions & 1u << action))
		return false;
	/* of an idle flow there is nothing new */
	return !walk.since || (__s64)(s->count.last_mono - walk.since) >= 0;
}

/* Between two destinations: its claim goes back, the next look has it. */
static __always_inline void put_back(struct slot *s, const struct abi_count *c)
{
	add(s->told.packets, -c->packets);
	add(s->told.bytes, -c->bytes);
}

#define NO_ROOM 1 /* read() ends with EAGAIN, and the next one begins with the same socket */

static __always_inline int live_flow(struct slot *s, struct sock *sk)
{
	struct abi_record r = {.kind = ABI_FLOW_LIVE};
	__u32 turns, claims = walk.claims, to = walk.have;

	if (!s->key.family)
		return 0;
	if (to >= ABI_WALKED)
		return NO_ROOM;
	if (!walk.now)
		walk.now = bpf_jiffies64();
	walk.count[s->verdict.action & 3]++;
	if (!live_wanted(s))
		return 0;
	turns = *(const volatile __u32 *)&s->turns;
	r.key = s->key;
	r.process = s->process;
	slot_count(&r.count, &s->count);
	r.count.packets = r.whole_packets = s->count.packets - s->turned.packets;
	r.count.bytes = r.whole_bytes = s->count.bytes - s->turned.bytes;
	r.verdict = s->verdict;
	if (claims)
		slot_claim(s, &r.count.packets, &r.count.bytes);
	if (turns & 1 || turns != *(const volatile __u32 *)&s->turns || !r.key.family) {
		/* the ring has the last one's end */
		if (claims)
			put_back(s, &r.count);
		return 0;
	}
	if (claims && !r.count.packets && !r.count.bytes)
		return 0;
	if (r.key.proto == IP_TCP)
		r.rtt_min_us = rtt_min(sk), r.rtt_agreed_us = rtt_agreed(sk, s);
	walked[to] = r;
	walk.have = to + 1;
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int live_flows(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct slot *s = ctx->value;
	struct sock *sk = ctx->sk;

	return s && sk ? live_flow(s, sk) : 0;
}

/*
 * The same by the files that are open, for kernels that refuse the iterators over maps' values (hardened builds do, with
 * EPERM). A socket that no file holds is not met: it is told when it ends.
 */
SEC("iter/task_file")
int live_files(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	struct slot *s;
	int ret;

	if (!file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	s = bpf_sk_storage_get(&slots, sk, NULL, 0);
	if (!s || s->walked == walk.turn)
		return 0;
	ret = live_flow(s, sk);
	if (ret != NO_ROOM)
		s->walked = walk.turn;
	return ret;
}

/* The folds, with what of them was not told yet. Only this program moves a fold's 'told', and there is one agent. */
static long take_fold(struct bpf_map *map, const struct abi_fold_key *key, struct abi_fold *f,
		      __u32 *at)
{
	__u32 attempts, to = walk.have;
	struct abi_record *r;

	(void)map;
	if (++*at <= walk.skip)
		return 0;
	if (to >= ABI_WALKED)
		return 1;
	walk.skip = *at;
	r = &walked[to];
	__builtin_memset(r, 0, sizeof(*r));
	r->whole_packets = *(volatile __u64 *)&f->count.packets;
	r->whole_bytes = *(volatile __u64 *)&f->count.bytes;
	r->count.packets = r->whole_packets - f->told_packets;
	r->count.bytes = r->whole_bytes - f->told_bytes;
	attempts = *(volatile __u32 *)&f->attempts;
	r->attempts = (attempts - f->told_attempts) & ABI_ATTEMPTS_MASK;
	if (!r->count.packets && !r->count.bytes && !r->attempts && f->rang)
		return 0;
	r->kind = f->rang ? ABI_FOLD_MORE : ABI_DENIED; /* or alerted: who reads sees the verdict */
	r->key = key->key;
	r->process = f->process;
	r->count.first_mono = f->count.first_mono;
	r->count.last_mono = f->count.last_mono;
	r->verdict = f->verdict;
	r->verdict.folded = key->folded;
	f->told_packets += r->count.packets;
	f->told_bytes += r->count.bytes;
	f->told_attempts = attempts & ABI_ATTEMPTS_MASK;
	f->rang = 1;
	walk.have = to + 1;
	return 0;
}

/* One run fills 'walked', or comes to the end; the next goes on after walk.skip. */
SEC("syscall")
int take_folds(void *ctx)
{
	__u32 at = 0;

	(void)ctx;
	bpf_for_each_map_elem(&folds, take_fold, &at, 0);
	return 0;
}
