/* SPDX-License-Identifier: BSD-2-Clause */
/* target.c - where a feed goes, as the policy writes it: SCHEME://HOST[:PORT], an IPv6 address in brackets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rules/policy.h"

static const struct {
	const char *name;
	uint16_t port;
} schemes[] = {{"udp", 514}, {"tcp", 601}, {"tls", 6514}, {"http", 4318}, {"https", 4318}};

static int parse_scheme(struct policy_target *t, const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (strlen(schemes[i].name) == n && !strncmp(schemes[i].name, text, n)) {
			t->scheme = schemes[i].name;
			t->port = schemes[i].port;
			return 0;
		}
	return -EINVAL;
}

static int parse_port(struct policy_target *t, const char *text)
{
	unsigned port = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    (port = port * 10 + (unsigned)(*text - '0')) > 65535)
			return -EINVAL;
	}
	t->port = (uint16_t)port;
	return port ? 0 : -EINVAL;
}

int policy_target_parse(struct policy_target *ret, const char *text)
{
	struct policy_target t = {0};
	const char *host = strstr(text, "://"), *end;
	size_t n;

	if (!host || parse_scheme(&t, text, (size_t)(host - text)) < 0)
		return -EINVAL;
	host += 3;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end)
			return -EINVAL;
		n = (size_t)(end++ - host);
	} else {
		n = strcspn(host, ":/");
		end = host + n;
	}
	if (!n || n >= sizeof(t.host) || strcspn(host, " \t\"@") < n)
		return -EINVAL;
	memcpy(t.host, host, n);
	if (*end && (*end != ':' || parse_port(&t, end + 1) < 0))
		return -EINVAL;
	*ret = t;
	return 0;
}
