/* SPDX-License-Identifier: BSD-2-Clause */
/* otlp.c - an event as a log record of OTLP 1.x's JSON: numbers of 64 bits are strings. */
#include <stdio.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/feed/road_otlp.h"

static void put_attribute(struct json_writer *j, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "key", key);
	json_writer_open(j, "value", '{');
	json_writer_text(j, "stringValue", value);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

static void put_time(struct json_writer *j, const char *key, uint64_t ns)
{
	char b[24];

	text_put(b, sizeof(b), "%llu", (unsigned long long)ns);
	json_writer_text(j, key, b);
}

const char *road_otlp_wrap(struct json_writer *j, const struct event *e,
			   const struct identity *host, const char *line)
{
	/* SeverityNumber: INFO, INFO2, WARN, ERROR, FATAL */
	static const struct {
		uint8_t number;
		const char *text;
	} severity[] = {{9, "INFO"}, {10, "INFO2"}, {13, "WARN"}, {17, "ERROR"}, {21, "FATAL"}};
	unsigned s = e->severity < 5 ? e->severity : 4;
	char cc[3];

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	put_time(j, "timeUnixNano", e->time_ns);
	put_time(j, "observedTimeUnixNano", host->created_ns ? host->created_ns : e->time_ns);
	json_writer_number(j, "severityNumber", severity[s].number);
	json_writer_text(j, "severityText", severity[s].text);
	json_writer_open(j, "body", '{');
	json_writer_text(j, "stringValue", line);
	json_writer_close(j, '}');
	json_writer_open(j, "attributes", '[');
	put_attribute(j, "event.id", e->id);
	put_attribute(j, "event.action", e->action);
	put_attribute(j, "cordon.kind", event_kind_name(e->kind));
	put_attribute(j, "destination.geo.country_iso_code",
		      e->place && e->place->country ? country_text(e->place->country, cc) : NULL);
	json_writer_close(j, ']');
	json_writer_close(j, '}');
	return json_writer_done(j);
}
