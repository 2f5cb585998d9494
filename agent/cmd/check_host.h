/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host.h - 'check --host': what of this machine an agent needs or must know, a row each; nothing is changed or sent. */
#ifndef AGENT_CMD_CHECK_HOST_H
#define AGENT_CMD_CHECK_HOST_H
#include "agent/cmd/check.h"

enum host_state {
	HOST_OK,
	HOST_NOTE,    /* to be known */
	HOST_WARNING, /* less is watched, told or remembered than one would think */
	HOST_FAILED,  /* an agent cannot do its work here */
	HOST_UNSEEN,  /* could not be looked at, and why */
	HOST_STATES
};
struct host {
	const struct check *check;
	bool policy_good; /* check->policy may be asked */
	json_t *rows;	  /* owned */
	unsigned count[HOST_STATES];
	char cgroup2[128]; /* "" = none */
};
void host_say(struct host *h, enum host_state state, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Each adds its rows. */
void host_kernel(struct host *h);  /* features, the programs, hooks, other people's programs */
void host_unit(struct host *h);	   /* the service, as systemd knows it */
void host_machine(struct host *h); /* control groups, containers, addresses, ports, clock, disk */
void host_redirects(struct host *h);
void host_policy(struct host *h); /* users, units, places, feeds */

/* Prints all of it; policy_code is what the policy's own check ended with. An exit code. */
int host_check(const struct check *c, int policy_code);
#endif
