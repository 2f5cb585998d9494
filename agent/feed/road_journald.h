/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * road_journald.h - the road to systemd-journald: an entry an alert, in fields of its own (sd_journal_sendv).
 *
 * MESSAGE is the line in the feed's format; PRIORITY, SYSLOG_IDENTIFIER=cordon; CORDON_EVENT_ID, CORDON_ACTION, CORDON_KIND,
 * CORDON_VERDICT, CORDON_LEVEL, CORDON_COUNTRY, CORDON_DESTINATION, CORDON_RULE, CORDON_UNIT: 'journalctl CORDON_COUNTRY=US'.
 */
#ifndef AGENT_FEED_ROAD_JOURNALD_H
#define AGENT_FEED_ROAD_JOURNALD_H
#include "agent/feed/format.h"
#include "agent/feed/road.h"
#include "rules/policy.h"

int road_journald_make(void **self, const struct policy_feed *p);
const struct road_end *road_journald_end(const struct policy_feed *p);
/* A JSON object of the fields. */
const char *road_journald_wrap(struct json_writer *j, const struct event *e,
			       const struct identity *host, const char *line);
#endif
