/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flight.h - lines that were sent to a receiver that says nothing: when they may be taken as confirmed.
 *
 * Neither UDP nor syslog over TCP has an answer. A line counts as delivered when its bytes were acknowledged by the peer's
 * kernel and the connection then held for FLIGHT_SETTLE_NS; when it breaks before, the line is sent again.
 */
#ifndef AGENT_FEED_FLIGHT_H
#define AGENT_FEED_FLIGHT_H
#include <stdbool.h>
#include <stdint.h>

#define FLIGHT_MAX	 8192u /* past it the oldest is confirmed as soon as it was acknowledged */
#define FLIGHT_SETTLE_NS 10000000000ull

struct flight {
	struct {
		uint64_t end, sent_ns; /* where it ends in the stream */
	} line[FLIGHT_MAX];
	uint64_t first, next;
};
void flight_reset(struct flight *f);
bool flight_full(const struct flight *f);
void flight_add(struct flight *f, uint64_t end, uint64_t now_ns);
/* How many more are confirmed now: those that end at or before acked, and are old enough. */
uint64_t flight_confirmed(struct flight *f, uint64_t acked, uint64_t now_ns);
#endif
