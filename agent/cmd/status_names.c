/* SPDX-License-Identifier: BSD-2-Clause */
/* status_names.c - one line: answers and names that were read, and what was lost of them. */
#include "agent/cmd/status_names.h"
#include <inttypes.h>
#include <stdio.h>

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
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
