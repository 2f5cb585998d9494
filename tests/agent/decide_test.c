/* SPDX-License-Identifier: BSD-2-Clause */
/* decide_test.c - the one builder: the same flow from the kernel and from a packet is the same
 * event, whole; what the kernel did is what happened. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/json_writer.h"
#include "agent/engine/decide.h"
#include "agent/event/once.h"
#include "agent/feed/ecs.h"
#include "agent/flow/pipeline.h"

#define START 1795000000000000000ull
#define MS    1000000ull

static char dir[] = "/tmp/cordon-decide-XXXXXX";
static char policy_path[64], geo_path[64], asn_path[64], aws_path[64];
static struct engine *engine;

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static struct engine *load(const char *policy, const struct engine *old)
{
	const char *geo[] = {geo_path, asn_path, aws_path};
	struct engine_config cfg = {.policy = policy_path,
				    .geo = geo,
				    .ngeo = 3,
				    .now = START / 1000000000ull,
				    .live = true};
	struct diag_sink d = {0};
	struct engine *e = NULL;

	put(policy_path, policy);
	cr_assert_eq(engine_load(&e, &cfg, old, &d), 0);
	return e;
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(policy_path, sizeof(policy_path), "%s/policy", dir);
	snprintf(geo_path, sizeof(geo_path), "%s/geofeed.csv", dir);
	snprintf(asn_path, sizeof(asn_path), "%s/asn.csv", dir);
	snprintf(aws_path, sizeof(aws_path), "%s/aws.json", dir);
	put(geo_path, "3.80.0.0/16,US,,,\n52.28.0.0/16,DE,,,\n");
	put(asn_path,
	    "prefix,asn,org\n3.80.0.0/16,14618,\"AMAZON-AES\"\n52.28.0.0/16,16509,\"AMAZON-02\"\n");
	put(aws_path,
	    "{\"syncToken\": \"1\", \"createDate\": \"2026-11-01-00-00-00\", \"prefixes\": ["
	    "{\"ip_prefix\": \"3.80.0.0/16\", \"region\": \"us-east-1\", \"service\": \"AMAZON\","
	    " \"network_border_group\": \"us-east-1\"},"
	    "{\"ip_prefix\": \"52.28.0.0/16\", \"region\": \"eu-central-1\", \"service\": \"AMAZON\","
	    " \"network_border_group\": \"eu-central-1\"}], \"ipv6_prefixes\": []}");
	engine = load("home DE 50.11 8.68 \"Frankfurt\"\ninside 10.0.0.0/8 2001:db8:1::/48\n"
		      "allow to eea\nalert to US port 443\nblock to any severity critical\n",
		      NULL);
}

static void teardown(void)
{
	engine_free(engine);
	unlink(policy_path);
	unlink(geo_path);
	unlink(asn_path);
	unlink(aws_path);
	rmdir(dir);
}
TestSuite(decide, .init = setup, .fini = teardown);

static struct record record(const char *src, const char *dst, uint16_t port)
{
	struct record r = {.kind = EVENT_FLOW,
			   .first_ns = START,
			   .last_ns = START,
			   .packets = 1,
			   .bytes = 40,
			   .has_port = true,
			   .attributed = true,
			   .flow = {.sport = 40000, .dport = port, .proto = 17}};

	cr_assert_eq(ip_parse(&r.flow.src, src), 0);
	cr_assert_eq(ip_parse(&r.flow.dst, dst), 0);
	return r;
}

static struct record kernels(const char *dst, uint16_t port, enum decide_action action,
			     uint16_t rule)
{
	struct record r = record("10.0.0.5", dst, port);

	r.decided = DECIDED_THERE;
	r.verdict.action = action;
	r.verdict.rule = rule;
	return r;
}

Test(decide, an_event_is_whole)
{
	struct record r = kernels("3.80.0.1", 9999, DECIDE_BLOCK, 3);
	struct event e;

	r.enforced = true;
	cr_expect_eq(decide(engine, &r, &e), 0);
	cr_expect_str_eq(e.action, "flow-blocked");
	cr_expect_eq(e.place->country, CC('U', 'S'));
	cr_expect_str_eq(e.provider, "aws");
	cr_expect_str_eq(e.region, "us-east-1");
	cr_expect_eq(e.asn, 14618, "the kernel's events had no AS");
	cr_expect_str_eq(e.operator_name, "AMAZON-AES");
	cr_expect_eq(e.severity, 4);
	cr_expect_eq(e.rule->line, 5);
	cr_expect_eq(e.policy, engine->policy);
	cr_expect(*e.places_name && *e.places_sha256);
	cr_expect_eq(e.embedded.v, 0);
}

Test(decide, the_address_inside_the_address)
{
	struct record r = record("2001:db8:1::5", "64:ff9b::3.80.0.1", 9999);
	char text[IP_STRLEN];
	struct event e;

	decide(engine, &r, &e);
	cr_expect_eq(e.verdict, DECIDE_BLOCK);
	cr_assert_eq(e.embedded.v, 4);
	cr_expect_str_eq(ip_format(text, &e.embedded), "3.80.0.1");
}

Test(decide, the_kernels_word)
{
	static const struct {
		const char *name;
		uint16_t port;
		enum record_decided by;
		enum decide_action action;
		uint16_t rule;
		int differs;
		unsigned line; /* 0: none */
	} rows[] = {
		{"the same", 443, DECIDED_THERE, DECIDE_ALERT, 2, 0, 4},
		{"another rule", 443, DECIDED_THERE, DECIDE_BLOCK, 3, 1, 5},
		{"another action", 9999, DECIDED_THERE, DECIDE_ALERT, 2, 1, 4},
		{"an old policy, same action", 443, DECIDED_BEFORE, DECIDE_ALERT, 1, 0, 4},
		{"an old policy, another action", 443, DECIDED_BEFORE, DECIDE_ALLOW, 1, 0, 0},
		{"nobody", 443, DECIDED_NOT, DECIDE_LOCAL, 9, 0, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record r = kernels("3.80.0.1", rows[i].port, rows[i].action, rows[i].rule);
		struct event e;

		r.decided = rows[i].by;
		cr_expect_eq(decide(engine, &r, &e), rows[i].differs, "%s", rows[i].name);
		if (r.decided != DECIDED_NOT)
			cr_expect_eq(e.verdict, rows[i].action, "%s: what happened", rows[i].name);
		cr_expect_eq(e.rule ? e.rule->line : 0, rows[i].line, "%s", rows[i].name);
	}
}

Test(decide, what_the_header_alone_decides)
{
	for (int h = HEADER_MALFORMED; h < HEADERS; h++) {
		struct record r = kernels("52.28.0.1", 443, DECIDE_BLOCK, 0);
		struct event e;

		r.header = (enum record_header)h;
		cr_expect_eq(decide(engine, &r, &e), 0);
		cr_expect_eq(e.verdict, DECIDE_BLOCK, "header %d", h);
		cr_expect_null(e.rule);
		cr_expect_not_null(e.detail);
	}
}

/* One UDP packet, as the pipeline sees it and as the kernel would report it. */
static struct event from_wire;
static char wire_json[8192];
static struct json_writer line;

static void mask_own(struct event *e)
{
	memset(e->id, 0, sizeof(e->id));
	e->sequence = 0;
}

static void on_event(void *arg, struct event *e)
{
	(void)arg;
	from_wire = *e;
	mask_own(&from_wire);
	snprintf(wire_json, sizeof(wire_json), "%s", ecs_format(&line, &from_wire, NULL));
}

Test(decide, parity_of_the_whole_event)
{
	static const char *const dst[] = {"3.80.0.1", "52.28.0.1", "198.51.100.7"};
	static const uint16_t ports[] = {443, 9999};
	struct pipeline_config cfg = {.engine = engine, .event = on_event};

	for (unsigned i = 0; i < 6; i++) {
		struct record r = record("10.0.0.5", dst[i / 2], ports[i % 2]);
		uint8_t b[40] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17};
		struct packet_frame f = {.data = b,
					 .caplen = 40,
					 .len = 40,
					 .link = 101,
					 .time_ns = START,
					 .number = 1};
		struct pipeline *p = NULL;
		struct event e;

		memcpy(b + 12, r.flow.src.b, 4);
		memcpy(b + 16, r.flow.dst.b, 4);
		b[20] = (uint8_t)(r.flow.sport >> 8);
		b[21] = (uint8_t)r.flow.sport;
		b[22] = (uint8_t)(r.flow.dport >> 8);
		b[23] = (uint8_t)r.flow.dport;
		wire_json[0] = 0;
		cr_assert_eq(pipeline_new(&p, &cfg), 0);
		cr_assert_eq(pipeline_packets(p, &f, 1), 0);
		r.flow.has_icmp = 1; /* what the packet shows beside its ports: nothing, for UDP */
		decide(engine, &r, &e);
		mask_own(&e);
		if (decide_violates(e.verdict))
			cr_expect_str_eq(wire_json, ecs_format(&line, &e, NULL), "%s port %u",
					 dst[i / 2], ports[i % 2]);
		else
			cr_expect_str_empty(wire_json);
		pipeline_free(p);
	}
	json_writer_free(&line);
}

/* The kernel has timed the flow: the shortest time, and what handshake and data agree on. */
Test(decide, distance)
{
	static const struct {
		const char *address;
		uint64_t rtt, agreed;
		bool refuted;
		const char *distance;
	} rows[] = {
		{"3.80.0.1", 0, 0, false, "-"},
		{"3.80.0.1", 90 * MS, 90 * MS, false, "consistent"},
		{"3.80.0.1", MS / 2, MS / 2, true, "refuted"},
		{"52.28.0.1", MS / 2, MS / 2, false, "proven"},
		/* a SYN proxy, or acknowledgements sent ahead: one alone proves nothing */
		{"3.80.0.1", MS / 2, 0, false, "-"},
		{"3.80.0.1", MS / 2, 95 * MS, false, "-"},
		{"52.28.0.1", MS / 2, 95 * MS, false, "-"},
		/* that it is implausibly far is said by the shortest of all */
		{"52.28.0.1", 10 * MS, 400 * MS, false, "consistent"},
		{"52.28.0.1", 300 * MS, 400 * MS, false, "implausible"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record r = record("10.0.0.5", rows[i].address, 443);
		struct event e;

		r.rtt_min_ns = rows[i].rtt;
		r.rtt_agreed_ns = rows[i].agreed;
		decide(engine, &r, &e);
		cr_expect_eq(e.refuted, rows[i].refuted, "row %zu", i);
		cr_expect_str_eq(e.distance ? e.distance : "-", rows[i].distance, "row %zu", i);
		cr_expect_eq(decide_too_near(engine, &r.flow.dst, r.rtt_agreed_ns), rows[i].refuted,
			     "row %zu", i);
		r.kind = EVENT_PLACE_REFUTED;
		decide(engine, &r, &e);
		cr_expect_str_eq(e.action, "place-refuted");
	}
}

Test(decide, an_embedded_address_has_no_distance)
{
	struct record r = record("2001:db8:1::1", "64:ff9b::3.80.0.1", 443);
	struct event e;

	r.rtt_min_ns = r.rtt_agreed_ns = MS / 2;
	decide(engine, &r, &e);
	cr_expect_not(e.refuted, "another address than the far end's decides there");
	cr_expect_not(decide_too_near(engine, &r.flow.dst, MS / 2));
}

Test(decide, once)
{
	static struct once o;
	struct ip a = ip_from_v4(1), b = ip_from_v4(2);

	cr_expect(once_first(&o, &a, 1));
	cr_expect_not(once_first(&o, &a, 1));
	cr_expect(once_first(&o, &b, 1));
	cr_expect(once_first(&o, &a, 2), "the same address, another country");
}
