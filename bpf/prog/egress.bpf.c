// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * egress.bpf.c - the verdict: every packet that a socket of the cgroup sends is placed, decided and counted here.
 *
 *     packet -> where does it go (place.bpf.h) -> who sends, who opened it (sender.bpf.h) -> decide.h -> count -> pass or drop
 *
 * Invariants (tests/bpf holds them):
 *  1. No verdict is kept: every packet is judged. A socket's storage holds counts and who made it, nothing that allows.
 *  2. What cannot be read or placed is blocked by decision 0, with a 'why'.
 *  3. Everything that decides (places, rules, masks) is one generation: frozen maps of this very program. The loader
 *     swaps programs, never contents.
 *  4. A full ring or table costs an event, never a verdict; the loss is counted.
 *  5. Local traffic (loopback device, the places' local scope, DHCP's own messages) is outside the policy.
 */
#include "bpf/prog/account.bpf.h"
#include "bpf/prog/dhcp.bpf.h"
#include "bpf/prog/exec.bpf.h"
#include "bpf/prog/sender.bpf.h"

#define PASS	 1
#define DROP	 0
#define LOOPBACK 1 /* ifindex in every network namespace */
#define AF_INET	 2
#define AF_INET6 10

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* PLACES_* of the destination. */
static __always_inline __u64 places_of(const struct abi_key *k)
{
	if (k->family == 4)
		return 1ull << 48 | (place4(key_v4(k->dst)) & 0xffff);
	return place6_all(key_half(k->dst, 0), key_half(k->dst, 1));
}

static __always_inline bool places_local(__u64 places)
{
	__u32 place = PLACES_AT(places, 0);

	return PLACES_N(places) == 1 && place < header.classes &&
	       rules_read(DECIDE_ROW_OF, place) == DECIDE_ROW_LOCAL;
}

static __always_inline __u64 verdict_key(__u64 places, const struct sender *who,
					 const struct abi_key *k, __u32 bytes)
{
	__u16 port = k->opened == OPENED_PEER ? k->sport : k->dport;

	return verdict(places, who->mask, HOW(port, k->has_port), k->proto,
		       FACTS(k->opened, who->known, bytes));
}

/* The same for the rule, a destination with one place, without a call. */
static __always_inline __u64 verdict_one(__u32 place, const struct sender *who,
					 const struct abi_key *k, __u32 bytes)
{
	struct decide_packet p = {
		.place = place,
		.mask = who->mask,
		.port = k->opened == OPENED_PEER ? k->sport : k->dport,
		.proto = k->proto,
		.opened = k->opened & 1,
		.known = (__u8)who->known,
		.has_port = k->has_port,
		.over = bytes,
	};

	return verdict_packet(&p);
}

static __always_inline void verdict_of(struct abi_verdict *v, __u64 judged)
{
	v->place = (__u16)JUDGED_PLACE(judged);
	v->decision = (__u16)JUDGED_DECISION(judged);
	v->rule = (__u16)JUDGED_RULE(judged);
	v->action = (__u8)JUDGED_ACTION(judged);
}

/* A call: what it keeps in registers must not lengthen the stack of who asks, for 6.1 is at its limit there. */
static __noinline bool enforcing(void)
{
	const volatile struct abi_settings *s = flat_address(settings);
	__u64 until = s->trial_until;

	return s->mode != 0 && (!until || bpf_ktime_get_boot_ns() < until);
}

/* An event, or one more of a fold. What is not known of the socket comes from the packet. */
static __noinline int tell(struct __sk_buff *skb, const struct slot *s, const struct packet *p,
			   const struct abi_verdict *v)
{
	struct abi_process process = {};

	if (s)
		process = s->process;
	process.cgroup = bpf_skb_cgroup_id(skb);
	process.cookie = bpf_get_socket_cookie(skb);
	process.uid = bpf_get_socket_uid(skb);
	return account_fold(&p->key, &process, v, p->packets, p->bytes);
}

/* Monitor mode: what enforce mode would have stopped. */
static __always_inline void count_passed(const struct packet *p)
{
	__u32 zero = 0;
	struct abi_counters *c = bpf_map_lookup_elem(&counters, &zero);

	if (c) {
		add(c->passed.packets, p->packets);
		add(c->passed.bytes, p->bytes);
	}
}

static __always_inline void count_why(__u8 why)
{
	if (!why)
		return;
	if (why == ABI_WHY_MALFORMED)
		count(ABI_MALFORMED);
	else if (why == ABI_WHY_SOURCE_ROUTE)
		count(ABI_SOURCE_ROUTES);
	else if (why == ABI_WHY_EXTENSIONS)
		count(ABI_EXTENSIONS);
	else if (why == ABI_WHY_NOT_IP)
		count(ABI_NOT_IP);
}

/* The slot's counts, and an event when this is the first packet of a flow that wants one. */
static __always_inline void pass_flow(struct __sk_buff *skb, struct slot *s, struct packet *p,
				      const struct abi_verdict *v)
{
	bool settled = s->verdict.generation == v->generation && s->verdict.decision == v->decision;

	if (!s->key.family) { /* a new socket; an accepted one has its listener's cookie */
		s->process.cgroup = bpf_skb_cgroup_id(skb);
		s->process.cookie = bpf_get_socket_cookie(skb);
		s->process.uid = bpf_get_socket_uid(skb);
	}
	if (p->same && settled) {
		account_more(s, p);
		return;
	}
	account_turn(s, p, v); /* another verdict is another turn: no packet counts for both */
	if (v->action == DECIDE_BLOCK || v->action == DECIDE_ALERT) {
		__u64 packets, bytes;

		slot_claim(s, &packets, &bytes); /* with a handshake's, or none: a walk was first */
		p->packets = (__u32)packets;
		p->bytes = (__u32)bytes;
		tell(skb, s, p, v);
	}
}

static __always_inline void total_passed(const struct packet *p, __u32 decision)
{
	account_total(p, decision);
	if (header.needs & DECIDE_NEEDS_OVER)
		verdict_charge(decision, p->bytes);
}

static __always_inline int pass(struct __sk_buff *skb, struct bpf_sock *sk, struct slot *s,
				struct packet *p, const struct abi_verdict *v)
{
	total_passed(p, v->decision);
	if (!s) { /* no record of the flow: what is to be told is told from the packet */
		count(ABI_LOST_STORAGE);
		if (v->action == DECIDE_BLOCK || v->action == DECIDE_ALERT)
			tell(skb, NULL, p, v);
		return PASS;
	}
	if (sk && p->key.proto == IP_TCP && sk->state == STATE_LISTEN) {
		s->flags |= SLOT_ACCEPTS;
		account_handshake(p);
		return PASS;
	}
	pass_flow(skb, s, p, v);
	if (sk && p->key.proto == IP_TCP && sk->state == STATE_CLOSE && is_tcp(sk))
		slot_end(s, 0, 0); /* a reset, mostly: nothing will end this flow again */
	return PASS;
}

/*
 * All but another packet of a known flow. The hook runs with cold instruction caches between pieces
 * of the network stack: what a packet does not need stands elsewhere.
 */
static __noinline int settle(struct __sk_buff *skb, struct bpf_sock *sk, struct slot *s,
			     struct packet *p, struct abi_verdict *v)
{
	count_why(p->why);
	if (v->action != DECIDE_BLOCK)
		return pass(skb, sk, s, p, v);
	if (p->why == ABI_WHY_SOURCE_ROUTE)
		v->place = (__u16)PLACES_AT(places_of(&p->key), 0);
	if (!p->why && dhcp_passes(skb, p, false))
		return PASS;
	if (enforcing()) {
		v->enforced = 1;
		account_total(p, v->decision);
		tell(skb, s, p, v);
		return DROP;
	}
	count_passed(p);
	return pass(skb, sk, s, p, v);
}

/* Another packet of the slot's flow, with the decision of the last: nobody need be told. */
static __always_inline bool is_more(const struct slot *s, const struct bpf_sock *sk,
				    const struct packet *p, const struct abi_verdict *v)
{
	return p->same && v->action != DECIDE_BLOCK && s->verdict.generation == v->generation &&
	       s->verdict.decision == v->decision &&
	       (p->key.proto != IP_TCP || (sk && sk->state == STATE_ESTABLISHED));
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	struct abi_verdict v = {.generation = generation,
				.hook = ABI_HOOK_SKB,
				.action = DECIDE_BLOCK};
	struct bpf_sock *sk = skb->sk;
	struct sender who = {};
	struct packet p = {};
	struct slot *s = NULL;
	__u64 places = 0;

	if (skb->ifindex == LOOPBACK)
		return PASS;
	if (!packet_plain(skb, &p))
		packet_read(skb, &p, 0, skb->protocol);
	v.why = p.why;
	if (!p.why) {
		places = places_of(&p.key);
		if (places_local(places))
			return PASS;
	}
	if (sk) /* NULL for what is no full socket */
		s = bpf_sk_storage_get(&slots, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s || p.why)
		p.same = 0;
	else
		p.same = account_same(&s->key, &p.key);
	if (!p.why) {
		p.key.opened = p.same ? s->key.opened : opened_by(skb, sk, &p, s);
		sender_of(skb, sk, &p.key, &who);
		v.known = (__u8)who.known;
		if (PLACES_N(places) == 1 && !DECIDE_WIDE(header.subjects))
			verdict_of(&v, verdict_one(PLACES_AT(places, 0), &who, &p.key, p.bytes));
		else
			verdict_of(&v, verdict_key(places, &who, &p.key, p.bytes));
		if (v.action == DECIDE_LOCAL)
			return PASS;
	}
	if (!s || !is_more(s, sk, &p, &v))
		return settle(skb, sk, s, &p, &v);
	total_passed(&p, v.decision);
	account_more(s, &p);
	return PASS;
}
#include "bpf/prog/connect.bpf.h"
#include "bpf/prog/device.bpf.h"
#include "bpf/prog/ingress.bpf.h"
#include "bpf/prog/option.bpf.h"
