/* SPDX-License-Identifier: BSD-2-Clause */
/* aim.c - an address for each shot: which place it is in and which shot it was can be read from it. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/prove/prove_private.h"

static void address(union prove_address *a, int v, const char *text)
{
	*a = (union prove_address){};
	if (v == 4) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(PROVE_PORT);
		inet_pton(AF_INET, text, &a->in.sin_addr);
	} else {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(PROVE_PORT);
		inet_pton(AF_INET6, text, &a->in6.sin6_addr);
	}
}

void aim_at(struct aim *a, int v, bool control, unsigned index)
{
	unsigned n = index + PROVE_FIRST;

	a->v = v;
	a->len = v == 4 ? sizeof(a->to.in) : sizeof(a->to.in6);
	if (v == 4)
		text_put(a->text, sizeof(a->text), "%s.%u.%u", control ? "52.28" : "3.80", n >> 8,
			 n & 255);
	else
		text_put(a->text, sizeof(a->text), "%s::%x", control ? "2a05:d014" : "2600:1f18",
			 n);
	address(&a->to, v, a->text);
	address(&a->eu, v, v == 4 ? "52.28.255.1" : "2a05:d014::ffff");
	address(&a->from, v, v == 4 ? "10.99.0.1" : "fd99::1");
	snprintf(a->token, sizeof(a->token), PROVE_TOKEN, index);
	a->device = if_nametoindex("out");
}
