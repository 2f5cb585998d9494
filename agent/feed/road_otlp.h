/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * road_otlp.h - the road to an OpenTelemetry collector: OTLP/HTTP with JSON, POST /v1/logs, batches of what waits (libcurl).
 *
 * 429, 502, 503, 504 and a lost connection are tried again, after Retry-After where the server says one; a record that it
 * will never take (400, 413 with that record alone, partial success) is counted as lost. What the policy does not say is
 * read from OTEL_EXPORTER_OTLP_[LOGS_]ENDPOINT, HEADERS, TIMEOUT, COMPRESSION, CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY.
 */
#ifndef AGENT_FEED_ROAD_OTLP_H
#define AGENT_FEED_ROAD_OTLP_H
#include "agent/feed/format.h"
#include "agent/feed/road.h"
#include "rules/policy.h"

/* 0, -EINVAL without an address in policy or environment, -ENOMEM. */
int road_otlp_make(void **self, const struct policy_feed *p);
const struct road_end *road_otlp_end(const struct policy_feed *p);
/* A log record: the line is its body, the event's id an attribute. */
const char *road_otlp_wrap(struct json_writer *j, const struct event *e,
			   const struct identity *host, const char *line);
#endif
