/* SPDX-License-Identifier: BSD-2-Clause */
/* road_syslog.h - the road to a syslog server: RFC 5424 messages as datagrams (RFC 5426), over TCP with octet counting (RFC
 * 6587) and over TLS (RFC 5425). */
#ifndef AGENT_FEED_ROAD_SYSLOG_H
#define AGENT_FEED_ROAD_SYSLOG_H
#include "agent/feed/format.h"
#include "agent/feed/road.h"
#include "rules/policy.h"

/* The end for p's target, and its self; p may go afterwards. 0, -EINVAL, -ENOMEM. */
int road_syslog_make(void **self, const struct policy_feed *p);
const struct road_end *road_syslog_end(const struct policy_feed *p);
/* The message around a line of any format, in j, which is reset first. NULL: no memory. */
const char *road_syslog_wrap(struct json_writer *j, const struct event *e,
			     const struct identity *host, const char *line);
#endif
