/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.h - where alerts go is judged too: each address of a server before a road connects to it, and once a second while it
 * is connected. What a policy blocks gets no alert, whatever the mode: alerts name people and machines.
 *
 * One for the process; roads ask from their threads, the owner of the policy answers under judge_hold.
 */
#ifndef AGENT_FEED_JUDGE_H
#define AGENT_FEED_JUDGE_H
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include "geo/base/ip.h"

#define JUDGE_REFUSED ECONNABORTED /* no call of a road gives it otherwise */

/* 0, or -JUDGE_REFUSED with a sentence in why. */
typedef int judge_fn(void *arg, const struct ip *dst, uint16_t port, uint8_t proto, char *why,
		     size_t size);
void judge_set(judge_fn *judge, void *arg); /* NULL: everything is allowed */
void judge_hold(bool on);		    /* while the policy is swapped; not from the judge */
int judge_address(const struct sockaddr *a, uint8_t proto, char *why, size_t size);
#endif
