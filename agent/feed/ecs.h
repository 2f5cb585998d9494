/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs.h - an event as one JSON line of the Elastic Common Schema 9.4; shared by replay, alert file
 * and journal. */
#ifndef AGENT_FEED_ECS_H
#define AGENT_FEED_ECS_H
#include "agent/feed/format.h"

/* The line, without a newline, in j (which is reset first). NULL: no memory. */
const char *ecs_format(struct json_writer *j, const struct event *e, const struct identity *host);
/* observer, agent, host: of a line that somebody else makes */
void ecs_put_host(struct json_writer *j, const struct identity *host);
#endif
