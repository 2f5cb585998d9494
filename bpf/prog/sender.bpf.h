/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* sender.bpf.h - who sends a packet, and who opened its flow: as far as the policy asks, and only what a raw socket
 * cannot make up. */
#ifndef BPF_PROG_SENDER_BPF_H
#define BPF_PROG_SENDER_BPF_H
#include "bpf/prog/verdict.bpf.h"
#include "bpf/prog/packet.bpf.h"

#define SOCK_STREAM 1
#define SOCK_DGRAM  2
#define SOCK_RAW    3

#define TCP_HEADER_MAX 60 /* bytes, with options */

static __always_inline __u32 key_v4(const __u8 a[16])
{
	return bpf_ntohl(*(const __u32 *)a);
}

static __always_inline __u64 key_half(const __u8 a[16], int half)
{
	return bpf_be64_to_cpu(((const __u64 *)a)[half]);
}

/* Subjects that name the source's address. */
static __always_inline __u64 source_mask(const struct abi_key *k)
{
	__u32 place;

	if (k->family == 4)
		place = place4(key_v4(k->src));
	else
		place = place6(key_half(k->src, 0), key_half(k->src, 1));
	return place < header.classes ? rules_subjects_of(place) : 0;
}

static __always_inline bool listens(int udp, __u16 port)
{
	const struct abi_settings *s = flat_address(settings);

	return s->listening[udp][port >> 6] >> (port & 63) & 1;
}

/* Is it the kernel's TCP or UDP that sends, and not a raw socket? */
static __always_inline bool is_tcp(struct bpf_sock *sk)
{
	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk && sk->type == SOCK_STREAM && sk->protocol == IP_TCP;
}

/* Headers that somebody wrote, and not the kernel: its own raw socket, which answers where there is no socket any more, is
 * in the root of the control groups, and has no payload. */
static __always_inline bool is_written(struct __sk_buff *skb, struct bpf_sock *sk, __u32 at)
{
	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk && sk->type == SOCK_RAW &&
	       (bpf_skb_cgroup_id(skb) != ABI_CGROUP_ROOT || skb->len > at + TCP_HEADER_MAX);
}

static __always_inline bool is_udp(struct bpf_sock *sk)
{
	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk && sk->type == SOCK_DGRAM;
}

static __always_inline bool is_own(__u32 family, const __u8 address[16])
{
	struct abi_own o = {.family = family};

	__builtin_memcpy(o.address, address, sizeof(o.address));
	return bpf_map_lookup_elem(&own, &o) != NULL;
}

/* A source that a raw socket made up. Others cannot send from an address that is not there. */
static __noinline bool is_forged(struct bpf_sock *sk, const struct abi_key *k)
{
	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk && sk->type == SOCK_RAW && !is_own(k->family, k->src);
}

/* Who spoke first on this UDP socket with this peer: 'first' does, if nobody did. */
static __noinline __u8 heard_first(__u64 cookie, const struct abi_key *k, __u32 first)
{
	struct abi_heard_key key = {.cookie = cookie, .port = k->dport, .family = k->family};
	__u32 *who;

	__builtin_memcpy(key.peer, k->dst, sizeof(key.peer));
	who = bpf_map_lookup_elem(&heard, &key);
	if (who)
		return *who & 1;
	bpf_map_update_elem(&heard, &key, &first, BPF_NOEXIST);
	return first & 1;
}

/* Who opened the flow. TCP: flags count only where the kernel's own TCP set them: a raw socket
 * writes what it likes. UDP: the peer did when somebody bound this port for others to send to, and
 * this very socket got something from the peer before it sent. */
static __noinline __u8 opened_by(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *p,
				 const struct slot *s)
{
	if (p->key.has_port != ABI_PORT)
		return OPENED_HERE;
	if (p->key.proto == IP_TCP) {
		if (p->tcp_flags & TCP_FLAG_SYN && is_tcp(sk))
			return p->tcp_flags & TCP_FLAG_ACK ? OPENED_PEER : OPENED_HERE;
		if (is_written(skb, sk, p->at))
			return OPENED_HERE;
		if (s && s->flags & SLOT_ACCEPTS)
			return OPENED_PEER;
		return listens(0, p->key.sport) ? OPENED_PEER : OPENED_HERE;
	}
	if (p->key.proto != IP_UDP || !listens(1, p->key.sport) || !is_udp(sk))
		return OPENED_HERE;
	return heard_first(bpf_get_socket_cookie(skb), &p->key, OPENED_HERE);
}

/* Who sends, as far as the policy asks: nothing at all is left of this for a policy without
 * subjects. */
static __always_inline void sender_of(struct __sk_buff *skb, struct bpf_sock *sk,
				      const struct abi_key *k, struct sender *who)
{
	if (header.needs & DECIDE_NEEDS_CGROUP)
		who->cgroup = bpf_skb_cgroup_id(skb);
	if (header.needs & DECIDE_NEEDS_USER)
		who->uid = bpf_get_socket_uid(skb);
	verdict_sender(who);
	if (!(header.needs & DECIDE_NEEDS_SOURCE))
		return;
	if (is_forged(sk, k))
		who->known = who->known == KNOWN_ALL ? KNOWN_NO_SOURCE : KNOWN_USER_NO_SOURCE;
	else
		who->mask |= source_mask(k);
}
#endif
