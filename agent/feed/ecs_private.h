/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs_private.h - the parts of ecs.c. */
#ifndef AGENT_FEED_ECS_PRIVATE_H
#define AGENT_FEED_ECS_PRIVATE_H
#include "agent/base/json_writer.h"
#include "agent/event/event.h"

/* The members of "cordon" of a summary, and of an event that declares what was lost. */
void ecs_put_summary(struct json_writer *j, const struct event *e);
void ecs_put_lost(struct json_writer *j, const struct event_count lost[EVENT_SUMS]);
#endif
