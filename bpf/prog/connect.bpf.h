/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * connect.bpf.h - connect4/6 and sendmsg4/6: a prompt EPERM instead of a TCP connect that times
 * out, and the process.
 *
 * They only ever add a refusal in enforce mode; what they let through is judged again, packet by
 * packet. They do not refuse when the cgroup is not resolved yet (the packet hook does; a SYN is
 * sent again), nor a connect to one of the host's own addresses (its packets never leave).
 * connect() on a UDP socket sends nothing (resolvers do it to sort addresses): it is left alone,
 * and send() gets its EPERM from the packet hook.
 */
#ifndef BPF_PROG_CONNECT_BPF_H
#define BPF_PROG_CONNECT_BPF_H

#define SOCK_DGRAM 2
#define IP_MPTCP   262

static __always_inline bool is_own(const struct abi_key *k)
{
	struct abi_own o = {.family = k->family};

	__builtin_memcpy(o.address, k->dst, sizeof(o.address));
	return bpf_map_lookup_elem(&own, &o) != NULL;
}

/* The socket's storage; one that is older than the agent gets its process here. */
static __always_inline struct slot *caller(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct slot *s;

	if (!sk)
		return NULL;
	s = bpf_sk_storage_get(&slots, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (s && !s->process.pid)
		process_read(&s->process);
	return s;
}

/* Where the packet hook let the last packet of this socket go, it will judge this one as well: no
 * need to do it twice. */
static __always_inline bool goes_on(const struct slot *s, const struct abi_key *k, __u16 port)
{
	const __u64 *x = (const void *)s->key.dst, *y = (const void *)k->dst;

	return s->count.packets && s->verdict.generation == generation &&
	       s->key.family == k->family && x[0] == y[0] && x[1] == y[1] && s->key.dport == port;
}

static __always_inline int call_verdict(struct bpf_sock_addr *ctx, struct abi_key *k, __u8 hook)
{
	struct abi_verdict v = {.generation = generation, .hook = hook};
	struct abi_process process = {};
	__u16 port = bpf_ntohs((__u16)ctx->user_port);
	struct slot *s = caller(ctx);
	struct sender who = {};
	__u64 places;

	if (!enforcing() || (hook == ABI_HOOK_CONNECT && ctx->type == SOCK_DGRAM))
		return PASS;
	if (hook == ABI_HOOK_SENDMSG && s && goes_on(s, k, port))
		return PASS;
	if (s)
		process = s->process;
	else
		process_read(&process);
	k->proto = ctx->protocol == IP_MPTCP ? IP_TCP : (__u8)ctx->protocol;
	k->has_port = k->proto == IP_TCP || k->proto == IP_UDP;
	if (k->has_port)
		k->dport = port;
	if (hook == ABI_HOOK_SENDMSG && k->has_port && ctx->sk &&
	    listens(1, (__u16)ctx->sk->src_port)) {
		k->opened = OPENED_PEER;
		k->sport = (__u16)ctx->sk->src_port;
	}
	places = places_of(k);
	if (places_local(places))
		return PASS;
	who.cgroup = process.cgroup;
	who.uid = process.uid;
	verdict_sender(&who);
	if (who.known != KNOWN_ALL ||
	    header.needs & DECIDE_NEEDS_SOURCE) /* the source is not chosen yet */
		return PASS;
	verdict_of(&v, verdict_key(places, &who, k));
	if (v.action != DECIDE_BLOCK || is_own(k) || (k->dport == 67 || k->dport == 547))
		return PASS;
	v.enforced = 1;
	process.cookie = bpf_get_socket_cookie(ctx);
	count(ABI_CONNECT_DENIED);
	image_note(&process, 1);
	account_fold(k, &process, &v, 0, 0);
	return DROP;
}

static __always_inline int call4(struct bpf_sock_addr *ctx, __u8 hook)
{
	struct abi_key k = {.family = 4};
	__u32 a = ctx->user_ip4;

	__builtin_memcpy(k.dst, &a, 4);
	return a ? call_verdict(ctx, &k, hook) : PASS; /* 0.0.0.0 is this host */
}

static __always_inline int call6(struct bpf_sock_addr *ctx, __u8 hook)
{
	__u32 a[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};
	struct abi_key k = {.family = 6};

	if (!(a[0] | a[1] | a[2] | a[3]))
		return PASS;
	if (!(a[0] | a[1]) && a[2] == bpf_htonl(0xffff)) { /* the kernel sends IPv4 */
		k.family = 4;
		__builtin_memcpy(k.dst, &a[3], 4);
	} else {
		__builtin_memcpy(k.dst, a, 16);
	}
	return call_verdict(ctx, &k, hook);
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return call4(ctx, ABI_HOOK_CONNECT);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return call6(ctx, ABI_HOOK_CONNECT);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return call4(ctx, ABI_HOOK_SENDMSG);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return call6(ctx, ABI_HOOK_SENDMSG);
}
#endif
