/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * frame.bpf.h - where in a frame the IP header is, read from the frame itself: what the kernel notes of
 * a packet socket's frame is what its sender wrote.
 */
#ifndef BPF_PROG_FRAME_BPF_H
#define BPF_PROG_FRAME_BPF_H
#include "bpf/prog/packet.bpf.h"

#define ETHER_BYTES    14
#define FRAME_TAGS_MAX 8 /* VLAN tags and MPLS labels; more: not whole */
#define ETHER_TAG_OLD  0x9100
#define ETHER_PTP      0x88f7
#define SNAP	       0xaaaa
#define PPP_IP	       0x0021
#define PPP_IPV6       0x0057

enum frame_kind {
	FRAME_IP,
	FRAME_LINK,  /* stays on the link: ARP, LLDP, EAPOL, PTP; what no bridge forwards */
	FRAME_OTHER, /* not IP */
	FRAME_BROKEN
};
/* kind, ether type in network order, offset: in one register, for this is a global function */
#define FRAME(kind, type, at) ((__u64)(kind) << 32 | (__u64)(type) << 16 | (at))
#define FRAME_KIND(f)	      ((enum frame_kind)((f) >> 32 & 0xff))
#define FRAME_TYPE(f)	      ((__u32)((f) >> 16) & 0xffff)
#define FRAME_AT(f)	      ((__u32)(f)&0xff)

static __always_inline __u64 frame_ip(__u32 type, __u32 at)
{
	return FRAME(FRAME_IP, bpf_htons((__u16)type), at);
}

/* By the version that the first byte says: devices without a frame of their own, MPLS. */
static __always_inline __u64 frame_version(struct __sk_buff *skb, __u32 at)
{
	__u8 first;

	if (bpf_skb_load_bytes(skb, at, &first, 1))
		return FRAME(FRAME_BROKEN, 0, at);
	if (first >> 4 == 4)
		return frame_ip(ETH_P_IP, at);
	return first >> 4 == 6 ? frame_ip(ETH_P_IPV6, at) : FRAME(FRAME_OTHER, 0, at);
}

static __always_inline bool frame_is_tag(__u32 type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD || type == ETHER_TAG_OLD;
}

/* Labels until the last: what follows is IP by its version, or not known. */
static __always_inline __u64 frame_mpls(struct __sk_buff *skb, __u32 at)
{
	__u8 label[4];

	for (int i = 0; i < FRAME_TAGS_MAX; i++) {
		if (bpf_skb_load_bytes(skb, at, label, sizeof(label)))
			break;
		at += sizeof(label);
		if (label[2] & 1)
			return frame_version(skb, at);
	}
	return FRAME(FRAME_BROKEN, 0, at);
}

static __always_inline __u64 frame_pppoe(struct __sk_buff *skb, __u32 at)
{
	__u16 ppp;

	if (bpf_skb_load_bytes(skb, at + 6, &ppp, sizeof(ppp)))
		return FRAME(FRAME_BROKEN, 0, at);
	if (ppp == bpf_htons(PPP_IP))
		return frame_ip(ETH_P_IP, at + 8);
	return ppp == bpf_htons(PPP_IPV6) ? frame_ip(ETH_P_IPV6, at + 8)
					  : FRAME(FRAME_OTHER, 0, at);
}

/* IEEE 802.3 with LLC: SNAP may carry IP. */
static __always_inline __u64 frame_llc(struct __sk_buff *skb, __u32 at)
{
	__u16 h[4]; /* dsap ssap, control oui, oui oui, type */

	if (bpf_skb_load_bytes(skb, at, h, sizeof(h)) || h[0] != bpf_htons(SNAP) ||
	    h[1] != bpf_htons(0x0300) || h[2])
		return FRAME(FRAME_OTHER, 0, at);
	if (h[3] == bpf_htons(ETH_P_IP) || h[3] == bpf_htons(ETH_P_IPV6))
		return FRAME(FRAME_IP, h[3], at + 8);
	return FRAME(FRAME_OTHER, 0, at);
}

/* IEEE 802.1Q, 8.6.3: what goes to these groups, no bridge forwards. */
static __always_inline bool frame_stays(const __u8 to[6], __u32 type)
{
	static const __u8 group[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	if (type == ETH_P_ARP || type == ETH_P_RARP || type == ETH_P_LLDP || type == ETH_P_PAE ||
	    type == ETHER_PTP)
		return true;
	for (int i = 0; i < 5; i++)
		if (to[i] != group[i])
			return false;
	return to[5] < 0x10 || to[5] == 0x21;
}

__noinline __u64 frame_read(struct __sk_buff *skb)
{
	__u32 at = ETHER_BYTES, type;
	__u8 to[6];
	__u16 t;

	if (bpf_skb_load_bytes(skb, 0, to, sizeof(to)))
		return FRAME(FRAME_BROKEN, 0, 0);
	for (int i = 0; i <= FRAME_TAGS_MAX; i++) {
		if (bpf_skb_load_bytes(skb, at - 2, &t, sizeof(t)))
			return FRAME(FRAME_BROKEN, 0, 0);
		type = bpf_ntohs(t);
		if (!frame_is_tag(type))
			break;
		at += 4;
	}
	if (frame_is_tag(type))
		return FRAME(FRAME_BROKEN, 0, 0);
	if (type == ETH_P_IP || type == ETH_P_IPV6)
		return frame_ip(type, at);
	if (type == ETH_P_MPLS_UC || type == ETH_P_MPLS_MC)
		return frame_mpls(skb, at);
	if (type == ETH_P_PPP_SES)
		return frame_pppoe(skb, at);
	if (frame_stays(to, type))
		return FRAME(FRAME_LINK, t, at);
	return type < ETH_P_802_3_MIN ? frame_llc(skb, at) : FRAME(FRAME_OTHER, t, at);
}
#endif
