/* SPDX-License-Identifier: BSD-2-Clause */
/* live_names.c - flows in buckets of four, each with its set of names and how far its bytes are read. */
#include "agent/source/live_names.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/cursor.h"
#include "agent/event/event.h"
#include "agent/names/quic.h"
#include "agent/names/stream.h"

#define WAYS	   4u
#define BUCKETS	   (LIVE_NAMES_FLOWS / WAYS)
#define PORT_DOT   853
#define PIECES_MAX 64u /* records of one hello */
/* A flow's first packet has the time of the kernel's tick before it; its answer, which was there first, the exact one. */
#define TICK_NS 10000000ull

struct flow {
	uint64_t hash; /* 0: free */
	uint64_t used;
	uint32_t set;
	uint32_t base; /* DNS over TCP: where the message begins that is read */
	uint16_t pieces;
	bool done; /* it has said what it says */
};
struct live_names {
	struct naming *naming;	 /* owned */
	struct streams *streams; /* owned */
	struct flow *flow;	 /* owned */
	uint64_t clock, given_up;
	struct event_names shown;
};

int live_names_new(struct live_names **ret)
{
	struct live_names *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->flow = calloc(LIVE_NAMES_FLOWS, sizeof(*n->flow));
	if (!n->flow || naming_new(&n->naming) < 0 ||
	    streams_new(&n->streams, LIVE_NAMES_STREAMS) < 0) {
		live_names_free(n);
		return -ENOMEM;
	}
	*ret = n;
	return 0;
}

void live_names_free(struct live_names *n)
{
	if (!n)
		return;
	naming_free(n->naming);
	streams_free(n->streams);
	free(n->flow);
	free(n);
}

void live_names_counts(const struct live_names *n, struct live_names_counts *ret)
{
	*ret = (struct live_names_counts){.naming = *naming_counts(n->naming),
					  .given_up = n->given_up + streams_given_up(n->streams)};
}

/* A socket and its peer; the source may not be known yet when the first record comes. */
static uint64_t hash_of(const struct kernel_record *k)
{
	struct flow_key key = {.dst = k->dst, .dport = k->dport, .proto = k->proto};
	uint64_t h = flow_key_hash(&key, k->cookie * 0x9e3779b97f4a7c15ull);

	return h ? h : 1;
}

static struct naming_owner owner(const struct kernel_record *k)
{
	if (!k->pid) /* a socket whose process nobody knows asks for itself */
		return (struct naming_owner){k->cookie, 0};
	return (struct naming_owner){k->start_ns, (uint32_t)k->pid};
}

static struct flow *find(struct live_names *n, uint64_t hash)
{
	struct flow *f = &n->flow[hash % BUCKETS * WAYS];

	for (unsigned i = 0; i < WAYS; i++)
		if (f[i].hash == hash)
			return &f[i];
	return NULL;
}

static void drop(struct live_names *n, struct flow *f)
{
	if (f->pieces)
		streams_drop(n->streams, f->hash);
	*f = (struct flow){0};
}

static struct flow *take(struct live_names *n, uint64_t hash, uint32_t set)
{
	struct flow *f = &n->flow[hash % BUCKETS * WAYS], *at = f;

	for (unsigned i = 1; i < WAYS; i++)
		if (f[i].used < at->used)
			at = &f[i];
	if (at->hash) {
		n->given_up++;
		drop(n, at);
	}
	*at = (struct flow){.hash = hash, .set = set};
	return at;
}

/* The flow, with the answers that were there when it began; NULL: it has no name and wants none. */
static struct flow *flow_of(struct live_names *n, const struct kernel_record *k, bool wants)
{
	struct naming_owner who = owner(k);
	uint64_t hash = hash_of(k);
	struct flow *f = k->cookie ? find(n, hash) : NULL;
	uint32_t set = 0;

	if (!f && naming_of(n->naming, &who, &k->dst, k->first_ns + TICK_NS, &set) == 0 &&
	    (set || wants))
		f = take(n, hash, set);
	if (f)
		f->used = ++n->clock;
	return f;
}

static void said(struct live_names *n, struct flow *f, const struct hello *h)
{
	f->set = naming_say(n->naming, f->set, h);
	f->done = true;
	if (f->pieces)
		streams_drop(n->streams, f->hash);
	f->pieces = 0;
}

static void stream(struct live_names *n, const struct kernel_bytes *b)
{
	struct flow *f = flow_of(n, &b->record, true);
	const uint8_t *p = b->bytes;
	size_t len = b->length;
	struct hello h;

	if (!f || f->done)
		return;
	if (b->offset == 0 && !f->pieces && hello_stream(&h, p, len) == 0) {
		said(n, f, &h);
		return;
	}
	if (f->pieces++ == PIECES_MAX) {
		f->done = true;
		streams_drop(n->streams, f->hash);
		return;
	}
	p = streams_add(n->streams, f->hash, b->offset, p, len, &len);
	if (len && hello_stream(&h, p, len) == 0)
		said(n, f, &h);
}

static void datagram(struct live_names *n, const struct kernel_bytes *b)
{
	struct flow *f = flow_of(n, &b->record, true);
	const uint8_t *have = NULL;
	size_t len = 0;
	struct hello h;
	struct quic q;

	if (!f || f->done || quic_initial(&q, b->bytes, b->length) < 0)
		return;
	f->pieces++;
	for (unsigned i = 0; i < q.npieces; i++)
		have = streams_add(n->streams, f->hash, q.piece[i].offset, q.piece[i].p,
				   q.piece[i].len, &len);
	if (!have || hello_handshake(&h, have, len) < 0)
		return;
	h.kind = h.kind == HELLO_TLS ? HELLO_QUIC : h.kind;
	said(n, f, &h);
}

static int learn(struct live_names *n, const struct kernel_bytes *b, const uint8_t *msg, size_t len)
{
	struct naming_owner who = owner(&b->record);
	struct dns_answer a;
	int r = dns_parse(&a, msg, len);

	return r < 0 ? r : naming_learn(n->naming, &who, b->record.first_ns, &a);
}

/* One datagram; a long one comes in several records. */
static void answer(struct live_names *n, const struct kernel_bytes *b)
{
	uint64_t key = hash_of(&b->record);
	bool last = b->length < ABI_NAMES_BYTES;
	const uint8_t *p = b->bytes;
	size_t len = b->length;
	int r;

	if (b->offset || !last)
		p = streams_add(n->streams, key, b->offset, p, len, &len);
	r = learn(n, b, p, len);
	if (r == -EINVAL && last)
		naming_counts(n->naming)->broken++;
	if ((b->offset || !last) && (r == 0 || last))
		streams_drop(n->streams, key);
}

/* DNS over TCP: messages with their lengths before them, from f->base on. */
static void answers(struct live_names *n, const struct kernel_bytes *b)
{
	struct flow *f = flow_of(n, &b->record, true);
	const uint8_t *p;
	size_t len = 0, at = 0;

	if (!f || b->offset - f->base >= HELLO_MAX)
		return;
	f->pieces = 1;
	p = streams_add(n->streams, f->hash, b->offset - f->base, b->bytes, b->length, &len);
	while (len - at >= 2 && len - at - 2 >= be16(p + at)) {
		if (learn(n, b, p + at + 2, be16(p + at)) == -EINVAL)
			naming_counts(n->naming)->broken++;
		at += 2u + be16(p + at);
	}
	if (!at)
		return;
	f->base += (uint32_t)at;
	streams_drop(n->streams,
		     f->hash); /* what is behind it comes in the next records, or is lost */
	if (at < len)
		(void)streams_add(n->streams, f->hash, 0, p + at, len - at, &len);
}

void live_names_bytes(void *arg, const struct kernel_bytes *b)
{
	struct live_names *n = arg;

	switch (b->kind) {
	case ABI_NAMES_STREAM:
		stream(n, b);
		break;
	case ABI_NAMES_DATAGRAM:
		datagram(n, b);
		break;
	case ABI_NAMES_ANSWER:
		answer(n, b);
		break;
	case ABI_NAMES_ANSWERS:
		answers(n, b);
		break;
	}
}

const struct event_names *live_names_of(struct live_names *n, const struct kernel_record *k)
{
	bool known = false, transport = k->proto == 6 || k->proto == 17;
	const struct flow *f;

	if (k->opened == OPENED_PEER || k->folded != ABI_FOLDED_FLOW || !k->dst.v)
		return NULL;
	f = flow_of(n, k, false);
	if (f)
		known = naming_show(n->naming, f->set, &n->shown);
	else
		n->shown = (struct event_names){.n = 0};
	if (transport && k->dport == PORT_DOT)
		n->shown.dns = k->proto == 17 ? "quic" : "tls";
	return known || n->shown.dns ? &n->shown : NULL;
}

void live_names_end(struct live_names *n, const struct kernel_record *k)
{
	struct flow *f = k->cookie ? find(n, hash_of(k)) : NULL;

	if (f)
		drop(n, f);
}
