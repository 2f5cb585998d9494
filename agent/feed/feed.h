/* SPDX-License-Identifier: BSD-2-Clause */
/* feed.h - a feed: a format on a road (agent/feed/road.h), shared by whoever holds it. */
#ifndef AGENT_FEED_FEED_H
#define AGENT_FEED_FEED_H
#include "agent/feed/format.h"
#include "agent/feed/road.h"
#include "rules/policy.h"

struct feed;
/* Does this version deliver so? NULL: it does; else why not. */
const char *feed_unsupported(const struct policy_feed *p);
/* 0 or -errno; feed_error says what that means. */
int feed_open(struct feed **ret, const struct policy_feed *p);
const char *feed_error(const struct policy_feed *p, int error);
/* The same road and format: a reload keeps it, with its queue and its counts. */
bool feed_same(const struct feed *f, const struct policy_feed *p);
struct feed *feed_share(struct feed *f);
/* What its name means now is opened before the next line. 0, or -errno when it could not be, as far as is known. */
int feed_reopen(struct feed *f);
/* For the last holder: how many lines were not delivered. NULL is fine. */
uint64_t feed_close(struct feed *f);

const struct format *feed_format(const struct feed *f);
const char *feed_transport(const struct feed *f);
int feed_put(struct feed *f, const char *line, size_t len); /* as road_put */
void feed_state(const struct feed *f, struct road_state *ret);
#endif
