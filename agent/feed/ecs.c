/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs.c - an event in the field names of ECS 9.4; what ECS has no name for stands below "cordon".
 */
#include <string.h>
#include "agent/base/text.h"
#include "agent/feed/ecs.h"
#include "agent/feed/ecs_private.h"
#include "agent/event/event_state.h"
#include "agent/event/event_text.h"

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

static void put_event(struct json_writer *j, const struct event *e, const struct format_host *host)
{
	bool block = e->verdict == DECIDE_BLOCK && e->enforced;
	char reason[256];

	json_writer_open(j, "event", '{');
	json_writer_text(j, "kind", is_alert(e) ? "alert" : "event");
	json_writer_open(j, "category", '[');
	json_writer_text(j, NULL, is_flow(e) ? "network" : "configuration");
	json_writer_close(j, ']');
	json_writer_open(j, "type", '[');
	if (is_flow(e)) {
		json_writer_text(j, NULL, "connection");
		json_writer_text(j, NULL, block ? "denied" : "allowed");
		if (e->kind == EVENT_FLOW_END || e->kind == EVENT_SUMMARY)
			json_writer_text(j, NULL, "end");
	} else {
		json_writer_text(j, NULL, "info");
	}
	json_writer_close(j, ']');
	json_writer_text_set(j, "action", e->action);
	if (is_flow(e))
		json_writer_text(j, "outcome", "success");
	json_writer_text(j, "module", "cordon");
	json_writer_text(j, "dataset", "cordon.alert");
	json_writer_text(j, "id", e->id);
	json_writer_number(j, "sequence", e->sequence);
	if (host && host->created_ns)
		json_writer_time(j, "created", host->created_ns);
	if (is_flow(e)) {
		json_writer_time(j, "start", e->time_ns);
		json_writer_time(j, "end", e->last_ns > e->time_ns ? e->last_ns : e->time_ns);
		json_writer_number(j, "duration",
				   e->last_ns > e->time_ns ? e->last_ns - e->time_ns : 0);
	}
	json_writer_number(j, "severity", e->severity);
	json_writer_text_set(j, "reason", event_reason(reason, sizeof(reason), e));
	json_writer_close(j, '}');
}

static void put_address(struct json_writer *j, const char *key, const struct ip *ip)
{
	char b[IP_STRLEN];

	json_writer_text(j, key, ip_format(b, ip));
}

static void put_ends(struct json_writer *j, const struct event *e)
{
	bool ports = e->flow.sport || e->flow.dport;
	char cc[3];

	json_writer_open(j, "source", '{');
	if (event_has_source(e)) {
		put_address(j, "ip", &e->flow.src);
		put_address(j, "address", &e->flow.src);
	}
	if (ports && e->flow.sport)
		json_writer_number(j, "port", e->flow.sport);
	json_writer_number(j, "bytes", e->bytes);
	json_writer_number(j, "packets", e->packets);
	json_writer_close(j, '}');
	json_writer_open(j, "destination", '{');
	if (event_has_destination(e)) {
		put_address(j, "ip", &e->flow.dst);
		put_address(j, "address", &e->flow.dst);
	}
	if (ports)
		json_writer_number(j, "port", e->flow.dport);
	if (e->place && e->place->country) {
		json_writer_open(j, "geo", '{');
		json_writer_text(j, "country_iso_code", country_text(e->place->country, cc));
		json_writer_text_set(j, "country_name", country_name(e->place->country));
		json_writer_close(j, '}');
	}
	if (e->asn) {
		json_writer_open(j, "as", '{');
		json_writer_number(j, "number", e->asn);
		if (e->operator_name && *e->operator_name) {
			json_writer_open(j, "organization", '{');
			json_writer_text(j, "name", e->operator_name);
			json_writer_close(j, '}');
		}
		json_writer_close(j, '}');
	}
	json_writer_close(j, '}');
}

/* The cloud that the destination stands in */
static void put_cloud(struct json_writer *j, const struct event *e)
{
	if (!e->provider || !*e->provider)
		return;
	json_writer_open(j, "cloud", '{');
	json_writer_open(j, "target", '{');
	json_writer_text(j, "provider", e->provider);
	json_writer_text_set(j, "region", e->region);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

static void put_network(struct json_writer *j, const struct event *e)
{
	struct flow_key k = e->flow;
	char id[EVENT_COMMUNITY_LEN], number[4];
	bool icmp = k.proto == 1 || k.proto == 58;

	json_writer_open(j, "network", '{');
	json_writer_text_set(j, "transport", event_proto_name(k.proto));
	text_put(number, sizeof(number), "%u", k.proto); /* a keyword in ECS, not a number */
	if (k.proto)
		json_writer_text(j, "iana_number", number);
	json_writer_text(j, "type", k.src.v == 6 ? "ipv6" : "ipv4");
	json_writer_text(j, "direction", "egress");
	json_writer_number(j, "bytes", e->bytes);
	json_writer_number(j, "packets", e->packets);
	if (icmp && k.has_icmp) {
		k.sport = k.icmp_type;
		k.dport = k.icmp_code;
	}
	if (e->kind != EVENT_SUMMARY && event_has_source(e) && (!icmp || k.has_icmp) &&
	    event_community_id(id, &k) == 0)
		json_writer_text(j, "community_id", id);
	json_writer_close(j, '}');
}

static void put_rule(struct json_writer *j, const struct event *e)
{
	char id[16];

	if (!e->policy)
		return;
	json_writer_open(j, "rule", '{');
	if (e->rule)
		text_put(id, sizeof(id), "%u", (unsigned)(e->rule - e->policy->rules) + 1);
	json_writer_text(j, "id", e->rule ? id : "default");
	json_writer_text(j, "name", e->rule ? e->rule->text : "default: no rule matches");
	json_writer_text_set(j, "ruleset", e->policy->file);
	json_writer_bytes(j, "version", e->policy->sha256, strnlen(e->policy->sha256, 12));
	json_writer_text(j, "category", "data-residency");
	json_writer_close(j, '}');
}

static void put_process(struct json_writer *j, const struct event *e)
{
	const struct process *p = &e->process;
	char uid[16];

	if (!p->pid && !p->has_uid && !p->unit && !p->cgroup)
		return;
	if (p->unit && *p->unit) {
		json_writer_open(j, "service", '{');
		json_writer_text(j, "name", p->unit);
		json_writer_close(j, '}');
	}
	json_writer_open(j, "process", '{');
	if (p->pid)
		json_writer_number(j, "pid", (uint64_t)p->pid);
	json_writer_text_set(j, "name", p->comm);
	json_writer_text_set(j, "executable", p->exe);
	json_writer_text_set(j, "command_line", p->cmdline);
	if (p->has_uid) {
		text_put(uid, sizeof(uid), "%u", p->uid);
		json_writer_open(j, "user", '{');
		json_writer_text(j, "id", uid);
		json_writer_text_set(j, "name", p->user);
		json_writer_close(j, '}');
	}
	json_writer_close(j, '}');
	if (p->has_uid) {
		json_writer_open(j, "user", '{');
		json_writer_text(j, "id", uid);
		json_writer_text_set(j, "name", p->user);
		json_writer_close(j, '}');
	}
}

static void put_host(struct json_writer *j, const struct format_host *h)
{
	json_writer_open(j, "observer", '{');
	json_writer_text(j, "vendor", "cordon");
	json_writer_text(j, "product", "cordon");
	json_writer_text(j, "version", CORDON_VERSION);
	json_writer_text(j, "type", "egress-agent");
	json_writer_close(j, '}');
	if (!h || ((!h->name || !*h->name) && (!h->id || !*h->id)))
		return;
	json_writer_open(j, "host", '{');
	json_writer_text_set(j, "name", h->name);
	json_writer_text_set(j, "hostname", h->name);
	json_writer_text_set(j, "id", h->id);
	if (h->boot_id && *h->boot_id) {
		json_writer_open(j, "boot", '{');
		json_writer_text(j, "id", h->boot_id);
		json_writer_close(j, '}');
	}
	json_writer_close(j, '}');
}

static void put_place(struct json_writer *j, const struct event *e)
{
	const struct place *p = e->place;
	char cc[3];

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
	json_writer_text(j, "status", place_status_name(p->status));
	json_writer_text(j, "scope", place_scope_name(p->scope));
	if (e->embedded.v)
		put_address(j, "embedded", &e->embedded);
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

static void put_cordon(struct json_writer *j, const struct event *e)
{
	const struct process *p = &e->process;

	json_writer_open(j, "cordon", '{');
	json_writer_text(j, "kind", event_kind_name(e->kind));
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
	if (e->lost)
		ecs_put_lost(j, e->lost);
	put_proof(j, e);
	json_writer_text_set(j, "checkpoint", e->checkpoint);
	json_writer_close(j, '}');
}

static void put_related(struct json_writer *j, const struct event *e)
{
	json_writer_open(j, "related", '{');
	json_writer_open(j, "ip", '[');
	if (event_has_source(e))
		put_address(j, NULL, &e->flow.src);
	if (event_has_destination(e))
		put_address(j, NULL, &e->flow.dst);
	for (unsigned i = 0; e->summary && i < e->summary->ndestinations; i++)
		if (!event_has_destination(e))
			put_address(j, NULL, &e->summary->destination[i].address);
	json_writer_close(j, ']');
	if (e->process.user) {
		json_writer_open(j, "user", '[');
		json_writer_text(j, NULL, e->process.user);
		json_writer_close(j, ']');
	}
	json_writer_close(j, '}');
}

const char *ecs_format(struct json_writer *j, const struct event *e, const struct format_host *host)
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
		put_ends(j, e);
		put_cloud(j, e);
		put_network(j, e);
		put_rule(j, e);
	}
	put_process(j, e);
	put_host(j, host);
	put_cordon(j, e);
	if (is_flow(e))
		put_related(j, e);
	json_writer_close(j, '}');
	return json_writer_done(j);
}
