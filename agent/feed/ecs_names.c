/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs_names.c - whom a flow was meant for: each name with what it rests on, and ECS's fields of the
 * protocols that said it. */
#include "agent/feed/ecs_private.h"

static void put_by(struct json_writer *j, unsigned by)
{
	static const struct {
		unsigned bit;
		const char *text;
	} words[] = {
		{NAME_BY_TLS, "tls"},	    {NAME_BY_QUIC, "quic"},
		{NAME_BY_HTTP, "http"},	    {NAME_BY_CONNECT, "http-connect"},
		{NAME_BY_ANSWER, "dns"},    {NAME_BY_OTHERS, "dns-others"},
		{NAME_BY_HINT, "dns-hint"}, {NAME_BY_OUTER, "tls-outer"},
	};

	json_writer_open(j, "by", '[');
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (by & words[i].bit)
			json_writer_text(j, NULL, words[i].text);
	json_writer_close(j, ']');
}

static void put_recipient(struct json_writer *j, const struct recipient *r)
{
	if (!r)
		return;
	json_writer_open(j, "recipient", '{');
	json_writer_text(j, "organisation", r->organisation);
	json_writer_text(j, "service", r->service);
	json_writer_text(j, "site", r->site);
	json_writer_text(j, "law", r->law);
	json_writer_text_set(j, "eu_endpoint", r->eu);
	json_writer_text_set(j, "checked", r->checked);
	json_writer_close(j, '}');
}

static void put_name(struct json_writer *j, const struct event_name *n)
{
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "name", n->name);
	json_writer_text(j, "grade", event_name_grade_text(event_name_grade(n)));
	put_by(j, n->by);
	if (n->naliases) {
		json_writer_open(j, "aliases", '[');
		for (unsigned i = 0; i < n->naliases; i++)
			json_writer_text(j, NULL, n->alias[i]);
		json_writer_close(j, ']');
	}
	put_recipient(j, event_name_recipient(n));
	json_writer_close(j, '}');
}

void ecs_put_names(struct json_writer *j, const struct event *e)
{
	const struct event_names *n = e->names;

	if (!n)
		return;
	json_writer_text_set(j, "name_status", event_names_status(n));
	json_writer_open(j, "names", '[');
	for (unsigned i = 0; i < n->n; i++)
		put_name(j, &n->v[i]);
	json_writer_close(j, ']');
	if (n->more)
		json_writer_bool(j, "more_names", true);
	json_writer_text_set(j, "resolver", n->dns);
}

/* A name that the flow asked for, or that stood outside what it asked for: a SOC searches for both. */
static void put_tls(struct json_writer *j, const struct event_names *n)
{
	const char *name = NULL;

	for (unsigned i = 0; i < n->n && !name; i++)
		if (n->v[i].by & (NAME_BY_TLS | NAME_BY_QUIC | NAME_BY_OUTER))
			name = n->v[i].name;
	if (!name)
		return;
	json_writer_open(j, "tls", '{');
	json_writer_open(j, "client", '{');
	json_writer_text(j, "server_name", name);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

/* The question that led to the flow, when there was one. */
static void put_dns(struct json_writer *j, const struct event *e)
{
	const struct event_names *n = e->names;
	const struct event_name *asked = NULL;
	char ip[IP_STRLEN];

	for (unsigned i = 0; i < n->n; i++) {
		if (!(n->v[i].by & NAME_BY_ANSWER))
			continue;
		if (asked)
			return;
		asked = &n->v[i];
	}
	if (!asked)
		return;
	json_writer_open(j, "dns", '{');
	json_writer_text(j, "type", "answer");
	json_writer_open(j, "question", '{');
	json_writer_text(j, "name", asked->name);
	json_writer_close(j, '}');
	json_writer_open(j, "resolved_ip", '[');
	json_writer_text(j, NULL, ip_format(ip, &e->flow.dst));
	json_writer_close(j, ']');
	json_writer_close(j, '}');
}

void ecs_put_protocols(struct json_writer *j, const struct event *e)
{
	if (!e->names)
		return;
	put_tls(j, e->names);
	put_dns(j, e);
}
