/* SPDX-License-Identifier: BSD-2-Clause */
/* format.h - how an event is written: a row a format, made from the one event. */
#ifndef AGENT_FEED_FORMAT_H
#define AGENT_FEED_FORMAT_H
#include "agent/base/json_writer.h"
#include "agent/event/event.h"
#include "agent/host/identity.h"

struct format {
	const char *name;
	/* The line, without a newline, in j (which is reset first). NULL: no memory. host: that the
	 * event is about; replay knows none: NULL. */
	const char *(*line)(struct json_writer *j, const struct event *e,
			    const struct identity *host);
};
/* NULL: there is none of that name. name NULL: the one for who does not choose. */
const struct format *format_find(const char *name);
#endif
