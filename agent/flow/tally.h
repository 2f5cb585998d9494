/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally.h - what left, added up in other ways than by destination: who sent it to which country, over
 * which service, and when.
 */
#ifndef AGENT_FLOW_TALLY_H
#define AGENT_FLOW_TALLY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "geo/base/ip.h"

#define TALLY_MAX     (1u << 20) /* lines; what has no room is added to the first one of its action */
#define TALLY_BUCKETS 240
#define TALLY_ACTIONS 4

struct recipient;
struct tally_line {
	struct ip host; /* v 0: not by host */
	uint16_t country, port;
	uint8_t proto, action;
	uint8_t whom;			   /* enum tally_whom */
	uint32_t name;			   /* number of a text, with WHOM_NAMED */
	const struct recipient *recipient; /* of the name's first flow; not compared */
	uint64_t packets, bytes, flows;
};
/* What is known of a flow's name. */
enum tally_whom {
	WHOM_NAMED,
	WHOM_UNNAMED, /* it named nobody, and nobody had asked for its address */
	WHOM_SEVERAL, /* it named nobody, and several names that were asked for have its address */
	WHOM_HIDDEN,  /* an encrypted ClientHello */
	WHOM_OTHERS,  /* named, and there was no room for one more name */
	WHOMS
};
struct tally {
	struct tally_line *line; /* owned; [0 .. TALLY_ACTIONS - 1]: what had no room, by action */
	uint32_t *slot;		 /* owned */
	uint32_t n, room;
	uint32_t max; /* lines; 0: TALLY_MAX */
};
/* 0 or -ENOMEM */
int tally_add(struct tally *t, const struct tally_line *what);
void tally_free(struct tally *t);

/* Bytes over time, in buckets whose width doubles until all of it fits. A flow's bytes are spread
 * evenly over the time between its first and its last packet. */
struct timeline {
	uint64_t base, width; /* nanoseconds; width 0: nothing yet */
	uint64_t bytes[TALLY_BUCKETS][TALLY_ACTIONS];
};
uint64_t timeline_sum(const struct timeline *t, unsigned bucket);
void timeline_add(struct timeline *t, uint64_t first_ns, uint64_t last_ns, unsigned action,
		  uint64_t bytes);
#endif
