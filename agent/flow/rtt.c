/* SPDX-License-Identifier: BSD-2-Clause */
/* rtt.c - times one segment at a time in each direction, and never reports less than the path took.
 */
#include <errno.h>
#include <string.h>
#include "agent/flow/rtt.h"

#define TCP_HEADER_MIN 20u
#define SYN_DATA_MAX   65535u

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int rtt_parse(struct rtt_segment *ret, const uint8_t *tcp, uint32_t captured, uint32_t wire)
{
	uint32_t header;

	if (captured < TCP_HEADER_MIN || wire < TCP_HEADER_MIN)
		return -EINVAL;
	header = (uint32_t)(tcp[12] >> 4) * 4;
	if (header < TCP_HEADER_MIN || header > wire)
		return -EINVAL;
	*ret = (struct rtt_segment){be32(tcp + 4), be32(tcp + 8), wire - header, tcp[13]};
	return 0;
}

/* a before b, on the circle of sequence numbers */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint64_t answered(struct rtt_way *w, uint32_t ack, uint64_t time_ns)
{
	if (!w->known)
		return 0;
	if (before(w->next, ack)) { /* of data that went unseen */
		w->next = ack;
		w->timing = false;
		return 0;
	}
	if (!w->timing || before(ack, w->expect))
		return 0;
	w->timing = false;
	if (time_ns < w->sent_ns) /* the clock was set back */
		return 0;
	return time_ns == w->sent_ns ? 1 : time_ns - w->sent_ns;
}

static void sent(struct rtt_way *w, const struct rtt_segment *s, uint64_t time_ns)
{
	uint32_t consumed = s->length + !!(s->flags & RTT_SYN) + !!(s->flags & RTT_FIN);
	uint32_t end = s->seq + consumed;
	bool follows = w->known ? s->seq == w->next : (s->flags & RTT_SYN) != 0;

	if (!consumed || (w->known && !before(w->next, end)))
		return;
	w->next = end;
	w->known = true;
	if (!follows || w->timing)
		return;
	w->expect = end;
	w->syn = s->flags & RTT_SYN;
	w->sent_ns = time_ns;
	w->timing = true;
}

/* A SYN far from the numbers at hand opens another conversation on the same ports. One just behind
 * them is sent again, perhaps without the data that it carried first. */
static bool opens_anew(const struct rtt_way *w, uint32_t seq)
{
	return w->next - seq > SYN_DATA_MAX;
}

uint64_t rtt_segment(struct rtt *r, unsigned side, uint64_t time_ns, const struct rtt_segment *s)
{
	struct rtt_way *own = &r->way[side & 1], *other = &r->way[!(side & 1)];
	uint64_t ns = 0;

	if (s->flags & RTT_RST)
		return 0;
	if ((s->flags & (RTT_SYN | RTT_ACK)) == RTT_SYN && own->known && opens_anew(own, s->seq))
		memset(r, 0, sizeof(*r));
	if (s->flags & RTT_ACK)
		ns = answered(other, s->ack, time_ns);
	r->syn = other->syn;
	sent(own, s, time_ns);
	return ns;
}
