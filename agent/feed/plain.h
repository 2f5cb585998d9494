/* SPDX-License-Identifier: BSD-2-Clause */
/* plain.h - an event as a line for a person: time, severity, sentence. */
#ifndef AGENT_FEED_PLAIN_H
#define AGENT_FEED_PLAIN_H
#include "agent/feed/format.h"

const char *plain_format(struct json_writer *j, const struct event *e, const struct identity *host);
#endif
