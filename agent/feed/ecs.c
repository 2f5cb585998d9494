/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs.c - an event in the field names of ECS 9.4; what ECS has no name for stands below "cordon".
 */
#include <string.h>
#include "agent/base/text.h"
#include "agent/feed/ecs.h"
#include "agent/feed/ecs_private.h"
#include "agent/event/event_state.h"
#include "agent/event/event_text.h"
#include "geo/facts/country.h"
#include "geo/facts/operator.h"

#define MESSAGE_MAX 5120 /* a rule's line has at most 4096 bytes */

static bool is_flow(const struct event *e)
{
	return e->kind != EVENT_STATE;
}

/* A summary goes on from an alert, and is none. */
static bool is_alert(const struct event *e)
{
	return is_flow(e) ? e->kind != EVENT_SUMMARY : e->severity >= EVENT_STATE_ALERT;
}

/* Of state events; flows are of one kind. */
static void put_type(struct json_writer *j, const struct event *e)
{
	bool block = e->verdict == DECIDE_BLOCK && e->enforced;

	json_writer_open(j, "type", '[');
	if (is_flow(e)) {
		json_writer_text(j, NULL, "connection");
		json_writer_text(j, NULL, block ? "denied" : "allowed");
		if (e->kind == EVENT_FLOW_END || e->kind == EVENT_SUMMARY)
			json_writer_text(j, NULL, "end");
	} else {
		json_writer_text(j, NULL, event_state(e->action)->type);
	}
	json_writer_close(j, ']');
}

static void put_class(struct json_writer *j, const struct event *e)
{
	json_writer_text(j, "kind", is_alert(e) ? "alert" : "event");
	json_writer_open(j, "category", '[');
	json_writer_text(j, NULL, is_flow(e) ? "network" : event_state(e->action)->category);
	json_writer_close(j, ']');
	put_type(j, e);
	json_writer_text_set(j, "action", e->action);
	if (is_flow(e))
		json_writer_text(j, "outcome", "success");
	else
		json_writer_text_set(j, "outcome", event_state(e->action)->outcome);
	json_writer_text(j, "module", "cordon");
	json_writer_text(j, "dataset", is_flow(e) ? "cordon.alert" : "cordon.state");
}

static void put_times(struct json_writer *j, const struct event *e, const struct identity *host)
{
	uint64_t last = e->last_ns > e->time_ns ? e->last_ns : e->time_ns;

	if (host && host->created_ns)
		json_writer_time(j, "created", host->created_ns);
	if (!is_flow(e))
		return;
	json_writer_time(j, "start", e->time_ns);
	json_writer_time(j, "end", last);
	json_writer_number(j, "duration", last - e->time_ns);
}

/* The values that Elastic's rules read: low 21, medium 47, high 73, critical 99. An event that is no trouble has none.
 */
static void put_severity(struct json_writer *j, uint8_t severity)
{
	static const uint8_t elastic[] = {0, 21, 47, 73, 99};
	uint8_t value = severity < sizeof(elastic) ? elastic[severity] : 99;

	if (!value)
		return;
	json_writer_number(j, "severity", value);
	json_writer_number(j, "risk_score", value);
}

static void put_event(struct json_writer *j, const struct event *e, const struct identity *host)
{
	char reason[256];

	json_writer_open(j, "event", '{');
	put_class(j, e);
	json_writer_text(j, "id", e->id);
	json_writer_number(j, "sequence", e->sequence);
	put_times(j, e, host);
	put_severity(j, e->severity);
	json_writer_text_set(j, "reason", event_reason(reason, sizeof(reason), e));
	json_writer_close(j, '}');
}

static void put_rule(struct json_writer *j, const struct event *e)
{
	char id[EVENT_RULE_ID];

	if (!e->policy)
		return;
	json_writer_open(j, "rule", '{');
	json_writer_text(j, "id", event_rule_id(id, e->rule));
	json_writer_text(j, "name", e->rule ? e->rule->text : "default: no rule matches");
	json_writer_text_set(j, "ruleset",
			     e->rule && e->rule->file ? e->rule->file : e->policy->file);
	json_writer_bytes(j, "version", e->policy->sha256, strnlen(e->policy->sha256, 12));
	json_writer_text(j, "category", "data-residency");
	json_writer_close(j, '}');
}

/* The chain of laws, when it is longer than the one law that the place carries: Exoscale is CH, its parents are AT and MX. */
static void put_laws(struct json_writer *j, const struct event *e)
{
	const char *key = e->platform && *e->platform ? e->platform : e->provider;
	const struct operator_entry *o = key && *key ? operator_by_key(key) : NULL;
	char cc[3];

	if (!o || !o->laws[1] || !operator_under(o, e->place->jurisdiction))
		return;
	json_writer_open(j, "laws", '[');
	for (unsigned i = 0; i < OPERATOR_LAWS && o->laws[i]; i++)
		json_writer_text(j, NULL, country_text(o->laws[i], cc));
	json_writer_close(j, ']');
}

static void put_place(struct json_writer *j, const struct event *e)
{
	const struct place *p = e->place;
	char cc[3], ip[IP_STRLEN];

	if (!p)
		return;
	json_writer_open(j, "dst", '{');
	if (p->country)
		json_writer_text(j, "country", country_text(p->country, cc));
	json_writer_text_set(j, "provider", e->provider);
	json_writer_text_set(j, "platform", e->platform);
	json_writer_text_set(j, "region", e->region);
	if (p->jurisdiction)
		json_writer_text(j, "jurisdiction", country_text(p->jurisdiction, cc));
	put_laws(j, e);
	json_writer_text(j, "status", place_status_name(p->status));
	json_writer_text_set(j, "reason", place_reason_name((enum place_reason)p->reason));
	json_writer_text_set(j, "grade", place_grade_name((enum place_grade)p->grade));
	if (p->flags & PLACE_STALE)
		json_writer_bool(j, "stale", true);
	json_writer_text(j, "scope", place_scope_name(p->scope));
	if (e->embedded.v)
		json_writer_text(j, "embedded", ip_format(ip, &e->embedded));
	ecs_put_names(j, e);
	json_writer_close(j, '}');
}

static void put_proof(struct json_writer *j, const struct event *e)
{
	if (e->places_name && *e->places_name) {
		json_writer_open(j, "db", '{');
		json_writer_text(j, "name", e->places_name);
		if (e->places_date > 0)
			json_writer_number(j, "build_epoch", (uint64_t)e->places_date);
		json_writer_text_set(j, "sha256", e->places_sha256);
		json_writer_close(j, '}');
	}
	if (e->policy) {
		json_writer_open(j, "policy", '{');
		json_writer_text(j, "sha256", e->policy->sha256);
		json_writer_close(j, '}');
	}
	if (e->capture) {
		json_writer_open(j, "replay", '{');
		json_writer_text(j, "file", e->capture);
		json_writer_text_set(j, "sha256", e->capture_sha256);
		json_writer_number(j, "packet", e->capture_packet);
		json_writer_close(j, '}');
	}
	if (e->rtt_min_ns || e->distance) {
		json_writer_open(j, "distance", '{');
		if (e->rtt_min_ns)
			json_writer_number(j, "rtt_min_ns", e->rtt_min_ns);
		json_writer_text_set(j, "proof", e->distance);
		json_writer_close(j, '}');
	}
}

/* Bytes and seconds. */
static void put_over(struct json_writer *j, const struct event *e)
{
	if (!e->rule->over)
		return;
	json_writer_open(j, "over", '{');
	json_writer_number(j, "limit", e->rule->over);
	json_writer_number(j, "per", (uint64_t)e->rule->per);
	json_writer_number(j, "used", e->over_used);
	json_writer_close(j, '}');
}

static void put_cordon(struct json_writer *j, const struct event *e)
{
	const struct process *p = &e->process;

	json_writer_open(j, "cordon", '{');
	json_writer_text(j, "kind", event_kind_name(e->kind));
	json_writer_text_set(j, "severity", e->severity ? event_severity_name(e->severity) : NULL);
	if (e->kind == EVENT_STATE && e->policy)
		json_writer_text(j, "mode", e->enforced ? "enforce" : "monitor");
	if (is_flow(e)) {
		json_writer_text(j, "verdict", event_verdict_name(e->verdict));
		json_writer_bool(j, "enforced", e->enforced != 0);
		json_writer_text(j, "opened", e->opened == OPENED_HERE ? "here" : "peer");
		if (e->because)
			json_writer_text(j, "opened_because", event_because_name(e->because));
		if (e->tunnel) {
			json_writer_open(j, "tunnel", '{');
			json_writer_text(j, "type", e->tunnel);
			json_writer_number(j, "depth", e->depth);
			json_writer_close(j, '}');
		}
		if (e->rule) {
			json_writer_number(j, "line", e->rule->line);
			json_writer_text_set(j, "purpose", e->rule->purpose);
			json_writer_text_set(j, "basis", e->rule->basis);
			put_over(j, e);
		}
		put_place(j, e);
	}
	if (p->cgroup || p->cgroup_id) {
		json_writer_open(j, "cgroup", '{');
		json_writer_text_set(j, "path", p->cgroup);
		if (p->cgroup_id)
			json_writer_number(j, "id", p->cgroup_id);
		json_writer_close(j, '}');
	}
	if (e->kind == EVENT_SUMMARY)
		ecs_put_summary(j, e);
	else if (e->attempts)
		json_writer_number(j, "attempts", e->attempts);
	if (e->gap)
		ecs_put_gap(j, e->gap);
	if (e->lost)
		ecs_put_lost(j, e->lost);
	put_proof(j, e);
	json_writer_text_set(j, "checkpoint", e->checkpoint);
	json_writer_text_set(j, "verifier", e->verifier);
	json_writer_close(j, '}');
}

const char *ecs_format(struct json_writer *j, const struct event *e, const struct identity *host)
{
	char message[MESSAGE_MAX];

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	json_writer_time(j, "@timestamp", e->time_ns);
	json_writer_open(j, "ecs", '{');
	json_writer_text(j, "version", "9.4.0");
	json_writer_close(j, '}');
	json_writer_text(j, "message", event_message(message, sizeof(message), e));
	put_event(j, e, host);
	if (is_flow(e)) {
		ecs_put_flow(j, e);
		ecs_put_protocols(j, e);
		put_rule(j, e);
	}
	ecs_put_process(j, &e->process, host);
	ecs_put_host(j, host);
	put_cordon(j, e);
	if (is_flow(e))
		ecs_put_related(j, e, host);
	json_writer_close(j, '}');
	return json_writer_done(j);
}
