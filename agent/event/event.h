/*
 * event.h - the two ends of a decision: the record that a source hands in, and the one event
 * structure that comes back.
 *
 *     source --> struct record --decide()--> struct event --> feeds       agent/engine/decide.h
 *
 * A record says what was seen; an event says what it means: where it goes, by which rule, with what
 * proof. Pointers are owned by whoever made the record (its texts) or by the engine (places, rules)
 * and live for the call.
 */
#ifndef AGENT_EVENT_EVENT_H
#define AGENT_EVENT_EVENT_H
#include <stdbool.h>
#include <stdint.h>
#include "agent/event/event_names.h"
#include "geo/base/ip.h"
#include "geo/place.h"
#include "rules/policy.h"

struct flow_key {
	struct ip src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t has_icmp, icmp_type, icmp_code; /* of the first packet, where the source saw it */
};
/* A hash of a flow and what tells it apart besides. */
static inline uint64_t flow_key_hash(const struct flow_key *k, uint64_t more)
{
	uint64_t h = 0xcbf29ce484222325ull ^ more;

	for (unsigned i = 0; i < 16; i++)
		h = (h ^ k->src.b[i] ^ (uint64_t)k->dst.b[i] << 8) * 0x100000001b3ull;
	h = (h ^ ((uint64_t)k->sport << 24 | (uint64_t)k->dport << 8 | k->proto)) *
	    0x100000001b3ull;
	return h ^ h >> 29;
}
static inline bool flow_key_same(const struct flow_key *a, const struct flow_key *b)
{
	return a->sport == b->sport && a->dport == b->dport && a->proto == b->proto &&
	       ip_cmp(&a->src, &b->src) == 0 && ip_cmp(&a->dst, &b->dst) == 0;
}
struct process { /* what the kernel and /proc said; zero and NULL = not known */
	int32_t pid;
	int32_t parent; /* its parent's when it was looked at */
	uint32_t uid;
	int has_uid;
	uint64_t start_ns; /* since boot */
	uint64_t cgroup_id;
	const char *user, *comm, *exe, *cmdline, *cgroup, *unit;
	int kernel; /* a kernel thread or socket */
};
enum event_kind {
	EVENT_FLOW,	/* a transfer that the policy alerts on or blocks */
	EVENT_FLOW_END, /* what the same flow sent after that */
	EVENT_SUMMARY,	/* what followed an alert in one window, of all flows like it */
	EVENT_STATE, /* started, reloaded, mode changed, lost events, stale places, detached ... */
	EVENT_PLACE_REFUTED, /* distance: the place cannot be where the claim says */
	EVENT_KINDS
};
struct event_count {
	uint64_t flows, attempts, packets, bytes;
};
static inline void event_count_add(struct event_count *to, const struct event_count *c)
{
	to->flows += c->flows;
	to->attempts += c->attempts;
	to->packets += c->packets;
	to->bytes += c->bytes;
}
static inline bool event_count_any(const struct event_count *c)
{
	return c->flows || c->attempts || c->packets || c->bytes;
}
static inline bool event_count_less(const struct event_count *a, const struct event_count *b)
{
	return a->bytes != b->bytes ? a->bytes < b->bytes : a->attempts < b->attempts;
}

/* A time in which less was enforced or known than the policy promises; told when it is over. */
struct event_gap {
	uint64_t start_ns, end_ns; /* Unix */
	const char *cause, *held;  /* why; what was in force all the same */
};

/* The largest by bytes stand in the lists; all others are in the rest. Lists and rest add up to the
 * event's sums. */
#define EVENT_DESTINATIONS_MAX 32
#define EVENT_PROCESSES_MAX    32
#define EVENT_DOMAIN	       256
struct event_destination {
	struct ip address;
	uint16_t port;
	uint8_t proto;
	char domain
		[EVENT_DOMAIN]; /* event_names_domain: flows of two names are two rows; "": none */
	struct event_count count;
};
struct event_process {
	int32_t pid; /* 0: not known */
	uint64_t start_ns;
	char comm[64];
	struct ip
		address; /* of the first of its flows, and the port: one that sends much hides none */
	uint16_t port;
	struct event_count count;
};
struct event_summary {
	char first_id[37]; /* of the alert that this one goes on from */
	bool many_sources, many_protocols;
	unsigned ndestinations, nprocesses;
	struct event_destination destination[EVENT_DESTINATIONS_MAX];
	struct event_process process[EVENT_PROCESSES_MAX];
	struct event_count rest, rest_processes;
};

/* What says who opened a flow, where packets are all that is known of it. */
enum opened_because {
	BECAUSE_UNSAID,
	BECAUSE_HANDSHAKE,
	BECAUSE_POLICY, /* one of its ports is in a service of the policy */
	BECAUSE_PORTS,	/* one of them is a well-known service's */
	BECAUSE_FIRST,	/* that side was seen first */
	OPENED_BECAUSES
};
/* What its header alone decides, whatever the rules say: block, by no rule. */
enum record_header {
	HEADER_PLAIN,
	HEADER_MALFORMED,    /* no whole IP packet */
	HEADER_SOURCE_ROUTE, /* it names a hop, not where the packet ends */
	HEADER_NOT_IP,	     /* a frame without an IP packet */
	HEADER_EXTENSIONS,   /* it cannot be followed: too many headers, or broken options */
	HEADER_OPTION,	     /* no packet: it asked for a way out that no hook sees */
	HEADERS
};
/* Who decided already, when its packet came. */
enum record_decided {
	DECIDED_NOT,   /* nobody: the engine is asked */
	DECIDED_HERE,  /* this engine: not asked again */
	DECIDED_THERE, /* the kernel, by this engine's tables: asked again and compared */
	DECIDED_BEFORE /* the kernel, by the tables of another engine: its action stands */
};
/* What a source knows of a flow. */
struct record {
	enum event_kind kind; /* EVENT_FLOW, EVENT_FLOW_END or EVENT_PLACE_REFUTED */
	struct flow_key flow;
	enum decide_opened opened;
	bool has_port;		    /* the ports are known, even when both are 0 */
	bool enforced;		    /* it was stopped, if it was to be */
	uint64_t first_ns, last_ns; /* Unix */
	uint64_t packets, bytes;    /* outwards, IP layer */
	uint64_t attempts;	    /* refused calls, which have no packet */
	uint64_t over_used;	    /* what the rule's 'over' had counted then */
	uint64_t rtt_min_ns;	    /* 0 = none */
	/* The longer of the handshake's and the data's, or more: what a refutation and a proof hang on. 0 = not both yet */
	uint64_t rtt_agreed_ns;
	bool attributed; /* false: a packet of the wire, which names no process */
	struct process process;
	enum record_header header;
	struct ip final; /* where a source route ends; v 0: none, or not known */
	enum record_decided decided;
	enum decide_known known; /* DECIDED_THERE: what the kernel knew when it decided */
	bool folded; /* by the kernel, of too many flows: no ports, perhaps no destination either */
	struct {     /* unless DECIDED_NOT */
		uint8_t action;	  /* enum decide_action */
		uint8_t severity; /* DECIDED_HERE */
		uint16_t rule;	  /* index + 1, 0 = default */
		uint32_t class;	  /* DECIDED_HERE: of the place that decided */
		bool embedded;	  /* DECIDED_HERE: an address inside the address decided */
	} verdict;
	const char *capture, *capture_sha256; /* replay */
	uint64_t capture_packet;
	enum opened_because because;	 /* replay */
	uint16_t part;			 /* of the flow: parts that ended before this one */
	uint8_t depth;			 /* packets around it; 0: it is the outermost */
	const char *tunnel;		 /* that it was in; NULL: none */
	const struct event_names *names; /* of who is meant; NULL: none is known */
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
	uint64_t attempts;	 /* refused connect() and sendmsg(), which have no packet */
	uint64_t over_used;	 /* of a rule with 'over': what it had counted, in bytes */
	uint64_t suppressed;	 /* EVENT_SUMMARY: flows that got no event of their own */
	const struct event_summary *summary; /* EVENT_SUMMARY; NULL: there was no memory for it */
	const struct event_count *lost; /* by enum event_sum: what no event tells; NULL: nothing */
	const struct event_gap *gap;	/* NULL: no gap is told */
	const struct place *place;	/* of the destination: the class that decided */
	struct ip embedded; /* the address inside the address, or a source route's end; v 0: none */
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
	float soil_km;	      /* EVENT_PLACE_REFUTED: no soil of the country is nearer to home */
	bool refuted; /* the sources agree on the place, and the round-trip time says otherwise */
	const char *checkpoint; /* the journal's signed root: a note of several lines */
	const char *verifier;	/* whose signature that is; NULL: not said */
	const char *detail;	/* one sentence: why; NULL: none */
	const char *capture;	/* replay: file */
	const char *capture_sha256;
	uint64_t capture_packet; /* from 1 */
	enum opened_because because;
	uint16_t part;
	uint8_t depth;
	const char *tunnel;
	const struct event_names *names; /* NULL: none is known */
	const char *places_name, *places_sha256;
	int64_t places_date;
};

/* The kernel's totals that events add up to. */
enum event_sum {
	SUM_NONE, /* nothing that the policy objects to */
	SUM_ALERTED,
	SUM_WOULD_BLOCK,
	SUM_BLOCKED,
	EVENT_SUMS
};
static inline enum event_sum event_sum(enum decide_action verdict, bool enforced)
{
	if (verdict == DECIDE_BLOCK)
		return enforced ? SUM_BLOCKED : SUM_WOULD_BLOCK;
	return verdict == DECIDE_ALERT ? SUM_ALERTED : SUM_NONE;
}
/* Of a rule that is 'quiet': counted, but nobody is told. */
static inline bool event_of_quiet(const struct event *e)
{
	return e->rule && e->rule->quiet && e->verdict == DECIDE_BLOCK &&
	       (e->kind == EVENT_FLOW || e->kind == EVENT_FLOW_END);
}
/* Live, only what was stopped: in monitor mode it leaves, and that is never untold. */
static inline bool event_quiet(const struct event *e)
{
	return event_of_quiet(e) && e->enforced;
}
static inline enum event_sum event_sum_of(const struct event *e)
{
	return event_sum(e->verdict, e->enforced);
}
#endif
