/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * device.bpf.h - the second net: what is on its way to a device and no socket of the cgroup has sent as it
 * is. Frames of packet sockets, outer packets of tunnels, kernel sockets, forwarded packets, packets
 * whose destination somebody changed on the way.
 *
 *     frame -> IP header -> judged by the packet hook? -> the same decide.h -> pass or drop
 *
 * Invariants (tests/bpf/device_test.c, tests/live/device_live.sh):
 *  1. The packet hook's word counts only for what it saw: the socket's slot has this generation and this
 *     packet's addresses, protocol and ports. A tunnel's outer packet has the inner's socket, and other
 *     addresses.
 *  2. A packet is counted once. What passes here counts in abi_counters.device_passed when no socket
 *     of IP stands behind it, else the packet hook has counted it. What is blocked or alerted here is in
 *     the totals, and told.
 *  3. Whose packets: settings.scope_*. With a cgroup, only those whose socket is of it: what has no socket
 *     is nobody's there.
 *  4. A frame that is not IP passes when it stays on the link. Others are counted, and blocked when a
 *     process made them (it has a socket): there is no place that they go to.
 */
#ifndef BPF_PROG_DEVICE_BPF_H
#define BPF_PROG_DEVICE_BPF_H
#include "bpf/prog/frame.bpf.h"

#define DEVICE_NEXT -1 /* TCX_NEXT, TC_ACT_UNSPEC: others on the device judge too */
#define DEVICE_DROP 2  /* TC_ACT_SHOT */
#define AF_PACKET   17

static __always_inline bool device_scope(struct __sk_buff *skb)
{
	const volatile struct abi_settings *s = flat_address(settings);
	__u64 cgroup = s->scope_cgroup;

	if (s->scope_all)
		return true;
	return cgroup && bpf_skb_ancestor_cgroup_id(skb, (int)s->scope_level) == cgroup;
}

/* The socket, or the listener that it stands for. */
static __always_inline struct bpf_sock *device_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk, *full;

	if (!sk)
		return NULL;
	full = bpf_sk_fullsock(sk);
	return full ? full : bpf_get_listener_sock(sk);
}

static __always_inline bool device_is_ip(const struct bpf_sock *sk)
{
	return sk && (sk->family == AF_INET || sk->family == AF_INET6);
}

/* A flow that has just ended (a reset) has no family any more, but its addresses. */
static __always_inline bool device_same(const struct abi_key *a, const struct abi_key *b)
{
	struct abi_key k = *b;

	k.family = a->family ? b->family : 0;
	return account_same(a, &k);
}

/* Did the packet hook judge this very packet? Its slot says so. A listener's answers have none: in monitor
 * mode nothing is stopped anyway, and the packet hook has told. */
static __always_inline bool device_seen(const struct slot *s, const struct bpf_sock *sk,
					const struct packet *p)
{
	if (!s || !p->key.family)
		return false;
	if (sk->state == STATE_LISTEN && sk->protocol == IP_TCP)
		return !enforcing();
	return s->verdict.generation == generation && s->verdict.why == p->why &&
	       device_same(&s->key, &p->key);
}

static __always_inline void device_count(const struct packet *p)
{
	__u32 zero = 0;
	struct abi_counters *c = bpf_map_lookup_elem(&counters, &zero);

	if (c) {
		add(c->device_passed.packets, p->packets);
		add(c->device_passed.bytes, p->bytes);
	}
}

/* A packet socket's sender is the process that runs now: its frames go straight to the device. */
static __noinline int device_tell_packet(struct __sk_buff *skb, const struct packet *p,
					 const struct abi_verdict *v)
{
	struct abi_process process = {};

	process_read_task(&process);
	process.cgroup = bpf_skb_cgroup_id(skb);
	process.cookie = bpf_get_socket_cookie(skb);
	process.uid = bpf_get_socket_uid(skb);
	image_note(&process, 0);
	return account_fold(&p->key, &process, v, p->packets, p->bytes);
}

/* What is neither allowed nor local: told, and stopped when the mode says so. */
static __always_inline int device_stop(struct __sk_buff *skb, const struct slot *s,
				       const struct packet *p, struct abi_verdict *v)
{
	int r = DEVICE_NEXT;

	count_why(p->why);
	if (p->why == ABI_WHY_SOURCE_ROUTE)
		v->place = (__u16)PLACES_AT(places_of(&p->key), 0);
	if (v->action == DECIDE_BLOCK && enforcing()) {
		v->enforced = 1;
		r = DEVICE_DROP;
	} else if (v->action == DECIDE_BLOCK) {
		count_passed(p);
	}
	if (r == DEVICE_NEXT)
		total_passed(p, v->decision);
	else
		account_total(p, v->decision);
	if (skb->sk && skb->sk->family == AF_PACKET)
		device_tell_packet(skb, p, v);
	else
		tell(skb, s, p, v);
	return r;
}

static __always_inline void device_sender(struct __sk_buff *skb, struct bpf_sock *sk,
					  const struct packet *p, struct sender *who)
{
	if (sk) {
		sender_of(skb, sk, &p->key, who);
		return;
	}
	/* nobody's: what names a unit or a user is not meant */
	who->known = KNOWN_ALL;
	if (header.needs & DECIDE_NEEDS_SOURCE)
		who->mask = source_mask(&p->key);
}

static __noinline int device_judge(struct __sk_buff *skb, struct packet *p)
{
	struct abi_verdict v = {.generation = generation,
				.hook = ABI_HOOK_DEVICE,
				.action = DECIDE_BLOCK};
	struct bpf_sock *sk = device_socket(skb);
	struct sender who = {};
	struct slot *s = NULL;
	__u64 places;
	bool ip;

	if (sk)
		s = bpf_sk_storage_get(&slots, sk, NULL, 0);
	ip = device_is_ip(sk);
	v.why = p->why;
	if (ip && device_seen(s, sk, p))
		return DEVICE_NEXT;
	if (!device_scope(skb))
		return DEVICE_NEXT;
	if (p->why)
		return device_stop(skb, s, p, &v);
	places = places_of(&p->key);
	if (places_local(places))
		return DEVICE_NEXT;
	/* a packet socket writes what it likes */
	p->key.opened = sk && !ip ? OPENED_HERE : opened_by(skb, sk, p, s);
	device_sender(skb, sk, p, &who);
	v.known = (__u8)who.known;
	verdict_of(&v, verdict_key(places, &who, &p->key, p->bytes));
	if (v.action == DECIDE_LOCAL || (v.action == DECIDE_BLOCK && dhcp_passes(skb, p, ip)))
		return DEVICE_NEXT;
	if (v.action != DECIDE_ALLOW)
		return device_stop(skb, s, p, &v);
	if (!ip)
		device_count(p);
	if (header.needs & DECIDE_NEEDS_OVER)
		verdict_charge(v.decision, p->bytes);
	return DEVICE_NEXT;
}

/* Not IP, or cut inside the frame's own headers. */
static __noinline int device_odd(struct __sk_buff *skb, __u64 frame)
{
	struct abi_verdict v = {.generation = generation,
				.hook = ABI_HOOK_DEVICE,
				.action = DECIDE_BLOCK};
	struct packet p = {.packets = 1, .bytes = skb->len};

	if (FRAME_KIND(frame) == FRAME_LINK || !device_scope(skb))
		return DEVICE_NEXT;
	p.why = FRAME_KIND(frame) == FRAME_OTHER ? ABI_WHY_NOT_IP : ABI_WHY_MALFORMED;
	v.why = p.why;
	if (p.why == ABI_WHY_NOT_IP && !skb->sk) {
		count(ABI_NOT_IP);
		return DEVICE_NEXT;
	}
	return device_stop(skb, NULL, &p, &v);
}

static __always_inline int device_frame(struct __sk_buff *skb, struct packet *p, __u64 frame)
{
	if (FRAME_KIND(frame) != FRAME_IP)
		return device_odd(skb, frame);
	packet_read(skb, p, FRAME_AT(frame), FRAME_TYPE(frame));
	return device_judge(skb, p);
}

/* IP after Ethernet's header, as packet_plain(). */
static __always_inline bool device_plain(struct __sk_buff *skb, struct packet *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u16 type;

	if (data + ETHER_BYTES > end)
		return false;
	type = *(__u16 *)(data + ETHER_BYTES - 2);
	if (type == bpf_htons(ETH_P_IP))
		return packet_plain4_at(skb, p, ETHER_BYTES);
	return type == bpf_htons(ETH_P_IPV6) && packet_plain6_at(skb, p, ETHER_BYTES);
}

/* Devices that have Ethernet's header. */
SEC("tc")
int device(struct __sk_buff *skb)
{
	struct packet p = {};

	if (device_plain(skb, &p))
		return device_judge(skb, &p);
	return device_frame(skb, &p, frame_read(skb));
}

/* Devices whose packets begin with the IP header: TUN, WireGuard, IPIP, SIT, GRE, PPP. */
SEC("tc")
int device_ip(struct __sk_buff *skb)
{
	struct packet p = {};

	return device_frame(skb, &p, frame_version(skb, 0));
}
#endif
