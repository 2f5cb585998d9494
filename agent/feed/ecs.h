/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs.h - an event as one JSON line of the Elastic Common Schema 9.4; shared by replay, alert file
 * and journal. */
#ifndef AGENT_FEED_ECS_H
#define AGENT_FEED_ECS_H
#include "agent/event/event.h"
#include "agent/base/json_writer.h"

/* The host that the event is about. Replay knows none: NULL. */
struct ecs_host {
	const char *name, *id, *boot_id; /* NULL or "" = not said */
	uint64_t created_ns;		 /* when the line is written; 0 = not said */
};
/* The line, without a newline, in j (which is reset first). NULL: no memory. */
const char *ecs_format(struct json_writer *j, const struct event *e, const struct ecs_host *host);
#endif
