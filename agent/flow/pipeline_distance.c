/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline_distance.c - round-trip times of the flows that go out, and the event when one refutes
 * the place.
 *
 * Conversations are timed in a table of their own that forgets: two ways a set, the older one goes.
 * What is forgotten costs a sample, never a wrong one. The minimum stands at the flow that it
 * speaks of: that of the side which answered. A place is told refuted once for each address and
 * country, as long as a second table (which forgets too) knows it.
 *
 * Nothing of this runs, and no memory is taken, unless the policy has a home with coordinates.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/flow/pipeline_private.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define SETS	    (1u << 15)
#define TOLD	    (1u << 12)
#define SAMPLES_MAX 64 /* of one flow; then its packets are no longer looked at */

struct conversation {
	/* in the direction of the side whose address, then port, is smaller: side 0 */
	struct flow_id id;
	struct rtt rtt;
	uint64_t last_ns;
};
struct pipeline_distance {
	struct conversation conversation[SETS][2];
	uint64_t told[TOLD]; /* hashes */
};

int pipeline_distance_new(struct pipeline *p)
{
	if (p->distance || !p->engine->distance)
		return 0;
	p->distance = calloc(1, sizeof(*p->distance));
	return p->distance ? 0 : -ENOMEM;
}

void pipeline_distance_free(struct pipeline_distance *d)
{
	free(d);
}

void pipeline_distance_segment(struct pipeline_seen *s, const struct packet *k)
{
	const uint8_t *ip = k->src - (k->v == 4 ? 12 : 8); /* where the header begins */
	ptrdiff_t before = k->payload ? k->payload - ip : 0;

	s->timed = k->proto == 6 && !(k->flags & PACKET_FRAGMENT) && before > 0 &&
		   before < (ptrdiff_t)k->length &&
		   rtt_parse(&s->segment, k->payload, k->payload_len,
			     k->length - (uint32_t)before) == 0;
}

struct flow *pipeline_reverse(const struct pipeline *p, const struct flow_id *id)
{
	struct flow_id back = flow_reverse(id);

	return flow_find(&p->flows, &back, flow_hash(&p->flows, &back));
}

static unsigned side_of(const struct flow_id *id)
{
	int c = memcmp(id->src, id->dst, sizeof(id->src));

	return c > 0 || (c == 0 && flow_sport(id) > flow_dport(id));
}

static struct conversation *conversation(struct pipeline *p, const struct pipeline_seen *s,
					 unsigned side)
{
	struct flow_id id = side ? flow_reverse(&s->id) : s->id;
	struct conversation *set, *c;

	id.rest &= 0x00000fffffffffffull; /* no route, no flags */
	set = p->distance->conversation[flow_hash(&p->flows, &id) % SETS];
	for (unsigned i = 0; i < 2; i++)
		if (flow_same(&set[i].id, &id))
			return &set[i];
	c = &set[set[1].last_ns < set[0].last_ns];
	*c = (struct conversation){.id = id};
	return c;
}

/* False when this was told before, as far as we know. */
static bool first_told(struct pipeline *p, const struct ip *address, uint16_t country)
{
	uint64_t half[2], hash;

	if (!p->distance)
		return true;
	memcpy(half, address->b, sizeof(half));
	hash = flow_mix(half[0] ^ 0x9e3779b97f4a7c15ull, half[1] ^ 0xa0761d6478bd642full ^ country);
	hash = flow_mix(hash ^ address->v, p->flows.seed ^ 0xe7037ed1a0b428dbull) | 1;
	if (p->distance->told[hash / 2 % TOLD] == hash)
		return false;
	p->distance->told[hash / 2 % TOLD] = hash;
	return true;
}

enum distance_verdict pipeline_distance_judge(const struct engine *e, const struct place *place,
					      bool embedded, uint64_t rtt_min_ns)
{
	if (!e->distance || embedded || !place->country)
		return DISTANCE_NONE;
	return distance_judge(e->distance, place->country, rtt_min_ns);
}

bool pipeline_distance_tells(struct pipeline *p, const struct place *place,
			     const struct ip *address, enum distance_verdict v)
{
	return v == DISTANCE_REFUTED && place->status == PLACE_KNOWN &&
	       first_told(p, address, place->country);
}

const char *pipeline_distance_detail(char buf[PIPELINE_DETAIL], const struct engine *e,
				     const struct place *place, uint64_t rtt_min_ns)
{
	const struct distance_country *c =
		e->distance ? distance_find(e->distance, place->country) : NULL;
	char cc[3];

	text_put(buf, PIPELINE_DETAIL,
		 "minimum RTT %.3f ms: at most %.0f km from home, "
		 "and no soil of %s is nearer than %.0f km",
		 (double)rtt_min_ns / 1e6, distance_bound_km(rtt_min_ns),
		 country_text(place->country, cc), c ? (double)c->proof : 0.0);
	return buf;
}

/* A shorter time for a flow that goes out: does its place still stand? */
static int judge(struct pipeline *p, const struct pipeline_seen *s, const struct flow *f,
		 const struct flow_more *m)
{
	const struct place *place = &table_class(p->engine->table, m->class)->place;
	struct ip dst = flow_dst(&f->id);
	struct pipeline_ended x = {.kind = EVENT_PLACE_REFUTED,
				   .id = f->id,
				   .more = *m,
				   .packets = flow_packets(f, m),
				   .bytes = f->bytes,
				   .last_ns = s->time_ns,
				   .engine = p->engine};

	if (!m->egress || !p->cfg.event ||
	    !pipeline_distance_tells(p, place, &dst,
				     pipeline_distance_judge(p->engine, place,
							     m->embedded || flow_route(&f->id),
							     m->rtt_min_ns)))
		return 0;
	x.more.number = s->number;
	x.more.capture = p->capture;
	if (p->cfg.replay)
		return pipeline_keep(p, &x);
	pipeline_tell(p, EVENT_PLACE_REFUTED, &x);
	return 0;
}

static bool enough(const struct flow_more *m)
{
	return !m->egress || m->samples == SAMPLES_MAX;
}

int pipeline_distance_see(struct pipeline *p, const struct pipeline_seen *s, struct flow *f)
{
	unsigned side = side_of(&s->id);
	struct conversation *c = conversation(p, s, side);
	uint64_t ns = rtt_segment(&c->rtt, side, s->time_ns, &s->segment);
	struct flow_more *m;
	struct flow *back;

	c->last_ns = s->time_ns;
	back = ns ? pipeline_reverse(p, &s->id) : NULL;
	if (!back)
		return 0;
	m = &p->flows.more[back->more];
	if (m->samples < SAMPLES_MAX)
		m->samples++;
	if (enough(m) && enough(&p->flows.more[f->more])) {
		back->id.rest |= FLOW_TIMED;
		f->id.rest |= FLOW_TIMED;
	}
	if (m->rtt_min_ns && m->rtt_min_ns <= ns)
		return 0;
	m->rtt_min_ns = ns;
	return judge(p, s, back, m);
}
