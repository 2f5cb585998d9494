/*
 * event.h - the one event structure: what happened, to which flow, where it goes, by which rule.
 * Sources fill it, the pipeline decides it, formats print it. Pointers are owned by whoever made
 * the event and live for the call.
 */
#ifndef AGENT_EVENT_EVENT_H
#define AGENT_EVENT_EVENT_H
#include <stdint.h>
#include "geo/base/ip.h"
#include "geo/place.h"
#include "rules/policy.h"

struct flow_key {
	struct ip src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t has_icmp, icmp_type, icmp_code; /* of the first packet, where the source saw it */
};
struct process { /* what the kernel and /proc said; zero and NULL = not known */
	int32_t pid;
	uint32_t uid;
	int has_uid;
	uint64_t start_ns; /* since boot */
	uint64_t cgroup_id;
	const char *user, *comm, *exe, *cmdline, *cgroup, *unit;
	int kernel; /* a kernel thread or socket */
};
enum event_kind {
	EVENT_FLOW,	/* a transfer that the policy alerts on or blocks */
	EVENT_FLOW_END, /* with its final counts */
	EVENT_STATE, /* started, reloaded, mode changed, lost events, stale places, detached ... */
	EVENT_PLACE_REFUTED, /* distance: the place cannot be where the claim says */
	EVENT_KINDS
};
struct event {
	enum event_kind kind;
	/* flow-blocked, flow-alerted, flow-would-block, reloaded, ... (feed/event.c's table) */
	const char *action;
	uint64_t time_ns; /* Unix, of the (first) packet */
	uint64_t last_ns;
	uint64_t sequence;
	char id[37]; /* UUIDv7 live, UUIDv8 (deterministic) in replay */
	struct flow_key flow;
	enum decide_opened opened;
	uint64_t packets, bytes; /* outwards, IP layer */
	uint64_t suppressed;	 /* repeats folded into this one */
	uint32_t destinations; /* distinct ones among the repeats; 0 = not counted (feed/fold.h) */
	const struct place *place; /* of the destination: the class that decided */
	const struct ip *embedded; /* the embedded address that decided, or NULL */
	const char *provider, *platform, *region;
	uint32_t asn;
	const char *operator_name;
	enum decide_action verdict;
	int enforced; /* 0: monitor mode, or a source that cannot block */
	uint8_t severity;
	const struct rule *rule; /* NULL = the default (no rule matches) */
	const struct policy *policy;
	struct process process;
	uint64_t rtt_min_ns;  /* 0 = none */
	const char *distance; /* consistent, implausible, refuted, proven; NULL = nothing to say */
	const char *detail;   /* EVENT_STATE: one sentence; why */
	const char *capture;  /* replay: file */
	const char *capture_sha256;
	uint64_t capture_packet; /* from 1 */
	const char *places_name, *places_sha256;
	int64_t places_date;
};
#endif
