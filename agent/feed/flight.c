/* SPDX-License-Identifier: BSD-2-Clause */
/* flight.c - a ring of where lines end and when they were sent. */
#include "agent/feed/flight.h"

void flight_reset(struct flight *f)
{
	f->first = f->next = 0;
}

bool flight_full(const struct flight *f)
{
	return f->next - f->first == FLIGHT_MAX;
}

void flight_add(struct flight *f, uint64_t end, uint64_t now_ns)
{
	f->line[f->next % FLIGHT_MAX].end = end;
	f->line[f->next++ % FLIGHT_MAX].sent_ns = now_ns;
}

uint64_t flight_confirmed(struct flight *f, uint64_t acked, uint64_t now_ns)
{
	uint64_t before = f->first;

	for (; f->first < f->next; f->first++) {
		uint64_t i = f->first % FLIGHT_MAX;

		if (f->line[i].end > acked ||
		    (now_ns - f->line[i].sent_ns < FLIGHT_SETTLE_NS && !flight_full(f)))
			break;
	}
	return f->first - before;
}
