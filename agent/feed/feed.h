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
#define FEED_WHY 256
/* Could it be opened here, as far as its files, its settings and the environment say? 0, or -errno with a sentence. Opens and
 * makes nothing. */
int feed_ready(const struct policy_feed *p, char why[FEED_WHY]);
/* 0 or -errno; feed_error says what that means. spool: a directory below which what is on its way to a server is kept;
 * NULL: in memory only. */
int feed_open(struct feed **ret, const struct policy_feed *p, const char *spool);
const char *feed_error(const struct policy_feed *p, int error);
/* The same way, target, topic and format: a reload keeps it, with its queue and its counts; see feed_change. */
bool feed_same(const struct feed *f, const struct policy_feed *p);
/* Before the next line, what its name means now is opened, with what else p says (certificates). 0, or -errno when that
 * cannot be, as far as is known. */
int feed_change(struct feed *f, const struct policy_feed *p);
struct feed *feed_share(struct feed *f);
/* For the last holder: how many lines were not delivered. NULL is fine. */
uint64_t feed_close(struct feed *f);

const struct format *feed_format(const struct feed *f);
const char *feed_transport(const struct feed *f);
int64_t feed_ledger(const struct feed *f); /* as policy_feed's */
const char *
feed_name(const struct feed *f); /* of its files: the transport, and a hash of where and what */
/* What goes there for the line: itself, or a message around it, in j. NULL: no memory. */
const char *feed_wrap(const struct feed *f, struct json_writer *j, const struct event *e,
		      const struct identity *host, const char *line);
int feed_put(struct feed *f, const char *line, size_t len); /* as road_put */
void feed_state(const struct feed *f, struct road_state *ret);
#endif
