/* SPDX-License-Identifier: BSD-2-Clause */
/* cef.h - an event in ArcSight's Common Event Format, version 0. */
#ifndef AGENT_FEED_CEF_H
#define AGENT_FEED_CEF_H
#include "agent/feed/format.h"

const char *cef_format(struct json_writer *j, const struct event *e, const struct identity *host);
#endif
