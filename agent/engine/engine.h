/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine.h - what decides: a policy, its places, the place table and the compiled matrix, loaded
 * together or not at all.
 *
 * An engine never changes after engine_load. A new one is loaded beside the old (which may lend it
 * the places and the table, when no source and no set of addresses changed), and only a whole one
 * replaces it.
 */
#ifndef AGENT_ENGINE_ENGINE_H
#define AGENT_ENGINE_ENGINE_H
#include <stdbool.h>
#include "agent/event/event.h"
#include "agent/policy/policy_files.h"
#include "geo/distance/distance.h"
#include "geo/lookup/table.h"
#include "rules/compile.h"

#define ENGINE_POLICY_DEFAULT "/etc/cordon/cordon.conf"
/* the name under which the built-in policy speaks */
#define ENGINE_POLICY_SHIPPED "eu.conf (shipped)"
#define ENGINE_POLICY_MAX     POLICY_FILES_BYTES

#define ENGINE_STATE "/var/lib/cordon" /* what is remembered between two agents */

struct engine_config {
	/* path; NULL: ENGINE_POLICY_DEFAULT if it exists, else the shipped eu.conf */
	const char *policy;
	const char *text; /* the policy itself, NUL-terminated; 'policy' is then its name */
	bool no_geo;	  /* no database is read: every place is unknown */
	/* databases; none: the policy's geo lines; none there: places_default_files() */
	const char *const *geo;
	size_t ngeo;
	/* the memory of distance (geo/distance/refuted.h), a source more where it is; NULL: none */
	const char *refuted;
	const char *quarantine;	   /* engine/quarantine.h: a file; NULL: none */
	const struct cidr *inside; /* added to the policy's 'inside' */
	size_t ninside;
	int64_t now;	/* Unix seconds: zones and expiry. Replay: of the first packet. */
	bool live;	/* false: users and cgroups are never known */
	bool elsewhere; /* not seen at the policy's home: round-trip times say nothing of places */
};

struct quarantine;
struct engine_places; /* counted: engines may share them */
struct engine_table;
struct engine {
	struct policy *policy; /* owned */
	struct cidr *inside; /* owned: the policy's and the configured ones, when there are such */
	struct policy_set *sets; /* owned: the policy's, with that inside */
	struct engine_places *shared_places;
	struct engine_table *shared_table;
	const struct places *places;	/* of shared_places */
	const struct table *table;	/* of shared_table */
	struct compiled *compiled;	/* owned */
	struct distance_home *distance; /* owned; NULL: no home with coordinates */
	uint64_t facts;	     /* serial of the shipped facts (geo/facts) that it was made with */
	bool places_reused;  /* from the old engine: no source was read */
	bool table_reused;   /* and the table too: nothing to write to the kernel */
	bool policy_shipped; /* no policy file was there or asked for */
	struct quarantine *quarantine; /* owned: what is in force of it */
	bool quarantine_unread; /* its file, or a line of it: what was in force before still is */
	/* what places are decided by, for max-age: owned; classes: as the table's, PLACE_STALE with those whose
	 * source is over it; NULL: none is */
	struct place_class *classes;
	struct engine_age {
		const struct source
			*source;  /* the one that is over its max-age by most; NULL: none */
		int64_t age, max; /* seconds; age -1: nobody knows */
		unsigned others;  /* sources over theirs besides */
	} oldest;
	bool stale; /* some is, and the policy says 'stale block': no allow rule takes its word */
	bool needs_subject;    /* some rule names a unit, user or cgroup */
	char places_name[128]; /* the source that gives places, and its sum and date: for events */
	char places_sha256[65];
	int64_t places_date;
	int64_t policy_date; /* of its file; 0: it has none */
};

/* 0; -EINVAL: the policy is wrong (exit code 3), every error went to d; another -errno: something
 * else failed, and d has one sentence with the file. *ret is untouched on failure, so the caller's
 * engine goes on. old may be NULL. */
int engine_load(struct engine **ret, const struct engine_config *cfg, const struct engine *old,
		struct diag_sink *d);
void engine_free(struct engine *e);		/* NULL is fine */
const char *engine_shipped_policy(size_t *len); /* the text of the shipped eu.conf */
/* What a class is to this engine; never NULL for a class of its table. */
const struct place_class *engine_class(const struct engine *e, uint32_t class);
/* policy_lint_words against the engine's places. */
void engine_lint_words(const struct engine *e, int64_t now, struct diag_sink *d);
/* What said where the place is: a file, or one within a places.mmdb. *age: seconds at 'now', -1 when nobody
 * knows; *max: what the policy allows it, 0: any. NULL: nobody said. */
const struct source *engine_decider(const struct engine *e, const struct place *p, int64_t now,
				    int64_t *age, int64_t *max);
/* What is asked, and what the engine says. */
struct engine_query {
	const struct ip *dst;
	const struct ip *src; /* NULL: not known */
	/* source routing: where it really goes; NULL = dst. The verdict is the worse one. */
	const struct ip *final;
	uint16_t port; /* of the side that did not open the flow */
	uint8_t proto;
	bool has_port;
	enum decide_opened opened;
	enum decide_known known;
	uint64_t mask; /* subjects that cgroup and user match */
	uint32_t over; /* bit by meter: rules with 'over' whose limit is reached */
	uint64_t now_ns;
	const struct rule_names *names; /* NULL: not known; as in the kernel */
};
struct engine_verdict {
	const struct decide_decision *decision; /* never NULL */
	const struct rule *rule;		/* NULL: no rule matched */
	const struct place_class *where;	/* the class that decided; never NULL */
	uint32_t class;
	enum decide_action action;
	uint8_t severity; /* 1 low .. 4 critical; block without one is 3, alert 2 */
	bool embedded;	  /* an address inside the address, or the end of a source route, decided */
	struct decide_decision by_name; /* what decision points to where a name was asked for */
};
void engine_decide(const struct engine *e, const struct engine_query *q,
		   struct engine_verdict *ret);
/* The same when the classes of dst (table_classes_of) are at hand. */
void engine_decide_classes(const struct engine *e, const struct engine_query *q,
			   const uint32_t *classes, unsigned n, struct engine_verdict *ret);

/* Does a packet from src to dst leave? Inside is what the policy says; when it says nothing,
 * private, link-local and ULA addresses (then a private network with a place of its own is reached,
 * not inside, for those who send from inside). Local destinations (loopback, link-local, ...) are
 * never egress. src NULL: from inside. */
enum engine_reach {
	REACH_OUTSIDE, /* egress */
	REACH_INSIDE,
	REACH_LOCAL,
	REACH_PLACED, /* a private network with a place of its own: egress for private senders */
};
enum engine_reach engine_reach(const struct engine *e, const struct ip *dst);
bool engine_egress(const struct engine *e, const struct ip *src, const struct ip *dst);
bool engine_leaves(enum engine_reach dst,
		   const struct ip *src); /* engine_egress with the first half at hand */
bool engine_inside(const struct engine *e, const struct ip *ip);
/* Of which day a source is, and its sum: the policy's for its own 'place' lines. *date 0: not known. */
const char *engine_source(const struct engine *e, const struct source *s, int64_t *date);
const char *engine_string(const struct engine *e, uint32_t index); /* provider, region; "" for 0 */
#endif
