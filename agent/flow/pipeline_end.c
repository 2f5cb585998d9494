/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_end.c - a flow ends: its counts go to the account, a violation becomes an event. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "agent/flow/pipeline_private.h"
#include "agent/event/event_text.h"

static enum record_header header_of(unsigned route)
{
	if (!route)
		return HEADER_PLAIN;
	return route == ROUTE_TOO_DEEP ? HEADER_EXTENSIONS : HEADER_SOURCE_ROUTE;
}

static struct record record_of(struct pipeline *p, const struct pipeline_ended *x)
{
	const struct flow_more *m = &x->more;
	unsigned route = flow_route(&x->id);
	struct record r = {
		.kind = x->kind,
		.first_ns = m->first_ns,
		.last_ns = x->last_ns,
		.opened = m->opened,
		.packets = x->packets,
		.bytes = x->bytes,
		.rtt_min_ns = m->rtt_min_ns,
		.rtt_agreed_ns = m->rtt_min_ns,
		.over_used = m->over_used,
		.header = header_of(route),
		.decided = DECIDED_HERE,
		.verdict = {.action = m->action,
			    .rule = m->rule,
			    .severity = m->severity,
			    .class = m->class,
			    .embedded = m->embedded},
		.flow = {.src = flow_src(&x->id),
			 .dst = flow_dst(&x->id),
			 .sport = flow_sport(&x->id),
			 .dport = flow_dport(&x->id),
			 .proto = flow_proto(&x->id),
			 .has_icmp = m->has_icmp,
			 .icmp_type = m->icmp_type,
			 .icmp_code = m->icmp_code},
		.capture_packet = p->cfg.replay ? m->number : 0,
		.because = p->cfg.replay ? m->because : BECAUSE_UNSAID,
		.part = m->part,
		.depth = m->depth,
		.tunnel = m->tunnel,
		.names = pipeline_named(p, &x->id, m->names),
	};

	if (route && route <= p->nroutes)
		r.final = p->route[route];
	if (p->cfg.capture)
		p->cfg.capture(p->cfg.arg, m->capture, &r);
	return r;
}

static void event_of(struct pipeline *p, const struct pipeline_ended *x, struct event *ev)
{
	struct record r = record_of(p, x);

	decide(x->engine, &r, ev);
}

/* For who wants every flow, whatever was decided of it. */
static int hand_out(struct pipeline *p, const struct flow *f, const struct pipeline_ended *x)
{
	struct record r = record_of(p, x);
	uint64_t t = pipeline_believes(p, r.first_ns) ? r.first_ns : p->cfg.now_ns;
	struct pipeline_flow flow = {.record = &r,
				     .judged_ns = t,
				     .arrived = f->id.rest & FLOW_INCOMING};

	return p->cfg.flow(p->cfg.arg, &flow);
}

static void put_event(struct pipeline *p, const struct pipeline_ended *x)
{
	struct event ev;

	event_of(p, x, &ev);
	if (p->cfg.replay && event_of_quiet(&ev))
		return;
	ev.sequence = ++p->sequence;
	p->cfg.event(p->cfg.arg, &ev);
}

/* The text that the flow's packets carry: the event that will be told of it, its rule and place. */
static int comment_of(struct pipeline *p, const struct pipeline_seen *s, const struct flow *f,
		      struct flow_more *m)
{
	struct pipeline_ended x = {.kind = EVENT_FLOW,
				   .id = f->id,
				   .more = *m,
				   .packets = 1,
				   .last_ns = s->time_ns,
				   .engine = pipeline_engine_of(p, &f->id)};
	char **to = reallocarray(p->comment, p->ncomments + 2, sizeof(char *));
	char cc[3] = "";
	struct event ev;

	if (!to)
		return -ENOMEM;
	p->comment = to;
	p->ncomments += !p->ncomments;
	event_of(p, &x, &ev);
	if (asprintf(&to[p->ncomments], "cordon: %s to %s%s%s by '%s', event %s",
		     event_verdict_name(ev.verdict),
		     ev.place->country ? country_text(ev.place->country, cc) : "an unknown place",
		     ev.provider && *ev.provider ? " " : "", ev.provider ? ev.provider : "",
		     ev.rule ? ev.rule->text : "default", ev.id) < 0)
		return -ENOMEM;
	m->comment = p->ncomments++;
	return 0;
}

int pipeline_show(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	int r = m->comment ? 0 : comment_of(p, s, f, m);

	if (r < 0 || p->shown == s->frame)
		return r;
	p->shown = s->frame;
	p->cfg.evidence(p->cfg.arg, s->frame, p->comment[m->comment]);
	return 0;
}

static int by_first_packet(const void *a, const void *b)
{
	const struct flow_more *x = &((const struct pipeline_ended *)a)->more;
	const struct flow_more *y = &((const struct pipeline_ended *)b)->more;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	if (x->capture != y->capture)
		return x->capture < y->capture ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return (int)((const struct pipeline_ended *)a)->kind -
	       (int)((const struct pipeline_ended *)b)->kind;
}

void pipeline_put_ended(struct pipeline *p)
{
	if (p->nended)
		qsort(p->ended, p->nended, sizeof(*p->ended), by_first_packet);
	for (size_t i = 0; i < p->nended; i++)
		put_event(p, &p->ended[i]);
	p->nended = 0;
}

static int keep(struct pipeline *p, const struct pipeline_ended *x)
{
	if (p->cfg.events_max && p->nended == p->cfg.events_max) {
		p->counts.early += p->nended;
		pipeline_put_ended(p);
	}
	if (p->nended == p->ended_room) {
		size_t room = p->ended_room ? p->ended_room * 2 : 256;
		struct pipeline_ended *to = reallocarray(p->ended, room, sizeof(*to));

		if (!to)
			return -ENOMEM;
		p->ended = to;
		p->ended_room = room;
	}
	p->ended[p->nended++] = *x;
	return 0;
}

int pipeline_tell(struct pipeline *p, const struct pipeline_ended *x)
{
	if (!p->cfg.event)
		return 0;
	if (p->cfg.replay)
		return keep(p, x);
	put_event(p, x);
	return 0;
}

/* Live, the first packet has been told already. */
static int tell_end(struct pipeline *p, struct flow_more *m, struct pipeline_ended *x)
{
	if (!p->cfg.replay) {
		x->kind = EVENT_FLOW_END;
		x->packets -= m->told_bytes != 0;
		x->bytes -= m->told_bytes;
		m->told_bytes = 0;
	}
	return x->packets ? pipeline_tell(p, x) : 0;
}

static enum pipeline_layer layer_of(const struct flow_more *m)
{
	if (!m->depth)
		return LAYER_OUTER;
	return m->covered ? LAYER_COVERED : LAYER_INNER;
}

/* What left, by who sent it where, over what, and when. */
static int tallies(struct pipeline *p, const struct pipeline_ended *x)
{
	const struct flow_more *m = &x->more;
	uint16_t sport = flow_sport(&x->id), dport = flow_dport(&x->id);
	struct tally_line host = {.host = flow_src(&x->id),
				  .country = engine_class(x->engine, m->class)->place.country,
				  .action = m->action,
				  .packets = x->packets,
				  .bytes = x->bytes,
				  .flows = 1};
	struct tally_line name = {
		.action = m->action, .packets = x->packets, .bytes = x->bytes, .flows = 1};
	struct tally_line service = {.port = m->opened == OPENED_HERE ? dport : sport,
				     .proto = flow_proto(&x->id),
				     .action = m->action,
				     .packets = x->packets,
				     .bytes = x->bytes,
				     .flows = 1};
	int r = tally_add(&p->tallies.hosts, &host);

	if (r == 0)
		r = tally_add(&p->tallies.services, &service);
	if (r == 0)
		r = pipeline_name_tally(p, &x->id, m->names, &name);
	if (pipeline_believes(p, m->first_ns) && pipeline_believes(p, x->last_ns))
		timeline_add(&p->tallies.time, m->first_ns, x->last_ns, m->action, x->bytes);
	return r;
}

int pipeline_end_flow(struct pipeline *p, struct flow *f, const struct engine *e)
{
	struct flow_more *m = &p->flows.more[f->more];
	struct pipeline_ended x = {.kind = EVENT_FLOW,
				   .id = f->id,
				   .more = *m,
				   .packets = flow_packets(f, m),
				   .bytes = f->bytes,
				   .last_ns = f->last_ns,
				   .engine = e};
	struct destination_line line = {.packets = x.packets,
					.bytes = f->bytes,
					.flows = 1,
					.first_ns = m->first_ns,
					.last_ns = f->last_ns,
					.destination = m->destination,
					.class = m->class,
					.rule = m->rule,
					.action = m->action,
					.egress = m->egress != 0,
					.layer = layer_of(m)};
	int r = 0;

	if (!x.packets)
		return 0;
	if (p->neras)
		x.engine = pipeline_engine_of(p, &f->id);
	p->counts.no_line += p->cfg.replay && !m->destination;
	if (p->cfg.replay)
		r = destinations_add(&p->destinations, &line);
	if (r == 0 && p->cfg.replay && m->egress && !m->covered)
		r = tallies(p, &x);
	if (r == 0 && p->cfg.flow && layer_of(m) != LAYER_COVERED)
		r = hand_out(p, f, &x);
	if (m->inside)
		p->counts.inside += x.packets;
	if (m->egress && !m->depth)
		p->counts.judged += x.packets;
	if (m->egress) {
		p->counts.flows_by_verdict[m->action]++;
		p->counts.packets_by_verdict[m->action] += x.packets;
		p->counts.bytes_by_verdict[m->action] += f->bytes;
	}
	if (r == 0 && pipeline_violates(m))
		r = tell_end(p, m, &x);
	f->packets = 0;
	m->packets_high = 0;
	f->bytes = 0;
	m->part++;
	m->comment = 0;
	return r;
}
