/* compile.h - a policy and the place classes -> the flat arrays of decide.h. No I/O; users are
 * resolved by the caller. */
#ifndef RULES_COMPILE_H
#define RULES_COMPILE_H
#include "geo/place.h"
#include "rules/meter.h"
#include "rules/policy.h"

/* The sets of addresses and ASNs that the policy names, in a canonical order, so that two policies
 * that name the same ones give equal lists (then the place table need not be rebuilt). For
 * table_build: cidrs or asn. */
struct policy_set {
	const struct cidr *cidrs;
	size_t ncidrs;
	uint32_t asn;
};
size_t policy_sets(const struct policy *p, const struct policy_set **ret); /* owned by p */
int policy_sets_equal(const struct policy *a, const struct policy *b);
#define POLICY_SET_INSIDE 0 /* set 0 is always 'inside' (maybe empty) */

/* of the matrix: 4 MiB, what one map value may hold (bpf/prog/abi.h) */
#define COMPILE_CELLS_MAX (2u << 20)

struct compile_env {
	const struct place_class *classes;
	size_t nclasses;
	const char *(*string)(void *arg, uint16_t index); /* place strings (provider, region) */
	void *arg;
	int64_t now;  /* Unix seconds: zones and expired rules */
	int live;     /* 0: replay, where a user or cgroup is never known */
	int nameless; /* rules with a name are as if they were not there: for lint */
	int stale;    /* 'stale block': no allow rule takes the word of a place with PLACE_STALE */
};
struct compiled {
	struct decide_header header;
	const void *array[DECIDE_ARRAYS]; /* u8 or u16 as decide.h says */
	size_t bytes[DECIDE_ARRAYS];
	const struct decide_decision *decisions;
	/* bit i of the mask; owned by the policy */
	const struct subject_def *subjects[DECIDE_SUBJECTS_MAX];
	/* what rules with 'over' count; meter_rule: the first such rule's index */
	struct decide_meter meter[DECIDE_METERS_MAX];
	uint16_t meter_rule[DECIDE_METERS_MAX];
	unsigned nmeters;
	const uint8_t *rule_meter;   /* of each rule: meter + 1; 0 = none */
	const struct policy *policy; /* must outlive this */
	bool named;		     /* a rule asks for a name: compiled_decide_named */
	int stale;		     /* of compile_env */
	struct compile_core *core;   /* what explain reads; compile.c's */
	/* Unix seconds of the next zone date or expiry after now; INT64_MAX = never */
	int64_t next_change;
	int64_t since; /* the last one at or before now; INT64_MIN = none */
};
/* 0, -E2BIG (a stated limit; the diag says which), -ENOMEM. One region, dropped whole by
 * compiled_free. */
int policy_compile(struct compiled **ret, const struct policy *p, const struct compile_env *env,
		   struct diag_sink *d);
void compiled_free(struct compiled *c);

/* User space's reading of decide.h. Never NULL. source_class: class of the source address, or
 * UINT32_MAX. */
const struct decide_decision *compiled_decide(const struct compiled *c,
					      const struct decide_packet *pkt,
					      uint32_t source_class, uint64_t now_ns);
/* The worst of several classes (embedded addresses): block > alert > allow > local. Returns which
 * class in *which. */
const struct decide_decision *
compiled_decide_worst(const struct compiled *c, struct decide_packet pkt, const uint32_t *classes,
		      unsigned n, uint32_t source_class, uint64_t now_ns, unsigned *which);
/* Whom a flow is meant for, by its own word, and what its sender had asked a name server. */
struct rule_names {
	const char *said; /* NULL: not known (yet): it said nothing, or hid it */
	bool disputed;	  /* the sender had asked for other names only */
	const char *const *asked;
	unsigned nasked;
};
/* The decision with a name that is known: never milder than any of what it may stand for. pkt.place is not read;
 * pc: the class of the destination. *ret is the caller's; its 'next' means nothing. */
void compiled_decide_named(const struct compiled *c, const struct place_class *pc,
			   struct decide_packet pkt, uint32_t source_class, uint64_t now_ns,
			   const struct rule_names *names, struct decide_decision *ret);
/* Mask bits for a cgroup (path below the cgroup root, "/system.slice/x.service") and for a user. */
uint64_t compiled_cgroup_mask(const struct compiled *c, const char *path);
uint64_t compiled_user_mask(const struct compiled *c, const char *user_name, uint32_t uid);
/* For the class of a source address; 0 for UINT32_MAX. */
uint64_t compiled_source_mask(const struct compiled *c, uint32_t source_class);
/* Why: every rule in order with whether it would match and which condition fails; for explain. */
enum explain_fail { /* bits of explain_step.fails */
		    EXPLAIN_FROM = 1,
		    EXPLAIN_TO = 2,
		    EXPLAIN_UNDER = 4,
		    EXPLAIN_SERVICE = 8,
		    EXPLAIN_OPENED = 16,
		    EXPLAIN_UNTIL = 32,
		    EXPLAIN_STATUS =
			    64, /* an allow rule by where the place is, and the place is not known */
		    EXPLAIN_NAME = 128,
		    EXPLAIN_OVER = 256 /* so much has not left, as far as is known here */
};
struct explain_step {
	const struct rule *rule;
	/* 1, 0, -1 = depends on what is not known; a block or alert rule decides all the same */
	int matches;
	unsigned fails;
	int decides;	  /* 1 for the one rule that decides */
	char why[160];	  /* one sentence: why it does not match, or what it matched by */
	char change[160]; /* "" or: what would make this rule decide instead */
};
/* Returns how many steps were written: at most max, and at most the policy's rules. pkt.mask holds
 * the source's bits too. Steps after the deciding rule are written as well, without 'change'. */
size_t compiled_explain(const struct compiled *c, const struct place_class *pc,
			const struct decide_packet *pkt, uint64_t now_ns, struct explain_step *out,
			size_t max);

/* Warnings about words of places: what no loaded source can make true, region globs that take in
 * more than they seem to, laws that nobody knows. env as for policy_compile, or NULL: no source was
 * read, and then only what the policy and the tables tell. */
void policy_lint_words(const struct policy *p, const struct compile_env *env, int64_t now,
		       struct diag_sink *d);
#endif
