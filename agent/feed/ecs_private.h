/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs_private.h - the parts of ecs.c. */
#ifndef AGENT_FEED_ECS_PRIVATE_H
#define AGENT_FEED_ECS_PRIVATE_H
#include "agent/base/json_writer.h"
#include "agent/event/event.h"
#include "agent/host/identity.h"

/* The members of "cordon" of a summary, and of an event that declares what was lost. */
void ecs_put_summary(struct json_writer *j, const struct event *e);
void ecs_put_gap(struct json_writer *j, const struct event_gap *g);
void ecs_put_lost(struct json_writer *j, const struct event_count lost[EVENT_SUMS]);
/* The flow's names, in "dst" of "cordon"; and tls and dns beside it. */
void ecs_put_names(struct json_writer *j, const struct event *e);
void ecs_put_protocols(struct json_writer *j, const struct event *e);
/* source, destination, client, server, cloud, network */
void ecs_put_flow(struct json_writer *j, const struct event *e);
void ecs_put_related(struct json_writer *j, const struct event *e, const struct identity *host);
/* service, container, process, user; host may be NULL */
void ecs_put_process(struct json_writer *j, const struct process *p, const struct identity *host);
#endif
