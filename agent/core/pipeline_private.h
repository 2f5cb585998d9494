/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_private.h - the state of the road, shared by its three files: packets, verdicts and endings. */
#ifndef AGENT_PIPELINE_PRIVATE_H
#define AGENT_PIPELINE_PRIVATE_H
#include "agent/core/account.h"
#include "agent/core/pipeline.h"
#include "agent/flow/fragment.h"
#include "agent/flow/table.h"

#define PIPELINE_BATCH 32

/* Flags in the top byte of a flow's id. */
#define FLOW_JUDGED_UNTIL FLOW_FLAG(0) /* the verdict ends at flow_more.until_ns */

/* A part of a flow that has ended and violated the policy: kept until its event can be told (replay). */
struct pipeline_ended {
	struct flow_id id;
	struct flow_more more;
	uint64_t packets, bytes, last_ns;
	const struct engine *engine;
};
struct pipeline {
	struct pipeline_config cfg;
	const struct engine *engine;
	struct flow_table flows;
	struct account account;
	struct fragments *fragments;
	struct pipeline_counts counts;
	uint32_t capture; /* number of the one that packets come from */
	uint64_t clock, sequence;
	struct pipeline_ended *ended;
	size_t nended, ended_room;
	struct ip *route; /* owned */ /* [1..nroutes]: where source routes end */
	unsigned nroutes;
};
/* One packet of a batch, between decoding and the flow table. */
struct pipeline_seen {
	struct flow_id id;
	uint64_t hash, time_ns, number;
	uint32_t length;
	uint8_t flags, icmp_type, icmp_code;
};

/* verdict: decides for a flow that is new or must be decided again; fills more and the flow's flags. */
int pipeline_judge(struct pipeline *p, struct flow *f, uint64_t now_ns);
int pipeline_first(struct pipeline *p, const struct pipeline_seen *s, struct flow *f);
/* endings: the counts go to the account, and a violation to its event; the flow starts again from zero. */
int pipeline_end_flow(struct pipeline *p, struct flow *f, const struct engine *e);
int pipeline_make_room(struct pipeline *p);
void pipeline_tell(struct pipeline *p, enum event_kind kind, const struct pipeline_ended *x);

static inline bool pipeline_violates(const struct flow_more *m)
{
	return m->action == DECIDE_ALERT || m->action == DECIDE_BLOCK;
}
#endif
