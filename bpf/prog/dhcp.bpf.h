/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* dhcp.bpf.h - rules/exempt.h over a packet, and how many such packets may leave. */
#ifndef BPF_PROG_DHCP_BPF_H
#define BPF_PROG_DHCP_BPF_H
#include "bpf/prog/packet.bpf.h"
#include "rules/exempt.h"

#define MINUTE_NS  60000000000ull
#define UDP_HEADER 8

/* Several CPUs may begin a minute at once: then a few messages more pass. */
static __always_inline bool dhcp_room(void)
{
	__u64 now = bpf_ktime_get_ns();
	struct abi_dhcp *d;
	__u32 zero = 0;

	d = bpf_map_lookup_elem(&dhcp, &zero);
	if (!d)
		return false;
	if (!d->since_mono || now - d->since_mono > MINUTE_NS) {
		d->since_mono = now;
		d->messages = 0;
	}
	if (__sync_fetch_and_add(&d->messages, 1) < ABI_DHCP_PER_MINUTE)
		return true;
	count(ABI_DHCP_LIMITED);
	return false;
}

static __always_inline bool dhcp_message4(struct __sk_buff *skb, __u32 at, __u32 length)
{
	struct exempt_dhcp4 m;

	return !bpf_skb_load_bytes(skb, at, &m.op, sizeof(m.op)) &&
	       !bpf_skb_load_bytes(skb, at + EXEMPT_DHCP4_COOKIE, m.options, sizeof(m.options)) &&
	       exempt_dhcp4(&m, length);
}

static __always_inline bool dhcp_message6(struct __sk_buff *skb, __u32 at, __u32 length)
{
	__u8 m[EXEMPT_DHCP6_BYTES];

	return !bpf_skb_load_bytes(skb, at, m, sizeof(m)) && exempt_dhcp6(m, length);
}

/* A DHCP client's message to a private address, of those that may pass; counted: another hook has. */
static __noinline bool dhcp_passes(struct __sk_buff *skb, const struct packet *p, bool counted)
{
	__u32 at = p->at + UDP_HEADER, length = skb->len - at;
	const struct abi_key *k = &p->key;
	bool v6 = k->family == 6, message;

	if (k->proto != IP_UDP || k->has_port != ABI_PORT || p->packets != 1 ||
	    !exempt_dhcp_ports(v6, k->sport, k->dport))
		return false;
	if (v6 ? !exempt_private6(k->dst[0]) : !exempt_private4(bpf_ntohl(*(const __u32 *)k->dst)))
		return false;
	message = v6 ? dhcp_message6(skb, at, length) : dhcp_message4(skb, at, length);
	if (!message || counted)
		return message;
	if (!dhcp_room())
		return false;
	count(ABI_DHCP);
	return true;
}
#endif
