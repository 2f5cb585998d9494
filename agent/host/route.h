/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * route.h - the source address that the kernel would have chosen: for a connect() that was refused before it chose one.
 */
#ifndef AGENT_HOST_ROUTE_H
#define AGENT_HOST_ROUTE_H
#include <sys/types.h>
#include "agent/event/event.h"

#define ROUTE_ASKS_MAX 500 /* a second; past it an event goes without */

struct route { /* all zero: fresh */
	uint64_t second;
	unsigned asked;
	ino_t network; /* our network namespace */
};
/* By this namespace's routes, so only for processes in it (or ended, in no container): others have routes of their own. 0, or
 * -errno; *src untouched then. */
int route_source(struct route *r, const struct process *p, const struct ip *dst, uint64_t now_ns,
		 struct ip *src);
#endif
