/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline.h - packets become flows, and flows events: the road of captures and of the live wire.
 *
 *     frame -> packet -> flow -> who opened it, does it leave -> verdict, once -> decide() -> event
 *
 * The kernel keeps its flows itself; its records go to decide() directly (agent/source/kernel.h).
 *
 * Not thread-safe. Memory is taken at the start and in steps when a table grows, never per packet.
 */
#ifndef AGENT_FLOW_PIPELINE_H
#define AGENT_FLOW_PIPELINE_H
#include <stdbool.h>
#include "agent/engine/engine.h"
#include "agent/event/event.h"
#include "agent/flow/packet.h"
#include "agent/flow/tally.h"
#include "geo/base/intern.h"

/* one-way flows; past it the longest idle ones end, counted */
#define PIPELINE_FLOWS_MAX (16u << 20)
/* distinct ends of source routes; past it they are counted together */
#define PIPELINE_ROUTES_MAX 4093

struct pipeline_flow {
	const struct record
		*record;    /* verdict: what was decided; DECIDE_LOCAL: it does not leave */
	uint64_t judged_ns; /* the time whose rules decided */
	bool arrived;	    /* it goes to the capturing host */
};
struct pipeline_config {
	const struct engine *engine; /* the caller's; until pipeline_engine brings another */
	/* events at the end with deterministic ids; else at the first packet and at the end */
	bool replay;
	size_t flows_max;	   /* 0: PIPELINE_FLOWS_MAX */
	uint32_t destinations_max; /* 0: DESTINATIONS_MAX */
	size_t events_max;	   /* replay: kept for their order, then told early; 0: no limit */
	uint32_t tallies_max;	   /* lines of each of the sums; 0: TALLY_MAX */
	/* Called for every violating flow; the event lives for the call only. NULL: none wanted. */
	void (*event)(void *arg, struct event *e);
	/* Replay: path and SHA-256 of a capture, by the caller's number, asked when an event is
	 * made. Set in the record. */
	void (*capture)(void *arg, uint32_t number, struct record *r);
	/* Replay: the engine that decides at a time, asked once for each stretch of time in which
	 * zones and rules do not change; it must live until pipeline_free. NULL: 'engine' always. */
	int (*engine_at)(void *arg, int64_t unix_s, const struct engine **ret);
	/* Replay: packets from before 1990 or from beyond a day after this are judged as of this. 0:
	 * every clock is believed. */
	uint64_t now_ns;
	/* Replay: each frame with a packet of a violating flow, and which event, rule and place. */
	void (*evidence)(void *arg, const struct packet_frame *f, const char *comment);
	/* Replay: every part of a flow that has its own bytes (none carried by what leaves), when it has ended. 0 or -errno. */
	int (*flow)(void *arg, const struct pipeline_flow *f);
	bool dedup; /* replay: packets that were seen twice count once */
	void *arg;
};
struct pipeline;
int pipeline_new(struct pipeline **ret, const struct pipeline_config *cfg);
void pipeline_free(struct pipeline *p); /* does not flush */

/* Another engine from now on; every flow is decided again. Live: events of what changed are told at
 * once, and the old engine may be freed after this. Replay: old engines must stay until
 * pipeline_finish. 0 or -ENOMEM. */
int pipeline_engine(struct pipeline *p, const struct engine *e);

/* Replay: the capturing host has this address. Where nothing is said to be inside, it is. */
void pipeline_host(struct pipeline *p, const struct ip *address);
/* The next packets come from the capture with this number. */
void pipeline_capture(struct pipeline *p, uint32_t number);
/* Frames in order, any number. 0 or -ENOMEM. */
int pipeline_packets(struct pipeline *p, const struct packet_frame *frames, size_t n);
/* Ends the flows that were quiet since then (live; by packet time). */
int pipeline_expire(struct pipeline *p, uint64_t idle_since_ns);
/* Ends every flow: all outstanding events go to the sink, in the order of their first packets. */
int pipeline_finish(struct pipeline *p);

/* Frames that were not judged: what they are, how many, and where the first is. */
#define PIPELINE_KINDS 128
struct pipeline_kind {
	uint16_t link;
	enum packet_result result; /* PACKET_CONTROL: of the closed list */
	uint32_t type;		   /* link.h: an ether type, or a number of LINK_TYPE_ */
	uint32_t capture;
	uint64_t number, packets;
};
struct pipeline_counts {
	uint64_t packets;		    /* frames */
	uint64_t ip_packets;		    /* with an IP header */
	uint64_t bytes;			    /* IP layer, outermost header */
	uint64_t flows;			    /* one-way */
	uint64_t by_result[PACKET_RESULTS]; /* enum packet_result */
	uint64_t snapped;		    /* frames longer on the wire than in the capture */
	uint64_t fragments, fragments_unmatched, routed, deep;
	uint64_t evicted;  /* flows ended because the table was full */
	uint64_t early;	   /* events told before others whose first packet was earlier */
	uint64_t no_line;  /* flows whose destination has no line of its own */
	uint64_t backward; /* packets older than the one before */
	uint64_t flows_by_verdict[4], packets_by_verdict[4],
		bytes_by_verdict[4]; /* egress; after pipeline_finish */
	uint64_t first_ns, last_ns;
	uint64_t flows_inner;	 /* of packets that others carried; not in flows */
	uint64_t shared;	 /* packets beyond the first of their frame */
	uint64_t tunnels;	 /* packets that carry others, */
	uint64_t tunnels_unread; /* and those that do, and could not be read */
	uint64_t tunnels_encrypted;
	uint64_t duplicates; /* packets that were seen before */
	uint64_t names_lost; /* names, of addresses and flows, past a limit of their tables */
	uint64_t dns_unread; /* DNS answers that are broken */
	uint64_t length_over_frame, frame_over_length;
	uint64_t no_clock; /* packets with an implausible time, judged as of today */
	uint64_t judged;   /* outermost packets that leave; all others stay */
	uint64_t inside;   /* packets from inside */
	struct pipeline_kind kind[PIPELINE_KINDS];
	unsigned nkinds;
};
const struct pipeline_counts *pipeline_counts(const struct pipeline *p);

enum pipeline_layer {
	LAYER_OUTER,
	LAYER_INNER,   /* carried by a packet that does not leave */
	LAYER_COVERED, /* carried by one that leaves, where its bytes are counted already */
};
/* One line of the account: a destination under one verdict of one rule. Strings belong to the
 * engine. */
struct pipeline_destination {
	struct ip address;	   /* v 0: all destinations past the limit */
	bool egress;		   /* false: inside, local or coming in */
	uint8_t layer;		   /* enum pipeline_layer */
	const struct place *place; /* of the class that decided */
	const char *provider, *region;
	enum decide_action verdict;
	uint32_t class;		 /* that decided */
	uint16_t rule_index;	 /* + 1; 0 = default */
	const struct rule *rule; /* NULL: default, or not egress */
	uint64_t packets, bytes, flows;
	uint64_t first_ns, last_ns;
};
#define PIPELINE_NAMES_MAX 16384 /* names that have sums of their own */
/* After pipeline_finish. Sums by source, by service, by name, and by time, of what leaves. */
struct pipeline_tallies {
	struct tally hosts;    /* source, country, action */
	struct tally services; /* protocol and port, action */
	struct tally names;    /* name or why there is none, action */
	struct texts name;
	struct timeline time;
};
const struct pipeline_tallies *pipeline_tallies(const struct pipeline *p);
/* After pipeline_finish. Sorted by address, verdict, rule, class. malloc'ed. */
int pipeline_destinations(struct pipeline *p, struct pipeline_destination **ret, size_t *n);
#endif
