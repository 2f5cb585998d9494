/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline_see.c - a frame becomes the packets in it: the outermost, those that share its frame, and
 * those that it carries; what is none is counted by its kind.
 *
 * Every frame is counted once: as an IP packet, or in exactly one kind (tests/agent/pipeline_test.c).
 */
#include <errno.h>
#include <stdlib.h>
#include "agent/flow/pipeline_private.h"

#define NS 1000000000ull

static int era_add(struct pipeline *p, int64_t unix_s, unsigned *ret)
{
	const struct engine *e;
	int r = p->neras < FLOW_ERAS ? p->cfg.engine_at(p->cfg.arg, unix_s, &e) : -EAGAIN;

	if (r < 0)
		return r;
	if (e->table != p->engine->table)
		return -ESTALE; /* places or addresses changed since the first one was loaded */
	*ret = p->neras++;
	p->era[*ret] = (struct pipeline_era){e, e->compiled->since, e->compiled->next_change};
	return 0;
}

/* The number of the era that a time is in. The same engine decides all of it. */
static int era_of(struct pipeline *p, uint64_t time_ns, unsigned *ret)
{
	int64_t s = (int64_t)(time_ns / NS);
	const struct pipeline_era *e = &p->era[p->last_era];
	int r;

	*ret = p->last_era;
	if (p->neras && s >= e->since && s < e->until)
		return 0;
	for (unsigned i = 0; i < p->neras; i++)
		if (s >= p->era[i].since && s < p->era[i].until) {
			*ret = p->last_era = i;
			return 0;
		}
	r = era_add(p, s, ret);
	if (r == 0)
		p->last_era = *ret;
	return r;
}

static void kind(struct pipeline *p, const struct packet_frame *f, const struct packet *k,
		 enum packet_result result)
{
	struct pipeline_counts *c = &p->counts;
	unsigned i = 0;

	while (i < c->nkinds && (c->kind[i].link != f->link || c->kind[i].type != k->type ||
				 c->kind[i].result != result))
		i++;
	if (i == c->nkinds) {
		if (i == PIPELINE_KINDS) /* the last one stands for all that have no room */
			i = PIPELINE_KINDS - 1;
		else
			c->kind[c->nkinds++] = (struct pipeline_kind){.link = f->link,
								      .type = k->type,
								      .result = result,
								      .capture = p->capture,
								      .number = f->number};
	}
	c->kind[i].packets++;
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

/* What is rare: fragments, source routes, too many headers, lengths that are wrong. 1: a fragment
 * whose first is not known yet. */
static int unusual(struct pipeline *p, struct packet *k, uint64_t time_ns, unsigned *route)
{
	int r = 0;

	p->counts.length_over_frame += (k->flags & PACKET_OVER) != 0;
	p->counts.frame_over_length += (k->flags & PACKET_UNDER) != 0;
	if (k->flags & PACKET_FRAGMENT) {
		p->counts.fragments++;
		r = fragments_see(p->fragments, k, time_ns);
	}
	if (k->flags & PACKET_ROUTED)
		*route = route_number(p, k);
	if (k->flags & PACKET_DEEP) {
		p->counts.deep++;
		*route = ROUTE_TOO_DEEP;
	}
	return r;
}

#define UNUSUAL (PACKET_FRAGMENT | PACKET_ROUTED | PACKET_DEEP | PACKET_OVER | PACKET_UNDER)

/* One packet of the frame. 1: *s is it; 0: it waits for its first fragment, or is a duplicate that is
 * dropped; -errno. */
static inline int put(struct pipeline *p, const struct packet_frame *f, struct packet *k,
		      unsigned era, struct pipeline_seen *s)
{
	unsigned route = 0;
	int r = 0;

	if (k->flags & UNUSUAL) {
		r = unusual(p, k, f->time_ns, &route);
		if (r < 0)
			return r;
	}
	flow_id_make(&s->id, k->v, k->src, k->dst, k->sport, k->dport, k->proto, route);
	s->id.rest |= FLOW_ERA(era);
	s->length = k->length;
	s->flags = k->flags;
	s->side = k->side;
	s->icmp_type = k->icmp_type;
	s->icmp_code = k->icmp_code;
	s->time_ns = f->time_ns;
	s->number = f->number;
	s->timed = false;
	s->depth = 0;
	s->around = NULL;
	s->tunnel = NULL;
	s->frame = p->cfg.evidence ? f : NULL;
	pipeline_name_payload(s, k);
	if (p->distance)
		pipeline_distance_segment(s, k);
	if (p->cfg.replay && pipeline_duplicate(p, s, k) && p->cfg.dedup)
		return 0;
	if (k->flags & PACKET_FRAGMENT && p->cfg.replay)
		return pipeline_fragment(p, s, k, r > 0);
	p->counts.fragments_unmatched += r > 0;
	return 1;
}

static inline void key(struct pipeline *p, struct pipeline_seen *s)
{
	s->hash = flow_hash(&p->flows, &s->id);
	flow_prefetch(&p->flows, s->hash);
}

/* What a packet carries, layer by layer: each is judged with its own bytes for its own destination. */
static int inner(struct pipeline *p, const struct packet_frame *f, struct packet k, unsigned era,
		 struct pipeline_seen *s, size_t *have)
{
	const struct pipeline_seen *around = &s[*have - 1];
	const char *tunnel = NULL;
	struct packet deeper;

	for (uint8_t depth = 1; depth <= PIPELINE_DEPTH_MAX; depth++) {
		struct pipeline_seen *to = &s[*have];
		struct packet in;
		unsigned route = 0;
		int r = packet_inner(&k, &in, &tunnel);

		if (r < 0)
			return 0;
		p->counts.tunnels++;
		if (r != PACKET_IP) {
			p->counts.tunnels_encrypted += r == PACKET_ENCRYPTED;
			p->counts.tunnels_unread += r != PACKET_CONTROL && r != PACKET_ENCRYPTED;
			return 0;
		}
		if (in.flags & UNUSUAL && unusual(p, &in, f->time_ns, &route) < 0)
			return -ENOMEM;
		flow_id_make(&to->id, in.v, in.src, in.dst, in.sport, in.dport, in.proto, route);
		to->length = in.length;
		to->flags = in.flags;
		to->side = PACKET_SIDE_UNKNOWN;
		to->icmp_type = in.icmp_type;
		to->icmp_code = in.icmp_code;
		to->time_ns = f->time_ns;
		to->number = f->number;
		to->timed = false;
		pipeline_name_payload(to, &in);
		to->depth = depth;
		to->around = around;
		to->tunnel = tunnel;
		to->frame = p->cfg.evidence ? f : NULL;
		to->id.rest |= FLOW_ERA(era) | FLOW_INNER;
		key(p, to);
		around = to;
		(*have)++;
		k = in;
	}
	p->counts.tunnels_unread += packet_inner(&k, &deeper, &tunnel) >= 0;
	return 0;
}

static int packets(struct pipeline *p, const struct packet_frame *f, struct packet *k, unsigned era,
		   struct pipeline_seen *s, size_t *have)
{
	size_t limit = *have + PIPELINE_SHARED_MAX;
	int result = PACKET_IP;

	do {
		struct packet next;
		int r;

		if (result == PACKET_IP) {
			r = put(p, f, k, era, &s[*have]);
			if (r < 0)
				return r;
			p->counts.bytes += k->length;
			if (r > 0) {
				key(p, &s[(*have)++]);
				if (k->proto != 6 && p->cfg.replay)
					r = inner(p, f, *k, era, s, have);
				if (r < 0)
					return r;
			}
		}
		if (!k->more)
			break;
		result = packet_sibling(k, &next);
		p->counts.shared += result == PACKET_IP;
		*k = next;
	} while (result >= 0 && *have < limit);
	return 0;
}

int pipeline_see(struct pipeline *p, const struct packet_frame *f, struct pipeline_seen *s,
		 size_t *have)
{
	struct packet k;
	enum packet_result result = packet_decode(&k, f);
	bool no_clock = !pipeline_believes(p, f->time_ns);
	unsigned era = 0;

	if (p->cfg.engine_at && result == PACKET_IP) {
		int r = era_of(p, no_clock ? p->cfg.now_ns : f->time_ns, &era);

		if (r < 0)
			return r;
	}
	p->counts.packets++;
	p->counts.by_result[result]++;
	p->counts.snapped += f->caplen < f->len;
	p->counts.no_clock += no_clock;
	if (result != PACKET_IP) {
		kind(p, f, &k, result);
		return 0;
	}
	p->counts.ip_packets++;
	return packets(p, f, &k, era, s, have);
}

/* Time is the packets'. Frames without IP count as well, and clocks that cannot be right do not. */
void pipeline_clocks(struct pipeline *p, const struct packet_frame *frames, size_t n)
{
	struct pipeline_counts *c = &p->counts;

	for (size_t i = 0; i < n; i++) {
		uint64_t t = frames[i].time_ns;

		if (!pipeline_believes(p, t))
			continue;
		c->backward += t < p->clock;
		c->first_ns = !c->first_ns || t < c->first_ns ? t : c->first_ns;
		c->last_ns = t > c->last_ns ? t : c->last_ns;
		p->clock = t;
	}
}
