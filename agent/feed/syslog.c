/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog.c - <PRI>1 TIME HOST cordon PID ACTION [meta ...][origin ...][cordon@32473 ...] LINE
 *
 * Facility 13, log audit. 32473 is the enterprise number that RFC 5612 keeps for documentation; cordon has none of its own.
 * The line follows without a byte order mark: RFC 5424's MSG-ANY, which every receiver takes.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/feed/road_syslog.h"

#define FACILITY 13

/* Printable ASCII without spaces, at most max; "-" when nothing is left (RFC 5424 section 6). */
static void put_word(struct json_writer *j, const char *s, size_t max)
{
	size_t n = 0;

	for (; s && *s && n < max; s++)
		if (*s > ' ' && *s < 0x7f) {
			json_writer_plain(j, s, 1);
			n++;
		}
	json_writer_plain(j, n ? " " : "- ", n ? 1 : 2);
}

static void put_param(struct json_writer *j, const char *name, const char *value)
{
	char b[80];

	if (!value || !*value)
		return;
	json_writer_plain(j, b, text_put(b, sizeof(b), " %s=\"", name));
	for (; *value; value++) {
		if (*value == '"' || *value == '\\' || *value == ']')
			json_writer_plain(j, "\\", 1);
		json_writer_plain(j, (unsigned char)*value < ' ' ? " " : value, 1);
	}
	json_writer_plain(j, "\"", 1);
}

static void put_time(struct json_writer *j, uint64_t ns)
{
	time_t t = (time_t)(ns / 1000000000u);
	struct tm tm;
	char b[64], day[32];

	gmtime_r(&t, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	json_writer_plain(
		j, b, text_put(b, sizeof(b), "%s.%06uZ ", day, (unsigned)(ns / 1000u % 1000000u)));
}

const char *road_syslog_wrap(struct json_writer *j, const struct event *e,
			     const struct identity *host, const char *line)
{
	static const uint8_t severity[] = {6, 5, 4, 3, 2}; /* informational .. critical */
	unsigned pri = FACILITY * 8u + severity[e->severity < 5 ? e->severity : 4];
	char b[96], cc[3];

	json_writer_reset(j);
	json_writer_plain(j, b, text_put(b, sizeof(b), "<%u>1 ", pri));
	put_time(j, e->time_ns);
	put_word(j, host->name, 255);
	json_writer_plain(j, b, text_put(b, sizeof(b), "cordon %u ", (unsigned)getpid()));
	put_word(j, e->action, 32);
	json_writer_plain(j, b,
			  text_put(b, sizeof(b), "[meta sequenceId=\"%llu\"]",
				   (unsigned long long)(e->sequence & 0x7fffffff)));
	json_writer_plain(j, b,
			  text_put(b, sizeof(b), "[origin software=\"cordon\" swVersion=\"%s\"]",
				   CORDON_VERSION));
	json_writer_plain(j, "[cordon@32473", 13);
	put_param(j, "id", e->id);
	put_param(j, "kind", event_kind_name(e->kind));
	put_param(j, "level", e->severity ? event_severity_name(e->severity) : NULL);
	put_param(j, "country",
		  e->place && e->place->country ? country_text(e->place->country, cc) : NULL);
	json_writer_plain(j, "] ", 2);
	json_writer_plain(j, line, strlen(line));
	return json_writer_done(j);
}
