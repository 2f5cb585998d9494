/* SPDX-License-Identifier: BSD-2-Clause */
/* summary_test.c - what a summary says: no port and no community id of a single flow, its lists,
 * its sentence; and the event that declares what was lost. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "agent/event/event_text.h"
#include "agent/feed/ecs.h"

static struct place us = {.country = CC('U', 'S')};
static struct rule rule = {.line = 5, .text = "block to any"};
static struct policy policy = {.file = "cordon.conf", .rules = &rule, .nrules = 1};

static struct event summary(struct event_summary *s)
{
	struct event e = {.kind = EVENT_SUMMARY,
			  .action = "flow-blocked",
			  .verdict = DECIDE_BLOCK,
			  .enforced = 1,
			  .severity = 4,
			  .packets = 12,
			  .bytes = 1200,
			  .attempts = 30,
			  .suppressed = 5,
			  .place = &us,
			  .policy = &policy,
			  .rule = &rule,
			  .summary = s,
			  .process = {.comm = "curl"},
			  .flow = {.src = ip_from_v4(0x0a000005), .dst = {.v = 4}, .proto = 6}};

	memcpy(s->first_id, "0199", 5);
	s->ndestinations = 2;
	s->destination[0] = (struct event_destination){.address = ip_from_v4(0x03500001),
						       .port = 443,
						       .proto = 6,
						       .count = {2, 30, 6, 600}};
	s->destination[1] = (struct event_destination){
		.address = ip_from_v4(0x03500002), .port = 80, .proto = 6, .count = {1, 0, 4, 400}};
	s->rest = (struct event_count){2, 0, 2, 200};
	s->nprocesses = 1;
	s->process[0] =
		(struct event_process){.pid = 77, .comm = "curl", .count = {5, 30, 12, 1200}};
	return e;
}

static json_t *format(const struct event *e)
{
	struct json_writer j = {0};
	json_error_t error;
	const char *line = ecs_format(&j, e, NULL);
	json_t *doc = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(doc, "%s: %s", error.text, line);
	json_writer_free(&j);
	return doc;
}

static const char *text(const json_t *o, const char *a, const char *b)
{
	return json_string_value(json_object_get(json_object_get(o, a), b));
}

Test(summary, in_ecs)
{
	struct event_summary s = {0};
	struct event e = summary(&s);
	json_t *doc = format(&e), *cordon = json_object_get(doc, "cordon");
	json_t *sum = json_object_get(cordon, "summary"), *d, *ips;

	cr_expect_str_eq(text(doc, "event", "kind"), "event", "it goes on from an alert");
	cr_expect_str_eq(text(doc, "source", "ip"), "10.0.0.5");
	cr_expect_null(json_object_get(json_object_get(doc, "source"), "port"));
	cr_expect_null(json_object_get(json_object_get(doc, "destination"), "ip"));
	cr_expect_null(json_object_get(json_object_get(doc, "network"), "community_id"));
	cr_expect_str_eq(json_string_value(json_object_get(sum, "first_id")), "0199");
	cr_expect_eq(json_integer_value(json_object_get(sum, "attempts")), 30);
	cr_expect_eq(json_integer_value(json_object_get(sum, "flows")), 5);
	d = json_object_get(sum, "destinations");
	cr_assert_eq(json_array_size(d), 2);
	d = json_array_get(d, 0);
	cr_expect_str_eq(json_string_value(json_object_get(d, "ip")), "3.80.0.1");
	cr_expect_eq(json_integer_value(json_object_get(d, "port")), 443);
	cr_expect_eq(json_integer_value(json_object_get(d, "attempts")), 30);
	cr_expect_eq(json_integer_value(json_object_get(d, "bytes")), 600);
	d = json_object_get(sum, "more_destinations");
	cr_expect_eq(json_integer_value(json_object_get(d, "packets")), 2);
	cr_expect_eq(json_integer_value(json_object_get(sum, "destinations_max")),
		     EVENT_DESTINATIONS_MAX);
	d = json_array_get(json_object_get(sum, "processes"), 0);
	cr_expect_eq(json_integer_value(json_object_get(d, "pid")), 77);
	ips = json_object_get(json_object_get(doc, "related"), "ip");
	cr_expect_eq(json_array_size(ips), 3, "the source and the listed ones");
	json_decref(doc);
}

Test(summary, its_sentence)
{
	struct event_summary s = {0};
	struct event e = summary(&s);
	char buf[512];

	cr_expect_str_eq(
		event_message(buf, sizeof(buf), &e),
		"flow-blocked, summary: curl: 5 more flows, 30 refused attempts, 12 packets, "
		"1.2 kB to 2 destinations and more (US) by line 5: block to any");
	s.ndestinations = 1;
	s.rest = (struct event_count){0};
	e.suppressed = 0;
	cr_expect_str_eq(event_message(buf, sizeof(buf), &e),
			 "flow-blocked, summary: curl: 30 refused attempts, 12 packets, 1.2 kB to "
			 "3.80.0.1 port 443 (US) by line 5: block to any");
}

Test(summary, what_is_lost_is_declared)
{
	struct event_count lost[EVENT_SUMS] = {[SUM_WOULD_BLOCK] = {0, 0, 3, 300}};
	struct event e = {
		.kind = EVENT_STATE, .action = "lost-counts", .detail = "3 packets", .lost = lost};
	json_t *doc = format(&e), *o = json_object_get(json_object_get(doc, "cordon"), "lost");

	cr_expect_eq(json_object_size(o), 1);
	o = json_object_get(o, "would_block");
	cr_expect_eq(json_integer_value(json_object_get(o, "packets")), 3);
	cr_expect_eq(json_integer_value(json_object_get(o, "bytes")), 300);
	json_decref(doc);
}
