/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_end.c - flows end: their counts go to the account, violations become events; at the end
 * all of them do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "agent/flow/pipeline_private.h"
#include "agent/event/event_text.h"

#define DESTINATIONS_SPARE 65536u

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

static int keep(struct pipeline *p, const struct pipeline_ended *x)
{
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
	if (p->cfg.replay)
		r = destinations_add(&p->destinations, &line);
	if (r == 0 && p->cfg.replay && m->egress && !m->covered)
		r = tallies(p, &x);
	if (r == 0 && p->cfg.flow && !m->depth)
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

struct sweep {
	struct pipeline *p;
	const struct engine *engine;
	uint64_t before_ns;
	uint64_t by_age[65]; /* flows by the bits of their idle time */
	unsigned bits;	     /* drop those with as many, or more */
	struct flow *batch[PIPELINE_BATCH];
	unsigned nbatch;
	int error;
};

static unsigned age_bits(const struct sweep *s, const struct flow *f)
{
	uint64_t age = s->p->counts.last_ns > f->last_ns ? s->p->counts.last_ns - f->last_ns : 0;

	return age ? 64 - (unsigned)__builtin_clzll(age) : 0;
}

static bool count_ages(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;

	(void)m;
	s->by_age[age_bits(s, f)]++;
	return false;
}

static bool drop_aged(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;
	int r;

	(void)m;
	if (age_bits(s, f) < s->bits)
		return false;
	r = pipeline_end_flow(s->p, f, s->engine);
	if (r < 0)
		s->error = r;
	s->p->counts.evicted++;
	return true;
}

/* The table is full: the longest idle go, by powers of two of their idle time, at least an eighth
 * of all. Which ones does not depend on where they stand in the table, so that two runs agree. */
int pipeline_make_room(struct pipeline *p)
{
	struct sweep s = {.p = p, .engine = p->engine, .bits = 65};
	uint64_t have = 0;

	flow_table_sweep(&p->flows, count_ages, &s);
	while (s.bits && have < p->flows.max / 8 + 1)
		have += s.by_age[--s.bits];
	flow_table_sweep(&p->flows, drop_aged, &s);
	return s.error;
}

static bool drop_idle(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;
	int r;

	(void)m;
	if (f->last_ns >= s->before_ns)
		return false;
	r = pipeline_end_flow(s->p, f, s->engine);
	if (r < 0)
		s->error = r;
	return true;
}

static bool find_destination(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;
	struct ip dst = flow_dst(&f->id);
	int r = destinations_find(&s->p->destinations, s->p->engine, &dst,
				  destinations_hash(&s->p->destinations, &dst), &m->destination);

	if (r < 0) { /* as past the limit */
		m->destination = 0;
		s->error = r;
	}
	return false;
}

/* Live, the account is only a memory of looked-up places: one that is much larger than the flows
 * begins anew. */
static void shrink_account(struct pipeline *p, struct sweep *s)
{
	struct destinations fresh;

	if (p->cfg.replay ||
	    p->destinations.ndestinations < DESTINATIONS_SPARE + 2 * p->flows.used ||
	    destinations_new(&fresh, p->destinations.max) < 0)
		return;
	destinations_free(&p->destinations);
	p->destinations = fresh;
	flow_table_sweep(&p->flows, find_destination, s);
}

int pipeline_expire(struct pipeline *p, uint64_t idle_since_ns)
{
	struct sweep s = {.p = p, .engine = p->engine, .before_ns = idle_since_ns};

	flow_table_sweep(&p->flows, drop_idle, &s);
	shrink_account(p, &s);
	return s.error;
}

/* Ends the flow's part under the old engine and asks the new one. */
static bool ask_again(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;
	int r = pipeline_end_flow(s->p, f, s->engine);

	pipeline_judge(s->p, f, f->last_ns);
	m->first_ns = f->last_ns;
	if (r < 0)
		s->error = r;
	return false;
}

int pipeline_engine(struct pipeline *p, const struct engine *e)
{
	struct sweep s = {.p = p, .engine = p->engine};

	p->engine = e;
	s.error = pipeline_distance_new(p);
	destinations_relocate(&p->destinations, e);
	flow_table_sweep(&p->flows, ask_again, &s);
	return s.error;
}

/* Flows stand in random order, and each points to its other half, its destination and that one's
 * line: the memory of a whole batch is asked for, a step ahead each time. */
static void end_batch(struct sweep *s)
{
	const struct destinations *a = &s->p->destinations;
	const struct flow_more *more = s->p->flows.more;

	for (unsigned i = 0; i < s->nbatch; i++)
		__builtin_prefetch(&a->destination[more[s->batch[i]->more].destination]);
	for (unsigned i = 0; i < s->nbatch; i++)
		__builtin_prefetch(
			&a->line[a->destination[more[s->batch[i]->more].destination].first_line],
			1);
	for (unsigned i = 0; i < s->nbatch; i++) {
		int r = pipeline_end_flow(s->p, s->batch[i], s->engine);

		if (r < 0)
			s->error = r;
	}
	s->nbatch = 0;
}

static bool end_all(void *arg, struct flow *f, struct flow_more *m)
{
	struct sweep *s = arg;

	__builtin_prefetch(m);
	__builtin_prefetch((const char *)m + sizeof(*m) - 1);
	s->batch[s->nbatch++] = f;
	if (s->nbatch == PIPELINE_BATCH)
		end_batch(s);
	return false;
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

static bool drop_all(void *arg, struct flow *f, struct flow_more *m)
{
	(void)arg;
	(void)f;
	(void)m;
	return true;
}

/* More eras than a flow's id can tell apart: what is known ends, and they are counted anew. */
int pipeline_flush(struct pipeline *p)
{
	struct sweep s = {.p = p, .engine = p->engine};

	flow_table_sweep(&p->flows, end_all, &s);
	end_batch(&s);
	flow_table_sweep(&p->flows, drop_all, &s);
	p->neras = p->last_era = 0;
	return s.error;
}

int pipeline_end_all(struct pipeline *p)
{
	struct sweep s = {.p = p, .engine = p->engine};

	flow_table_sweep(&p->flows, end_all, &s);
	end_batch(&s);
	if (p->nended)
		qsort(p->ended, p->nended, sizeof(*p->ended), by_first_packet);
	for (size_t i = 0; i < p->nended; i++)
		put_event(p, &p->ended[i]);
	p->nended = 0;
	return s.error;
}
