/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_verdict.c - who opened a flow, whether it leaves, and what the engine says of it. */
#include <string.h>
#include "agent/flow/pipeline_private.h"
#include "rules/exempt.h"

struct said {
	struct rule_names names;
	const char *asked[EVENT_NAMES_MAX * (1 + EVENT_ALIASES_MAX)];
};

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

/* Does a rule or a service of the policy name this port? Then the side that has it answers. */
static bool policy_port(const struct policy *policy, uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < policy->nrules; i++) {
		const struct service_def *service = policy->rules[i].service;

		for (size_t k = 0; service && k < service->natoms; k++) {
			const struct service_atom *a = &service->atoms[k];

			if (!a->any_port && a->proto == proto && port >= a->first &&
			    port <= a->last)
				return true;
		}
	}
	return false;
}

static bool echo_reply(const struct pipeline_seen *s)
{
	return (flow_proto(&s->id) == 1 && s->icmp_type == 0 && !(s->flags & PACKET_LATER)) ||
	       (flow_proto(&s->id) == 58 && s->icmp_type == 129);
}

/*
 * OPENED_HERE: the sender opened. A handshake says so; else the other direction, when it was seen
 * first; else the ports, since a capture that starts in the middle shows either side first: the
 * policy's, then the well-known ones; else whoever is seen first.
 */
static enum decide_opened who_opened(const struct pipeline *p, const struct pipeline_seen *s,
				     uint8_t *because)
{
	uint16_t sport = flow_sport(&s->id), dport = flow_dport(&s->id);
	const struct policy *policy = pipeline_engine_of(p, &s->id)->policy;
	const struct flow *other;
	uint8_t proto = flow_proto(&s->id);
	bool here, there;

	*because = BECAUSE_HANDSHAKE;
	if (s->flags & PACKET_SYN)
		return OPENED_HERE;
	if (s->flags & PACKET_SYNACK)
		return OPENED_PEER;
	other = pipeline_reverse(p, &s->id); /* it knows already */
	if (other) {
		*because = p->flows.more[other->more].because;
		return p->flows.more[other->more].opened == OPENED_HERE ? OPENED_PEER : OPENED_HERE;
	}
	if (echo_reply(s))
		return OPENED_PEER;
	here = policy_port(policy, proto, sport);
	there = policy_port(policy, proto, dport);
	*because = BECAUSE_POLICY;
	if (here != there)
		return here ? OPENED_PEER : OPENED_HERE;
	*because = BECAUSE_PORTS;
	if (service_port(sport) != service_port(dport))
		return service_port(sport) ? OPENED_PEER : OPENED_HERE;
	*because = BECAUSE_FIRST;
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

static void add_asked(struct said *s, const struct event_name *n)
{
	s->asked[s->names.nasked++] = n->name;
	for (unsigned i = 0; i < n->naliases; i++)
		s->asked[s->names.nasked++] = n->alias[i];
}

/* What the flow has said of whom it is meant for; false: nothing, or not in the clear. Where its sender asked for that very
 * name, what else stands on the address is another flow's; else all that it asked for counts. */
static bool named(struct pipeline *p, const struct engine *e, const struct flow_more *m,
		  struct said *ret)
{
	struct event_names n;
	bool verified;

	if (!e->compiled->named || !m->names || !naming_show(p->names, m->names, &n) || !n.n ||
	    n.hidden || event_name_grade(&n.v[0]) != NAME_SAID)
		return false;
	ret->names = (struct rule_names){.said = n.v[0].name,
					 .disputed = event_names_disputed(&n),
					 .asked = ret->asked};
	verified = n.v[0].by & NAME_BY_ANSWER;
	for (unsigned i = 0; i < n.n; i++)
		if (verified ? i == 0 : n.v[i].by & NAME_BY_ANSWER)
			add_asked(ret, &n.v[i]);
	return true;
}

/* Past the limit of destinations nothing is remembered: located each time. */
static struct destination located(const struct engine *e, const struct ip *dst)
{
	struct destination d = {.v = dst->v, .reach = (uint8_t)engine_reach(e, dst)};

	d.nclasses = (uint8_t)table_classes_of(e->table, dst, d.class);
	d.embedded = d.nclasses > 1;
	return d;
}

/* The live hooks look into the message too; what is captured may be cut. */
static bool is_dhcp(const struct flow_id *id, const struct ip *dst)
{
	return flow_proto(id) == 17 &&
	       exempt_dhcp_ports(dst->v == 6, flow_sport(id), flow_dport(id)) &&
	       (dst->v == 6 ? exempt_private6(dst->b[0]) : exempt_private4(ip_v4(dst)));
}

/* What the header alone decides, whatever the rules say: block, by no rule. */
static void by_header(struct flow_more *m)
{
	m->action = DECIDE_BLOCK;
	m->rule = 0;
	m->severity = 3;
}

static bool is_host(const struct pipeline *p, const struct ip *ip)
{
	for (unsigned i = 0; i < p->nhosts; i++)
		if (!ip_cmp(&p->host[i], ip))
			return true;
	return false;
}

/* The packet goes to the capturing host, as far as the capture says it: where the policy names what
 * is inside, or one end is a private address, that counts instead. */
static bool arrives(const struct pipeline *p, const struct engine *e, const struct flow_more *m,
		    const struct ip *src, const struct ip *dst)
{
	if (e->policy->ninside || engine_inside(e, src))
		return false;
	if (p->nhosts && is_host(p, dst))
		return true;
	return m->side == PACKET_SIDE_IN && !is_host(p, src);
}

/* The engine's word on the flow, as of now. */
static void judged(struct pipeline *p, const struct flow *f, uint64_t now_ns,
		   const struct destination *d, struct engine_verdict *v)
{
	const struct engine *e = pipeline_engine_of(p, &f->id);
	struct ip src = flow_src(&f->id), dst = flow_dst(&f->id);
	const struct flow_more *m = &p->flows.more[f->more];
	struct engine_query q;
	struct said said;

	ask(p, f, m, &src, &dst, now_ns, &q);
	q.names = named(p, e, m, &said) ? &said.names : NULL;
	if (e->compiled->nmeters)
		q.over = pipeline_meters_over(p, e, now_ns, p->judged_bytes);
	engine_decide_classes(e, &q, d->class, d->nclasses, v);
}

static struct destination destination_of(const struct pipeline *p, const struct engine *e,
					 const struct flow *f)
{
	const struct flow_more *m = &p->flows.more[f->more];
	struct ip dst = flow_dst(&f->id);

	return m->destination ? p->destinations.destination[m->destination] : located(e, &dst);
}

bool pipeline_turns(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	const struct flow_more *m = &p->flows.more[f->more];
	struct destination d = destination_of(p, pipeline_engine_of(p, &f->id), f);
	struct engine_verdict v;

	if (!m->charges || flow_route(&f->id))
		return false;
	p->judged_bytes = s->length;
	judged(p, f, s->time_ns, &d, &v);
	return v.decision->rule != m->rule;
}

/* The header names a hop. Where the packet ends counts too; where that is not known, it leaves if it comes from here. */
static bool routed_away(const struct pipeline *p, const struct engine *e, const struct flow *f,
			const struct ip *src)
{
	unsigned route = flow_route(&f->id);

	if (!route)
		return false;
	if (route <= p->nroutes)
		return engine_leaves(engine_reach(e, &p->route[route]), src);
	return !engine_leaves(engine_reach(e, src), NULL);
}

void pipeline_judge(struct pipeline *p, struct flow *f, uint64_t now_ns)
{
	const struct engine *e = pipeline_engine_of(p, &f->id);
	struct flow_more *m = &p->flows.more[f->more];
	struct ip src = flow_src(&f->id), dst = flow_dst(&f->id);
	struct destination d = destination_of(p, e, f);
	struct engine_verdict v;

	f->id.rest &= ~(FLOW_JUDGED_UNTIL | FLOW_INCOMING);
	m->until_ns = m->over_used = 0;
	m->charges = 0;
	m->rule = 0;
	m->severity = m->egress = 0;
	m->embedded = d.embedded;
	m->action = DECIDE_LOCAL;
	m->class = d.class[0];
	if (!engine_leaves(d.reach, &src) && !routed_away(p, e, f, &src))
		return;
	if (p->cfg.replay && arrives(p, e, m, &src, &dst)) {
		f->id.rest |= FLOW_INCOMING;
		return;
	}
	judged(p, f, now_ns, &d, &v);
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
	m->charges = m->egress ? v.decision->charges : 0;
	m->over_used = v.decision->over ? pipeline_meters_used(p, e, v.decision->rule) : 0;
	if (v.decision->until || m->charges)
		f->id.rest |= FLOW_JUDGED_UNTIL;
}

/* Does the packet leave, or one around it? Its flow was counted just before. */
static bool leaves(const struct pipeline *p, const struct pipeline_seen *s)
{
	const struct flow *f = flow_find(&p->flows, &s->id, s->hash);

	return f && (p->flows.more[f->more].egress || p->flows.more[f->more].covered);
}

int pipeline_first(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	struct ip src = flow_src(&f->id), dst = flow_dst(&f->id);
	int r;

	if (flow_inner(&s->id))
		p->counts.flows_inner++;
	else
		p->counts.flows++;
	m->depth = s->depth;
	m->tunnel = s->tunnel;
	m->side = s->side;
	m->inside = p->cfg.replay &&
		    (s->side == PACKET_SIDE_OUT ||
		     engine_inside(pipeline_engine_of(p, &f->id), &src) || is_host(p, &src));
	m->closed = (s->flags & PACKET_CLOSE) != 0;
	m->first_ns = s->time_ns;
	m->number = s->number;
	m->capture = p->capture;
	m->opened = (uint8_t)who_opened(p, s, &m->because);
	m->has_icmp = !(s->flags & (PACKET_LATER | PACKET_CUT));
	m->icmp_type = s->icmp_type;
	m->icmp_code = s->icmp_code;
	r = destinations_find(&p->destinations, p->engine, &dst,
			      destinations_hash(&p->destinations, &dst), &m->destination);
	if (r < 0)
		return r;
	r = pipeline_name_first(p, s, f);
	if (r < 0)
		return r;
	if (s->around)
		m->covered = leaves(p, s->around);
	p->judged_bytes = s->length;
	pipeline_judge(p, f, s->time_ns);
	return 0;
}

/* Who opened is known better now: judged again as a whole, since nothing of it was told yet. */
static void opened_by(struct pipeline *p, struct flow *f, enum decide_opened opened)
{
	struct flow_more *m = &p->flows.more[f->more];

	if (m->because == BECAUSE_HANDSHAKE)
		return;
	m->because = BECAUSE_HANDSHAKE;
	if (m->opened == opened)
		return;
	m->opened = (uint8_t)opened;
	pipeline_judge(p, f, m->first_ns);
}

void pipeline_handshake(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	bool here = s->flags & PACKET_SYN;
	struct flow *back = pipeline_reverse(p, &s->id);

	opened_by(p, f, here ? OPENED_HERE : OPENED_PEER);
	if (back)
		opened_by(p, back, here ? OPENED_PEER : OPENED_HERE);
}
