/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline_odd.c - packets that were seen twice, and fragments that came before their first.
 *
 * A duplicate (a mirrored port that sends both ways, the 'any' interface, a bridge, both sides of a
 * NAT) has the same IP id, lengths and bytes. Where there is no id, the time between the two must be
 * short: a retransmission is another packet, and has another id or comes later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/cursor.h"
#include "agent/flow/pipeline_private.h"

#define DUPLICATES   4096u	   /* packets remembered: two ways a set */
#define WINDOW_ID    3000000000ull /* with an IP id, which does not come again that soon */
#define WINDOW_NO_ID 500000ull
#define PAYLOAD	     48u

struct duplicate {
	uint64_t hash, source, time_ns;
};
struct pipeline_duplicates {
	struct duplicate way[DUPLICATES / 2][2];
};

static uint64_t mix_bytes(uint64_t h, const uint8_t *p, size_t n)
{
	uint64_t w;

	h ^= n;
	if (n < 8) {
		w = 0;
		for (size_t i = 0; i < n; i++)
			w = w << 8 | p[i];
		return flow_mix(h ^ w, 0xa0761d6478bd642full);
	}
	for (; n > 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = flow_mix(h ^ w, 0x9e3779b97f4a7c15ull);
	}
	memcpy(&w, p + n - 8, 8); /* the last eight, some of them a second time */
	return flow_mix(h ^ w, 0xa0761d6478bd642full);
}

/* Of all that a NAT of the source leaves as it is: not the source, its port, and checksums. */
static uint64_t content(const struct pipeline *p, const struct pipeline_seen *s,
			const struct packet *k)
{
	size_t skip = k->proto == 6 ? 4 : k->proto == 17 ? 8 : 0;
	size_t n = k->payload && k->payload_len > skip ? k->payload_len - skip : 0;
	uint64_t h = flow_mix(s->id.dst[0] ^ p->flows.seed, s->id.dst[1] ^ k->length);

	h = flow_mix(h ^ (s->id.rest & 0x0000ffffffff0000ull), 0xe7037ed1a0b428dbull);
	if (k->v == 4)
		h = mix_bytes(h, k->ip + 4, 4);
	if (!n)
		return h;
	if (k->proto != 6 || n < 16)
		return mix_bytes(h, k->payload + skip, n < PAYLOAD ? n : PAYLOAD);
	h = mix_bytes(h, k->payload + 4, 12); /* numbers, flags and window; then what is behind */
	return mix_bytes(h, k->payload + 18, n - 14 < PAYLOAD ? n - 14 : PAYLOAD);
}

/* Without an id an empty segment says too little: acknowledgements are alike. */
static bool tells(const struct packet *k, bool id)
{
	return id || (k->payload && (k->proto != 6 || k->payload_len > 40));
}

bool pipeline_duplicate(struct pipeline *p, const struct pipeline_seen *s, const struct packet *k)
{
	uint64_t hash, source = flow_mix(s->id.src[0] ^ 1, s->id.src[1] ^ flow_sport(&s->id));
	bool id = k->v == 4 && be16(k->ip + 4);
	uint64_t window = id ? WINDOW_ID : WINDOW_NO_ID;
	struct duplicate *way;

	if (!tells(k, id))
		return false;
	if (!p->duplicates) {
		p->duplicates = calloc(1, sizeof(*p->duplicates));
		if (!p->duplicates)
			return false;
	}
	hash = content(p, s, k);
	way = p->duplicates->way[hash % (DUPLICATES / 2)];
	for (unsigned i = 0; i < 2; i++) {
		uint64_t t = way[i].time_ns;

		if (way[i].hash != hash || (!id && way[i].source != source) ||
		    (s->time_ns > t ? s->time_ns - t : t - s->time_ns) > window)
			continue;
		p->counts.duplicates++;
		return true;
	}
	way += way[1].time_ns < way[0].time_ns;
	*way = (struct duplicate){hash, source, s->time_ns};
	return false;
}

static bool same_datagram(const struct pipeline_pending *w, const struct pipeline_seen *s,
			  const struct packet *k)
{
	uint64_t apart = s->time_ns > w->seen.time_ns ? s->time_ns - w->seen.time_ns
						      : w->seen.time_ns - s->time_ns;

	return w->id == k->fragment_id && w->raw_proto == k->raw_proto && apart <= FRAGMENT_NS &&
	       w->seen.id.src[0] == s->id.src[0] && w->seen.id.src[1] == s->id.src[1] &&
	       w->seen.id.dst[0] == s->id.dst[0] && w->seen.id.dst[1] == s->id.dst[1] &&
	       flow_version(&w->seen.id) == flow_version(&s->id);
}

/* The first fragment is here: those that came before it have its ports. */
static void resolve(struct pipeline *p, const struct pipeline_seen *s, const struct packet *k)
{
	const uint64_t ports = 0x000000ffffffffffull; /* both, and the protocol */

	for (unsigned i = 0; i < p->npending; i++) {
		struct pipeline_pending *w = &p->pending[i];

		if (w->ready || !same_datagram(w, s, k))
			continue;
		w->seen.id.rest = (w->seen.id.rest & ~ports) | (s->id.rest & ports);
		w->ready = true;
		p->nready++;
	}
}

/* The source takes its bytes back before this fragment is judged. */
static int keep_frame(struct pipeline_seen *s, const struct packet_frame *f)
{
	struct packet_frame *to = malloc(sizeof(*to) + f->caplen);

	s->frame = to;
	if (!to)
		return -ENOMEM;
	*to = *f;
	to->data = memcpy(to + 1, f->data, f->caplen);
	return 0;
}

int pipeline_fragment(struct pipeline *p, const struct pipeline_seen *s, const struct packet *k,
		      bool unmatched)
{
	struct pipeline_pending *w;

	if (!(k->flags & PACKET_LATER)) {
		if (p->npending)
			resolve(p, s, k);
		return 1;
	}
	if (!unmatched || p->npending == PIPELINE_PENDING_MAX) {
		p->counts.fragments_unmatched += unmatched;
		return 1;
	}
	if (!p->pending) {
		p->pending = calloc(PIPELINE_PENDING_MAX, sizeof(*p->pending));
		if (!p->pending)
			return -ENOMEM;
	}
	w = &p->pending[p->npending++];
	*w = (struct pipeline_pending){
		.seen = *s, .id = k->fragment_id, .raw_proto = k->raw_proto, .capture = p->capture};
	return s->frame ? keep_frame(&w->seen, s->frame) : 0;
}

/* Those that have waited long enough, or for ever: judged without ports. */
void pipeline_waited(struct pipeline *p, bool all)
{
	for (unsigned i = 0; i < p->npending; i++) {
		struct pipeline_pending *w = &p->pending[i];

		if (w->ready || (!all && p->clock < w->seen.time_ns + FRAGMENT_NS))
			continue;
		p->counts.fragments_unmatched++;
		w->ready = true;
		p->nready++;
	}
}
