/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline.c - frames become flows, in batches: all keys of a batch are made and their cache lines
 * asked for before the first is looked up, so that the misses of 32 packets overlap.
 *
 *     frame --decode--> key, length --batch--> flow, known: add            --end--> pipeline_end.c
 *                                              flow, new: pipeline_verdict.c decides
 *
 * Invariants (tests/agent/pipeline_test.c): 1. every IP packet is counted in exactly one flow, and
 * every flow's counts in exactly one line of the account; 2. time comes from packets only; 3. the
 * same frames and engine give the same events, in the same order, with the same ids.
 */
#include <errno.h>
#include <stdlib.h>
#include "agent/flow/pipeline_private.h"

int pipeline_new(struct pipeline **ret, const struct pipeline_config *cfg)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->cfg = *cfg;
	p->engine = cfg->engine;
	r = flow_table_new(&p->flows, cfg->flows_max ? cfg->flows_max : PIPELINE_FLOWS_MAX);
	if (r == 0)
		r = destinations_new(&p->destinations, cfg->destinations_max ? cfg->destinations_max
									     : DESTINATIONS_MAX);
	if (r == 0)
		r = fragments_new(&p->fragments);
	if (r == 0)
		r = pipeline_distance_new(p);
	if (r < 0) {
		pipeline_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	flow_table_free(&p->flows);
	destinations_free(&p->destinations);
	fragments_free(p->fragments);
	pipeline_distance_free(p->distance);
	free(p->ended);
	free(p->route);
	free(p);
}

const struct pipeline_counts *pipeline_counts(const struct pipeline *p)
{
	return &p->counts;
}

void pipeline_capture(struct pipeline *p, uint32_t number)
{
	p->capture = number;
}

static void count_unknown_link(struct pipeline_counts *c, uint16_t link)
{
	unsigned i = 0;

	while (i < c->nlinks && c->link_type[i] != link)
		i++;
	if (i == c->nlinks && i < 64)
		c->link_type[c->nlinks++] = link;
	c->link_packets[i]++;
}

/* The number under which a source route's end is known; the last number stands for all that have no
 * room. */
static unsigned route_number(struct pipeline *p, const struct packet *k)
{
	struct ip end;

	p->counts.routed++;
	if (!k->final)
		return ROUTE_OTHER;
	end = ip_from_bytes(k->v, k->final);
	if (!p->route)
		p->route = calloc(PIPELINE_ROUTES_MAX + 1, sizeof(*p->route));
	if (!p->route)
		return ROUTE_OTHER;
	for (unsigned i = 1; i <= p->nroutes; i++)
		if (!ip_cmp(&p->route[i], &end))
			return i;
	if (p->nroutes == PIPELINE_ROUTES_MAX)
		return ROUTE_OTHER;
	p->route[++p->nroutes] = end;
	return p->nroutes;
}

/* What is rare: fragments, source routes, too many headers. */
static int unusual(struct pipeline *p, struct packet *k, unsigned *route)
{
	int r = 0;

	if (k->flags & PACKET_FRAGMENT) {
		p->counts.fragments++;
		r = fragments_see(p->fragments, k);
		if (r > 0)
			p->counts.fragments_unmatched++;
	}
	if (k->flags & PACKET_ROUTED)
		*route = route_number(p, k);
	if (k->flags & PACKET_DEEP) {
		p->counts.deep++;
		*route = ROUTE_TOO_DEEP;
	}
	return r < 0 ? r : 0;
}

/* 1: *s holds an IP packet; 0: none; -ENOMEM */
static inline int see(struct pipeline *p, const struct packet_frame *f, struct pipeline_seen *s)
{
	struct packet k;
	enum packet_result result = packet_decode(&k, f);
	unsigned route = 0;

	p->counts.by_result[result]++;
	p->counts.snapped += f->caplen < f->len;
	if (result != PACKET_IP) {
		if (result == PACKET_UNKNOWN_LINK)
			count_unknown_link(&p->counts, f->link);
		return 0;
	}
	if (k.flags & (PACKET_FRAGMENT | PACKET_ROUTED | PACKET_DEEP)) {
		int r = unusual(p, &k, &route);

		if (r < 0)
			return r;
	}
	flow_id_make(&s->id, k.v, k.src, k.dst, k.sport, k.dport, k.proto, route);
	s->hash = flow_hash(&p->flows, &s->id);
	flow_prefetch(&p->flows, s->hash);
	s->length = k.length;
	s->flags = k.flags;
	s->icmp_type = k.icmp_type;
	s->icmp_code = k.icmp_code;
	s->time_ns = f->time_ns;
	s->number = f->number;
	s->timed = false;
	if (p->distance)
		pipeline_distance_segment(s, &k);
	p->counts.bytes += k.length;
	return 1;
}

/* Live, a violation is told at its first packet. */
static int tell_first(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	struct pipeline_ended x = {.kind = EVENT_FLOW,
				   .id = f->id,
				   .more = *m,
				   .packets = 1,
				   .bytes = s->length,
				   .last_ns = s->time_ns,
				   .engine = p->engine};

	m->told_bytes = s->length;
	return pipeline_tell(p, &x);
}

static int new_flow(struct pipeline *p, const struct pipeline_seen *s, struct flow **ret)
{
	int r = flow_table_add(&p->flows, &s->id, s->hash, ret);

	if (r == -ENOSPC) {
		r = pipeline_make_room(p);
		if (r == 0)
			r = flow_table_add(&p->flows, &s->id, s->hash, ret);
	}
	if (r == 0)
		r = pipeline_first(p, s, *ret);
	if (r == 0 && !p->cfg.replay && pipeline_violates(&p->flows.more[(*ret)->more]))
		r = tell_first(p, s, *ret);
	return r;
}

/* A rule with a date: what came before it ends under the old verdict. */
static int again(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	int r;

	if (s->time_ns < m->until_ns)
		return 0;
	r = pipeline_end_flow(p, f, p->engine);
	if (r < 0)
		return r;
	m->first_ns = s->time_ns;
	m->number = s->number;
	m->capture = p->capture;
	pipeline_judge(p, f, s->time_ns);
	return 0;
}

static int time_flow(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct pipeline_ended refuted;

	return pipeline_distance_see(p, s, f, &refuted) ? pipeline_tell(p, &refuted) : 0;
}

static inline int add(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	if (f->id.rest & FLOW_JUDGED_UNTIL) {
		int r = again(p, s, f);

		if (r < 0)
			return r;
	}
	f->bytes += s->length;
	if (!++f->packets)
		p->flows.more[f->more].packets_high++;
	if (s->time_ns > f->last_ns)
		f->last_ns = s->time_ns;
	return s->timed && !(f->id.rest & FLOW_TIMED) ? time_flow(p, s, f) : 0;
}

/* A new flow touches its other direction and its destination: ask for that memory now, use it after
 * the batch. */
static void expect_new(struct pipeline *p, struct pipeline_seen *s)
{
	struct flow_id back = flow_reverse(&s->id);
	struct ip dst = flow_dst(&s->id);

	if (!(s->flags & (PACKET_SYN | PACKET_SYNACK)))
		flow_prefetch(&p->flows, flow_hash(&p->flows, &back));
	s->destination_hash = destinations_hash(&p->destinations, &dst);
	destinations_prefetch_slot(&p->destinations, s->destination_hash);
}

/* The rest of a batch from its first packet without a flow on: packets stay in their order. */
static int rest(struct pipeline *p, struct pipeline_seen *seen, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seen[i].fresh)
			destinations_prefetch(&p->destinations, seen[i].destination_hash);
	for (size_t i = 0; i < n; i++) {
		struct flow *f = flow_find(&p->flows, &seen[i].id, seen[i].hash);
		int r = f ? 0 : new_flow(p, &seen[i], &f);

		if (r == 0)
			r = add(p, &seen[i], f);
		if (r < 0)
			return r;
	}
	return 0;
}

static int count(struct pipeline *p, struct pipeline_seen *seen, size_t n)
{
	size_t first = n;

	for (size_t i = 0; i < n; i++) {
		struct flow *f = flow_find(&p->flows, &seen[i].id, seen[i].hash);
		int r = 0;

		seen[i].fresh = !f;
		if (!f) {
			expect_new(p, &seen[i]);
			first = i < first ? i : first;
		} else if (first == n) {
			r = add(p, &seen[i], f);
		}
		if (r < 0)
			return r;
	}
	return rest(p, seen + first, n - first);
}

/* Time is the packets'. Frames without IP count as well. */
static void clocks(struct pipeline *p, const struct packet_frame *frames, size_t n)
{
	struct pipeline_counts *c = &p->counts;
	uint64_t clock = p->clock, first = c->first_ns ? c->first_ns : frames[0].time_ns,
		 last = c->last_ns;
	uint64_t backward = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t t = frames[i].time_ns;

		backward += t < clock;
		first = t < first ? t : first;
		last = t > last ? t : last;
		clock = t;
	}
	c->first_ns = first;
	c->last_ns = last;
	c->backward += backward;
	p->clock = clock;
}

static int batch(struct pipeline *p, const struct packet_frame *frames, size_t n)
{
	struct pipeline_seen seen[PIPELINE_BATCH];
	size_t have = 0;

	for (size_t i = 0; i < n; i++) {
		int r = see(p, &frames[i], &seen[have]);

		if (r < 0)
			return r;
		have += (size_t)r;
	}
	clocks(p, frames, n);
	p->counts.packets += n;
	p->counts.ip_packets += have;
	return count(p, seen, have);
}

int pipeline_packets(struct pipeline *p, const struct packet_frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i += PIPELINE_BATCH) {
		int r = batch(p, frames + i, n - i < PIPELINE_BATCH ? n - i : PIPELINE_BATCH);

		if (r < 0)
			return r;
	}
	return 0;
}
