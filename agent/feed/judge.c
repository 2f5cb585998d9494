/* SPDX-License-Identifier: BSD-2-Clause */
/* judge.c - one judge, one lock. */
#include "agent/feed/judge.h"
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static judge_fn *the_judge;
static void *the_arg;

void judge_set(judge_fn *judge, void *arg)
{
	pthread_mutex_lock(&lock);
	the_judge = judge;
	the_arg = arg;
	pthread_mutex_unlock(&lock);
}

void judge_hold(bool on)
{
	if (on)
		pthread_mutex_lock(&lock);
	else
		pthread_mutex_unlock(&lock);
}

int judge_address(const struct sockaddr *a, uint8_t proto, char *why, size_t size)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;
	struct ip ip;
	int r;

	if (a->sa_family == AF_INET)
		ip = ip_from_bytes(4, (const uint8_t *)&v4->sin_addr);
	else if (a->sa_family == AF_INET6)
		ip = ip_from_bytes(6, v6->sin6_addr.s6_addr);
	else
		return 0; /* a local socket */
	pthread_mutex_lock(&lock);
	r = the_judge ? the_judge(the_arg, &ip,
				  ntohs(a->sa_family == AF_INET ? v4->sin_port : v6->sin6_port),
				  proto, why, size)
		      : 0;
	pthread_mutex_unlock(&lock);
	return r;
}
