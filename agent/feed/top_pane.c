/* SPDX-License-Identifier: BSD-2-Clause */
/* top_pane.c - one row in full: why it got its verdict, and the rule that would give it the other one. */
#include <inttypes.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/feed/top_private.h"

#define LINE 700

/* Can a rule name it, and only it? */
static bool nameable(const char *s)
{
	size_t n = strlen(s);

	for (const char *c = s; *c; c++)
		if (*c < ' ' || *c == 127 || strchr("*?\"\\", *c))
			return false;
	return n > 0;
}

/* "unit x.service", else "user postgres", else nothing: a scope is of one session. */
static void sender(char *buf, size_t size, const struct row *r)
{
	size_t n = strlen(r->unit);

	buf[0] = 0;
	if (nameable(r->unit) && n + 1 < sizeof(r->unit) &&
	    !(n > 6 && !strcmp(r->unit + n - 6, ".scope")))
		text_put(buf, size, "unit \"%s\"", r->unit);
	else if (nameable(r->user) && strlen(r->user) + 1 < sizeof(r->user))
		text_put(buf, size, "user \"%s\"", r->user);
}

static uint16_t port_of(const struct row *r)
{
	return r->by_peer ? r->key.sport : r->key.dport;
}

void top_explain(const struct row *r, void (*put)(struct top *l, const char *s), struct top *l)
{
	char line[LINE], peer[80], from[140], bytes[TEXT_SHORT], ip[IP_STRLEN], at[TEXT_SHORT];
	bool six = r->key.dst.v == 6;

	put(l, "");
	text_put(line, sizeof(line), "%s, by %s%s", top_verdict(r), r->line ? "line " : "",
		 r->rule);
	put(l, line);
	top_peer(peer, sizeof(peer), &r->key);
	text_put(line, sizeof(line), "from   %s (%s)", r->process, r->who);
	put(l, line);
	text_put(line, sizeof(line), "to     %s, opened by %s", peer, r->by_peer ? "peer" : "here");
	put(l, line);
	text_put(line, sizeof(line), "place  %s: %s", r->where, *r->place ? r->place : "not asked");
	put(l, line);
	text_put(line, sizeof(line), "sent   %s in %" PRIu64 " packets since %s%s",
		 text_bytes(bytes, r->bytes), r->packets,
		 text_time(at, (int64_t)(r->first_ns / 1000000000)), r->over ? ", over" : "");
	put(l, line);
	sender(from, sizeof(from), r);
	for (char *c = from; *c; c++)
		if (*c == '"')
			memmove(c, c + 1, strlen(c));
	text_put(line, sizeof(line), "more:  cordon explain %s%s%s", six ? "'[" : "",
		 ip_format(ip, &r->key.dst), six ? "]" : "");
	if (port_of(r))
		text_put(line + strlen(line), sizeof(line) - strlen(line), ":%u", port_of(r));
	text_put(line + strlen(line), sizeof(line) - strlen(line), "%s%s%s%s%s", six ? "'" : "",
		 *from ? " --from '" : "", from, *from ? "'" : "",
		 r->by_peer ? " --opened by peer" : "");
	put(l, line);
	put(l, "");
	put(l, "a the rule that would decide otherwise, any other key: the table");
}

void top_rule(const struct row *r, void (*put)(struct top *l, const char *s), struct top *l)
{
	char line[LINE], from[140], ip[IP_STRLEN];
	/* those that the policy calls the same */
	const char *proto = r->key.proto == 1 || r->key.proto == 6 || r->key.proto == 17
				    ? event_proto_name(r->key.proto)
				    : NULL;
	bool allow = r->verdict != DECIDE_ALLOW;
	uint16_t port = r->key.proto == 6 || r->key.proto == 17 ? port_of(r) : 0;

	sender(from, sizeof(from), r);
	put(l, "");
	text_put(line, sizeof(line), "%s%s%s to %s", allow ? "allow" : "block",
		 *from ? " from " : "", from, ip_format(ip, &r->key.dst));
	if (proto)
		text_put(line + strlen(line), sizeof(line) - strlen(line), " proto %s", proto);
	else if (r->key.proto)
		text_put(line + strlen(line), sizeof(line) - strlen(line), " proto %u",
			 r->key.proto);
	if (port)
		text_put(line + strlen(line), sizeof(line) - strlen(line), " port %u", port);
	text_put(line + strlen(line), sizeof(line) - strlen(line), " opened by %s",
		 r->by_peer ? "peer" : "here");
	put(l, line);
	put(l, "");
	if (r->line)
		text_put(line, sizeof(line),
			 "It decides when it stands above line %u of the policy.", r->line);
	else
		text_put(line, sizeof(line), "It decides wherever it stands: no rule matches now.");
	put(l, line);
	if (!*from)
		put(l, "From anyone: who sends is not known, or no rule can name it.");
	if (allow)
		put(l, "An exception wants a reason: until DATE because \"...\" basis art46");
	put(l,
	    "'cordon check' reads the policy, 'cordon diff OLD NEW' says what changes, 'cordon reload' takes it.");
	put(l, "");
	put(l, "e explains the row, any other key: the table");
}
