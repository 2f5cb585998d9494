/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_answer.c - place, evidence, law, distance, and every rule with why it decides or does
 * not: one JSON object. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/explain.h"
#include "agent/cmd/explain_operator.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "geo/distance/distance.h"
#include "geo/facts/operator.h"
#include "geo/facts/zone.h"
#include "rules/parse/proto.h"

static json_t *string(const char *s)
{
	size_t size = s ? strlen(s) * 4 + 1 : 0;
	json_t *j = s && *s ? json_string(s) : json_null();
	_free_ char *safe = j ? NULL : malloc(size);

	return j ? j : safe ? json_string(text_escape(safe, size, s, SIZE_MAX)) : NULL;
}

static void set(json_t *o, const char *key, json_t *v)
{
	json_object_set_new(o, key, v);
}

static json_t *country(uint16_t cc)
{
	char b[3];

	return string(cc ? country_text(cc, b) : NULL);
}

static json_t *date(int64_t at)
{
	char b[TEXT_SHORT];

	return string(text_date(b, at));
}

/* The shortest way to write a range: a prefix when it is one. */
static void range_text(char *buf, size_t size, const struct ip *first, const struct ip *last)
{
	struct cidr c = {.addr = *first}, whole;
	char a[IP_STRLEN], b[IP_STRLEN];
	uint8_t max = first->v == 4 ? 32 : 128;

	for (c.len = 0; c.len <= max; c.len++) {
		struct ip f = cidr_first(&c), l = cidr_last(&c);

		/* host bits that are set make it no prefix, whatever the ends look like */
		if (ip_cmp(&f, first) == 0 && ip_cmp(&l, last) == 0 &&
		    cidr_parse(&whole, cidr_format(a, &c)) == 0) {
			text_put(buf, size, "%s", a);
			return;
		}
	}
	text_put(buf, size, "%s-%s", ip_format(a, first), ip_format(b, last));
}

static json_t *claim(const struct engine *e, const struct claim_of *k)
{
	const struct claim *c = &k->claim;
	json_t *o = json_object();
	char range[2 * IP_STRLEN];
	int64_t at;
	const char *sha256 = engine_source(e, k->source, &at);

	range_text(range, sizeof(range), &c->first, &c->last);
	set(o, "source", string(k->source->format));
	set(o, "file", string(k->source->path));
	set(o, "key", string(k->key));
	set(o, "denies", json_boolean(k->source->kind == SOURCE_REFUTED));
	set(o, "date", at ? date(at) : json_null());
	set(o, "sha256", string(sha256));
	set(o, "prefix", string(range));
	set(o, "status", string(place_status_name((enum place_status)c->status)));
	set(o, "country", country(c->country));
	set(o, "provider", string(engine_string(e, c->provider)));
	set(o, "platform", string(engine_string(e, c->platform)));
	set(o, "region", string(engine_string(e, c->region)));
	set(o, "service", string(engine_string(e, c->service)));
	set(o, "jurisdiction", country(c->jurisdiction));
	set(o, "asn", c->asn ? json_integer(c->asn) : json_null());
	set(o, "operator", string(engine_string(e, c->operator)));
	return o;
}

/* Appends to the list. Returns the first AS number that a source gives, and the organisation with
 * it. */
static uint32_t claims(const struct engine *e, const struct ip *ip, json_t *list,
		       const char **organisation)
{
	struct claim_of k[EXPLAIN_CLAIMS_MAX];
	size_t n = places_claims(e->places, ip, k, EXPLAIN_CLAIMS_MAX);
	uint32_t asn = 0;

	for (size_t i = 0; i < n && i < EXPLAIN_CLAIMS_MAX; i++) {
		json_array_append_new(list, claim(e, &k[i]));
		if (!asn && k[i].claim.asn) {
			asn = k[i].claim.asn;
			*organisation = engine_string(e, k[i].claim.operator);
		}
	}
	return asn;
}

/* The IPv4 addresses inside an IPv6 one have evidence of their own. */
static void inside(json_t *o, const struct engine *e, const struct ip *ip, json_t *list,
		   uint32_t *asn, const char **organisation)
{
	struct ip in[TABLE_EMBED_MAX];
	unsigned n = table_embedded(e->table, ip, in);
	json_t *a = json_array();
	char b[IP_STRLEN];

	for (unsigned i = 0; i < n; i++) {
		uint32_t its = claims(e, &in[i], list, organisation);

		json_array_append_new(a, string(ip_format(b, &in[i])));
		*asn = *asn ? *asn : its;
	}
	set(o, "embedded", a);
}

/* What said where, of which day, and whether that is too long ago for the policy. */
static void put_decider(json_t *o, const struct engine *e, const struct place *p, int64_t now)
{
	int64_t age, max;
	const struct source *s = engine_decider(e, p, now, &age, &max);

	set(o, "source_format", string(s ? s->format : NULL));
	set(o, "source_file", string(s ? s->path : NULL));
	set(o, "source_date", s && s->date > 0 ? date(s->date) : json_null());
	set(o, "source_age_seconds", s && age >= 0 ? json_integer(age) : json_null());
	set(o, "max_age_seconds", max ? json_integer(max) : json_null());
	set(o, "stale", json_boolean(p->flags & PLACE_STALE));
}

static json_t *place(const struct engine *e, const struct place *p, int64_t now)
{
	json_t *o = json_object();

	set(o, "status", string(place_status_name((enum place_status)p->status)));
	set(o, "grade", string(place_grade_name((enum place_grade)p->grade)));
	set(o, "reason", string(place_reason_name((enum place_reason)p->reason)));
	set(o, "reason_text", string(place_reason_text((enum place_reason)p->reason)));
	set(o, "anycast", json_boolean(p->flags & PLACE_ANYCAST));
	set(o, "relay", json_boolean(p->flags & PLACE_RELAY));
	set(o, "scope", string(place_scope_name((enum place_scope)p->scope)));
	set(o, "country", country(p->country));
	set(o, "country_name", string(country_name(p->country)));
	set(o, "in_eea",
	    p->country ? json_boolean(zone_has(ZONE_EEA, p->country, now)) : json_null());
	set(o, "jurisdiction", country(p->jurisdiction));
	set(o, "provider", string(engine_string(e, p->provider)));
	set(o, "platform", string(engine_string(e, p->platform)));
	set(o, "region", string(engine_string(e, p->region)));
	put_decider(o, e, p, now);
	return o;
}

/* Who operates it, as the table of operators knows: by provider or platform, else by the AS
 * organisation. */
static json_t *operator_of(const struct engine *e, const struct place *p, uint32_t asn,
			   const char *organisation, int64_t now)
{
	const char *key = engine_string(e, p->platform ? p->platform : p->provider);
	const struct operator_entry *k = *key ? operator_find(key) : NULL;
	json_t *o = json_object();

	if (!k && asn)
		k = operator_by_asn(asn);
	if (!k && *organisation)
		k = operator_find(organisation);
	set(o, "asn", asn ? json_integer(asn) : json_null());
	set(o, "organisation", string(organisation));
	set(o, "key", string(k ? k->key : key));
	set(o, "jurisdiction", country(k ? k->jurisdiction : p->jurisdiction));
	explain_operator(o, k, engine_string(e, p->region), p->country, now);
	return o;
}

static json_t *distance(const struct engine *e, uint16_t cc, uint64_t rtt_ns)
{
	const struct distance_country *c =
		e->distance && cc ? distance_find(e->distance, cc) : NULL;
	json_t *o;

	if (!c)
		return json_null();
	o = json_object();
	set(o, "home", string(e->policy->home_name));
	set(o, "nearest_km", json_integer((json_int_t)c->nearest));
	set(o, "farthest_km", json_integer((json_int_t)c->farthest));
	set(o, "refuted_below_ms",
	    json_real((double)(distance_rtt_ns((double)c->proof) / 10000) / 100));
	set(o, "proven_in_eea_below_ms",
	    json_real((double)(distance_rtt_ns(e->distance->outside_proof) / 10000) / 100));
	if (rtt_ns) {
		set(o, "rtt_ms", json_real((double)rtt_ns / 1e6));
		set(o, "within_km", json_integer((json_int_t)distance_bound_km(rtt_ns)));
		set(o, "verdict", string(distance_name(distance_judge(e->distance, cc, rtt_ns))));
	}
	return o;
}

static const char *action_name(const struct engine *e, enum decide_action a)
{
	if (a == DECIDE_BLOCK && e->policy->mode == MODE_MONITOR)
		return "would-block";
	return event_verdict_name(a);
}

static json_t *verdict(const struct engine *e, const struct engine_verdict *v)
{
	json_t *o = json_object(), *r;

	set(o, "action", string(event_verdict_name(v->action)));
	set(o, "effect", string(action_name(e, v->action)));
	set(o, "places_stale", json_boolean(e->stale && v->where->place.flags & PLACE_STALE));
	set(o, "mode", string(e->policy->mode == MODE_ENFORCE ? "enforce" : "monitor"));
	set(o, "severity", string(event_severity_name(v->severity)));
	set(o, "by_embedded_address", json_boolean(v->embedded));
	if (!v->rule) {
		set(o, "rule", json_null());
		return o;
	}
	r = json_object();
	set(r, "number", json_integer((json_int_t)(v->rule - e->policy->rules) + 1));
	set(r, "file", string(v->rule->file ? v->rule->file : e->policy->file));
	set(r, "line", json_integer(v->rule->line));
	set(r, "text", string(v->rule->text));
	set(r, "because", string(v->rule->because));
	set(r, "basis", string(v->rule->basis));
	set(o, "rule", r);
	return o;
}

static json_t *step(const struct explain_step *s)
{
	json_t *o = json_object();

	if (s->rule->file)
		set(o, "file", string(s->rule->file));
	set(o, "line", json_integer(s->rule->line));
	set(o, "text", string(s->rule->text));
	set(o, "matches", s->matches < 0 ? string("depends") : json_boolean(s->matches));
	set(o, "decides", json_boolean(s->decides));
	set(o, "why", string(s->why));
	set(o, "change", string(s->change));
	return o;
}

static json_t *steps(const struct engine *e, const struct engine_query *q,
		     const struct engine_verdict *v)
{
	size_t max = e->policy->nrules, n;
	_free_ struct explain_step *s = calloc(max + 1, sizeof(*s));
	struct decide_packet pkt = {.place = v->class,
				    .mask = q->mask,
				    .port = q->port,
				    .proto = q->proto,
				    .opened = (uint8_t)q->opened,
				    .known = (uint8_t)q->known,
				    .has_port = q->has_port};
	json_t *a = json_array();

	if (!s)
		return a;
	if (q->src && (e->compiled->header.needs & DECIDE_NEEDS_SOURCE))
		pkt.mask |= compiled_source_mask(e->compiled, table_lookup(e->table, q->src));
	n = compiled_explain(e->compiled, v->where, &pkt, q->now_ns, s, max);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, step(&s[i]));
	return a;
}

static int add_from(const struct engine *e, const char *s, struct engine_query *q,
		    struct ip *source)
{
	struct passwd pw, *found = NULL;
	char buf[4096], path[512];
	uint64_t uid = UINT32_MAX;

	if (strncmp(s, "unit ", 5) == 0) {
		text_put(path, sizeof(path), "/system.slice/%s", s + 5);
		q->mask |= compiled_cgroup_mask(e->compiled, path);
	} else if (strncmp(s, "user-unit ", 10) == 0) {
		text_put(path, sizeof(path), "/user.slice/user@0.service/%s", s + 10);
		q->mask |= compiled_cgroup_mask(e->compiled, path);
	} else if (strncmp(s, "cgroup /", 8) == 0) {
		q->mask |= compiled_cgroup_mask(e->compiled, s + 7);
	} else if (strncmp(s, "user ", 5) == 0) {
		if (getpwnam_r(s + 5, &pw, buf, sizeof(buf), &found) == 0 && found)
			uid = pw.pw_uid;
		else
			text_number(&uid, s + 5, UINT32_MAX);
		q->mask |= compiled_user_mask(e->compiled, s + 5, (uint32_t)uid);
	} else if (ip_parse(source, s) == 0) {
		q->src = source;
		return 0;
	} else {
		return -EINVAL;
	}
	q->known = KNOWN_ALL;
	return 0;
}

int explain_from(const struct engine *e, const struct explain_question *q,
		 struct engine_query *query, struct ip *source, const char **why)
{
	*query = (struct engine_query){.dst = &q->ip,
				       .port = q->port,
				       .proto = q->proto,
				       .has_port = q->has_port,
				       .opened = q->opened,
				       .known = KNOWN_NOBODY,
				       .now_ns = (uint64_t)q->now * 1000000000ull};
	for (size_t i = 0; i < q->nfrom; i++) {
		*why = q->from[i];
		if (add_from(e, q->from[i], query, source) < 0)
			return -EINVAL;
	}
	return 0;
}

static json_t *policy(const struct engine *e)
{
	json_t *o = json_object();

	set(o, "file", string(e->policy->file));
	set(o, "sha256", string(e->policy->sha256));
	set(o, "rules", json_integer((json_int_t)e->policy->nrules));
	return o;
}

static void question(json_t *o, const struct explain_question *q)
{
	const char *proto = proto_name(q->proto);
	json_t *from = json_array();
	char ip[IP_STRLEN];

	set(o, "address", string(ip_format(ip, &q->ip)));
	set(o, "port", q->has_port ? json_integer(q->port) : json_null());
	set(o, "proto", proto ? string(proto) : json_integer(q->proto));
	set(o, "opened", string(q->opened == OPENED_PEER ? "peer" : "here"));
	for (size_t i = 0; i < q->nfrom; i++)
		json_array_append_new(from, string(q->from[i]));
	set(o, "from", from);
	set(o, "as_of", date(q->now));
}

json_t *explain_answer(const struct engine *e, const struct explain_question *q)
{
	json_t *o = json_object(), *list = json_array();
	struct engine_query query;
	struct engine_verdict v;
	struct ip source;
	const char *why, *organisation;
	uint32_t asn;

	if (!o || !list || explain_from(e, q, &query, &source, &why) < 0) {
		json_decref(o);
		json_decref(list);
		return NULL;
	}
	engine_decide(e, &query, &v);
	question(o, q);
	organisation = "";
	asn = claims(e, &q->ip, list, &organisation);
	inside(o, e, &q->ip, list, &asn, &organisation);
	set(o, "place", place(e, &v.where->place, q->now));
	set(o, "verdict", verdict(e, &v));
	if (q->why_not)
		set(o, "why_not", explain_why_not(e, &q->ip, &v.where->place, q->why_not, q->now));
	set(o, "by_port", explain_by_port(e, &query));
	set(o, "claims", list);
	set(o, "operator", operator_of(e, &v.where->place, asn, organisation, q->now));
	set(o, "distance", distance(e, v.where->place.country, q->rtt_ns));
	set(o, "rules", steps(e, &query, &v));
	set(o, "policy", policy(e));
	return o;
}
