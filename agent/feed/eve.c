/* SPDX-License-Identifier: BSD-2-Clause */
/* eve.c - event_type alert with its flow; a state event is an anomaly of the application. What the schema has no name for stands in
 * alert.context, which it leaves open. */
#include "agent/feed/eve.h"
#include <string.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define GID	 1
#define SID_BASE 9100000u
#define SIDS	 100000u

/* "2026-11-23T10:41:12.345678+0000" */
static void put_time(struct json_writer *j, const char *key, uint64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / 1000000000ull);
	char b[48], text[80];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(b, sizeof(b), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	text_put(text, sizeof(text), "%s.%06llu+0000", b,
		 (unsigned long long)(unix_ns / 1000 % 1000000));
	json_writer_text(j, key, text);
}

/* EVE writes protocols in capitals. */
static void put_proto(struct json_writer *j, uint8_t proto)
{
	char b[16];
	size_t n = text_put(b, sizeof(b), "%s", event_proto_name(proto));

	for (size_t i = 0; i < n; i++)
		if (b[i] >= 'a' && b[i] <= 'z')
			b[i] = (char)(b[i] - 'a' + 'A');
	if (n)
		json_writer_text(j, "proto", b);
}

static void put_ends(struct json_writer *j, const struct event *e)
{
	char b[IP_STRLEN];

	if (event_has_source(e))
		json_writer_text(j, "src_ip", ip_format(b, &e->flow.src));
	if (e->flow.sport)
		json_writer_number(j, "src_port", e->flow.sport);
	if (event_has_destination(e))
		json_writer_text(j, "dest_ip", ip_format(b, &e->flow.dst));
	if (e->flow.dport)
		json_writer_number(j, "dest_port", e->flow.dport);
	put_proto(j, e->flow.proto);
	json_writer_number(j, "ip_v", e->flow.dst.v == 6 || e->flow.src.v == 6 ? 6 : 4);
	if (e->flow.has_icmp) {
		json_writer_number(j, "icmp_type", e->flow.icmp_type);
		json_writer_number(j, "icmp_code", e->flow.icmp_code);
	}
	json_writer_text(j, "direction", "to_server");
}

static void put_context(struct json_writer *j, const struct event *e)
{
	const struct process *p = &e->process;
	char cc[3];

	json_writer_open(j, "context", '{');
	json_writer_open(j, "cordon", '{');
	json_writer_text(j, "event_id", e->id);
	json_writer_text(j, "kind", event_kind_name(e->kind));
	if (e->place && e->place->country)
		json_writer_text(j, "country", country_text(e->place->country, cc));
	json_writer_text_set(j, "provider", e->provider);
	json_writer_text_set(j, "region", e->region);
	if (e->asn)
		json_writer_number(j, "asn", e->asn);
	json_writer_text_set(j, "exe", p->exe);
	json_writer_text_set(j, "comm", p->comm);
	json_writer_text_set(j, "unit", p->unit);
	json_writer_text_set(j, "user", p->user);
	if (p->pid)
		json_writer_number(j, "pid", (uint64_t)p->pid);
	json_writer_text_set(j, "detail", e->detail);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

/* A number of the rule's own: of the hash of its text, so that it stays. */
static unsigned signature(const struct event *e)
{
	char id[EVENT_RULE_ID];
	unsigned n = 0;

	if (e->kind == EVENT_STATE)
		return SID_BASE + SIDS;
	for (const char *s = event_rule_id(id, e->rule); *s; s++)
		n = (n * 31 + (unsigned char)*s) % SIDS;
	return SID_BASE + n;
}

static void put_alert(struct json_writer *j, const struct event *e)
{
	static const uint8_t severities[] = {4, 4, 3, 2, 1};
	const char *name = e->kind == EVENT_STATE ? e->action
			   : e->rule		  ? e->rule->text
						  : "default: no rule matches";

	json_writer_open(j, "alert", '{');
	json_writer_text(j, "action",
			 e->verdict == DECIDE_BLOCK && e->enforced && e->kind != EVENT_STATE
				 ? "blocked"
				 : "allowed");
	json_writer_number(j, "gid", GID);
	json_writer_number(j, "signature_id", signature(e));
	json_writer_number(j, "rev", 1);
	json_writer_text(j, "signature", name ? name : "");
	json_writer_text(j, "category", e->kind == EVENT_STATE ? "Agent state" : "Data residency");
	json_writer_number(j, "severity", severities[e->severity < 5 ? e->severity : 4]);
	put_context(j, e);
	json_writer_close(j, '}');
}

static void put_flow(struct json_writer *j, const struct event *e)
{
	json_writer_open(j, "flow", '{');
	json_writer_number(j, "pkts_toserver", e->packets);
	json_writer_number(j, "bytes_toserver", e->bytes);
	put_time(j, "start", e->time_ns);
	json_writer_close(j, '}');
}

const char *eve_format(struct json_writer *j, const struct event *e, const struct identity *host)
{
	char id[EVENT_COMMUNITY_LEN];
	struct flow_key k = e->flow;

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	put_time(j, "timestamp", e->time_ns);
	json_writer_text(j, "event_type", "alert");
	json_writer_text_set(j, "host", host ? host->name : NULL);
	if (e->kind != EVENT_STATE) {
		put_ends(j, e);
		if (e->kind != EVENT_SUMMARY && event_has_source(e) && k.proto != 1 &&
		    k.proto != 58 && event_community_id(id, &k) == 0)
			json_writer_text(j, "community_id", id);
	}
	put_alert(j, e);
	if (e->kind != EVENT_STATE)
		put_flow(j, e);
	json_writer_close(j, '}');
	return json_writer_done(j);
}
