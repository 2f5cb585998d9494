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

#define PIPELINE_STREAMS 256 /* hellos in several pieces at a time */

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
	if (r == 0)
		r = naming_new(&p->names);
	if (r == 0)
		r = streams_new(&p->streams, PIPELINE_STREAMS);
	if (r == 0)
		r = texts_init(&p->tallies.name, PIPELINE_NAMES_MAX);
	p->tallies.hosts.max = p->tallies.services.max = p->tallies.names.max = cfg->tallies_max;
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
	naming_free(p->names);
	streams_free(p->streams);
	free(p->ended);
	free(p->route);
	for (unsigned i = 0; i < p->npending; i++)
		free((void *)(uintptr_t)p->pending[i].seen.frame);
	free(p->pending);
	for (uint32_t i = 1; i < p->ncomments; i++)
		free(p->comment[i]);
	free(p->comment);
	tally_free(&p->tallies.hosts);
	tally_free(&p->tallies.services);
	tally_free(&p->tallies.names);
	texts_drop(&p->tallies.name);
	free(p->duplicates);
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

void pipeline_host(struct pipeline *p, const struct ip *address)
{
	for (unsigned i = 0; i < p->nhosts; i++)
		if (!ip_cmp(&p->host[i], address))
			return;
	if (p->nhosts < PIPELINE_HOSTS_MAX)
		p->host[p->nhosts++] = *address;
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

int pipeline_part(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	int r = pipeline_end_flow(p, f, p->engine);

	if (r < 0)
		return r;
	m->first_ns = s->time_ns;
	m->number = s->number;
	m->capture = p->capture;
	m->side = s->side;
	m->closed = 0;
	p->judged_bytes = s->length;
	pipeline_judge(p, f, s->time_ns);
	return 0;
}

/* Connections that follow each other under the same ports are not one: a new handshake after the
 * end of the old one, or after a while. */
static bool another(const struct flow_more *m, const struct pipeline_seen *s, const struct flow *f)
{
	uint64_t quiet = s->time_ns > f->last_ns ? s->time_ns - f->last_ns : 0;

	if (!f->packets || !f->last_ns)
		return false;
	if (quiet > PIPELINE_IDLE_NS)
		return true;
	return s->flags & PACKET_SYN && m->because == BECAUSE_HANDSHAKE &&
	       (m->closed || quiet > PIPELINE_AGAIN_NS);
}

/* A limit is reached, or is not any more: from this packet on it is another part of the flow. */
static int turn(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	int r = pipeline_part(p, s, f);

	if (r == 0 && !p->cfg.replay && pipeline_violates(&p->flows.more[f->more]))
		r = tell_first(p, s, f);
	return r;
}

/* What may change a flow that is known: a date, a handshake, an end, a while without packets. */
static int changes(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct flow_more *m = &p->flows.more[f->more];
	int r = 0;

	if (m->until_ns && s->time_ns >= m->until_ns && !p->neras)
		r = pipeline_part(p, s, f);
	else if (m->charges && pipeline_turns(p, s, f))
		r = turn(p, s, f);
	if (!p->cfg.replay || r < 0)
		return r;
	if (another(m, s, f)) {
		r = pipeline_part(p, s, f);
		if (r == 0)
			r = pipeline_name_first(p, s, f);
	} else if (f->id.rest & FLOW_INCOMING && s->side == PACKET_SIDE_OUT) {
		r = pipeline_part(p, s, f);
	}
	if (r == 0 && s->flags & (PACKET_SYN | PACKET_SYNACK))
		pipeline_handshake(p, s, f);
	m->closed |= (s->flags & PACKET_CLOSE) != 0;
	return r;
}

static int time_flow(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	struct pipeline_ended refuted;

	return pipeline_distance_see(p, s, f, &refuted) ? pipeline_tell(p, &refuted) : 0;
}

static inline int add(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	if (f->id.rest & (FLOW_JUDGED_UNTIL | FLOW_INCOMING) ||
	    s->flags & (PACKET_SYN | PACKET_SYNACK | PACKET_CLOSE) ||
	    s->time_ns > f->last_ns + PIPELINE_IDLE_NS) {
		int r = changes(p, s, f);

		if (r < 0)
			return r;
	}
	/* its cache line of 'more' is not touched for a flow that is known */
	if (f->id.rest & FLOW_JUDGED_UNTIL && p->flows.more[f->more].charges)
		pipeline_meters_add(p, pipeline_engine_of(p, &f->id),
				    p->flows.more[f->more].charges, s->length);
	f->bytes += s->length;
	if (!++f->packets)
		p->flows.more[f->more].packets_high++;
	if (s->time_ns > f->last_ns)
		f->last_ns = s->time_ns;
	if (s->frame && pipeline_violates(&p->flows.more[f->more])) {
		int r = pipeline_show(p, s, f);

		if (r < 0)
			return r;
	}
	if (f->id.rest & FLOW_NAMING && s->payload) {
		int r = pipeline_name(p, s, f);

		if (r < 0)
			return r;
	}
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

/* Fragments that had to wait, and need not any more. */
static int waited(struct pipeline *p)
{
	uint32_t capture = p->capture;
	unsigned kept = 0;
	int r = 0;

	for (unsigned i = 0; i < p->npending; i++) {
		struct pipeline_pending w = p->pending[i];

		if (!w.ready) {
			p->pending[kept++] = w;
			continue;
		}
		w.seen.hash = flow_hash(&p->flows, &w.seen.id);
		p->capture = w.capture;
		if (r == 0)
			r = count(p, &w.seen, 1);
		free((void *)(uintptr_t)w.seen.frame);
	}
	p->capture = capture;
	p->npending = kept;
	p->nready = 0;
	return r;
}

static int batch(struct pipeline *p, const struct packet_frame *frames, size_t n)
{
	struct pipeline_seen seen[PIPELINE_BATCH + PIPELINE_SHARED_MAX + PIPELINE_DEPTH_MAX];
	size_t have = 0;
	int r = 0;

	p->shown = NULL;
	pipeline_clocks(p, frames, n);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = pipeline_see(p, &frames[i], seen, &have);
		if (r == -EAGAIN) { /* too many eras: those there are end with what they have */
			r = count(p, seen, have);
			have = 0;
			if (r == 0)
				r = pipeline_flush(p);
			if (r == 0)
				r = pipeline_see(p, &frames[i], seen, &have);
		}
		if (r == 0 && have >= PIPELINE_BATCH) {
			r = count(p, seen, have);
			have = 0;
		}
	}
	if (r == 0)
		r = count(p, seen, have);
	if (r == 0 && p->npending) {
		pipeline_waited(p, false);
		if (p->nready)
			r = waited(p);
	}
	return r;
}

int pipeline_finish(struct pipeline *p)
{
	int r = 0;

	if (p->npending) {
		pipeline_waited(p, true);
		r = waited(p);
	}
	if (r == 0)
		r = pipeline_end_all(p);
	pipeline_names_lost(p);
	return r;
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
