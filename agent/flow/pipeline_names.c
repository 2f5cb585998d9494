/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline_names.c - the names of flows: DNS answers on their way are learned, and the first bytes
 * of every connection are read until they name somebody or cannot.
 *
 * A flow's own bytes are put together from its first packet on, however they were cut and in
 * whatever order they came; what came first stays. A host of the capture is who asked, since
 * packets name no process.
 */
#include <errno.h>
#include "agent/flow/pipeline_private.h"
#include "agent/base/cursor.h"
#include "agent/names/quic.h"

#define UDP_HEADER 8u
#define PORT_DNS   53
#define PORT_DOT   853
#define PIECES_MAX 250u /* of a hello, before it is given up */
#define DATAGRAMS  8u	/* of a QUIC hello, before it is given up */

void pipeline_name_payload(struct pipeline_seen *s, const struct packet *k)
{
	uint32_t before = k->payload ? (uint32_t)(k->payload - k->ip) : 0;

	s->payload = NULL;
	if (!before || before >= k->length || k->flags & (PACKET_FRAGMENT | PACKET_CUT))
		return;
	s->payload = k->payload;
	s->wire_len = k->length - before;
	s->payload_len = k->payload_len < s->wire_len ? k->payload_len : s->wire_len;
}

static struct naming_owner owner(const uint64_t address[2])
{
	return (struct naming_owner){address[0], address[1]};
}

int pipeline_name_first(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	struct naming_owner who = owner(f->id.src);
	struct ip dst = flow_dst(&f->id);
	uint8_t proto = flow_proto(&f->id);

	m->based = m->pieces = 0;
	f->id.rest &= ~FLOW_NAMING;
	if (proto == 6 || proto == 17)
		f->id.rest |= FLOW_NAMING;
	return naming_of(p->names, &who, &dst, s->time_ns, &m->names);
}

/* Of this connection: the same ports later are another. */
static uint64_t key(const struct flow *f, const struct flow_more *m)
{
	return flow_mix(m->number ^ (uint64_t)m->capture << 40, 0x9e3779b97f4a7c15ull ^ f->more);
}

static void ended(struct pipeline *p, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];

	f->id.rest &= ~FLOW_NAMING;
	if (m->pieces)
		streams_drop(p->streams, key(f, m));
}

static void said(struct pipeline *p, struct flow *f, const struct hello *h)
{
	struct flow_more *m = &p->flows.more[f->more];

	m->names = naming_say(p->names, m->names, h);
	ended(p, f);
	/* A capture's flow is judged as a whole by what it said. On the wire its first packet was told, and stands. */
	if (p->cfg.replay && pipeline_engine_of(p, &f->id)->compiled->named)
		pipeline_judge(p, f, m->first_ns);
}

static int answer(struct pipeline *p, const struct pipeline_seen *s, const struct flow *f,
		  const uint8_t *msg, size_t len)
{
	struct naming_owner who = owner(f->id.dst);
	struct dns_answer a;
	int r = dns_parse(&a, msg, len);

	if (r == -EINVAL)
		naming_counts(p->names)->broken++;
	return r < 0 ? 0 : naming_learn(p->names, &who, s->time_ns, &a);
}

static int datagram(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	const uint8_t *data = s->payload + UDP_HEADER, *have = NULL;
	size_t n = s->payload_len - UDP_HEADER, len = 0;
	struct hello h;
	struct quic q;
	int r;

	if (flow_sport(&f->id) == PORT_DNS)
		return answer(p, s, f, data, n);
	r = quic_initial(&q, data, n);
	if (r < 0) { /* the first: a server's, or one from the middle */
		if (!m->pieces || ++m->pieces > DATAGRAMS)
			ended(p, f);
		return 0;
	}
	m->pieces++;
	for (unsigned i = 0; i < q.npieces; i++)
		have = streams_add(p->streams, key(f, m), q.piece[i].offset, q.piece[i].p,
				   q.piece[i].len, &len);
	if (have && hello_handshake(&h, have, len) == 0) {
		h.kind = h.kind == HELLO_TLS ? HELLO_QUIC : h.kind;
		said(p, f, &h);
	} else if (m->pieces > DATAGRAMS) {
		ended(p, f);
	}
	return 0;
}

/* DNS over TCP: messages with their lengths before them. */
static int messages(struct pipeline *p, const struct pipeline_seen *s, struct flow *f,
		    const uint8_t *data, size_t n)
{
	struct flow_more *m = &p->flows.more[f->more];
	size_t at = 0;
	int r = 0;

	while (r == 0 && n - at >= 2 && n - at - 2 >= be16(data + at)) {
		size_t len = be16(data + at);

		r = answer(p, s, f, data + at + 2, len);
		at += 2 + len;
	}
	if (!at)
		return r;
	if (m->pieces)
		streams_drop(p->streams, key(f, m));
	m->base += (uint32_t)at;
	m->pieces = 0;
	if (at < n) {
		m->pieces = 1;
		(void)streams_add(p->streams, key(f, m), 0, data + at, n - at, &n);
	}
	return r;
}

/* Bytes of a stream from its beginning on, as far as they are known. */
static int beginning(struct pipeline *p, const struct pipeline_seen *s, struct flow *f,
		     const uint8_t *data, size_t n, bool *ret)
{
	struct hello h;

	*ret = false;
	if (flow_sport(&f->id) == PORT_DNS) {
		uint32_t base = p->flows.more[f->more].base;
		int r = messages(p, s, f, data, n);

		*ret = base != p->flows.more[f->more].base;
		return r;
	}
	if (hello_stream(&h, data, n) < 0)
		return 0;
	said(p, f, &h);
	*ret = true;
	return 0;
}

static int segment(struct pipeline *p, const struct pipeline_seen *s, struct flow *f,
		   const struct rtt_segment *t)
{
	struct flow_more *m = &p->flows.more[f->more];
	size_t header = s->wire_len - t->length, n = s->payload_len, have = 0;
	uint32_t seq = t->seq + !!(t->flags & RTT_SYN), at;
	const uint8_t *data = s->payload + header;
	bool done;
	int r;

	if (!m->based) {
		m->base = seq;
		m->based = 1;
	}
	if (n <= header)
		return 0;
	n -= header;
	at = seq - m->base;
	if (at == 0 && !m->pieces) {
		r = beginning(p, s, f, data, n, &done);
		if (r < 0 || done)
			return r;
	}
	if (at >= HELLO_MAX || m->pieces == PIECES_MAX) { /* sent again, or too long to wait for */
		if (at < INT32_MAX)
			ended(p, f);
		return 0;
	}
	m->pieces++;
	data = streams_add(p->streams, key(f, m), at, data, n, &have);
	return have ? beginning(p, s, f, data, have, &done) : 0;
}

int pipeline_name(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct rtt_segment t;

	if (flow_proto(&f->id) == 17)
		return s->payload_len > UDP_HEADER ? datagram(p, s, f) : 0;
	if (rtt_parse(&t, s->payload, s->payload_len, s->wire_len) < 0)
		return 0;
	return segment(p, s, f, &t);
}

const struct event_names *pipeline_named(struct pipeline *p, const struct flow_id *id, uint32_t set)
{
	bool known = naming_show(p->names, set, &p->named);

	if (flow_dport(id) == PORT_DOT && (flow_proto(id) == 6 || flow_proto(id) == 17))
		p->named.dns = flow_proto(id) == 17 ? "quic" : "tls";
	return known || p->named.dns ? &p->named : NULL;
}

/* By whom it was meant for, or why that is not known. */
int pipeline_name_tally(struct pipeline *p, const struct flow_id *id, uint32_t set,
			const struct tally_line *sums)
{
	const struct event_names *n = set ? pipeline_named(p, id, set) : NULL;
	const char *domain = n && !n->hidden ? event_names_domain(n) : NULL;
	struct tally_line l = *sums;
	int r = 0;

	l.whom = WHOM_UNNAMED;
	if (domain) {
		r = texts_add(&p->tallies.name, domain, strlen(domain), &l.name);
		l.whom = r < 0 ? WHOM_OTHERS : WHOM_NAMED;
		l.recipient = r < 0 ? NULL : event_name_recipient(&n->v[0]);
	} else if (n && n->hidden) {
		l.whom = WHOM_HIDDEN;
	} else if (n && n->n && event_name_grade(&n->v[0]) == NAME_ASKED) {
		l.whom = WHOM_SEVERAL;
	}
	return r < 0 && r != -E2BIG ? r : tally_add(&p->tallies.names, &l);
}

void pipeline_names_lost(struct pipeline *p)
{
	const struct naming_counts *c = naming_counts(p->names);

	p->counts.names_lost =
		c->evicted + c->left_out + c->no_room + c->forgotten + streams_given_up(p->streams);
	p->counts.dns_unread = c->broken;
}
