/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline_distance.c - round-trip times of the flows that go out; says when one refutes the place.
 *
 * Conversations are timed in a table of their own that forgets: two ways a set, the older one goes.
 * What is forgotten costs a sample, never a wrong one. The minimum stands at the flow that it
 * speaks of: that of the side which answered. A place is told refuted once for each address and
 * country, as long as a second table (which forgets too) knows it.
 *
 * The handshake and the data must agree: the longer of their two minima is what counts, and one alone
 * says nothing. A SYN proxy answers the first at once, and an acknowledgement that is sent before the
 * data came is no proof of nearness; neither can do both.
 *
 * Nothing of this runs, and no memory is taken, unless the policy has a home with coordinates.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/event/once.h"
#include "agent/flow/pipeline_private.h"

#define SETS	    (1u << 15)
#define SAMPLES_MAX 64 /* of one flow; then its packets are no longer looked at */

struct conversation {
	/* in the direction of the side whose address, then port, is smaller: side 0 */
	struct flow_id id;
	struct rtt rtt;
	uint64_t last_ns;
	struct {
		uint64_t syn_ns, data_ns; /* minima; 0: none yet */
	} way[2];			  /* to side 0, to side 1 */
};
struct pipeline_distance {
	struct conversation conversation[SETS][2];
	struct once told; /* refuted places */
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

/* A shorter time for a flow that goes out: does its place still stand? */
static bool refuted(struct pipeline *p, const struct flow *f, const struct flow_more *m)
{
	struct ip dst = flow_dst(&f->id);

	return m->egress && p->cfg.event && !m->embedded && !flow_route(&f->id) &&
	       decide_too_near(p->engine, &dst, m->rtt_min_ns) &&
	       once_first(&p->distance->told, &dst,
			  engine_class(p->engine, m->class)->place.country);
}

static bool enough(const struct flow_more *m)
{
	return !m->egress || m->samples == SAMPLES_MAX;
}

/* What handshake and data agree on, with one more time to the side; 0: nothing yet. */
static uint64_t agreed(struct conversation *c, unsigned side, uint64_t ns)
{
	uint64_t syn, data, *min = c->rtt.syn ? &c->way[side].syn_ns : &c->way[side].data_ns;

	if (!*min || ns < *min)
		*min = ns;
	syn = c->way[side].syn_ns;
	data = c->way[side].data_ns;
	return syn && data ? (syn > data ? syn : data) : 0;
}

bool pipeline_distance_see(struct pipeline *p, const struct pipeline_seen *s, struct flow *f,
			   struct pipeline_ended *ret)
{
	unsigned side = side_of(&s->id);
	struct conversation *c = conversation(p, s, side);
	uint64_t ns = rtt_segment(&c->rtt, side, s->time_ns, &s->segment);
	struct flow_more *m;
	struct flow *back;

	c->last_ns = s->time_ns;
	back = ns ? pipeline_reverse(p, &s->id) : NULL;
	if (!back)
		return false;
	m = &p->flows.more[back->more];
	if (m->samples < SAMPLES_MAX)
		m->samples++;
	if (enough(m) && enough(&p->flows.more[f->more])) {
		back->id.rest |= FLOW_TIMED;
		f->id.rest |= FLOW_TIMED;
	}
	ns = agreed(c, side, ns);
	if (!ns || (m->rtt_min_ns && m->rtt_min_ns <= ns))
		return false;
	m->rtt_min_ns = ns;
	if (!refuted(p, back, m))
		return false;
	*ret = (struct pipeline_ended){.kind = EVENT_PLACE_REFUTED,
				       .id = back->id,
				       .more = *m,
				       .packets = flow_packets(back, m),
				       .bytes = back->bytes,
				       .last_ns = s->time_ns,
				       .engine = p->engine};
	ret->more.number = s->number;
	ret->more.capture = p->capture;
	return true;
}
