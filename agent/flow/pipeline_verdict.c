/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_verdict.c - who opened a flow, whether it leaves, and what the engine says of it. */
#include <string.h>
#include "agent/flow/pipeline_private.h"

/* Well-known ports, and the databases' above them: the side that has one answers. */
static bool service_port(uint16_t port)
{
	if (port < 1024)
		return port != 0;
	switch (port) {
	case 1433:	    /* SQL Server */
	case 1521:	    /* Oracle */
	case 3306:	    /* MySQL */
	case 3389:	    /* RDP */
	case 4789:	    /* VXLAN */
	case 5432 ... 5433: /* PostgreSQL */
	case 5671 ... 5672: /* AMQP */
	case 6379:	    /* Redis */
	case 6432:	    /* PgBouncer */
	case 6443:	    /* Kubernetes */
	case 7000 ... 7001: /* Cassandra */
	case 8080:
	case 8443:
	case 8883: /* MQTT */
	case 9000:
	case 9042:	    /* CQL */
	case 9092 ... 9093: /* Kafka */
	case 9200:	    /* Elasticsearch */
	case 9300:
	case 11211:	      /* memcached */
	case 27017 ... 27018: /* MongoDB */
	case 50000:	      /* Db2 */
	case 51820:	      /* WireGuard */
		return true;
	}
	return false;
}

/*
 * OPENED_HERE: the sender opened. A handshake says so; else the other direction, when it was seen
 * first; else the ports, since a capture that starts in the middle shows either side first; else
 * whoever is seen first.
 */
static enum decide_opened who_opened(const struct pipeline *p, const struct pipeline_seen *s)
{
	uint16_t sport = flow_sport(&s->id), dport = flow_dport(&s->id);
	const struct flow *other;

	if (s->flags & PACKET_SYN)
		return OPENED_HERE;
	if (s->flags & PACKET_SYNACK)
		return OPENED_PEER;
	other = pipeline_reverse(p, &s->id); /* it knows already */
	if (other)
		return p->flows.more[other->more].opened == OPENED_HERE ? OPENED_PEER : OPENED_HERE;
	if (flow_proto(&s->id) == 1 && s->icmp_type == 0 && !(s->flags & PACKET_LATER))
		return OPENED_PEER; /* echo reply */
	if (flow_proto(&s->id) == 58 && s->icmp_type == 129)
		return OPENED_PEER;
	if (service_port(sport) && !service_port(dport))
		return OPENED_PEER;
	return OPENED_HERE;
}

static void ask(const struct pipeline *p, const struct flow *f, const struct flow_more *m,
		const struct ip *src, const struct ip *dst, uint64_t now_ns, struct engine_query *q)
{
	uint16_t sport = flow_sport(&f->id), dport = flow_dport(&f->id);
	unsigned route = flow_route(&f->id);

	*q = (struct engine_query){.src = src,
				   .dst = dst,
				   .proto = flow_proto(&f->id),
				   .now_ns = now_ns,
				   .opened = m->opened,
				   .known = KNOWN_NOBODY};
	q->port = m->opened == OPENED_HERE ? dport : sport;
	q->has_port = sport || dport;
	if (route && route <= p->nroutes)
		q->final = &p->route[route];
}

/* Past the limit of destinations nothing is remembered: located each time. */
static struct destination located(const struct engine *e, const struct ip *dst)
{
	struct destination d = {.v = dst->v, .reach = (uint8_t)engine_reach(e, dst)};

	d.nclasses = (uint8_t)table_classes_of(e->table, dst, d.class);
	d.embedded = d.nclasses > 1;
	return d;
}

/* A lease is renewed by unicast; a global address is never a DHCP server of ours (bpf/prog/egress.bpf.c
 * says the same). */
static bool is_dhcp(const struct flow_id *id, const struct ip *dst)
{
	uint16_t sport = flow_sport(id), dport = flow_dport(id);
	uint32_t a = ip_v4(dst);

	if (flow_proto(id) != 17)
		return false;
	if (dst->v == 6)
		return sport == 546 && dport == 547 && (dst->b[0] & 0xfe) == 0xfc;
	return sport == 68 && dport == 67 &&
	       (a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
		a >> 22 == 0x64400000u >> 22);
}

/* What the header alone decides, whatever the rules say: block, by no rule. */
static void by_header(struct flow_more *m)
{
	m->action = DECIDE_BLOCK;
	m->rule = 0;
	m->severity = 3;
}

void pipeline_judge(struct pipeline *p, struct flow *f, uint64_t now_ns)
{
	struct flow_more *m = &p->flows.more[f->more];
	struct ip src = flow_src(&f->id), dst = flow_dst(&f->id);
	struct destination d = m->destination ? p->destinations.destination[m->destination]
					      : located(p->engine, &dst);
	struct engine_verdict v;
	struct engine_query q;

	f->id.rest &= ~FLOW_JUDGED_UNTIL;
	m->until_ns = 0;
	m->rule = 0;
	m->severity = m->egress = 0;
	m->embedded = d.embedded;
	m->action = DECIDE_LOCAL;
	m->class = d.class[0];
	if (!engine_leaves(d.reach, &src))
		return;
	ask(p, f, m, &src, &dst, now_ns, &q);
	engine_decide_classes(p->engine, &q, d.class, d.nclasses, &v);
	m->class = v.class;
	m->action = (uint8_t)v.action;
	m->rule = v.decision->rule;
	m->severity = v.severity;
	m->embedded |= v.embedded;
	if (flow_route(&f->id))
		by_header(m);
	else if (m->action == DECIDE_BLOCK && is_dhcp(&f->id, &dst))
		m->action = DECIDE_LOCAL;
	m->egress = m->action != DECIDE_LOCAL;
	m->until_ns = v.decision->until;
	if (v.decision->until)
		f->id.rest |= FLOW_JUDGED_UNTIL;
}

int pipeline_first(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	struct ip dst = flow_dst(&f->id);
	int r;

	p->counts.flows++;
	m->first_ns = s->time_ns;
	m->number = s->number;
	m->capture = p->capture;
	m->opened = (uint8_t)who_opened(p, s);
	m->has_icmp = !(s->flags & (PACKET_LATER | PACKET_CUT));
	m->icmp_type = s->icmp_type;
	m->icmp_code = s->icmp_code;
	r = destinations_find(&p->destinations, p->engine, &dst,
			      destinations_hash(&p->destinations, &dst), &m->destination);
	if (r < 0)
		return r;
	pipeline_judge(p, f, s->time_ns);
	return 0;
}
