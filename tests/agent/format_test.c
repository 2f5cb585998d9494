/* SPDX-License-Identifier: BSD-2-Clause */
/* format_test.c - OCSF, EVE, CEF and plain text: what each must have, and that no name of a process can end a field or a line. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/feed/format.h"

static struct rule rule = {.text = "block to any because \"a|b=c\\d\"", .line = 17};
static struct policy policy = {
	.file = "cordon.conf", .sha256 = "0123456789abcdef", .rules = &rule, .nrules = 1};
static struct place us = {.country = CC('U', 'S'), .jurisdiction = CC('U', 'S')};
static struct identity host = {.name = "db1", .id = "0f"};

static struct ip address(const char *s)
{
	struct ip ip;

	cr_assert_eq(ip_parse(&ip, s), 0);
	return ip;
}

static struct event sample(void)
{
	return (struct event){.kind = EVENT_FLOW,
			      .action = "flow-blocked",
			      .time_ns = 1795430472345678901ull,
			      .last_ns = 1795430473345678901ull,
			      .sequence = 48213,
			      .id = "019ab0c2-0000-7000-8000-000000000001",
			      .flow = {.src = address("10.0.3.12"),
				       .dst = address("203.0.113.7"),
				       .sport = 41822,
				       .dport = 443,
				       .proto = 6},
			      .packets = 2,
			      .bytes = 5000000000ull,
			      .place = &us,
			      .provider = "aws",
			      .region = "us-east-1",
			      .asn = 64500,
			      .verdict = DECIDE_BLOCK,
			      .enforced = 1,
			      .severity = 3,
			      .rule = &rule,
			      .policy = &policy,
			      .process = {.pid = 4211,
					  .uid = 113,
					  .has_uid = 1,
					  .user = "postgres",
					  .comm = "postgres",
					  .exe = "/usr/lib/postgresql/15/bin/postgres",
					  .unit = "postgresql@15-main.service"}};
}

static struct event state(void)
{
	return (struct event){.kind = EVENT_STATE,
			      .action = "hook-detached",
			      .time_ns = 1795430472345678901ull,
			      .id = "019ab0c2-0000-7000-8000-000000000002",
			      .severity = 4,
			      .detail = "somebody detached connect4"};
}

static json_t *at(json_t *doc, const char *path)
{
	char key[64];

	while (doc && *path) {
		size_t n = strcspn(path, ".");

		text_put(key, sizeof(key), "%.*s", (int)n, path);
		doc = json_is_array(doc) ? json_array_get(doc, strtoul(key, NULL, 10))
					 : json_object_get(doc, key);
		path += n + (path[n] == '.');
	}
	return doc;
}

struct want {
	const char *path, *text;
	json_int_t number;
};

static json_t *parsed(const char *format, const struct event *e)
{
	struct json_writer j = {0};
	const char *line = format_find(format)->line(&j, e, &host);
	json_t *doc;

	cr_assert_not_null(line);
	cr_expect_null(strchr(line, '\n'));
	doc = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(doc, "%s: %s", format, line);
	json_writer_free(&j);
	return doc;
}

static void expect(const char *format, const struct event *e, const struct want *w, size_t n)
{
	json_t *doc = parsed(format, e);

	for (size_t i = 0; i < n; i++) {
		json_t *v = at(doc, w[i].path);

		if (w[i].text)
			cr_expect_str_eq(json_string_value(v) ? json_string_value(v) : "(none)",
					 w[i].text, "%s %s", format, w[i].path);
		else
			cr_expect(json_is_integer(v) && json_integer_value(v) == w[i].number,
				  "%s %s", format, w[i].path);
	}
	json_decref(doc);
}
#define EXPECT(format, e, rows) expect(format, e, rows, sizeof(rows) / sizeof(*(rows)))

Test(format, names)
{
	static const char *const names[] = {"ecs", "ocsf", "eve", "cef", "text"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_str_eq(format_find(names[i])->name, names[i]);
	cr_expect_str_eq(format_find(NULL)->name, "ecs");
	cr_expect_null(format_find("leef"));
}

/* required attributes of the classes, and the enumerations of a blocked connection */
Test(format, ocsf)
{
	static const struct want flow[] = {{"class_uid", NULL, 4001},
					   {"category_uid", NULL, 4},
					   {"activity_id", NULL, 1},
					   {"type_uid", NULL, 400101},
					   {"severity_id", NULL, 4},
					   {"time", NULL, 1795430472345},
					   {"metadata.version", "1.8.0", 0},
					   {"metadata.product.name", "cordon", 0},
					   {"action_id", NULL, 2},
					   {"disposition_id", NULL, 2},
					   {"connection_info.direction_id", NULL, 2},
					   {"connection_info.protocol_num", NULL, 6},
					   {"src_endpoint.ip", "10.0.3.12", 0},
					   {"dst_endpoint.ip", "203.0.113.7", 0},
					   {"dst_endpoint.location.country", "US", 0},
					   {"traffic.bytes_out", NULL, 5000000000},
					   {"device.type_id", NULL, 1},
					   {"actor.process.file.name", "postgres", 0},
					   {"enrichments.0.data.jurisdiction", "US", 0},
					   {"firewall_rule.name",
					    "block to any because \"a|b=c\\d\"", 0}};
	static const struct want own[] = {{"class_uid", NULL, 2004},
					  {"category_uid", NULL, 2},
					  {"type_uid", NULL, 200401},
					  {"severity_id", NULL, 5},
					  {"finding_info.uid",
					   "019ab0c2-0000-7000-8000-000000000002", 0},
					  {"finding_info.title", "hook-detached", 0},
					  {"device.type_id", NULL, 1}};
	struct event e = sample(), s = state();

	EXPECT("ocsf", &e, flow);
	EXPECT("ocsf", &s, own);
}

Test(format, eve)
{
	static const struct want flow[] = {{"timestamp", "2026-11-23T10:41:12.345678+0000", 0},
					   {"event_type", "alert", 0},
					   {"src_ip", "10.0.3.12", 0},
					   {"dest_port", NULL, 443},
					   {"proto", "TCP", 0},
					   {"ip_v", NULL, 4},
					   {"alert.action", "blocked", 0},
					   {"alert.severity", NULL, 2},
					   {"alert.gid", NULL, 1},
					   {"alert.signature", "block to any because \"a|b=c\\d\"",
					    0},
					   {"alert.context.cordon.country", "US", 0},
					   {"flow.bytes_toserver", NULL, 5000000000}};
	static const struct want own[] = {{"alert.action", "allowed", 0},
					  {"alert.signature", "hook-detached", 0},
					  {"alert.severity", NULL, 1}};
	struct event e = sample(), s = state();

	EXPECT("eve", &e, flow);
	EXPECT("eve", &s, own);
}

/* The value of a key, as a reader of CEF finds it: a key is what stands before an unescaped '=', after a blank. */
static bool cef_value(char *ret, size_t size, const char *line, const char *key)
{
	const char *at = line;
	size_t n = strlen(key), o = 0;

	for (int bars = 0; bars < 7; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '|')
			bars++;
		else if (!*at)
			return false;
	}
	for (;; at++) {
		if (!strncmp(at, key, n) && at[n] == '=' && (at[-1] == ' ' || at[-1] == '|'))
			break;
		if (!*at)
			return false;
		if (*at == '\\')
			at++;
	}
	for (at += n + 1; *at && o + 1 < size; at++) {
		if (*at == '\\' && at[1]) {
			at++;
			ret[o++] = *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at;
			continue;
		}
		if (*at == '=') { /* of the next key: the value ended before its word */
			while (o && ret[o - 1] != ' ')
				o--;
			o -= o > 0;
			break;
		}
		ret[o++] = *at;
	}
	ret[o] = 0;
	return true;
}

Test(format, cef)
{
	static const struct {
		const char *key, *want;
	} row[] = {{"rt", "1795430472345"},
		   {"act", "flow-blocked"},
		   {"src", "10.0.3.12"},
		   {"spt", "41822"},
		   {"dst", "203.0.113.7"},
		   {"dpt", "443"},
		   {"in", "2147483647"},
		   {"cn2", "5000000000"},
		   {"cs1", "US"},
		   {"cs1Label", "destCountry"},
		   {"cs4", "block to any because \"a|b=c\\d\""},
		   {"cs6", "postgresql@15-main.service"},
		   {"sproc", "/usr/lib/postgresql/15/bin/postgres"},
		   {"dvchost", "db1"},
		   {"externalId", "019ab0c2-0000-7000-8000-000000000001"}};
	struct json_writer j = {0};
	struct event e = sample();
	const char *line = format_find("cef")->line(&j, &e, &host);
	char value[512];

	cr_expect_eq(strncmp(line,
			     "CEF:0|cordon|cordon|" CORDON_VERSION
			     "|flow-blocked|flow-blocked: US|8|rt=",
			     60),
		     0, "%s", line);
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		cr_assert(cef_value(value, sizeof(value), line, row[i].key), "%s", row[i].key);
		cr_expect_str_eq(value, row[i].want, "%s: %s", row[i].key, value);
	}
	e.flow.dst = address("2600:1f18::1");
	line = format_find("cef")->line(&j, &e, &host);
	cr_expect(cef_value(value, sizeof(value), line, "c6a3"));
	cr_expect_str_eq(value, "2600:1f18::1");
	cr_expect_not(cef_value(value, sizeof(value), line, "dst"));
	json_writer_free(&j);
}

/* Whatever a process is called: one line, and a reader gets the name back. */
Test(format, hostile_names)
{
	static const char *const names[] = {"a\nb",
					    "a\rb",
					    "x=y cs1=FR",
					    "a|b|c",
					    "back\\slash",
					    "end\\",
					    "\\n",
					    "q\"q",
					    "\x1b[31m",
					    "= = =",
					    "act=allowed dst=1.2.3.4"};
	static const char *const formats[] = {"ecs", "ocsf", "eve", "cef", "text"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct event e = sample();
		struct json_writer j = {0};
		char value[512];

		e.process.comm = e.process.exe = e.process.unit = e.process.cmdline = names[i];
		for (size_t f = 0; f < sizeof(formats) / sizeof(*formats); f++) {
			const char *line = format_find(formats[f])->line(&j, &e, &host);

			cr_assert_not_null(line);
			cr_expect_null(strpbrk(line, "\n\r"), "%s: '%s'", formats[f], names[i]);
		}
		format_find("cef")->line(&j, &e, &host);
		cr_expect(cef_value(value, sizeof(value), j.buf, "sproc"));
		cr_expect_str_eq(value, names[i], "%s", value);
		cr_expect(cef_value(value, sizeof(value), j.buf, "act"));
		cr_expect_str_eq(value, "flow-blocked");
		json_t *ocsf = parsed("ocsf", &e), *eve = parsed("eve", &e);
		cr_expect_str_eq(json_string_value(at(ocsf, "actor.process.name")), names[i]);
		cr_expect_str_eq(json_string_value(at(eve, "alert.context.cordon.exe")), names[i]);
		json_decref(ocsf);
		json_decref(eve);
		json_writer_free(&j);
	}
}
