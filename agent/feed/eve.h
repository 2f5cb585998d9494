/* SPDX-License-Identifier: BSD-2-Clause */
/* eve.h - an event as Suricata's EVE writes an alert (etc/schema.json of Suricata). */
#ifndef AGENT_FEED_EVE_H
#define AGENT_FEED_EVE_H
#include "agent/feed/format.h"

const char *eve_format(struct json_writer *j, const struct event *e, const struct identity *host);
#endif
