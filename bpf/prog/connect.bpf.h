/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * connect.bpf.h - connect4/6 and sendmsg4/6: a prompt EPERM instead of a TCP connect that times
 * out, and the process.
 *
 * They only ever add a refusal in enforce mode; what they let through is judged again, packet by
 * packet. A socket that another process hands over (socket activation, SCM_RIGHTS) is judged as the
 * socket's and as the caller's, by cgroup and user, and the worse verdict wins; the packet hook
 * knows the socket's only, so what is written to a connection that was handed over is judged so.
 * They do not refuse for the socket's sake when its cgroup is not resolved yet (the packet hook
 * does; a SYN is sent again) or the policy asks for the source address (it is not chosen yet), nor a
 * connect to one of the host's own addresses (its packets never leave).
 * connect() on a UDP socket sends nothing (resolvers do it to sort addresses): it is left alone,
 * and send() gets its EPERM from the packet hook.
 */
#ifndef BPF_PROG_CONNECT_BPF_H
#define BPF_PROG_CONNECT_BPF_H

#define IP_MPTCP   262
#define CALL_BYTES 40 /* of the smallest packet that the call could send: for rules with 'over' */

/* The socket's storage; one that is older than the agent gets its process here. */
static __always_inline struct slot *slot_of(struct bpf_sock_addr *ctx)
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

	return s->verdict.generation == generation && s->key.family == k->family && x[0] == y[0] &&
	       x[1] == y[1] && s->key.dport == port;
}

/* Whom the socket belongs to, and who calls. */
struct callers {
	struct abi_process process; /* who calls */
	__u64 cgroup;		    /* the socket's */
	__u32 uid;
	__u32 other; /* the caller has another cgroup or user than the socket */
};

/* Does the process that made the socket, or took it over, call? It may have become another program. */
static __always_inline bool is_holder(const struct slot *s)
{
	if (s->process.pid != bpf_get_current_pid_tgid() >> 32)
		return false;
	if (header.needs & DECIDE_NEEDS_CGROUP && s->process.cgroup != bpf_get_current_cgroup_id())
		return false;
	return !(header.needs & DECIDE_NEEDS_USER) ||
	       s->process.uid == (__u32)bpf_get_current_uid_gid();
}

/* The caller is who the packets are told of from now on; the socket keeps its cgroup and user, by
 * which the packet hook judges. */
static __noinline void callers_read(struct callers *c, struct slot *s)
{
	process_read(&c->process);
	c->cgroup = s ? s->process.cgroup : c->process.cgroup;
	c->uid = s ? s->process.uid : c->process.uid;
	c->other = c->cgroup != c->process.cgroup || c->uid != c->process.uid;
	if (!s ||
	    (s->process.pid == c->process.pid && s->process.start_boot == c->process.start_boot &&
	     s->process.exec == c->process.exec))
		return;
	s->process.pid = c->process.pid;
	s->process.start_boot = c->process.start_boot;
	s->process.exec = c->process.exec;
	__builtin_memcpy(s->process.comm, c->process.comm, sizeof(c->process.comm));
	image_note(&c->process, 0);
}

/* One sender's verdict. What is not known of the socket's own is left to the packet hook, which never
 * sees a caller's: that one is judged by the stricter rule. */
static __noinline __u64 call_judge(__u64 places, struct sender *who, const struct abi_key *k)
{
	verdict_sender(who);
	if (header.needs & DECIDE_NEEDS_SOURCE) /* it is not chosen yet */
		who->known = who->known == KNOWN_ALL ? KNOWN_NO_SOURCE : KNOWN_USER_NO_SOURCE;
	return verdict_key(places, who, k, CALL_BYTES);
}

/* The worse of what the socket and the caller may do: a socket made elsewhere and handed over gives
 * nobody more than he has. */
static __always_inline void call_verdict_of(struct abi_verdict *v, __u64 places, struct callers *c,
					    const struct abi_key *k)
{
	/* one after the other in one place: 6.1 counts the stack of all calls together, and is at its limit here */
	struct sender who = {.cgroup = c->cgroup, .uid = c->uid};
	__u64 other;

	verdict_of(v, call_judge(places, &who, k));
	v->known = (__u8)who.known;
	if (who.known != KNOWN_ALL)
		v->action = DECIDE_ALLOW;
	if (c->other && v->action != DECIDE_BLOCK) {
		who = (struct sender){.cgroup = c->process.cgroup, .uid = c->process.uid};
		other = call_judge(places, &who, k);
		if (verdict_rank(other) > ((v->action + 1u) & 3)) {
			verdict_of(v, other);
			v->known = (__u8)who.known;
			return;
		}
	}
	c->process.cgroup = c->cgroup; /* whose verdict it is */
	c->process.uid = c->uid;
}

static __always_inline void call_key(struct bpf_sock_addr *ctx, struct abi_key *k, __u8 hook,
				     __u16 port)
{
	k->proto = ctx->protocol == IP_MPTCP ? IP_TCP : (__u8)ctx->protocol;
	k->has_port = k->proto == IP_TCP || k->proto == IP_UDP ? ABI_PORT : ABI_NO_PORT;
	if (!k->has_port)
		return;
	k->dport = port;
	if (hook == ABI_HOOK_SENDMSG && ctx->sk && listens(1, (__u16)ctx->sk->src_port) &&
	    heard_first(bpf_get_socket_cookie(ctx), k, OPENED_HERE) == OPENED_PEER) {
		k->opened = OPENED_PEER;
		k->sport = (__u16)ctx->sk->src_port;
	}
}

static __always_inline int call_verdict(struct bpf_sock_addr *ctx, struct abi_key *k, __u8 hook)
{
	struct abi_verdict v = {.generation = generation, .hook = hook};
	bool holder, resolver = hook == ABI_HOOK_CONNECT && ctx->type == SOCK_DGRAM;
	__u16 port = bpf_ntohs((__u16)ctx->user_port);
	struct slot *s = slot_of(ctx);
	struct callers c = {};
	__u64 places;

	holder = hook == ABI_HOOK_SENDMSG && s && is_holder(s);
	if (holder && goes_on(s, k, port))
		return PASS;
	if (holder) { /* one of many datagrams: the rest when it is refused */
		c.cgroup = s->process.cgroup;
		c.uid = s->process.uid;
	} else {
		callers_read(&c, s);
	}
	if (!enforcing() || (resolver && !c.other))
		return PASS;
	call_key(ctx, k, hook, port);
	places = places_of(k);
	if (places_local(places))
		return PASS;
	call_verdict_of(&v, places, &c, k);
	if (v.action != DECIDE_BLOCK || is_own(k->family, k->dst) ||
	    (k->dport == 67 || k->dport == 547))
		return PASS;
	if (holder) {
		callers_read(&c, s);
		c.process.cgroup = c.cgroup;
		c.process.uid = c.uid;
	}
	v.enforced = 1;
	c.process.cookie = bpf_get_socket_cookie(ctx);
	count(ABI_CONNECT_DENIED);
	image_note(&c.process, 1);
	account_fold(k, &c.process, &v, 0, 0);
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
