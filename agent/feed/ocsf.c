/* SPDX-License-Identifier: BSD-2-Clause */
/* ocsf.c - OCSF 1.8 from the one event; numbers are the schema's enumerations, named where they are used. */
#include "agent/feed/ocsf.h"
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define MESSAGE_MAX 5120
#define NS_PER_MS   1000000u

static bool is_flow(const struct event *e)
{
	return e->kind != EVENT_STATE;
}

static void put_class(struct json_writer *j, const struct event *e)
{
	bool blocked = e->verdict == DECIDE_BLOCK && e->enforced;
	bool more = e->kind == EVENT_FLOW_END || e->kind == EVENT_SUMMARY;
	unsigned class = is_flow(e) ? 4001 : 2004,
		 activity = is_flow(e) && more ? 6 : 1; /* 6 traffic, 1 open or create */

	json_writer_number(j, "class_uid", class);
	json_writer_number(j, "category_uid", class / 1000);
	json_writer_number(j, "activity_id", activity);
	json_writer_number(j, "type_uid", class * 100 + activity);
	json_writer_number(j, "severity_id",
			   e->severity ? e->severity + 1
				       : 1); /* 1 informational, 2 low .. 5 critical */
	json_writer_number(j, "time", e->time_ns / NS_PER_MS);
	if (!is_flow(e))
		return;
	json_writer_number(j, "start_time", e->time_ns / NS_PER_MS);
	json_writer_number(j, "end_time",
			   (e->last_ns > e->time_ns ? e->last_ns : e->time_ns) / NS_PER_MS);
	json_writer_number(j, "status_id", blocked ? 2 : 1);	   /* failure, success */
	json_writer_number(j, "action_id", blocked ? 2 : 3);	   /* denied, observed */
	json_writer_number(j, "disposition_id", blocked ? 2 : 19); /* blocked, alert */
	json_writer_bool(j, "is_alert", !more);
	json_writer_number(j, "count",
			   e->kind == EVENT_SUMMARY && e->suppressed ? e->suppressed : 1);
}

static void put_metadata(struct json_writer *j, const struct event *e)
{
	json_writer_open(j, "metadata", '{');
	json_writer_text(j, "version", "1.8.0");
	json_writer_text(j, "uid", e->id);
	json_writer_number(j, "sequence", e->sequence);
	json_writer_open(j, "product", '{');
	json_writer_text(j, "name", "cordon");
	json_writer_text(j, "vendor_name", "cordon");
	json_writer_text(j, "version", CORDON_VERSION);
	json_writer_close(j, '}');
	json_writer_open(j, "profiles", '[');
	json_writer_text(j, NULL, "host");
	json_writer_text(j, NULL, "security_control");
	json_writer_close(j, ']');
	json_writer_close(j, '}');
}

static void put_source(struct json_writer *j, const struct event *e)
{
	char b[IP_STRLEN];

	if (!event_has_source(e) && !e->flow.sport)
		return;
	json_writer_open(j, "src_endpoint", '{');
	if (event_has_source(e))
		json_writer_text(j, "ip", ip_format(b, &e->flow.src));
	if (e->flow.sport)
		json_writer_number(j, "port", e->flow.sport);
	json_writer_close(j, '}');
}

static void put_destination(struct json_writer *j, const struct event *e)
{
	char b[IP_STRLEN], cc[3];

	json_writer_open(j, "dst_endpoint", '{');
	if (event_has_destination(e))
		json_writer_text(j, "ip", ip_format(b, &e->flow.dst));
	if (e->flow.dport)
		json_writer_number(j, "port", e->flow.dport);
	if (e->place && e->place->country) {
		json_writer_open(j, "location", '{');
		json_writer_text(j, "country", country_text(e->place->country, cc));
		json_writer_close(j, '}');
	}
	if (e->asn) {
		json_writer_open(j, "autonomous_system", '{');
		json_writer_number(j, "number", e->asn);
		json_writer_text_set(j, "name", e->operator_name);
		json_writer_close(j, '}');
	}
	json_writer_close(j, '}');
}

static void put_connection(struct json_writer *j, const struct event *e)
{
	char id[EVENT_COMMUNITY_LEN];
	struct flow_key k = e->flow;

	json_writer_open(j, "connection_info", '{');
	json_writer_number(j, "direction_id", 2); /* outbound */
	if (k.proto)
		json_writer_number(j, "protocol_num", k.proto);
	json_writer_text_set(j, "protocol_name", event_proto_name(k.proto));
	json_writer_number(j, "protocol_ver_id", k.dst.v == 6 || k.src.v == 6 ? 6 : 4);
	if (e->kind != EVENT_SUMMARY && event_has_source(e) && k.proto != 1 && k.proto != 58 &&
	    event_community_id(id, &k) == 0)
		json_writer_text(j, "community_uid", id);
	json_writer_close(j, '}');
	json_writer_open(j, "traffic", '{');
	json_writer_number(j, "bytes_out", e->bytes);
	json_writer_number(j, "packets_out", e->packets);
	json_writer_close(j, '}');
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void put_actor(struct json_writer *j, const struct process *p)
{
	char uid[16];

	if (!p->pid && !p->has_uid)
		return;
	json_writer_open(j, "actor", '{');
	json_writer_open(j, "process", '{');
	if (p->pid)
		json_writer_number(j, "pid", (uint64_t)p->pid);
	json_writer_text_set(j, "name", p->comm);
	json_writer_text_set(j, "cmd_line", p->cmdline);
	if (p->exe && *p->exe) {
		json_writer_open(j, "file", '{');
		json_writer_text(j, "name", file_name(p->exe));
		json_writer_text(j, "path", p->exe);
		json_writer_number(j, "type_id", 1); /* regular file */
		json_writer_close(j, '}');
	}
	if (p->has_uid) {
		text_put(uid, sizeof(uid), "%u", p->uid);
		json_writer_open(j, "user", '{');
		json_writer_text(j, "uid", uid);
		json_writer_text_set(j, "name", p->user);
		json_writer_close(j, '}');
	}
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

static void put_device(struct json_writer *j, const struct identity *h)
{
	json_writer_open(j, "device", '{');
	json_writer_number(j, "type_id", h && h->name[0] ? 1 : 0); /* server, unknown */
	if (h) {
		json_writer_text_set(j, "hostname", h->name);
		json_writer_text_set(j, "uid", h->id);
	}
	json_writer_close(j, '}');
}

static void put_rule(struct json_writer *j, const struct event *e)
{
	char id[EVENT_RULE_ID];

	if (!e->policy)
		return;
	json_writer_open(j, "firewall_rule", '{');
	json_writer_text(j, "uid", event_rule_id(id, e->rule));
	json_writer_text(j, "name", e->rule ? e->rule->text : "default: no rule matches");
	json_writer_bytes(j, "version", e->policy->sha256, strnlen(e->policy->sha256, 12));
	json_writer_close(j, '}');
}

/* Where the destination stands, and by which law: the schema has no attribute for that. */
static void put_residency(struct json_writer *j, const struct event *e)
{
	char b[IP_STRLEN], cc[3];

	if (!e->place || !event_has_destination(e))
		return;
	json_writer_open(j, "enrichments", '[');
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "name", "dst_endpoint.ip");
	json_writer_text(j, "value", ip_format(b, &e->flow.dst));
	json_writer_text(j, "type", "residency");
	json_writer_text(j, "provider", "cordon");
	json_writer_open(j, "data", '{');
	json_writer_text(j, "status", place_status_name(e->place->status));
	json_writer_text_set(j, "provider", e->provider);
	json_writer_text_set(j, "region", e->region);
	if (e->place->jurisdiction)
		json_writer_text(j, "jurisdiction", country_text(e->place->jurisdiction, cc));
	json_writer_close(j, '}');
	json_writer_close(j, '}');
	json_writer_close(j, ']');
}

static void put_finding(struct json_writer *j, const struct event *e)
{
	json_writer_number(j, "status_id", 1); /* new */
	json_writer_open(j, "finding_info", '{');
	json_writer_text(j, "uid", e->id);
	json_writer_text(j, "title", e->action ? e->action : "");
	json_writer_text_set(j, "desc", e->detail);
	json_writer_close(j, '}');
}

static void put_flow(struct json_writer *j, const struct event *e)
{
	put_source(j, e);
	put_destination(j, e);
	put_connection(j, e);
	put_rule(j, e);
	put_residency(j, e);
}

const char *ocsf_format(struct json_writer *j, const struct event *e, const struct identity *host)
{
	char message[MESSAGE_MAX];

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	put_class(j, e);
	put_metadata(j, e);
	json_writer_text(j, "message", event_message(message, sizeof(message), e));
	if (is_flow(e))
		put_flow(j, e);
	else
		put_finding(j, e);
	put_actor(j, &e->process);
	put_device(j, host);
	json_writer_open(j, "unmapped", '{');
	json_writer_text_set(j, "unit", e->process.unit);
	json_writer_text_set(j, "cgroup", e->process.cgroup);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
	return json_writer_done(j);
}
