/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * road_kafka.h - the road to Kafka: an idempotent producer (librdkafka), acknowledged by all replicas in sync.
 *
 * A message: key, the agent's id, so that a host's alerts stay in one partition and in order; value, the line; headers of
 * CloudEvents' binary mode (ce_id is the event's id). The topic is the policy's.
 */
#ifndef AGENT_FEED_ROAD_KAFKA_H
#define AGENT_FEED_ROAD_KAFKA_H
#include "agent/feed/format.h"
#include "agent/feed/road.h"
#include "rules/policy.h"

/* 0, -EINVAL, -ENOMEM. The file of properties is read when the road is opened. */
int road_kafka_make(void **self, const struct policy_feed *p);
const struct road_end *road_kafka_end(const struct policy_feed *p);
const char *road_kafka_wrap(struct json_writer *j, const struct event *e,
			    const struct identity *host, const char *line);
#endif
