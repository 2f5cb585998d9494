// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * names.bpf.c - copies what can name a recipient: the first bytes that a connection sends, the first
 * datagrams of QUIC, and DNS answers as they reach their socket.
 *
 * These programs stand beside those that judge, and decide nothing: whatever they meet, the packet
 * passes, and no other program reads what they write. They hold no pins: they go with the agent.
 *
 *   1. Of a TCP socket, only what follows its own SYN, and only while its beginning looks like one of
 *      the protocols that say a name (TLS, HTTP, what PostgreSQL and MySQL say before TLS).
 *   2. A record has ABI_NAMES_BYTES of payload at most, a packet ABI_NAMES_PIECES records.
 *   3. So many records a second, answers and hellos apart; what is over it is counted (limited), as is
 *      what found the ring full (lost). Nothing waits.
 */
#include "bpf/prog/packet.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PASS	     1
#define LOOPBACK     1
#define SECOND_NS    1000000000ull
#define STREAM_MAX   16384u /* bytes of a stream; agent/names/hello.h waits for no more */
#define BEFORE_TLS   4096u  /* of one that begins with a database's request, or HTTP */
#define DATAGRAMS    8	    /* of one QUIC socket */
#define ANSWERS_MAX  65536u /* bytes of DNS answers over TCP */
#define TLS_HEADERS  9
#define PORT_DNS     53
#define UDP_HEADER   8
#define QUIC_INITIAL 1200 /* a client's first datagram has this much (RFC 9000, 14.1) */

const volatile __u32 records_a_second = ABI_NAMES_A_SECOND;

/* Of a socket that opened a connection, or sends datagrams. */
struct stream {
	__u32 base;	 /* sequence of the first byte that we send */
	__u32 until;	 /* bytes from there that are copied; 0: nothing more */
	__u32 peer_base; /* of the peer's: DNS over TCP */
	__u32 peer;	 /* 1: peer_base is known */
	__u32 datagrams;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stream);
} streams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_NAMES_RING);
} names_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_names_state);
} names_state SEC(".maps");

/* Is there room in this second? Several CPUs may let through one more each, never fewer. */
static __always_inline bool allowed(struct abi_names_state *n, __u32 answer, __u64 now)
{
	struct abi_names_rate *r = answer ? &n->answers : &n->hellos;
	__u64 second = now / SECOND_NS;

	if (r->second != second) {
		r->second = second;
		r->used = 0;
	}
	if (r->used >= records_a_second) {
		add(n->limited, 1);
		return false;
	}
	add(r->used, 1);
	return true;
}

static __always_inline void say_who(struct abi_names_record *r, struct __sk_buff *skb,
				    struct bpf_sock *sk)
{
	struct slot *s = bpf_sk_storage_get(&slots, sk, NULL, 0);

	if (s)
		r->process = s->process;
	else
		__builtin_memset(&r->process, 0, sizeof(r->process));
	r->process.cookie = bpf_get_socket_cookie(skb);
}

/* One record: 'length' bytes at 'at', which are those of the stream from 'offset' on. */
static __noinline int copy(struct __sk_buff *skb, struct packet *p, __u32 kind, __u32 at,
			   __u64 where)
{
	__u32 offset = (__u32)where, length = (__u32)(where >> 32), zero = 0;
	struct abi_names_state *n = bpf_map_lookup_elem(&names_state, &zero);
	struct bpf_sock *sk = skb->sk;
	struct abi_names_record *r;
	__u64 now = bpf_ktime_get_ns();

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!n || !sk || !p || !length || !allowed(n, kind >= ABI_NAMES_ANSWER, now))
		return 0;
	r = bpf_ringbuf_reserve(&names_ring, sizeof(*r), 0);
	if (!r) {
		add(n->lost, 1);
		return 0;
	}
	r->at_mono = now;
	r->kind = kind;
	r->offset = offset;
	r->key = p->key;
	say_who(r, skb, sk);
	r->length = length;
	length = (length - 1) & (ABI_NAMES_BYTES - 1);
	if (bpf_skb_load_bytes(skb, at, r->data, length + 1)) {
		add(n->unread, 1);
		bpf_ringbuf_discard(r, 0);
		return 0;
	}
	add(n->copied, 1);
	bpf_ringbuf_submit(r, 0);
	return 1;
}

/* A stretch of a stream, record by record, up to its byte 'until'. */
static __always_inline void pieces(struct __sk_buff *skb, struct packet *p, __u32 kind,
				   __u32 offset, __u32 until)
{
	__u32 at = p->at, end = skb->len;

	for (int i = 0; i < ABI_NAMES_PIECES; i++) {
		__u32 left = end - at;

		if (at >= end || offset >= until)
			return;
		left = left > until - offset ? until - offset : left;
		left = left > ABI_NAMES_BYTES ? ABI_NAMES_BYTES : left;
		if (!copy(skb, p, kind, at, (__u64)left << 32 | offset))
			return;
		at += left;
		offset += left;
	}
}

/* How far a stream that begins like this says something; 0: it names nobody. */
static __always_inline __u32 begins(struct __sk_buff *skb, __u32 at)
{
	__u8 b[TLS_HEADERS] = {};
	__u32 n;

	if (bpf_skb_load_bytes(skb, at, b, 4))
		return BEFORE_TLS; /* a byte or two: the next packet says more */
	if (b[0] == 0x16 && b[1] == 3) {
		if (bpf_skb_load_bytes(skb, at, b, sizeof(b)))
			return STREAM_MAX;
		/* the handshake's own length, with the headers of the records that it is cut into */
		n = ((__u32)b[6] << 16 | (__u32)b[7] << 8 | b[8]) + TLS_HEADERS + 256;
		return n < STREAM_MAX ? n : STREAM_MAX;
	}
	if (b[0] == 0 && b[1] == 0 && b[2] == 0 && b[3] == 8)
		return BEFORE_TLS;
	if (b[0] == 0x20 && b[1] == 0 && b[2] == 0 && b[3] == 1)
		return BEFORE_TLS;
	return b[0] >= 'A' && b[0] <= 'Z' && b[1] >= 'A' && b[1] <= 'Z' ? STREAM_MAX : 0;
}

/* Past the TCP header; its sequence and flags. False: it is not all there. */
static __always_inline bool tcp(struct __sk_buff *skb, struct packet *p, __u32 *sequence)
{
	__u32 at = p->at;
	struct header_tcp h;

	__asm__ volatile("" : "+r"(at));
	at &= 0x7fff;
	if (bpf_skb_load_bytes(skb, at, &h, sizeof(h)))
		return false;
	*sequence = bpf_ntohl(h.sequence);
	p->at = at + (bpf_ntohs(h.flags) >> 12) * 4u;
	return true;
}

static __always_inline int out_tcp(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *p)
{
	__u8 syn = p->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK);
	__u32 sequence, offset;
	struct stream *s;

	s = bpf_sk_storage_get(&streams, sk, NULL,
			       syn == TCP_FLAG_SYN ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!s || (syn != TCP_FLAG_SYN && !s->until) || !tcp(skb, p, &sequence))
		return PASS;
	if (syn == TCP_FLAG_SYN) { /* also one that is sent again */
		s->base = sequence + 1;
		s->until = STREAM_MAX;
		return PASS;
	}
	offset = sequence - s->base;
	if (p->at >= skb->len)
		return PASS;
	if (offset >= s->until) {
		if (offset < 1u << 31)
			s->until = 0;
		return PASS;
	}
	if (!offset)
		s->until = begins(skb, p->at);
	pieces(skb, p, ABI_NAMES_STREAM, offset, s->until);
	return PASS;
}

/* A client's first packets of QUIC, to whatever port. */
static __always_inline int out_udp(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *p)
{
	struct stream *s;
	__u8 b[5];

	p->at += UDP_HEADER;
	if (skb->len < p->at + QUIC_INITIAL ||
	    bpf_skb_load_bytes(skb, p->at & 0x7fff, b, sizeof(b)))
		return PASS;
	/* a long header of type Initial (another number in version 2), and a version that is known */
	if ((b[0] & 0xc0) != 0xc0 ||
	    !((b[1] == 0 && b[2] == 0 && b[3] == 0 && b[4] == 1) ||
	      (b[1] == 0x6b && b[2] == 0x33 && b[3] == 0x43 && b[4] == 0xcf) ||
	      (b[1] == 0xff && b[2] == 0 && b[3] == 0)))
		return PASS;
	s = bpf_sk_storage_get(&streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s || s->datagrams >= DATAGRAMS)
		return PASS;
	s->datagrams++;
	pieces(skb, p, ABI_NAMES_DATAGRAM, 0, ABI_NAMES_BYTES);
	return PASS;
}

static __always_inline bool read_packet(struct __sk_buff *skb, struct packet *p)
{
	if (!packet_plain(skb, p))
		packet_read(skb, p, 0, skb->protocol);
	return !p->why && p->key.has_port == ABI_PORT;
}

SEC("cgroup_skb/egress")
int names_out(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct packet p = {};

	if (skb->ifindex == LOOPBACK || !sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || !read_packet(skb, &p))
		return PASS;
	if (p.key.proto == IP_TCP)
		return sk->protocol == IP_TCP ? out_tcp(skb, sk, &p) : PASS;
	return p.key.proto == IP_UDP && sk->protocol == IP_UDP ? out_udp(skb, sk, &p) : PASS;
}

/* This host is the source, as everywhere. */
static __always_inline void turn(struct packet *p)
{
	struct abi_key k = p->key;

	__builtin_memcpy(p->key.src, k.dst, sizeof(k.dst));
	__builtin_memcpy(p->key.dst, k.src, sizeof(k.src));
	p->key.sport = k.dport;
	p->key.dport = k.sport;
}

/* Answers of a resolver of this host come over loopback too. */
static __always_inline int in_tcp(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *p)
{
	struct stream *s = bpf_sk_storage_get(&streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	__u32 sequence;

	if (!s || !tcp(skb, p, &sequence))
		return PASS;
	if (p->tcp_flags & TCP_FLAG_SYN) {
		s->peer_base = sequence + 1;
		s->peer = 1;
		return PASS;
	}
	if (s->peer && p->at < skb->len)
		pieces(skb, p, ABI_NAMES_ANSWERS, sequence - s->peer_base, ANSWERS_MAX);
	return PASS;
}

/* What is nobody's DNS answer, told from the first bytes of a plain IPv4 packet. */
static __always_inline bool is_dull(struct __sk_buff *skb)
{
	const __u8 *b = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	return b + 24 <= end && b[0] == 0x45 && (b[20] != 0 || b[21] != PORT_DNS);
}

SEC("cgroup_skb/ingress")
int names_in(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct packet p = {};

	if (!sk || is_dull(skb))
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || !read_packet(skb, &p) || p.key.sport != PORT_DNS)
		return PASS;
	turn(&p);
	if (p.key.proto == IP_TCP)
		return in_tcp(skb, sk, &p);
	if (p.key.proto != IP_UDP)
		return PASS;
	p.at += UDP_HEADER;
	pieces(skb, &p, ABI_NAMES_ANSWER, 0, ABI_NAMES_PIECES * ABI_NAMES_BYTES);
	return PASS;
}
