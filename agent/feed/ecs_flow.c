/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs_flow.c - from where to where, how much, and who opened it. */
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/feed/ecs_private.h"

static void put_address(struct json_writer *j, const struct ip *ip)
{
	char b[IP_STRLEN];

	json_writer_text(j, "address", ip_format(b, ip));
	json_writer_text(j, "ip", b);
}

static void put_source(struct json_writer *j, const char *key, const struct event *e)
{
	json_writer_open(j, key, '{');
	if (event_has_source(e))
		put_address(j, &e->flow.src);
	if (e->flow.sport)
		json_writer_number(j, "port", e->flow.sport);
	json_writer_number(j, "bytes", e->bytes);
	json_writer_number(j, "packets", e->packets);
	json_writer_close(j, '}');
}

static void put_geo(struct json_writer *j, const struct place *p)
{
	char cc[3];

	if (!p || !p->country)
		return;
	json_writer_open(j, "geo", '{');
	json_writer_text(j, "country_iso_code", country_text(p->country, cc));
	json_writer_text_set(j, "country_name", country_name(p->country));
	json_writer_close(j, '}');
}

static void put_as(struct json_writer *j, const struct event *e)
{
	if (!e->asn)
		return;
	json_writer_open(j, "as", '{');
	json_writer_number(j, "number", e->asn);
	if (e->operator_name && *e->operator_name) {
		json_writer_open(j, "organization", '{');
		json_writer_text(j, "name", e->operator_name);
		json_writer_close(j, '}');
	}
	json_writer_close(j, '}');
}

/* What came back is not counted: no bytes here. */
static void put_destination(struct json_writer *j, const char *key, const struct event *e)
{
	json_writer_open(j, key, '{');
	if (event_has_destination(e))
		put_address(j, &e->flow.dst);
	json_writer_text_set(j, "domain", event_names_domain(e->names));
	if (e->flow.dport)
		json_writer_number(j, "port", e->flow.dport);
	put_geo(j, e->place);
	put_as(j, e);
	json_writer_close(j, '}');
}

/* Source and destination say where bytes go, client and server who opened it. */
static void put_ends(struct json_writer *j, const struct event *e)
{
	put_source(j, "source", e);
	put_destination(j, "destination", e);
	if (e->opened == OPENED_HERE) {
		put_source(j, "client", e);
		put_destination(j, "server", e);
	} else {
		put_destination(j, "client", e);
		put_source(j, "server", e);
	}
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

static bool community_id(char id[EVENT_COMMUNITY_LEN], const struct event *e)
{
	struct flow_key k = e->flow;
	bool icmp = k.proto == 1 || k.proto == 58;

	if (e->kind == EVENT_SUMMARY || !event_has_source(e) || (icmp && !k.has_icmp))
		return false;
	if (icmp) {
		k.sport = k.icmp_type;
		k.dport = k.icmp_code;
	}
	return event_community_id(id, &k) == 0;
}

/* network.bytes and .packets are sums of both directions; only one is known. */
static void put_network(struct json_writer *j, const struct event *e)
{
	char id[EVENT_COMMUNITY_LEN], number[4];

	json_writer_open(j, "network", '{');
	json_writer_text_set(j, "transport", event_proto_name(e->flow.proto));
	text_put(number, sizeof(number), "%u", e->flow.proto); /* a keyword in ECS, not a number */
	if (e->flow.proto)
		json_writer_text(j, "iana_number", number);
	json_writer_text(j, "type", e->flow.dst.v == 6 || e->flow.src.v == 6 ? "ipv6" : "ipv4");
	json_writer_text(j, "direction", "egress");
	if (community_id(id, e))
		json_writer_text(j, "community_id", id);
	json_writer_close(j, '}');
}

void ecs_put_flow(struct json_writer *j, const struct event *e)
{
	put_ends(j, e);
	put_cloud(j, e);
	put_network(j, e);
}

struct addresses {
	struct ip ip[EVENT_DESTINATIONS_MAX + 3];
	unsigned n;
};

static void add_address(struct addresses *a, const struct ip *ip)
{
	for (unsigned i = 0; i < a->n; i++)
		if (ip_cmp(&a->ip[i], ip) == 0)
			return;
	a->ip[a->n++] = *ip;
}

static void put_addresses(struct json_writer *j, const struct event *e)
{
	const struct event_summary *s = e->summary;
	struct addresses all = {.n = 0};
	char b[IP_STRLEN];

	if (event_has_source(e))
		add_address(&all, &e->flow.src);
	if (event_has_destination(e))
		add_address(&all, &e->flow.dst);
	for (unsigned i = 0; s && i < s->ndestinations; i++)
		add_address(&all, &s->destination[i].address);
	if (e->embedded.v)
		add_address(&all, &e->embedded);
	json_writer_open(j, "ip", '[');
	for (unsigned i = 0; i < all.n; i++)
		json_writer_text(j, NULL, ip_format(b, &all.ip[i]));
	json_writer_close(j, ']');
}

void ecs_put_related(struct json_writer *j, const struct event *e, const struct identity *host)
{
	json_writer_open(j, "related", '{');
	put_addresses(j, e);
	if (host && host->name[0]) {
		json_writer_open(j, "hosts", '[');
		json_writer_text(j, NULL, host->name);
		json_writer_close(j, ']');
	}
	if (e->process.user) {
		json_writer_open(j, "user", '[');
		json_writer_text(j, NULL, e->process.user);
		json_writer_close(j, ']');
	}
	json_writer_close(j, '}');
}
