/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics.h - the agent's numbers for Prometheus (text format 0.0.4), on a unix socket or a loopback
 * address: never where the network reaches.
 *
 * libmicrohttpd runs in the loop's own epoll; a scrape costs what 'cordon status' costs, and no more
 * than METRICS_CONNECTIONS are served at a time.
 */
#ifndef AGENT_DAEMON_METRICS_H
#define AGENT_DAEMON_METRICS_H
#include <jansson.h>
#include "agent/base/loop.h"
#include "geo/base/diag.h"

#define METRICS_CONNECTIONS 16
#define METRICS_TIMEOUT	    10 /* seconds of an idle connection */

struct metrics; /* owned by the caller */
/* address: unix:PATH, 127.0.0.1:9464, [::1]:9464. status is called for each scrape; the object is
 * dropped here. 0 or -errno after a diag. */
typedef json_t *metrics_status_fn(void *arg);
int metrics_open(struct metrics **ret, struct loop *l, const char *address,
		 metrics_status_fn *status, void *arg, struct diag_sink *d);
const char *metrics_address(const struct metrics *m);
void metrics_second(struct metrics *m); /* idle connections end */
void metrics_close(struct metrics *m);	/* NULL is fine */

/* What a status says, as text; malloc'ed, NULL when memory ran out. */
char *metrics_text(const json_t *status);
#endif
