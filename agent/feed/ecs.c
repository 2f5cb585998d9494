/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs.c - an event in the field names of ECS 9.4; what ECS has no name for stands below "cordon".
 */
#include <string.h>
#include "agent/base/text.h"
#include "agent/feed/ecs.h"
#include "agent/event/event_text.h"

#define MESSAGE_MAX 5120 /* a rule's line has at most 4096 bytes */

static bool is_flow(const struct event *e)
{
	return e->kind != EVENT_STATE;
}

static void put_event(struct jsonw *j, const struct event *e, const struct ecs_host *host)
{
	bool block = e->verdict == DECIDE_BLOCK && e->enforced;

	jsonw_open(j, "event", '{');
	jsonw_text(j, "kind", is_flow(e) ? "alert" : "event");
	jsonw_open(j, "category", '[');
	jsonw_text(j, NULL, is_flow(e) ? "network" : "configuration");
	jsonw_close(j, ']');
	jsonw_open(j, "type", '[');
	if (is_flow(e)) {
		jsonw_text(j, NULL, "connection");
		jsonw_text(j, NULL, block ? "denied" : "allowed");
		if (e->kind == EVENT_FLOW_END)
			jsonw_text(j, NULL, "end");
	} else {
		jsonw_text(j, NULL, "info");
	}
	jsonw_close(j, ']');
	jsonw_text_set(j, "action", e->action);
	if (is_flow(e))
		jsonw_text(j, "outcome", "success");
	jsonw_text(j, "module", "cordon");
	jsonw_text(j, "dataset", "cordon.alert");
	jsonw_text(j, "id", e->id);
	jsonw_number(j, "sequence", e->sequence);
	if (host && host->created_ns)
		jsonw_time(j, "created", host->created_ns);
	if (is_flow(e)) {
		jsonw_time(j, "start", e->time_ns);
		jsonw_time(j, "end", e->last_ns > e->time_ns ? e->last_ns : e->time_ns);
		jsonw_number(j, "duration", e->last_ns > e->time_ns ? e->last_ns - e->time_ns : 0);
	}
	jsonw_number(j, "severity", e->severity);
	jsonw_text_set(j, "reason",
		       e->detail		     ? e->detail
		       : e->rule && e->rule->because ? e->rule->because
						     : NULL);
	jsonw_close(j, '}');
}

static void put_address(struct jsonw *j, const char *key, const struct ip *ip)
{
	char b[IP_STRLEN];

	jsonw_text(j, key, ip_format(b, ip));
}

static void put_ends(struct jsonw *j, const struct event *e)
{
	bool ports = e->flow.sport || e->flow.dport;
	char cc[3];

	jsonw_open(j, "source", '{');
	if (event_has_source(e)) {
		put_address(j, "ip", &e->flow.src);
		put_address(j, "address", &e->flow.src);
	}
	if (ports && e->flow.sport)
		jsonw_number(j, "port", e->flow.sport);
	jsonw_number(j, "bytes", e->bytes);
	jsonw_number(j, "packets", e->packets);
	jsonw_close(j, '}');
	jsonw_open(j, "destination", '{');
	put_address(j, "ip", &e->flow.dst);
	put_address(j, "address", &e->flow.dst);
	if (ports)
		jsonw_number(j, "port", e->flow.dport);
	if (e->place && e->place->country) {
		jsonw_open(j, "geo", '{');
		jsonw_text(j, "country_iso_code", country_text(e->place->country, cc));
		jsonw_text_set(j, "country_name", country_name(e->place->country));
		jsonw_close(j, '}');
	}
	if (e->asn) {
		jsonw_open(j, "as", '{');
		jsonw_number(j, "number", e->asn);
		if (e->operator_name && *e->operator_name) {
			jsonw_open(j, "organization", '{');
			jsonw_text(j, "name", e->operator_name);
			jsonw_close(j, '}');
		}
		jsonw_close(j, '}');
	}
	jsonw_close(j, '}');
}

/* The cloud that the destination stands in */
static void put_cloud(struct jsonw *j, const struct event *e)
{
	if (!e->provider || !*e->provider)
		return;
	jsonw_open(j, "cloud", '{');
	jsonw_open(j, "target", '{');
	jsonw_text(j, "provider", e->provider);
	jsonw_text_set(j, "region", e->region);
	jsonw_close(j, '}');
	jsonw_close(j, '}');
}

static void put_network(struct jsonw *j, const struct event *e)
{
	struct flow_key k = e->flow;
	char id[EVENT_COMMUNITY_LEN], number[4];
	bool icmp = k.proto == 1 || k.proto == 58;

	jsonw_open(j, "network", '{');
	jsonw_text_set(j, "transport", event_proto_name(k.proto));
	text_put(number, sizeof(number), "%u", k.proto); /* a keyword in ECS, not a number */
	jsonw_text(j, "iana_number", number);
	jsonw_text(j, "type", k.src.v == 6 ? "ipv6" : "ipv4");
	jsonw_text(j, "direction", "egress");
	jsonw_number(j, "bytes", e->bytes);
	jsonw_number(j, "packets", e->packets);
	if (icmp && k.has_icmp) {
		k.sport = k.icmp_type;
		k.dport = k.icmp_code;
	}
	if (event_has_source(e) && (!icmp || k.has_icmp) && event_community_id(id, &k) == 0)
		jsonw_text(j, "community_id", id);
	jsonw_close(j, '}');
}

static void put_rule(struct jsonw *j, const struct event *e)
{
	char id[16];

	if (!e->policy)
		return;
	jsonw_open(j, "rule", '{');
	if (e->rule)
		text_put(id, sizeof(id), "%u", (unsigned)(e->rule - e->policy->rules) + 1);
	jsonw_text(j, "id", e->rule ? id : "default");
	jsonw_text(j, "name", e->rule ? e->rule->text : "default: no rule matches");
	jsonw_text_set(j, "ruleset", e->policy->file);
	jsonw_bytes(j, "version", e->policy->sha256, strnlen(e->policy->sha256, 12));
	jsonw_text(j, "category", "data-residency");
	jsonw_close(j, '}');
}

static void put_process(struct jsonw *j, const struct event *e)
{
	const struct process *p = &e->process;
	char uid[16];

	if (!p->pid && !p->has_uid && !p->unit && !p->cgroup)
		return;
	if (p->unit && *p->unit) {
		jsonw_open(j, "service", '{');
		jsonw_text(j, "name", p->unit);
		jsonw_close(j, '}');
	}
	jsonw_open(j, "process", '{');
	if (p->pid)
		jsonw_number(j, "pid", (uint64_t)p->pid);
	jsonw_text_set(j, "name", p->comm);
	jsonw_text_set(j, "executable", p->exe);
	jsonw_text_set(j, "command_line", p->cmdline);
	if (p->has_uid) {
		text_put(uid, sizeof(uid), "%u", p->uid);
		jsonw_open(j, "user", '{');
		jsonw_text(j, "id", uid);
		jsonw_text_set(j, "name", p->user);
		jsonw_close(j, '}');
	}
	jsonw_close(j, '}');
	if (p->has_uid) {
		jsonw_open(j, "user", '{');
		jsonw_text(j, "id", uid);
		jsonw_text_set(j, "name", p->user);
		jsonw_close(j, '}');
	}
}

static void put_host(struct jsonw *j, const struct ecs_host *h)
{
	jsonw_open(j, "observer", '{');
	jsonw_text(j, "vendor", "cordon");
	jsonw_text(j, "product", "cordon");
	jsonw_text(j, "version", CORDON_VERSION);
	jsonw_text(j, "type", "egress-agent");
	jsonw_close(j, '}');
	if (!h || ((!h->name || !*h->name) && (!h->id || !*h->id)))
		return;
	jsonw_open(j, "host", '{');
	jsonw_text_set(j, "name", h->name);
	jsonw_text_set(j, "hostname", h->name);
	jsonw_text_set(j, "id", h->id);
	if (h->boot_id && *h->boot_id) {
		jsonw_open(j, "boot", '{');
		jsonw_text(j, "id", h->boot_id);
		jsonw_close(j, '}');
	}
	jsonw_close(j, '}');
}

static void put_place(struct jsonw *j, const struct event *e)
{
	const struct place *p = e->place;
	char cc[3];

	if (!p)
		return;
	jsonw_open(j, "dst", '{');
	if (p->country)
		jsonw_text(j, "country", country_text(p->country, cc));
	jsonw_text_set(j, "provider", e->provider);
	jsonw_text_set(j, "platform", e->platform);
	jsonw_text_set(j, "region", e->region);
	if (p->jurisdiction)
		jsonw_text(j, "jurisdiction", country_text(p->jurisdiction, cc));
	jsonw_text(j, "status", place_status_name(p->status));
	jsonw_text(j, "scope", place_scope_name(p->scope));
	if (e->embedded)
		put_address(j, "embedded", e->embedded);
	if (e->destinations)
		jsonw_number(j, "count", e->destinations);
	jsonw_close(j, '}');
}

static void put_proof(struct jsonw *j, const struct event *e)
{
	if (e->places_name && *e->places_name) {
		jsonw_open(j, "db", '{');
		jsonw_text(j, "name", e->places_name);
		if (e->places_date > 0)
			jsonw_number(j, "build_epoch", (uint64_t)e->places_date);
		jsonw_text_set(j, "sha256", e->places_sha256);
		jsonw_close(j, '}');
	}
	if (e->policy) {
		jsonw_open(j, "policy", '{');
		jsonw_text(j, "sha256", e->policy->sha256);
		jsonw_close(j, '}');
	}
	if (e->capture) {
		jsonw_open(j, "replay", '{');
		jsonw_text(j, "file", e->capture);
		jsonw_text_set(j, "sha256", e->capture_sha256);
		jsonw_number(j, "packet", e->capture_packet);
		jsonw_close(j, '}');
	}
	if (e->rtt_min_ns || e->distance) {
		jsonw_open(j, "distance", '{');
		if (e->rtt_min_ns)
			jsonw_number(j, "rtt_min_ns", e->rtt_min_ns);
		jsonw_text_set(j, "proof", e->distance);
		jsonw_close(j, '}');
	}
	if (e->suppressed) {
		jsonw_open(j, "suppressed", '{');
		jsonw_number(j, "count", e->suppressed);
		if (e->destinations)
			jsonw_number(j, "destinations", e->destinations);
		jsonw_close(j, '}');
	}
}

static void put_cordon(struct jsonw *j, const struct event *e)
{
	const struct process *p = &e->process;

	jsonw_open(j, "cordon", '{');
	jsonw_text(j, "kind", event_kind_name(e->kind));
	if (is_flow(e)) {
		jsonw_text(j, "verdict", event_verdict_name(e->verdict));
		jsonw_bool(j, "enforced", e->enforced != 0);
		jsonw_text(j, "opened", e->opened == OPENED_HERE ? "here" : "peer");
		if (e->rule) {
			jsonw_number(j, "line", e->rule->line);
			jsonw_text_set(j, "purpose", e->rule->purpose);
			jsonw_text_set(j, "basis", e->rule->basis);
		}
		put_place(j, e);
	}
	if (p->cgroup || p->cgroup_id) {
		jsonw_open(j, "cgroup", '{');
		jsonw_text_set(j, "path", p->cgroup);
		if (p->cgroup_id)
			jsonw_number(j, "id", p->cgroup_id);
		jsonw_close(j, '}');
	}
	put_proof(j, e);
	jsonw_close(j, '}');
}

static void put_related(struct jsonw *j, const struct event *e)
{
	jsonw_open(j, "related", '{');
	jsonw_open(j, "ip", '[');
	if (event_has_source(e))
		put_address(j, NULL, &e->flow.src);
	put_address(j, NULL, &e->flow.dst);
	jsonw_close(j, ']');
	if (e->process.user) {
		jsonw_open(j, "user", '[');
		jsonw_text(j, NULL, e->process.user);
		jsonw_close(j, ']');
	}
	jsonw_close(j, '}');
}

const char *ecs_format(struct jsonw *j, const struct event *e, const struct ecs_host *host)
{
	char message[MESSAGE_MAX];

	jsonw_reset(j);
	jsonw_open(j, NULL, '{');
	jsonw_time(j, "@timestamp", e->time_ns);
	jsonw_open(j, "ecs", '{');
	jsonw_text(j, "version", "9.4.0");
	jsonw_close(j, '}');
	jsonw_text(j, "message", event_message(message, sizeof(message), e));
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
	jsonw_close(j, '}');
	return jsonw_done(j);
}
