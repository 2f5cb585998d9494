/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_preview.c - what mode enforce would stop of what lives now: the flows that the kernel knows, and the resolvers
 * that /etc/resolv.conf names, decided by the policy in force. A connection that has sent nothing since the programs were
 * attached is not known.
 */
#include <fcntl.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "agent/event/event_text.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define PREVIEW_MAX 200 /* rows; the rest is counted */
#define RESOLV_CONF "/etc/resolv.conf"
#define SSH_PORT    22

struct preview {
	json_t *rows, *by; /* by: the same rows, found by what they have in common */
	uint64_t checked, cut, more;
};

static void set(json_t *o, const char *key, json_t *v)
{
	json_object_set_new(o, key, v ? v : json_null());
}

static json_t *string(const char *s)
{
	char safe[1024];

	return s && *s ? json_string(text_escape(safe, sizeof(safe), s, SIZE_MAX)) : NULL;
}

#define KEY_MAX 128 /* bytes */

/* The same peer, port, process and rule is one row: its flows are counted there. */
static bool counted(struct preview *p, const char *key)
{
	json_t *r = json_object_get(p->by, key);

	p->cut++;
	if (r)
		set(r, "flows", json_integer(json_integer_value(json_object_get(r, "flows")) + 1));
	else if (json_array_size(p->rows) >= PREVIEW_MAX)
		p->more++;
	return r || json_array_size(p->rows) >= PREVIEW_MAX;
}

static void add(struct preview *p, const char *key, json_t *row)
{
	json_object_set(p->by, key, row);
	json_array_append_new(p->rows, row);
}

static void put_rule(json_t *o, const struct rule *r)
{
	set(o, "line", json_integer(r ? r->line : 0));
	set(o, "rule", string(r ? r->text : "no rule matches"));
}

static void on_flow(void *arg, const struct event *e)
{
	struct preview *p = arg;
	bool peer = e->opened == OPENED_PEER;
	uint16_t port = peer ? e->flow.sport : e->flow.dport;
	char ip[IP_STRLEN], cc[3], key[KEY_MAX];
	json_t *o;

	if (e->enforced && e->verdict == DECIDE_BLOCK)
		return; /* stopped before: it does not live */
	p->checked++;
	if (e->verdict != DECIDE_BLOCK)
		return;
	text_put(key, sizeof(key), "%s %u %u %u %d %u", ip_format(ip, &e->flow.dst), port,
		 e->flow.proto, peer, e->process.pid, e->rule ? e->rule->line : 0);
	if (counted(p, key))
		return;
	o = json_object();
	set(o, "what",
	    json_string(peer && e->flow.proto == 6 && port == SSH_PORT ? "ssh-session" : "flow"));
	set(o, "to", json_string(ip));
	set(o, "peer_port", json_integer(e->flow.dport));
	set(o, "port", json_integer(port));
	set(o, "proto", json_integer(e->flow.proto));
	set(o, "opened", json_string(peer ? "peer" : "here"));
	set(o, "country",
	    e->place && e->place->country ? json_string(country_text(e->place->country, cc))
					  : NULL);
	set(o, "pid", json_integer(e->process.pid));
	set(o, "process", string(e->process.comm));
	set(o, "user", string(e->process.user));
	set(o, "unit", string(e->process.unit));
	set(o, "bytes", json_integer((json_int_t)e->bytes));
	set(o, "flows", json_integer(1));
	put_rule(o, e->rule);
	add(p, key, o);
}

static void resolver(struct daemon *d, struct preview *p, const char *word)
{
	struct ip ip;
	struct engine_query q = {.dst = &ip,
				 .port = 53,
				 .proto = 17,
				 .has_port = true,
				 .opened = OPENED_HERE,
				 .known = KNOWN_NOBODY,
				 .now_ns = loop_unix_ns()};
	struct engine_verdict v;
	char text[IP_STRLEN], cc[3];
	json_t *o;

	if (ip_parse(&ip, word) < 0)
		return;
	p->checked++;
	engine_decide(d->engine, &q, &v);
	if (v.action != DECIDE_BLOCK || counted(p, ip_format(text, &ip)))
		return;
	o = json_object();
	set(o, "what", json_string("resolver"));
	set(o, "to", json_string(text));
	set(o, "port", json_integer(53));
	set(o, "proto", json_integer(17));
	set(o, "opened", json_string("here"));
	set(o, "country",
	    v.where->place.country ? json_string(country_text(v.where->place.country, cc)) : NULL);
	set(o, "flows", json_integer(0));
	put_rule(o, v.rule);
	add(p, text, o);
}

static void resolvers(struct daemon *d, struct preview *p)
{
	_free_ char *text = NULL;
	char word[IP_STRLEN];
	size_t len;

	if (file_read(&text, &len, AT_FDCWD, RESOLV_CONF, 65536) < 0)
		return;
	for (const char *s = text; s; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (strncmp(s, "nameserver", 10) != 0)
			continue;
		s += 10 + strspn(s + 10, " \t");
		text_put(word, sizeof(word), "%.*s", (int)strcspn(s, " \t\r\n%"), s);
		resolver(d, p, word);
	}
}

json_t *daemon_preview(struct daemon *d)
{
	struct preview p = {.rows = json_array(), .by = json_object()};

	if (d->kernel_source)
		kernel_source_flows(d->kernel_source, on_flow, &p);
	resolvers(d, &p);
	json_decref(p.by);
	return json_pack("{sb so sI sI sI ss ss}", "ok", 1, "would_cut", p.rows, "cut",
			 (json_int_t)p.cut, "more", (json_int_t)p.more, "checked",
			 (json_int_t)p.checked, "mode", daemon_mode_name(d->mode), "policy",
			 d->engine->policy->file);
}
