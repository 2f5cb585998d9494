/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decide.c - a record becomes an event: asks the engine unless somebody decided already, and puts
 * down everything that an alert says of a flow.
 */
#include <string.h>
#include "agent/engine/decide.h"
#include "agent/event/event_text.h"

#define CLAIMS 16

static const char *const header_text[HEADERS] = {
	[HEADER_MALFORMED] = "not a whole IP packet",
	[HEADER_NOT_IP] = "a frame that is not IP: no place is known that it goes to",
	[HEADER_SOURCE_ROUTE] = "source route: the header names a hop, not where the packet ends",
	[HEADER_EXTENSIONS] =
		"its headers cannot be followed: too many extension headers, or broken options",
	[HEADER_OPTION] =
		"a socket option for sending past every hook: PACKET_QDISC_BYPASS, PACKET_TX_RING or XDP_TX_RING",
};

static const char folded_text[] =
	"the process was denied more flows than are told one by one: this stands for many";

/* What was decided: the part of it that an event shows. */
struct decision {
	enum decide_action action;
	const struct rule *rule;
	uint8_t severity;
	bool embedded;
	bool before; /* by another policy */
	uint32_t class;
};

static const struct rule *rule_of(const struct engine *e, uint16_t number)
{
	const struct policy *p = e->policy;

	return number && number <= p->nrules ? &p->rules[number - 1] : NULL;
}

static uint64_t mask_of(const struct engine *e, const struct process *p, enum decide_known known)
{
	bool cgroup = known == KNOWN_ALL || known == KNOWN_NO_SOURCE;
	uint64_t mask = 0;

	if (!e->needs_subject)
		return 0;
	if (p->cgroup && cgroup)
		mask |= compiled_cgroup_mask(e->compiled, p->cgroup);
	if (p->has_uid)
		mask |= compiled_user_mask(e->compiled, p->user, p->uid);
	return mask;
}

uint64_t decide_mask(const struct engine *e, const struct process *p)
{
	return mask_of(e, p, KNOWN_ALL);
}

static bool agrees(const struct record *r, const struct engine_verdict *v)
{
	return r->verdict.action == v->action && r->verdict.rule == v->decision->rule;
}

/* What the kernel had counted when it judged is not known any more: its word is one of those that 'over'
 * allows, or it is wrong. */
static void ask_over(const struct engine *e, const struct record *r, struct engine_query *q,
		     struct engine_verdict *v)
{
	const struct compiled *c = e->compiled;
	struct engine_verdict other;

	for (unsigned i = 0; i <= c->nmeters && !agrees(r, v); i++) {
		q->over = i < c->nmeters ? 1u << i : UINT32_MAX;
		engine_decide(e, q, &other);
		if (agrees(r, &other))
			*v = other;
	}
}

static void ask_as(const struct engine *e, const struct record *r, enum decide_known known,
		   struct engine_verdict *v)
{
	struct engine_query q = {.dst = &r->flow.dst,
				 .src = &r->flow.src,
				 .final = r->final.v ? &r->final : NULL,
				 .proto = r->flow.proto,
				 .opened = r->opened,
				 .has_port = r->has_port,
				 .port = r->opened == OPENED_HERE ? r->flow.dport : r->flow.sport,
				 .known = known,
				 .now_ns = r->last_ns ? r->last_ns : r->first_ns};

	if (known != KNOWN_NOBODY)
		q.mask = mask_of(e, &r->process, known);
	if (known == KNOWN_NO_SOURCE || known == KNOWN_USER_NO_SOURCE)
		q.src = NULL;
	engine_decide(e, &q, v);
	if (r->decided == DECIDED_THERE && e->compiled->nmeters)
		ask_over(e, r, &q, v);
}

/* The kernel may have judged before it knew the cgroup, or a source that was made up: what it knew
 * then is what counts. */
static void ask(const struct engine *e, const struct record *r, struct engine_verdict *v)
{
	if (!r->attributed) {
		ask_as(e, r, KNOWN_NOBODY, v);
		return;
	}
	if (r->decided == DECIDED_THERE && r->known) {
		ask_as(e, r, r->known, v);
		return;
	}
	if (e->needs_subject && !r->process.cgroup) {
		ask_as(e, r, KNOWN_USER, v);
		return;
	}
	ask_as(e, r, KNOWN_ALL, v);
	if (e->needs_subject && r->decided == DECIDED_THERE && !agrees(r, v))
		ask_as(e, r, KNOWN_USER, v);
}

/* What the kernel did is what happened, whatever the engine says now; a rule of another policy has
 * no text any more. */
static int take_kernels(const struct engine *e, const struct record *r,
			const struct engine_verdict *v, struct decision *d)
{
	if (r->decided < DECIDED_THERE ||
	    (r->decided == DECIDED_BEFORE && r->verdict.action == v->action))
		return 0;
	if (r->decided == DECIDED_THERE && agrees(r, v))
		return 0;
	d->action = r->verdict.action;
	d->rule = r->decided == DECIDED_THERE ? rule_of(e, r->verdict.rule) : NULL;
	if (!d->severity && decide_violates(d->action))
		d->severity = 3;
	d->before = r->decided == DECIDED_BEFORE;
	return r->decided == DECIDED_THERE;
}

/* One record for many flows: there is nothing to compare, the kernel's word stands. */
static int take_folded(const struct engine *e, const struct record *r, struct decision *d)
{
	d->action = r->verdict.action;
	d->before = r->decided == DECIDED_BEFORE;
	d->rule = d->before ? NULL : rule_of(e, r->verdict.rule);
	d->severity = d->rule ? rule_severity(d->rule) : 3;
	return 0;
}

/* 1: the kernel says otherwise. */
static int decision_of(const struct engine *e, const struct record *r, struct decision *d)
{
	struct engine_verdict v;

	if (r->decided == DECIDED_HERE) {
		*d = (struct decision){.action = r->verdict.action,
				       .rule = rule_of(e, r->verdict.rule),
				       .severity = r->verdict.severity,
				       .embedded = r->verdict.embedded,
				       .class = r->verdict.class};
		return 0;
	}
	ask(e, r, &v);
	*d = (struct decision){.action = v.action,
			       .rule = v.rule,
			       .severity = v.severity,
			       .embedded = v.embedded,
			       .class = v.class};
	if (r->folded && r->header == HEADER_PLAIN)
		return take_folded(e, r, d);
	if (r->header == HEADER_PLAIN)
		return take_kernels(e, r, &v, d);
	d->action = DECIDE_BLOCK;
	d->rule = NULL;
	d->severity = 3;
	return 0;
}

/* Who operates the destination: the first source that says so. */
void decide_operator(const struct engine *e, struct event *ev)
{
	struct claim_of claims[CLAIMS];
	size_t n = places_claims(e->places, &ev->flow.dst, claims, CLAIMS);

	for (size_t i = 0; i < n; i++) {
		const struct claim *c = &claims[i].claim;

		if (!ev->asn)
			ev->asn = c->asn;
		if (!ev->operator_name && c->operator)
			ev->operator_name = engine_string(e, c->operator);
	}
}

static void put_place(const struct engine *e, uint32_t class, struct event *ev)
{
	const struct place *place = &engine_class(e, class)->place;

	ev->place = place;
	ev->provider = engine_string(e, place->provider);
	ev->platform = engine_string(e, place->platform);
	ev->region = engine_string(e, place->region);
	ev->policy = e->policy;
	ev->places_name = e->places_name;
	ev->places_sha256 = e->places_sha256;
	ev->places_date = e->places_date;
}

/* Teredo: the last one is the client, which is behind the server. */
static void put_embedded(const struct engine *e, const struct record *r, struct event *ev)
{
	struct ip inner[TABLE_EMBED_MAX];
	unsigned n = table_embedded(e->table, &r->flow.dst, inner);

	if (r->final.v)
		ev->embedded = r->final;
	else if (n)
		ev->embedded = inner[n - 1];
}

/* embedded: another address than the far end's decided the place, and distance says nothing of
 * that. */
static enum distance_verdict judge(const struct engine *e, const struct place *place, bool embedded,
				   uint64_t rtt_ns)
{
	if (!e->distance || embedded || !place->country)
		return DISTANCE_NONE;
	return distance_judge(e->distance, place->country, rtt_ns);
}

static bool is_proof(enum distance_verdict d)
{
	return d == DISTANCE_REFUTED || d == DISTANCE_PROVEN;
}

/* A refutation and a proof hang on what handshake and data agree on; that the far end is implausibly far, on the shortest
 * time of all. */
static enum distance_verdict judge_both(const struct engine *e, const struct event *ev,
					bool embedded, uint64_t agreed_ns)
{
	enum distance_verdict near = judge(e, ev->place, embedded, agreed_ns), any;

	if (is_proof(near))
		return near;
	any = judge(e, ev->place, embedded, ev->rtt_min_ns);
	return is_proof(any) ? DISTANCE_NONE : any;
}

static bool refutes(enum distance_verdict d, const struct place *place)
{
	return d == DISTANCE_REFUTED && place->status == PLACE_KNOWN;
}

static void put_distance(const struct engine *e, bool embedded, uint64_t agreed_ns,
			 struct event *ev)
{
	enum distance_verdict d = judge_both(e, ev, embedded, agreed_ns);
	const struct distance_country *c;

	ev->distance = d != DISTANCE_NONE ? distance_name(d) : NULL;
	ev->refuted = refutes(d, ev->place);
	if (ev->kind != EVENT_PLACE_REFUTED)
		return;
	c = e->distance ? distance_find(e->distance, ev->place->country) : NULL;
	ev->soil_km = c ? c->proof : 0;
	ev->action = event_kind_name(EVENT_PLACE_REFUTED);
	ev->severity = 3;
}

bool decide_too_near(const struct engine *e, const struct ip *dst, uint64_t rtt_min_ns)
{
	uint32_t classes[TABLE_EMBED_MAX];
	const struct place *place;

	if (!e->distance || !rtt_min_ns || table_classes_of(e->table, dst, classes) != 1 ||
	    classes[0] != table_lookup(e->table, dst))
		return false;
	place = &engine_class(e, classes[0])->place;
	return refutes(judge(e, place, false, rtt_min_ns), place);
}

int decide(const struct engine *e, const struct record *r, struct event *ret)
{
	struct decision d;
	int differs = decision_of(e, r, &d);

	*ret = (struct event){.kind = r->kind,
			      .time_ns = r->first_ns,
			      .last_ns = r->last_ns,
			      .flow = r->flow,
			      .opened = r->opened,
			      .packets = r->packets,
			      .bytes = r->bytes,
			      .attempts = r->attempts,
			      .process = r->process,
			      .enforced = r->enforced,
			      .over_used = d.rule && d.rule->over ? r->over_used : 0,
			      .rtt_min_ns = r->rtt_min_ns,
			      .verdict = d.action,
			      .rule = d.rule,
			      .severity = d.severity,
			      .action = event_action(d.action, r->enforced),
			      .detail = r->folded ? folded_text : header_text[r->header],
			      .capture = r->capture,
			      .capture_sha256 = r->capture_sha256,
			      .capture_packet = r->capture_packet,
			      .because = r->because,
			      .part = r->part,
			      .depth = r->depth,
			      .tunnel = r->tunnel,
			      .names = r->names};
	put_place(e, d.class, ret);
	if (d.before) {
		ret->policy = NULL;
		ret->detail = "decided by the policy before this one";
	}
	put_embedded(e, r, ret);
	put_distance(e, d.embedded || r->header != HEADER_PLAIN, r->rtt_agreed_ns, ret);
	if (decide_violates(ret->verdict) || ret->refuted)
		decide_operator(e, ret);
	if (ret->capture_packet)
		(void)event_id_v8(ret->id, ret);
	return differs;
}
