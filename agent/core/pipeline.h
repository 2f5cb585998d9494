/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline.h - the one road: packet -> flow -> place -> verdict -> event. Kernel, wire and captures all come this way.
 *
 *   captures, live wire:  pipeline_packets() decodes, keeps flows, decides once per flow, and tells the sink.
 *   kernel:               pipeline_event(): the kernel has decided; the pipeline decides again, and a difference is told.
 *
 * Not thread-safe. Memory is taken at the start and in steps when the flow table grows, never per packet.
 */
#ifndef AGENT_PIPELINE_H
#define AGENT_PIPELINE_H
#include <stdbool.h>
#include "agent/core/engine.h"
#include "agent/core/event.h"
#include "agent/flow/packet.h"

#define PIPELINE_FLOWS_MAX (16u << 20) /* one-way flows; past it the longest idle ones are told and dropped, counted */

struct pipeline_config {
	const struct engine *engine; /* the caller's; must outlive the pipeline or be replaced by pipeline_engine */
	bool replay;		     /* events at the flow's end with deterministic ids; else at the first packet */
	size_t flows_max;	     /* 0: PIPELINE_FLOWS_MAX */
	/* Called for every violating flow; the event lives for the call only. NULL: none wanted. */
	void (*event)(void *arg, struct event *e);
	void *arg;
};
struct pipeline;
int pipeline_new(struct pipeline **ret, const struct pipeline_config *cfg);
void pipeline_free(struct pipeline *p); /* does not flush */

/* Another engine from now on: every flow is decided again at its next packet. The old may be freed after this. */
int pipeline_engine(struct pipeline *p, const struct engine *e);

/* The capture that the next packets come from (replay). path is kept by the pipeline as a copy. */
int pipeline_capture(struct pipeline *p, const char *path);
/* Its sum, when it becomes known; before pipeline_finish. */
void pipeline_capture_sha256(struct pipeline *p, size_t capture, const char *sha256);
size_t pipeline_captures(const struct pipeline *p);

/* Frames in order; any number. 0, or -ENOMEM. */
int pipeline_packets(struct pipeline *p, const struct packet_frame *frames, size_t n);
/* Ends every flow: all outstanding events go to the sink, in the order of their first packets. */
int pipeline_finish(struct pipeline *p);

/* A flow that the kernel reports. e: the caller has set flow, opened, time_ns, last_ns, packets, bytes, process,
 * enforced; this fills place, names, verdict, rule, severity, action, and calls the sink unless the verdict is allow.
 * known and mask: what the kernel knew of the subject. kernel: its decision (action and rule of struct
 * decide_decision), or NULL when the caller has none. Returns 1 when the two differ: the caller raises the alarm; the
 * event then carries the kernel's verdict. */
struct pipeline_kernel {
	uint8_t action; /* enum decide_action */
	uint16_t rule;	/* index + 1, 0 = default */
};
int pipeline_event(struct pipeline *p, struct event *e, enum decide_known known, uint32_t mask,
		   const struct pipeline_kernel *kernel);

/* What was seen. Packets with no IP header count in packets only. */
struct pipeline_counts {
	uint64_t packets, ip_packets, bytes, flows, evicted, backward_time;
	uint64_t fragments, fragments_unmatched;
	uint64_t flows_by_verdict[4];  /* enum decide_action, egress flows only */
	uint64_t bytes_by_verdict[4];
	uint64_t mismatches;	       /* kernel and agent decided differently */
	uint64_t first_ns, last_ns;
};
void pipeline_counts(const struct pipeline *p, struct pipeline_counts *ret);

/* One line of the account: a destination under one verdict of one rule. Strings live as long as the pipeline. */
struct pipeline_destination {
	struct ip address;
	bool egress;		     /* false: inside, local or coming in */
	const struct place *place;   /* NULL when not egress */
	const char *provider, *region;
	enum decide_action verdict;
	const struct rule *rule;     /* NULL: default, or not egress */
	uint64_t packets, bytes, flows;
};
/* After pipeline_finish, or while running (then for what is open now). Sorted by address, verdict, rule. malloc'ed. */
int pipeline_destinations(struct pipeline *p, struct pipeline_destination **ret, size_t *n);
#endif
