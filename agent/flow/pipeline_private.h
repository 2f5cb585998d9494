/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_private.h - the state of the road, shared by its files: packets, verdicts, distances and
 * endings. */
#ifndef AGENT_FLOW_PIPELINE_PRIVATE_H
#define AGENT_FLOW_PIPELINE_PRIVATE_H
#include "agent/engine/decide.h"
#include "agent/engine/destinations.h"
#include "agent/flow/pipeline.h"
#include "agent/flow/fragment.h"
#include "agent/flow/rtt.h"
#include "agent/flow/table.h"
#include "agent/names/naming.h"
#include "agent/names/stream.h"
#include "geo/distance/distance.h"

#define PIPELINE_BATCH	     32
#define PIPELINE_SHARED_MAX  48 /* packets of one frame: those that share it, and their layers */
#define PIPELINE_DEPTH_MAX   8
#define PIPELINE_PENDING_MAX 1024
#define PIPELINE_HOSTS_MAX   64
#define PIPELINE_IDLE_NS     3600000000000ull /* a flow that was quiet for so long has ended */
#define PIPELINE_AGAIN_NS    60000000000ull   /* a SYN after this is no retransmission */

/* Flags in the top byte of a flow's id. */
#define FLOW_JUDGED_UNTIL                                                                          \
	FLOW_FLAG(0) /* the verdict ends at flow_more.until_ns, or hangs on what has left */

#define FLOW_TIMED FLOW_FLAG(1) /* enough of its segments were timed */
#define FLOW_INCOMING                                                                              \
	FLOW_FLAG(2) /* the capture says that it came in; what says otherwise is odd */

#define FLOW_NAMING FLOW_FLAG_4 /* its first bytes are being read for a name, or it carries DNS */

/* Route numbers over PIPELINE_ROUTES_MAX. What has a route number is blocked, as in the kernel: the
 * header does not say where the packet ends. */
#define ROUTE_TOO_DEEP (PIPELINE_ROUTES_MAX + 1) /* too many headers, or broken options */
#define ROUTE_OTHER    (PIPELINE_ROUTES_MAX + 2) /* source routes without a number of their own */

/* A part of a flow that has ended and violated the policy, or whose place was refuted: kept until
 * its event can be told (replay). */
struct pipeline_ended {
	enum event_kind kind;
	struct flow_id id;
	struct flow_more more;
	uint64_t packets, bytes, last_ns;
	const struct engine *engine;
};
struct pipeline_era {
	const struct engine *engine;
	int64_t since, until; /* Unix seconds */
};
struct pipeline_pending;
struct pipeline_duplicates;
/* A rule with 'over'; its key stays when the engine is another. */
struct pipeline_meter {
	uint64_t key;
	struct meter meter;
};
struct pipeline {
	struct pipeline_config cfg;
	const struct engine *engine;
	struct flow_table flows;
	struct destinations destinations;
	struct fragments *fragments;
	struct pipeline_counts counts;
	uint32_t capture; /* number of the one that packets come from */
	uint64_t clock, sequence;
	struct pipeline_ended *ended;
	size_t nended, ended_room;
	struct ip *route; /* owned */ /* [1..nroutes]: where source routes end */
	unsigned nroutes;
	struct pipeline_era era[FLOW_ERAS];
	unsigned neras, last_era;
	struct pipeline_pending *pending; /* owned; fragments that wait for their first */
	unsigned npending, nready;
	struct pipeline_duplicates *duplicates; /* owned */
	struct ip host[PIPELINE_HOSTS_MAX];
	struct pipeline_tallies tallies;
	struct pipeline_meter meter[DECIDE_METERS_MAX]; /* key 0: free */
	uint32_t judged_bytes;				/* of the packet that is judged */
	char **comment;					/* owned, each too; [0] unused */
	uint32_t ncomments;
	const struct packet_frame *shown; /* the last one that went into the evidence */
	unsigned nhosts;
	struct pipeline_distance *distance; /* owned; NULL: nothing is timed */
	struct naming *names;		    /* owned */
	struct streams *streams;	    /* owned */
	struct event_names named;	    /* of the record that is being made */
};
/* One packet of a batch, between decoding and the flow table. */
struct pipeline_seen {
	struct flow_id id;
	uint64_t hash, time_ns, number;
	uint32_t length;
	uint32_t destination_hash; /* when the flow is new */
	uint16_t flags;
	uint8_t icmp_type, icmp_code, side, depth;
	const struct pipeline_seen *around; /* that carried it; in the same batch */
	const char *tunnel;
	const struct packet_frame *frame; /* NULL: nobody wants it */
	bool fresh;			  /* no flow yet when the batch was looked up */
	bool timed;			  /* segment means something */
	struct rtt_segment segment;
	const uint8_t *payload; /* from the transport header on, in the frame; NULL: cut */
	uint32_t payload_len, wire_len;
};

struct pipeline_pending {
	struct pipeline_seen seen;
	uint32_t id, capture;
	uint8_t raw_proto;
	bool ready;
};

/* Each file uses only those above it: odd, distance, names, meter, verdict, end, sweep, see, pipeline.c. */

/* odd: was this packet seen before? */
bool pipeline_duplicate(struct pipeline *p, const struct pipeline_seen *s, const struct packet *k);
/* 1: a fragment to be counted now; 0: it waits; -ENOMEM */
int pipeline_fragment(struct pipeline *p, const struct pipeline_seen *s, const struct packet *k,
		      bool unmatched);
/* Makes those ready that have waited too long; all: every one. */
void pipeline_waited(struct pipeline *p, bool all);

/* see: appends the packets of a frame to s[*have], PIPELINE_SHARED_MAX + PIPELINE_DEPTH_MAX at most. */
int pipeline_see(struct pipeline *p, const struct packet_frame *f, struct pipeline_seen *s,
		 size_t *have);
void pipeline_clocks(struct pipeline *p, const struct packet_frame *frames, size_t n);

/* distance: memory only when the engine has a home with coordinates; 0 or -ENOMEM. */
struct pipeline_distance;
int pipeline_distance_new(struct pipeline *p);
void pipeline_distance_free(struct pipeline_distance *d);
/* Fills timed and segment of s; then, with the flow at hand, times it. True: the time refutes the
 * place of a flow that goes out, and nobody was told yet: *ret is that flow as of now. */
void pipeline_distance_segment(struct pipeline_seen *s, const struct packet *k);
bool pipeline_distance_see(struct pipeline *p, const struct pipeline_seen *s, struct flow *f,
			   struct pipeline_ended *ret);

/* names: what the transport header and the bytes behind it are, for pipeline_name. */
void pipeline_name_payload(struct pipeline_seen *s, const struct packet *k);
/* A flow begins: what its destination is called as of now. 0 or -ENOMEM. */
int pipeline_name_first(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);
/* A packet of a flow with FLOW_NAMING. 0 or -ENOMEM. */
int pipeline_name(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);
/* The flow's names for a record, until the next call; NULL: none. */
const struct event_names *pipeline_named(struct pipeline *p, const struct flow_id *id,
					 uint32_t set);

/* Adds what the flow sent to the sums by name. 0 or -ENOMEM. */
int pipeline_name_tally(struct pipeline *p, const struct flow_id *id, uint32_t set,
			const struct tally_line *sums);
/* Puts into the counts what the tables of names had no room for, and answers that could not be read. */
void pipeline_names_lost(struct pipeline *p);

/* meter: which rules with 'over' are reached when a packet of these bytes leaves now; bit by the engine's meter */
uint32_t pipeline_meters_over(struct pipeline *p, const struct engine *e, uint64_t now_ns,
			      uint32_t bytes);
void pipeline_meters_add(struct pipeline *p, const struct engine *e, uint32_t charges,
			 uint32_t bytes);
/* What the engine's rule has counted; 0 when it has no 'over'. */
uint64_t pipeline_meters_used(struct pipeline *p, const struct engine *e, uint16_t rule);

/* verdict: decides for a flow that is new or must be decided again; fills more and the flow's
 * flags. */
void pipeline_judge(struct pipeline *p, struct flow *f, uint64_t now_ns);
int pipeline_first(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);
/* Would this packet be decided otherwise than the flow was? */
bool pipeline_turns(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);

/* end: the counts go to the account, and a violation to its event; the flow starts again from
 * zero. */
int pipeline_end_flow(struct pipeline *p, struct flow *f, const struct engine *e);
/* Events that were kept for their order are told, in it. */
void pipeline_put_ended(struct pipeline *p);
int pipeline_make_room(struct pipeline *p);
int pipeline_end_all(struct pipeline *p);
int pipeline_flush(struct pipeline *p); /* ends all flows and forgets the eras */
/* The frame goes into the evidence, once. 0 or -ENOMEM. */
int pipeline_show(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);
/* A part of the flow ends; another one begins with this packet, under the verdict of its time. */
int pipeline_part(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);
/* The handshake of a flow that is known: who opened it may be another than was thought. */
void pipeline_handshake(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);
/* Makes an event of it: at once when live, at the end in replay. */
int pipeline_tell(struct pipeline *p, const struct pipeline_ended *x);

/* The flow in the other direction, or NULL. */
static inline struct flow *pipeline_reverse(const struct pipeline *p, const struct flow_id *id)
{
	struct flow_id back = flow_reverse(id);

	return flow_find(&p->flows, &back, flow_hash(&p->flows, &back));
}

/* A clock that was never set, or that runs ahead, is no time to judge by. */
static inline bool pipeline_believes(const struct pipeline *p, uint64_t t)
{
	return !p->cfg.now_ns ||
	       (t >= 631152000000000000ull /* 1990 */ && t <= p->cfg.now_ns + 86400000000000ull);
}
/* The engine that decides for a flow. */
static inline const struct engine *pipeline_engine_of(const struct pipeline *p,
						      const struct flow_id *id)
{
	return p->neras ? p->era[flow_era(id)].engine : p->engine;
}

static inline bool pipeline_violates(const struct flow_more *m)
{
	return decide_violates(m->action);
}
#endif
