/* SPDX-License-Identifier: BSD-2-Clause */
/* event_test.c - ids, community ids, and ECS lines that hostile names cannot break. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "agent/feed/ecs.h"
#include "agent/event/event_text.h"

static struct ip ip(const char *s)
{
	struct ip r;

	cr_assert_eq(ip_parse(&r, s), 0, "%s", s);
	return r;
}

/* Vectors of the specification (corelight/community-id-spec), and of its reference implementation
 * for ICMP. */
Test(event, community_ids)
{
	static const struct {
		const char *src, *dst;
		uint16_t sport, dport;
		uint8_t proto;
		const char *id;
	} v[] = {
		{"128.232.110.120", "66.35.250.204", 34855, 80, 6,
		 "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"66.35.250.204", "128.232.110.120", 80, 34855, 6,
		 "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"192.168.1.52", "8.8.8.8", 54585, 53, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
		{"8.8.8.8", "192.168.1.52", 53, 54585, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
		{"2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25, 6,
		 "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
		{"192.168.0.89", "192.168.0.1", 8, 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
		{"192.168.0.1", "192.168.0.89", 0, 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
		{"192.168.170.8", "192.168.170.56", 7, 7, 132, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
		{"10.1.12.1", "10.1.12.2", 0, 0, 46, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct flow_key k = {.src = ip(v[i].src),
				     .dst = ip(v[i].dst),
				     .sport = v[i].sport,
				     .dport = v[i].dport,
				     .proto = v[i].proto};
		char id[EVENT_COMMUNITY_LEN];

		cr_assert_eq(event_community_id(id, &k), 0);
		cr_expect_str_eq(id, v[i].id, "%s > %s: %s", v[i].src, v[i].dst, id);
	}
}

/* Suricata bug 5689: both ends with one address. */
Test(event, community_id_of_one_address)
{
	struct flow_key k = {.src = ip("10.0.0.1"),
			     .dst = ip("10.0.0.1"),
			     .sport = 1000,
			     .dport = 2000,
			     .proto = 6};
	struct flow_key back = {
		.src = k.dst, .dst = k.src, .sport = 2000, .dport = 1000, .proto = 6};
	char a[EVENT_COMMUNITY_LEN], b[EVENT_COMMUNITY_LEN];

	cr_assert_eq(event_community_id(a, &k) + event_community_id(b, &back), 0);
	cr_expect_str_eq(a, b);
}

Test(event, ids)
{
	struct policy p = {.sha256 = "aa"};
	struct event e = {.policy = &p, .capture_sha256 = "bb", .capture_packet = 7};
	char other[37], again[37];

	cr_assert_eq(event_id_v8(e.id, &e), 0);
	cr_expect_eq(strlen(e.id), 36);
	cr_expect_eq(e.id[14], '8');
	cr_expect_not_null(strchr("89ab", e.id[19]));
	cr_assert_eq(event_id_v8(again, &e), 0);
	cr_expect_str_eq(again, e.id);
	e.capture_packet = 8; /* the same packet in another file, or in a piece of it */
	e.capture_sha256 = "cc";
	cr_assert_eq(event_id_v8(other, &e), 0);
	cr_expect_str_eq(other, e.id);
	e.time_ns++;
	cr_assert_eq(event_id_v8(other, &e), 0);
	cr_expect_str_neq(other, e.id);
	e.time_ns--;
	e.part++; /* the same time, as where no clock was set */
	cr_assert_eq(event_id_v8(other, &e), 0);
	cr_expect_str_neq(other, e.id);
	event_id_v7(e.id, 1795430472345678901ull);
	cr_expect_eq(strncmp(e.id, "01a207fe-da99-7", 15), 0, "%s",
		     e.id); /* 1795430472345 ms in hexadecimal */
	event_id_v7(other, 1795430472345678901ull);
	cr_expect_str_neq(other, e.id);
}

static struct event sample(const struct policy *p, const struct rule *r, const struct place *place)
{
	return (struct event){
		.kind = EVENT_FLOW,
		.action = event_action(DECIDE_BLOCK, true),
		.enforced = 1,
		.verdict = DECIDE_BLOCK,
		.time_ns = 1795430472345678901ull,
		.last_ns = 1795430473345678901ull,
		.sequence = 48213,
		.severity = 3,
		.id = "019ab0c2-0000-7000-8000-000000000000",
		.packets = 2,
		.bytes = 148,
		.asn = 64500,
		.operator_name = "Example Cloud",
		.provider = "aws",
		.region = "us-east-1",
		.platform = "",
		.flow = {.src = ip("10.0.3.12"),
			 .dst = ip("203.0.113.7"),
			 .sport = 41822,
			 .dport = 443,
			 .proto = 6},
		.opened = OPENED_HERE,
		.place = place,
		.policy = p,
		.rule = r,
		.attempts = 3,
		.process = {.pid = 4211,
			    .parent = 4000,
			    .start_ns = 50000000000ull,
			    .uid = 113,
			    .has_uid = 1,
			    .user = "postgres",
			    .comm = "postgres",
			    .exe = "/usr/lib/postgresql/15/bin/postgres",
			    .cmdline = "postgres: backup",
			    .cgroup = "/system.slice/postgresql@15-main.service",
			    .unit = "postgresql@15-main.service"},
		.places_name = "geoip",
		.places_sha256 = "cc",
		.places_date = 1782362039,
	};
}

/* "a.b.c" or "a.0" */
static json_t *at(json_t *j, const char *path)
{
	char key[64];

	while (j && *path) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		j = json_is_array(j) ? json_array_get(j, (size_t)(key[0] - '0'))
				     : json_object_get(j, key);
		path += n + (path[n] == '.');
	}
	return j;
}

Test(ecs, every_field_in_its_place)
{
	static const struct {
		const char *path, *want;
	} text[] = {
		{"@timestamp", "2026-11-23T10:41:12.345678901Z"},
		{"ecs.version", "9.4.0"},
		{"event.kind", "alert"},
		{"event.category.0", "network"},
		{"event.type.0", "connection"},
		{"event.type.1", "denied"},
		{"event.action", "flow-blocked"},
		{"event.outcome", "success"},
		{"event.id", "019ab0c2-0000-7000-8000-000000000000"},
		{"event.start", "2026-11-23T10:41:12.345678901Z"},
		{"event.end", "2026-11-23T10:41:13.345678901Z"},
		{"event.reason", "no transfers"},
		{"source.ip", "10.0.3.12"},
		{"destination.ip", "203.0.113.7"},
		{"destination.geo.country_iso_code", "US"},
		{"destination.as.organization.name", "Example Cloud"},
		{"network.transport", "tcp"},
		{"network.iana_number", "6"},
		{"network.type", "ipv4"},
		{"network.direction", "egress"},
		{"network.community_id", "1:u/kn60zDtPaj8oCx2WfIYBI5cyg="},
		{"rule.id", "0ea52d2684f2881f"}, /* SHA-256 of its text */
		{"rule.name", "block to any because \"no transfers\""},
		{"rule.ruleset", "cordon.conf"},
		{"rule.version", "0123456789ab"},
		{"service.name", "postgresql@15-main.service"},
		{"process.name", "postgres"},
		{"process.executable", "/usr/lib/postgresql/15/bin/postgres"},
		{"process.command_line", "postgres: backup"},
		{"process.user.id", "113"},
		{"user.name", "postgres"},
		{"host.name", "db1"},
		{"host.id", "0f"},
		{"host.boot.id", "b0"},
		{"observer.product", "cordon"},
		{"cordon.kind", "flow"},
		{"cordon.verdict", "block"},
		{"cloud.target.provider", "aws"},
		{"cloud.target.region", "us-east-1"},
		{"cordon.opened", "here"},
		{"cordon.dst.provider", "aws"},
		{"cordon.dst.region", "us-east-1"},
		{"client.ip", "10.0.3.12"},
		{"server.ip", "203.0.113.7"},
		{"container.id", "(none)"},
		{"observer.hostname", "db1"},
		{"agent.id", "01"},
		{"event.dataset", "cordon.alert"},
		{"related.hosts.0", "db1"},
		{"cordon.severity", "high"},
		{"cordon.dst.jurisdiction", "US"},
		{"cordon.dst.status", "known"},
		{"cordon.db.name", "geoip"},
		{"cordon.policy.sha256", "0123456789abcdef"},
		{"cordon.replay.file", "a.pcap"},
		{"cordon.replay.sha256", "dd"},
		{"cordon.cgroup.path", "/system.slice/postgresql@15-main.service"},
		{"related.ip.1", "203.0.113.7"},
	};
	static const struct {
		const char *path;
		json_int_t want;
	} number[] = {
		{"event.sequence", 48213},
		{"event.duration", 1000000000},
		{"event.severity", 73},
		{"event.risk_score", 73},
		{"source.port", 41822},
		{"client.port", 41822},
		{"server.port", 443},
		{"process.parent.pid", 4000},
		{"source.bytes", 148},
		{"source.packets", 2},
		{"destination.port", 443},
		{"destination.as.number", 64500},
		{"process.pid", 4211},
		{"cordon.attempts", 3},
		{"cordon.db.build_epoch", 1782362039},
		{"cordon.replay.packet", 9},
		{"cordon.line", 17},
	};
	struct rule r = {.text = "block to any because \"no transfers\"",
			 .because = "no transfers",
			 .line = 17};
	struct policy p = {
		.file = "cordon.conf", .sha256 = "0123456789abcdef", .rules = &r, .nrules = 1};
	struct place place = {.country = CC('U', 'S'),
			      .jurisdiction = CC('U', 'S'),
			      .status = PLACE_KNOWN};
	struct event e = sample(&p, &r, &place);
	struct identity host = {
		.name = "db1", .id = "0f", .boot_id = "b0", .agent_id = "01", .boot_ns = 1000};
	struct json_writer j = {0};
	json_error_t error;
	const char *line;
	json_t *doc;

	e.capture = "a.pcap";
	e.capture_sha256 = "dd";
	e.capture_packet = 9;
	line = ecs_format(&j, &e, &host);
	cr_assert_not_null(line);
	cr_expect_null(strchr(line, '\n'));
	doc = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(doc, "%s: %s", error.text, line);
	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
		const char *got = json_string_value(at(doc, text[i].path));

		cr_expect_str_eq(got ? got : "(none)", text[i].want, "%s: %s", text[i].path,
				 got ? got : "(none)");
	}
	for (size_t i = 0; i < sizeof(number) / sizeof(*number); i++)
		cr_expect_eq(json_integer_value(at(doc, number[i].path)), number[i].want, "%s",
			     number[i].path);
	cr_expect(json_is_true(at(doc, "cordon.enforced")));
	cr_expect_str_eq(json_string_value(at(doc, "process.start")),
			 "1970-01-01T00:00:50.000000000Z");
	cr_expect_eq(json_string_length(at(doc, "process.entity_id")), 32);
	cr_expect_null(at(doc, "network.bytes"), "only one direction is known");
	json_decref(doc);
	json_writer_free(&j);
}

Test(ecs, what_is_not_known_is_not_said)
{
	struct policy p = {.file = "cordon.conf", .sha256 = "01"};
	struct place place = {.status = PLACE_UNKNOWN};
	struct event e = sample(&p, NULL, &place);
	static const char *const absent[] = {"cloud",		"host",
					     "process",		"user",
					     "service",		"destination.geo",
					     "destination.as",	"cordon.replay",
					     "cordon.attempts", "cordon.db",
					     "source.port",	"network.community_id",
					     "cordon.distance", "event.reason"};
	struct json_writer j = {0};
	json_t *doc;

	e.process = (struct process){0};
	e.asn = 0;
	e.provider = e.region = "";
	e.attempts = 0;
	e.places_name = NULL;
	e.flow.proto = 1; /* ICMP whose type nobody saw */
	e.flow.sport = e.flow.dport = 0;
	e.enforced = 0;
	e.action = event_action(e.verdict, false);
	doc = json_loads(ecs_format(&j, &e, NULL), JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(doc);
	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
		cr_expect_null(at(doc, absent[i]), "%s", absent[i]);
	cr_expect_str_eq(json_string_value(at(doc, "rule.id")), "default");
	cr_expect_str_eq(json_string_value(at(doc, "event.action")), "flow-would-block");
	cr_expect_str_eq(json_string_value(at(doc, "event.type.1")), "allowed",
			 "nothing was denied in monitor mode");
	json_decref(doc);
	json_writer_free(&j);
}

/* Whose law reaches the data besides the one that the place carries: the chain to the ultimate parent. */
Test(event, a_chain_of_laws)
{
	static struct place ch = {.country = CC('C', 'H'), .jurisdiction = CC('C', 'H')};
	struct event e = {.kind = EVENT_FLOW, .place = &ch, .provider = "exoscale"};
	struct json_writer j = {0};

	cr_expect_not_null(strstr(ecs_format(&j, &e, NULL), "\"laws\":[\"CH\",\"AT\",\"MX\"]"));
	ch.jurisdiction = CC('D', 'E'); /* a place line knows better */
	cr_expect_null(strstr(ecs_format(&j, &e, NULL), "\"laws\""));
	ch.jurisdiction = CC('F', 'R');
	e.provider = "ovh";
	cr_expect_null(strstr(ecs_format(&j, &e, NULL), "\"laws\""),
		       "one law stands there already");
	json_writer_free(&j);
}

/* A label is the rule's id, whatever the rule's text becomes. */
Test(event, a_label_is_the_id)
{
	char id[EVENT_RULE_ID], label[RULE_LABEL_MAX + 1] = "";
	struct rule rule = {.text = "allow to eea label replica", .label = "replica"};

	cr_expect_str_eq(event_rule_id(id, &rule), "replica");
	rule.text = "allow to DE label replica";
	cr_expect_str_eq(event_rule_id(id, &rule), "replica");
	memset(label, 'x', RULE_LABEL_MAX);
	rule.label = label;
	cr_expect_str_eq(event_rule_id(id, &rule), label, "the longest has room");
	rule.label = NULL;
	cr_expect_eq(strlen(event_rule_id(id, &rule)), 16);
	cr_expect_str_eq(event_rule_id(id, NULL), "default");
}

/* Whatever a process calls itself, the line stays one line of valid JSON, and says it back. */
Test(ecs, hostile_names)
{
	static const struct {
		const char *name, *back;
	} names[] = {
		{"\",\"event\":{\"kind\":\"x\"},\"a\":\"",
		 "\",\"event\":{\"kind\":\"x\"},\"a\":\""},
		{"line\nbreak\r\ttab", "line\nbreak\r\ttab"},
		{"\x01\x1b[31m\x7f", "\x01\x1b[31m\x7f"},
		{"back\\slash", "back\\slash"},
		{"bad \xff\xfe utf8", "bad \xef\xbf\xbd\xef\xbf\xbd utf8"},
		{"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
		{"surrogate \xed\xa0\x80", "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"overlong \xc0\xaf", "overlong \xef\xbf\xbd\xef\xbf\xbd"},
		{"fine \xe2\x82\xac \xf0\x9f\x90\x98", "fine \xe2\x82\xac \xf0\x9f\x90\x98"},
		{"separators \xe2\x80\xa8\xe2\x80\xa9", "separators \xe2\x80\xa8\xe2\x80\xa9"},
	};
	struct policy p = {.file = "cordon.conf", .sha256 = "01"};
	struct place place = {0};
	struct event e = sample(&p, NULL, &place);
	struct json_writer j = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *line;
		json_t *doc;

		e.process.comm = e.process.cmdline = names[i].name;
		line = ecs_format(&j, &e, NULL);
		cr_assert_not_null(line);
		for (const char *c = line; *c; c++)
			cr_assert((unsigned char)*c >= 0x20 && *c != 0x7f,
				  "%zu: a control character in the line", i);
		cr_expect_null(strstr(line, "\xe2\x80\xa8"), "a line separator as it is");
		doc = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		cr_assert_not_null(doc, "%zu: %s", i, line);
		cr_expect_str_eq(json_string_value(at(doc, "process.name")), names[i].back, "%zu",
				 i);
		json_decref(doc);
	}
	json_writer_free(&j);
}

Test(ecs, times)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} t[] = {
		{0, "1970-01-01T00:00:00.000000000Z"},
		{951782399999999999ull, "2000-02-28T23:59:59.999999999Z"},
		{951782400000000000ull, "2000-02-29T00:00:00.000000000Z"},
		{4323000000000000000ull, "2106-12-28T17:20:00.000000000Z"},
		{18446744073709551615ull, "2554-07-21T23:34:33.709551615Z"},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct json_writer j = {0};
		char want[64];

		json_writer_open(&j, NULL, '[');
		json_writer_time(&j, NULL, t[i].ns);
		json_writer_number(&j, NULL, t[i].ns);
		json_writer_signed(&j, NULL, -1);
		json_writer_close(&j, ']');
		snprintf(want, sizeof(want), "[\"%s\",%llu,-1]", t[i].text,
			 (unsigned long long)t[i].ns);
		cr_expect_str_eq(json_writer_done(&j), want, "%s", json_writer_done(&j));
		json_writer_free(&j);
	}
}
