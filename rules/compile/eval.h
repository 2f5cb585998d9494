/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eval.h - does a rule match? One answer for the compiler, explain and lint.
 *
 * 1. What is not known of the sender or the port (TRI_DEPENDS) lets a rule only perhaps match: the
 *    strictest of those decides (cell.c), so an allow rule never does.
 * 2. A place that is disputed, unprovable or unknown is never allowed by where it is said to be: an
 *    allow rule by country, zone, jurisdiction, 'under' or 'here' matches known places only. Who
 *    names the address, the prefix, the ASN, the provider, 'disputed', 'unprovable' or 'unknown',
 *    or writes 'to any', has said what he accepts. Block and alert rules match by the likeliest
 *    claim, whatever the status. With 'geo ... stale block' a place whose source is too old (PLACE_STALE)
 *    is treated so as well.
 * 3. An operator that is not known (jurisdiction 0) is under no zone, and 'under unknown' says so.
 * 4. Where sources name two countries of the EEA, one of them outside the EU, an allow rule by where
 * matches only a zone that holds the whole EEA.
 */
#ifndef RULES_COMPILE_EVAL_H
#define RULES_COMPILE_EVAL_H
#include "rules/parse/match.h"
#include "rules/parse/arena.h"

#define EVAL_COUNTRIES	676	       /* 26 * 26 */
#define EVAL_UNKNOWN	EVAL_COUNTRIES /* the bit of no country: of 'under unknown' alone */
#define EVAL_ZONE_BYTES ((EVAL_COUNTRIES + 8) / 8)

/* The file that something of the policy stands in. */
#define FILE_OF(p, x) ((x)->file ? (x)->file : (p)->file)

struct eval {
	const struct policy *p;
	const uint8_t (*zones)[EVAL_ZONE_BYTES]; /* bitmaps of countries, by zone_def.id */
	const char *(*string)(void *arg, uint16_t index);
	void *arg;
	bool stale;	     /* compile_env */
	int64_t next_change; /* Unix seconds; INT64_MAX = never */
	int64_t since;	     /* the last change at or before now; INT64_MIN = none */
};

/* Who sends, as far as it is known: NULL and has_uid false where not. */
struct sender {
	const char *cgroup, *user;
	bool has_uid;
	uint32_t uid;
};

/* 0 or -ENOMEM. The bitmaps are in the region; zones as of now (Unix seconds). */
int eval_init(struct eval *e, struct arena *r, const struct policy *p, int64_t now);
bool eval_in_zone(const struct eval *e, const struct zone_def *z, uint16_t country);
/* Is it outside the policy: a local address, or one of the protected hosts? */
bool eval_local(const struct place_class *c);
bool eval_to(const struct eval *e, const struct rule *r, const struct place_class *c);
bool eval_atom(const struct eval *e, const struct rule *r, const struct place_atom *a,
	       const struct place_class *c);
/* What the row of an atom says, without the rule's doubts. */
bool eval_row(const struct eval *e, const struct place_atom *a, const struct place_class *c);
bool eval_provider(const struct eval *e, const struct place_atom *a, const struct place_class *c);
bool eval_under(const struct eval *e, const struct rule *r, const struct place_class *c);

enum tri { TRI_NO, TRI_YES, TRI_DEPENDS };
enum tri eval_service(const struct rule *r, uint8_t proto, bool has_port, uint16_t port);
/* mask: subjects that the sender is; bit_of: the mask bit of a subject */
enum tri eval_subject(const struct subject_def *s, bool matches, uint8_t known);
struct rule_names;
/* Whom a flow is meant for, as far as its own bytes say. */
enum tri eval_name(const struct rule *r, const struct rule_names *n);
bool eval_settle(const struct rule *r, enum tri t); /* rule 1 */
bool eval_sender(const struct subject_def *s, const struct sender *who);
#define EVAL_CGROUP 1u
#define EVAL_USER   2u
#define EVAL_SOURCE 4u
unsigned eval_needs(const struct subject_def *s); /* what must be known to tell */
#endif
