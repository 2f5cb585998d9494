/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cef.c - CEF:0|vendor|product|version|signature|name|severity|key=value ...
 *
 * The header's fields escape '\' and '|', values '\', '=' and line ends (Micro Focus, "Implementing ArcSight CEF",
 * revision 25). in and out are named from the receiver's side: in is what the source sent. Readers take them as 32
 * bits; the whole count stands in cn2.
 */
#include "agent/feed/cef.h"
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define MESSAGE_MAX 5120
#define IN_MAX	    2147483647ull

static void put_escaped(struct json_writer *j, const char *s, const char *special)
{
	for (size_t n; *s; s += n) {
		n = strcspn(s, special);
		json_writer_plain(j, s, n);
		if (!s[n])
			return;
		if (s[n] == '\n' || s[n] == '\r')
			json_writer_plain(j, s[n] == '\n' ? "\\n" : "\\r", 2);
		else
			json_writer_plain(j, (char[]){'\\', s[n]}, 2);
		n++;
	}
}

/* No line may end inside a header, and there is no escape for that in it. */
static void put_header(struct json_writer *j, const char *s)
{
	char line[256];
	size_t n = text_put(line, sizeof(line), "%s", s);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	put_escaped(j, line, "\\|");
	json_writer_plain(j, "|", 1);
}

static void put_key(struct json_writer *j, const char *key)
{
	json_writer_plain(j, key, strlen(key));
	json_writer_plain(j, "=", 1);
}

static void put_text(struct json_writer *j, const char *key, const char *s)
{
	if (!s || !*s)
		return;
	put_key(j, key);
	put_escaped(j, s, "\\=\n\r");
	json_writer_plain(j, " ", 1);
}

static void put_number(struct json_writer *j, const char *key, uint64_t n)
{
	char b[24];
	size_t len = text_put(b, sizeof(b), "%llu ", (unsigned long long)n);

	put_key(j, key);
	json_writer_plain(j, b, len);
}

/* cs1=value cs1Label=name */
static void put_custom(struct json_writer *j, const char *key, const char *label, const char *s)
{
	char name[16];

	if (!s || !*s)
		return;
	put_text(j, key, s);
	text_put(name, sizeof(name), "%sLabel", key);
	put_text(j, name, label);
}

static void put_end(struct json_writer *j, const struct ip *ip, uint16_t port,
		    const char *const key[4])
{
	char b[IP_STRLEN];

	ip_format(b, ip);
	if (ip->v == 4)
		put_text(j, key[0], b);
	else
		put_custom(j, key[1], key[2], b);
	if (port)
		put_number(j, key[3], port);
}

static void put_flow(struct json_writer *j, const struct event *e)
{
	static const char *const src[] = {"src", "c6a2", "Source IPv6 Address", "spt"};
	static const char *const dst[] = {"dst", "c6a3", "Destination IPv6 Address", "dpt"};

	if (event_has_source(e))
		put_end(j, &e->flow.src, e->flow.sport, src);
	if (event_has_destination(e))
		put_end(j, &e->flow.dst, e->flow.dport, dst);
	put_text(j, "proto", event_proto_name(e->flow.proto));
	put_number(j, "deviceDirection", 1);
	put_number(j, "in", e->bytes < IN_MAX ? e->bytes : IN_MAX);
	put_number(j, "cn1", e->packets);
	put_text(j, "cn1Label", "packets");
	put_number(j, "cn2", e->bytes);
	put_text(j, "cn2Label", "bytes");
	put_number(j, "cnt", e->kind == EVENT_SUMMARY ? e->suppressed : 1);
}

static void put_meaning(struct json_writer *j, const struct event *e)
{
	char cc[3], number[32], id[EVENT_RULE_ID];

	put_custom(j, "cs1", "destCountry",
		   e->place && e->place->country ? country_text(e->place->country, cc) : NULL);
	if (e->asn) {
		text_put(number, sizeof(number), "AS%u", e->asn);
		put_custom(j, "cs2", "destAS", number);
	}
	put_custom(j, "cs3", "destProvider", e->provider);
	if (e->policy) {
		put_custom(j, "cs4", "rule", e->rule ? e->rule->text : "default: no rule matches");
		put_custom(j, "cs5", "ruleId", event_rule_id(id, e->rule));
	}
	put_custom(j, "cs6", "unit", e->process.unit);
}

static void put_who(struct json_writer *j, const struct process *p)
{
	if (p->pid)
		put_number(j, "spid", (uint64_t)p->pid);
	put_text(j, "sproc", p->exe ? p->exe : p->comm);
	put_text(j, "suser", p->user);
	if (p->has_uid)
		put_number(j, "suid", p->uid);
}

static void put_name(struct json_writer *j, const struct event *e)
{
	static const char *const severities[] = {"1|", "3|", "6|", "8|", "10|"};
	const char *severity = severities[e->severity < 5 ? e->severity : 4];
	char cc[3], name[128];

	text_put(name, sizeof(name), "%s%s%s", e->action ? e->action : "",
		 e->place && e->place->country ? ": " : "",
		 e->place && e->place->country ? country_text(e->place->country, cc) : "");
	put_header(j, e->action ? e->action : "");
	put_header(j, name);
	json_writer_plain(j, severity, strlen(severity));
}

const char *cef_format(struct json_writer *j, const struct event *e, const struct identity *host)
{
	char message[MESSAGE_MAX], reason[256];

	json_writer_reset(j);
	json_writer_plain(j, "CEF:0|cordon|cordon|", strlen("CEF:0|cordon|cordon|"));
	put_header(j, CORDON_VERSION);
	put_name(j, e);
	put_number(j, "rt", e->time_ns / 1000000);
	put_number(j, "start", e->time_ns / 1000000);
	put_number(j, "end", (e->last_ns > e->time_ns ? e->last_ns : e->time_ns) / 1000000);
	put_text(j, "act", e->action);
	if (e->kind != EVENT_STATE) {
		put_flow(j, e);
		put_meaning(j, e);
	}
	put_who(j, &e->process);
	put_text(j, "dvchost", host ? host->name : NULL);
	put_text(j, "reason", event_reason(reason, sizeof(reason), e));
	put_text(j, "msg", event_message(message, sizeof(message), e));
	put_text(j, "externalId", e->id);
	if (j->len && j->buf[j->len - 1] == ' ')
		j->len--;
	return json_writer_done(j);
}
