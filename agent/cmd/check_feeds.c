/* SPDX-License-Identifier: BSD-2-Clause */
/* check_feeds.c - where the policy's alerts go, and whether this host is ready for it: nothing is opened, nothing connected. */
#include <stdio.h>
#include "agent/cmd/check.h"
#include "agent/feed/feed.h"

static const char *state_of(const struct policy_feed *p, char why[FEED_WHY])
{
	return feed_ready(p, why) < 0 ? why : "ready";
}

void check_print_feeds(const struct check *c, FILE *to)
{
	char why[FEED_WHY], where[POLICY_WHERE];

	if (c->policy->nfeeds)
		fputs("\nWhere alerts go, and whether this host is ready for it\n", to);
	for (size_t i = 0; i < c->policy->nfeeds; i++) {
		const struct policy_feed *p = &c->policy->feeds[i];

		fprintf(to, "  %s: %s%s%s: %s\n", policy_where(where, p->file, p->line),
			p->transport, p->target ? " " : "", p->target ? p->target : "",
			state_of(p, why));
	}
}

json_t *check_feeds_json(const struct check *c)
{
	json_t *ret = json_array();
	char why[FEED_WHY];

	for (size_t i = 0; i < c->policy->nfeeds; i++) {
		const struct policy_feed *p = &c->policy->feeds[i];

		json_array_append_new(ret, json_pack("{s:i, s:s, s:s?, s:s}", "line", (int)p->line,
						     "transport", p->transport, "target", p->target,
						     "state", state_of(p, why)));
	}
	return ret;
}
