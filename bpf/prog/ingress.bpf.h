/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * ingress.bpf.h - what comes in and decides over what goes out.
 *
 * A SYN whose answer would be blocked is dropped before the listener sees it: the answer of a full
 * queue (a SYN cookie) has no socket and would pass the packet hook, and the queue would fill with
 * connections that cannot come to be. A UDP packet that comes first makes its flow the peer's.
 * Everything else passes after a look at a few bytes.
 */
#ifndef BPF_PROG_INGRESS_BPF_H
#define BPF_PROG_INGRESS_BPF_H

/* This host is the source, as everywhere. */
static __always_inline void packet_answer(struct packet *p)
{
	struct abi_key k = p->key;

	__builtin_memcpy(p->key.src, k.dst, sizeof(k.dst));
	__builtin_memcpy(p->key.dst, k.src, sizeof(k.src));
	p->key.sport = k.dport;
	p->key.dport = k.sport;
	p->key.opened = OPENED_PEER;
}

static __noinline int syn(struct __sk_buff *skb, struct packet *p)
{
	struct abi_verdict v = {.generation = generation, .hook = ABI_HOOK_SYN, .enforced = 1};
	struct sender who = {};
	__u64 places;

	packet_answer(p);
	places = places_of(&p->key);
	if (places_local(places))
		return PASS;
	sender_of(skb, NULL, &p->key, &who);
	v.known = (__u8)who.known;
	verdict_of(&v, verdict_key(places, &who, &p->key, p->bytes));
	if (v.action != DECIDE_BLOCK)
		return PASS;
	count(ABI_SYN_DENIED);
	p->packets = 0; /* nothing went out: an attempt */
	p->bytes = 0;
	tell(skb, NULL, p, &v);
	return DROP;
}

/* What this hook has nothing to do with, told from the first bytes of a plain IPv4 packet. */
static __always_inline bool is_dull(struct __sk_buff *skb)
{
	const __u8 *b = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (b + 34 > end || b[0] != 0x45)
		return false;
	if (b[9] == IP_TCP)
		return (b[33] & (TCP_FLAG_SYN | TCP_FLAG_ACK)) != TCP_FLAG_SYN;
	return b[9] != IP_UDP;
}

SEC("cgroup_skb/ingress")
int ingress(struct __sk_buff *skb)
{
	struct packet p = {};

	if (skb->ifindex == LOOPBACK || is_dull(skb))
		return PASS;
	if (!packet_plain(skb, &p))
		packet_read(skb, &p, 0, skb->protocol);
	if (p.why || p.key.has_port != ABI_PORT)
		return PASS;
	if (p.key.proto == IP_UDP) {
		if (!listens(1, p.key.dport))
			return PASS;
		packet_answer(&p);
		heard_first(bpf_get_socket_cookie(skb), &p.key, OPENED_PEER);
		return PASS;
	}
	if (!enforcing() || (p.tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) != TCP_FLAG_SYN)
		return PASS;
	return syn(skb, &p);
}
#endif
