/* SPDX-License-Identifier: BSD-2-Clause */
/* plain.c - one line, whatever a process calls itself: control characters and broken UTF-8 become \xNN. */
#include "agent/feed/plain.h"
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "geo/base/cleanup.h"

#define MESSAGE_MAX 5120

static void put(struct json_writer *j, const char *s)
{
	json_writer_plain(j, s, strlen(s));
}

static void put_escaped(struct json_writer *j, const char *name, const char *s)
{
	_free_ char *buf = s && *s ? malloc(4 * strlen(s) + 1) : NULL;

	if (!buf)
		return;
	put(j, name);
	put(j, text_escape(buf, 4 * strlen(s) + 1, s, SIZE_MAX));
}

const char *plain_format(struct json_writer *j, const struct event *e, const struct identity *host)
{
	char message[MESSAGE_MAX], when[TEXT_SHORT], number[64];

	json_writer_reset(j);
	put(j, text_time(when, (int64_t)(e->time_ns / 1000000000ull)));
	put_escaped(j, " ", host ? host->name : NULL);
	put(j, " cordon ");
	put(j, e->severity ? event_severity_name(e->severity) : "info");
	put_escaped(j, " ", event_message(message, sizeof(message), e));
	if (e->kind != EVENT_STATE) {
		text_put(number, sizeof(number), "; %llu packets, %llu bytes",
			 (unsigned long long)e->packets, (unsigned long long)e->bytes);
		put(j, number);
		put_escaped(j, "; ", e->process.exe);
		put_escaped(j, " of ", e->process.unit);
	}
	put_escaped(j, " id ", e->id);
	return json_writer_done(j);
}
