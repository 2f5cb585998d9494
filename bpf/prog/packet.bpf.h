/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * packet.bpf.h - an IP packet reduced to what the decision needs. What cannot be read, or would
 * travel elsewhere than its header says, gets a 'why' and is judged by no rule: block.
 */
#ifndef BPF_PROG_PACKET_BPF_H
#define BPF_PROG_PACKET_BPF_H
#include <linux/if_ether.h>
#include "bpf/prog/state.bpf.h"

#define IP_FRAGMENT_OFFSET 0x1fff
#define OPTION_END	   0
#define OPTION_NOP	   1
#define OPTION_LSRR	   131
#define OPTION_SSRR	   137
#define OPTIONS_BYTES_MAX  40

#define NEXT_HOP_BY_HOP	 0
#define NEXT_ROUTING	 43
#define NEXT_FRAGMENT	 44
#define NEXT_AH		 51
#define NEXT_DESTINATION 60
#define NEXT_MOBILITY	 135
#define NEXT_HIP	 139
#define NEXT_SHIM6	 140

#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_ACK 0x10

struct packet {
	struct abi_key key;
	__u32 at;      /* where the transport header starts */
	__u32 packets; /* on the wire: a GSO packet is many */
	__u32 bytes;
	__u32 fragment; /* a later fragment: no transport header */
	__u8 tcp_flags;
	__u8 base;   /* where the IP header starts: behind a frame's own, or 0 */
	__u8 why;    /* enum abi_why */
	__u8 same;   /* of the flow that the socket's slot has */
	__u32 jumbo; /* bytes of a BIG TCP packet's own option: no segment has it */
};

/* Headers in words: what a byte array would be copied as, byte by byte, costs more than all the
 * rest. */
struct header4 {
	__u32 head;	/* version, length, tos, total length */
	__u16 id, frag; /* network order, as all here */
	__u8 ttl, proto;
	__u16 check;
	__u32 src, dst;
};
struct header6 {
	__u32 head;
	__u16 payload;
	__u8 next, hops;
	__u64 src[2], dst[2];
} __attribute__((packed, aligned(8)));
struct header_tcp {
	__u32 ports, sequence, acknowledge;
	__u16 flags, window;
	__u32 check;
};
struct header_udp {
	__u32 ports, check;
};

/* Copies *to from the offset: out of the linear part when it is there (the rule), else by the
 * helper. */
#define packet_copy(skb, offset, to)                                                               \
	({                                                                                         \
		void *head_ = (void *)(long)(skb)->data + (offset),                                \
		     *end_ = (void *)(long)(skb)->data_end;                                        \
		long err_ = 0;                                                                     \
		if (head_ + sizeof(*(to)) <= end_)                                                 \
			*(to) = *(typeof(to))head_;                                                \
		else                                                                               \
			err_ = bpf_skb_load_bytes(skb, offset, to, sizeof(*(to)));                 \
		err_;                                                                              \
	})

/* One IPv4 option at 'at' of 'bytes', which begin at 'start': where the next one starts, or OPTIONS_END
 * with an enum abi_why, and above OPTIONS_GOAL_SHIFT where in the packet a source route's last address
 * is. */
#define OPTIONS_END	   0x100u
#define OPTIONS_GOAL_SHIFT 16
__noinline __u32 packet_option(struct __sk_buff *skb, __u32 start, __u32 at, __u32 bytes)
{
	__u32 from = start + at;
	__u8 o[3] = {};

	if (at >= bytes)
		return OPTIONS_END | ABI_WHY_POLICY;
	if (bpf_skb_load_bytes(skb, from, o, 1))
		return OPTIONS_END | ABI_WHY_MALFORMED;
	if (o[0] == OPTION_END)
		return OPTIONS_END | ABI_WHY_POLICY;
	if (o[0] == OPTION_NOP)
		return at + 1;
	if (at + 2 > bytes || bpf_skb_load_bytes(skb, from, o, 2) || o[1] < 2 || at + o[1] > bytes)
		return OPTIONS_END | ABI_WHY_MALFORMED;
	if (o[0] != OPTION_LSRR && o[0] != OPTION_SSRR)
		return at + o[1];
	/* the pointer counts from 1; past the length the route is used up */
	if (o[1] >= 3 && !bpf_skb_load_bytes(skb, from, o, 3) && o[2] > o[1])
		return at + o[1];
	return (o[1] < 7 ? 0 : from + o[1] - 4) << OPTIONS_GOAL_SHIFT | OPTIONS_END |
	       ABI_WHY_SOURCE_ROUTE;
}

/* IPv4 options: why the packet must not be believed, or 0; the goal as above. */
__noinline __u32 packet_options(struct __sk_buff *skb, __u32 start, __u32 bytes)
{
	__u32 at = 0;

	for (int i = 0; i <= OPTIONS_BYTES_MAX; i++) {
		at = packet_option(skb, start, at, bytes);
		if (at >= OPTIONS_END)
			return at & ~OPTIONS_END;
	}
	return ABI_WHY_MALFORMED;
}

/* A source-routed packet is told by where it would end, not by its next hop. */
static __always_inline void packet_options4(struct __sk_buff *skb, struct packet *p, __u32 bytes)
{
	__u32 r = packet_options(skb, p->base + sizeof(struct header4), bytes),
	      goal = r >> OPTIONS_GOAL_SHIFT;

	p->why = (__u8)r;
	if (goal)
		bpf_skb_load_bytes(skb, goal, p->key.dst, 4);
}

/* The verifier wants a bound that it can see, clang must not think it away. */
static __always_inline __u32 packet_base(const struct packet *p)
{
	__u32 base = p->base;

	__asm__ volatile("" : "+r"(base));
	return base & 0xff;
}

static __always_inline void packet_read4(struct __sk_buff *skb, struct packet *p)
{
	struct header4 ip;
	__u32 head, ihl;

	if (packet_copy(skb, packet_base(p), &ip)) {
		p->why = ABI_WHY_MALFORMED;
		return;
	}
	head = bpf_ntohl(ip.head);
	ihl = (head >> 24) & 0xf;
	if (head >> 28 != 4 || ihl < 5) {
		p->why = ABI_WHY_MALFORMED;
		return;
	}
	p->key.family = 4;
	p->key.proto = ip.proto;
	*(__u32 *)p->key.src = ip.src;
	*(__u32 *)p->key.dst = ip.dst;
	p->at = p->base + ihl * 4;
	p->fragment = !!(ip.frag & bpf_htons(IP_FRAGMENT_OFFSET));
	if (ihl > 5)
		packet_options4(skb, p, ihl * 4 - sizeof(ip));
}

/* Where a routing header with segments left says that the packet ends: the offset of the address, 0 =
 * not known. Segment lists (type 4) stand in reverse. */
static __always_inline __u32 packet_goal6(const __u8 h[4], __u32 at, __u32 len)
{
	if (len < 24)
		return 0;
	if (h[2] == 4)
		return at + 8;
	return h[2] == 0 || h[2] == 2 ? at + len - 16 : 0;
}

/* Walks the extension headers: where the transport header starts << 8 | its protocol, with flags
 * above (a source route: where the goal's address is); a global function, verified once. */
#define WALK_WHY_SHIFT 32
#define WALK_FRAGMENT  (1ull << 40)
__noinline __u64 packet_walk6(struct __sk_buff *skb, __u32 base, __u32 next)
{
	__u32 at = (base & 0xff) + sizeof(struct header6), fragment = 0;

	for (int i = 0; i <= ABI_EXTENSIONS_MAX; i++) {
		__u8 h[4];
		__u32 len;

		if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_FRAGMENT &&
		    next != NEXT_AH && next != NEXT_DESTINATION && next != NEXT_MOBILITY &&
		    next != NEXT_HIP && next != NEXT_SHIM6)
			return (fragment ? WALK_FRAGMENT : 0) | at << 8 | (next & 0xff);
		if (fragment) /* what follows is in another packet */
			return WALK_FRAGMENT | at << 8 | (next & 0xff);
		if (i == ABI_EXTENSIONS_MAX)
			break;
		if (bpf_skb_load_bytes(skb, at, h, sizeof(h)))
			return (__u64)ABI_WHY_MALFORMED << WALK_WHY_SHIFT;
		len = (h[1] + 1u) * 8;
		if (next == NEXT_ROUTING && h[3])
			return (__u64)ABI_WHY_SOURCE_ROUTE << WALK_WHY_SHIFT |
			       packet_goal6(h, at, len);
		if (next == NEXT_AH)
			len = (h[1] + 2u) * 4;
		if (next == NEXT_FRAGMENT) {
			len = 8;
			fragment = (h[2] << 8 | h[3]) & 0xfff8;
		}
		at += len;
		next = h[0];
	}
	return (__u64)ABI_WHY_EXTENSIONS << WALK_WHY_SHIFT;
}

static __always_inline void packet_read6(struct __sk_buff *skb, struct packet *p)
{
	struct header6 ip;
	__u64 walk;

	if (packet_copy(skb, packet_base(p), &ip) || bpf_ntohl(ip.head) >> 28 != 6) {
		p->why = ABI_WHY_MALFORMED;
		return;
	}
	p->key.family = 6;
	p->key.proto = ip.next;
	((__u64 *)p->key.src)[0] = ip.src[0];
	((__u64 *)p->key.src)[1] = ip.src[1];
	((__u64 *)p->key.dst)[0] = ip.dst[0];
	((__u64 *)p->key.dst)[1] = ip.dst[1];
	p->at = p->base + sizeof(ip);
	if (ip.next == IP_TCP || ip.next == IP_UDP)
		return;
	walk = packet_walk6(skb, p->base, ip.next);
	p->why = (__u8)(walk >> WALK_WHY_SHIFT);
	if (p->why) {
		if ((__u32)walk)
			bpf_skb_load_bytes(skb, (__u32)walk, p->key.dst, 16);
		return;
	}
	if (ip.next == NEXT_HOP_BY_HOP && !ip.payload)
		p->jumbo = 8;
	p->fragment = !!(walk & WALK_FRAGMENT);
	p->key.proto = (__u8)walk;
	p->at = (__u32)walk >> 8;
}

/* What a GSO packet will be on the wire: every segment has the headers again. */
static __always_inline void packet_wire(struct __sk_buff *skb, struct packet *p, __u32 transport)
{
	__u32 segments = skb->gso_segs;

	p->packets = 1;
	p->bytes = skb->len - p->base;
	if (segments > 1) {
		p->packets = segments;
		p->bytes += (segments - 1) * (p->at - p->base - p->jumbo + transport) - p->jumbo;
	}
}

static __always_inline void packet_ports(struct __sk_buff *skb, struct packet *p)
{
	__u32 transport = 8, at = p->at, ports = 0;
	struct header_tcp tcp;
	struct header_udp udp;
	__u8 icmp[2];

	/* the verifier wants a bound that it can see, clang must not think it away: eight headers
	 * reach to 16,552 */
	__asm__ volatile("" : "+r"(at));
	at &= 0x7fff;
	if (!p->fragment && p->key.proto == IP_TCP && !packet_copy(skb, at, &tcp)) {
		ports = tcp.ports;
		p->tcp_flags = (__u8)(bpf_ntohs(tcp.flags) & 0xff);
		transport = (bpf_ntohs(tcp.flags) >> 12) * 4u;
		p->key.has_port = ABI_PORT;
	} else if (!p->fragment && p->key.proto == IP_UDP && !packet_copy(skb, at, &udp)) {
		ports = udp.ports;
		p->key.has_port = ABI_PORT;
	} else if (!p->fragment && (p->key.proto == IP_ICMP || p->key.proto == IP_ICMPV6) &&
		   !bpf_skb_load_bytes(skb, at, icmp, sizeof(icmp))) {
		ports = bpf_htonl((__u32)icmp[0] << 16 | icmp[1]);
		p->key.has_port = ABI_ICMP;
	}
	ports = bpf_ntohl(ports);
	p->key.sport = (__u16)(ports >> 16);
	p->key.dport = (__u16)ports;
	packet_wire(skb, p, transport);
}

/* Fills *p from the IP header at 'base'; protocol: its ether type, in network order. A global function:
 * what follows is verified once, not for every shape of packet. */
__noinline int packet_read(struct __sk_buff *skb, struct packet *p, __u32 base, __u32 protocol)
{
	if (!p)
		return 0;
	__builtin_memset(p, 0, sizeof(*p));
	p->base = (__u8)base;
	p->packets = 1;
	p->bytes = skb->len - p->base;
	if (protocol == bpf_htons(ETH_P_IP))
		packet_read4(skb, p);
	else if (protocol == bpf_htons(ETH_P_IPV6))
		packet_read6(skb, p);
	else
		p->why = ABI_WHY_MALFORMED;
	if (!p->why)
		packet_ports(skb, p);
	return p->why;
}
/* The ports of TCP or UDP at h; false: neither, or not all of it linear. */
static __always_inline bool packet_plain_ports(struct __sk_buff *skb, struct packet *p,
					       const struct header_tcp *h)
{
	void *end = (void *)(long)skb->data_end;
	__u32 transport = 8, ports;

	if (p->key.proto == IP_TCP) {
		if ((void *)(h + 1) > end)
			return false;
		p->tcp_flags = (__u8)(bpf_ntohs(h->flags) & 0xff);
		transport = (bpf_ntohs(h->flags) >> 12) * 4u;
	} else if (p->key.proto != IP_UDP || (void *)h + sizeof(struct header_udp) > end) {
		return false;
	}
	ports = bpf_ntohl(h->ports);
	p->key.sport = (__u16)(ports >> 16);
	p->key.dport = (__u16)ports;
	p->key.has_port = ABI_PORT;
	packet_wire(skb, p, transport);
	return true;
}

static __always_inline bool packet_plain6_at(struct __sk_buff *skb, struct packet *p, __u32 base)
{
	void *data = (void *)(long)skb->data + base, *end = (void *)(long)skb->data_end;
	const struct header6 *ip = data;

	p->base = (__u8)base;
	if (data + sizeof(*ip) > end || *(const __u8 *)data >> 4 != 6)
		return false;
	p->key.proto = ip->next;
	((__u64 *)p->key.src)[0] = ip->src[0];
	((__u64 *)p->key.src)[1] = ip->src[1];
	((__u64 *)p->key.dst)[0] = ip->dst[0];
	((__u64 *)p->key.dst)[1] = ip->dst[1];
	p->key.family = 6;
	p->at = base + sizeof(*ip);
	return packet_plain_ports(skb, p, data + sizeof(*ip));
}

static __noinline bool packet_plain6(struct __sk_buff *skb, struct packet *p)
{
	return skb->protocol == bpf_htons(ETH_P_IPV6) && packet_plain6_at(skb, p, 0);
}

static __always_inline bool packet_plain4_at(struct __sk_buff *skb, struct packet *p, __u32 base)
{
	void *data = (void *)(long)skb->data + base, *end = (void *)(long)skb->data_end;
	const struct header4 *ip = data;

	p->base = (__u8)base;
	if (data + sizeof(*ip) > end || *(const __u8 *)data != 0x45 ||
	    ip->frag & bpf_htons(IP_FRAGMENT_OFFSET))
		return false;
	p->key.proto = ip->proto;
	*(__u32 *)p->key.src = ip->src;
	*(__u32 *)p->key.dst = ip->dst;
	p->key.family = 4;
	p->at = base + sizeof(*ip);
	return packet_plain_ports(skb, p, data + sizeof(*ip));
}

/* IPv4 or IPv6 without options and extension headers, TCP or UDP, headers linear: nearly every
 * packet. false: not one of these; what is filled in then does not count. */
static __always_inline bool packet_plain(struct __sk_buff *skb, struct packet *p)
{
	if (skb->protocol != bpf_htons(ETH_P_IP))
		return packet_plain6(skb, p);
	return packet_plain4_at(skb, p, 0);
}
#endif
