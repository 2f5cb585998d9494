/* SPDX-License-Identifier: BSD-2-Clause */
/* alerts.c - which of the agent's events speaks of which shot: by the process, and by the shot's own address. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/prove/prove_private.h"
#include "geo/base/cleanup.h"

static const json_t *at(const json_t *o, const char *a, const char *b)
{
	return json_object_get(json_object_get(o, a), b);
}

/* The address of a shot, or an IPv6 address that holds an IPv4 one. */
static bool names(const struct aim *a, const char *text)
{
	uint8_t b[16];
	size_t n = inet_pton(AF_INET, text, b) == 1 ? 4 : 16;

	if (n == 16 && inet_pton(AF_INET6, text, b) != 1)
		return false;
	if (a->v == 4)
		return memmem(b, n, &a->to.in.sin_addr, 4) != NULL;
	return n == 16 && memcmp(b, &a->to.in6.sin6_addr, 16) == 0;
}

static void match(struct stage *s, const json_t *o, const char *action, long pid, const char *text)
{
	bool blocked = strcmp(action, "flow-blocked") == 0;

	for (unsigned i = 0; i < s->shared->count; i++) {
		struct shot *shot = &s->shared->shot[i];
		struct aim a;
		bool process = pid > 0 && shot->pid == pid, address;

		aim_at(&a, shot->cell / PROVE_WHOS ? 6 : 4, shot->control, i);
		address = text && names(&a, text);
		if (!process && !address)
			continue;
		shot->alert |= (uint8_t)((blocked ? PROVE_ALERT_BLOCKED : PROVE_ALERT_OTHER) |
					 (process ? PROVE_ALERT_PROCESS : 0) |
					 (address ? PROVE_ALERT_ADDRESS : 0));
	}
	(void)o;
}

static void line(struct stage *s, const char *text)
{
	_json_ json_t *o = json_loads(text, 0, NULL);
	const char *action = json_string_value(at(o, "event", "action"));

	if (!action || strncmp(action, "flow-", 5) != 0)
		return;
	match(s, o, action, (long)json_integer_value(at(o, "process", "pid")),
	      json_string_value(at(o, "destination", "ip")));
}

int alerts_read(struct stage *s)
{
	char path[96];
	_free_ char *buf = NULL;
	_fclose_ FILE *f = NULL;
	size_t room = 0;

	text_put(path, sizeof(path), "%s/alerts", s->directory);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (getline(&buf, &room, f) > 0)
		line(s, buf);
	return ferror(f) ? -EIO : 0;
}
