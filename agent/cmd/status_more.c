/* SPDX-License-Identifier: BSD-2-Clause */
/* status_more.c - who can send without a socket of IP; what left under rules with 'over'; answers and names that were read,
 * and what was lost of them. */
#include "agent/cmd/status_more.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "agent/base/text.h"

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void put(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s)
		text_escape_to(stdout, s, strlen(s));
}

void status_frames(const json_t *o)
{
	const json_t *a = json_object_get(o, "packet"), *e;
	size_t i;

	if (!json_array_size(a) && !number(o, "xdp"))
		return;
	printf("%-12s", "frames");
	json_array_foreach (a, i, e) {
		fputs(i ? ", " : "", stdout);
		if (json_object_get(e, "process"))
			put(e, "process");
		else
			fputs("somebody", stdout);
		printf(" (process %" PRId64 ")", number(e, "pid"));
		if (json_object_get(e, "device")) {
			fputs(" on ", stdout);
			put(e, "device");
		}
	}
	if (number(o, "more"))
		printf(" and %" PRId64 " more", number(o, "more"));
	if (json_array_size(a))
		fputs(" have packet sockets", stdout);
	if (number(o, "xdp"))
		printf("%s%" PRId64 " AF_XDP sockets are open", i ? "; " : "", number(o, "xdp"));
	putchar('\n');
}

void status_meters(const json_t *meters)
{
	char used[TEXT_SHORT], limit[TEXT_SHORT], per[TEXT_SHORT];
	const json_t *m;
	size_t i;

	json_array_foreach (meters, i, m) {
		printf("%-12s", i ? "" : "over");
		if (json_is_integer(json_object_get(m, "used")))
			printf("%s", text_bytes(used, (uint64_t)number(m, "used")));
		else
			fputs("NOT COUNTED, so it applies: 0 B", stdout);
		printf(" of %s in the last %s, ", text_bytes(limit, (uint64_t)number(m, "limit")),
		       text_duration(per, number(m, "per")));
		put(m, "file");
		printf(":%" PRId64 ": ", number(m, "line"));
		put(m, "text");
		putchar('\n');
	}
}

void status_names(const json_t *n)
{
	static const char *const losses[] = {"lost_ring", "lost_rate", "unread", "given_up",
					     "forgotten"};
	const char *why = json_string_value(json_object_get(n, "why"));
	int64_t lost = 0;

	if (!n)
		return;
	printf("%-12s", "names");
	if (!json_is_true(json_object_get(n, "on"))) {
		printf("%s\n", why ? why : "off");
		return;
	}
	for (unsigned i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		lost += number(n, losses[i]);
	printf("%" PRId64 " DNS answers, %" PRId64 " flows named themselves", number(n, "answers"),
	       number(n, "flows_named"));
	if (lost)
		printf(", %" PRId64 " LOST", lost);
	puts(json_is_true(json_object_get(n, "attached"))
		     ? ""
		     : "  NOT ATTACHED: new flows have no names");
}
