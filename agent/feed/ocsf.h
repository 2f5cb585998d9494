/* SPDX-License-Identifier: BSD-2-Clause */
/* ocsf.h - an event of the Open Cybersecurity Schema Framework 1.8: Network Activity (4001); what the agent says of itself is
 * a Detection Finding (2004). */
#ifndef AGENT_FEED_OCSF_H
#define AGENT_FEED_OCSF_H
#include "agent/feed/format.h"

const char *ocsf_format(struct json_writer *j, const struct event *e, const struct identity *host);
#endif
