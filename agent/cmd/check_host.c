/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host.c - 'check --host': the rows, and how they are printed. */
#include <stdarg.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/cmd/check_host.h"
#include "geo/base/cleanup.h"

#define ROW_MAX 1024

static const char *const state_names[HOST_STATES] = {
	[HOST_OK] = "ok",	  [HOST_NOTE] = "note",	    [HOST_WARNING] = "warning",
	[HOST_FAILED] = "failed", [HOST_UNSEEN] = "unseen",
};

void host_say(struct host *h, enum host_state state, const char *what, const char *fmt, ...)
{
	char text[ROW_MAX], safe[ROW_MAX];
	va_list ap;
	json_t *o;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	h->count[state]++;
	if (!h->check->json) {
		printf("%-11s %-8s %s\n", what, state_names[state],
		       text_escape(safe, sizeof(safe), text, SIZE_MAX));
		return;
	}
	o = json_pack("{s:s, s:s}", "what", what, "state", state_names[state]);
	json_object_set_new(o, "text",
			    json_string(text_escape(safe, sizeof(safe), text, SIZE_MAX)));
	json_array_append_new(h->rows, o);
}

static int end(const struct host *h, int code)
{
	if (h->check->json) {
		_json_ json_t *o = json_pack("{s:O, s:i, s:i, s:i}", "host", h->rows, "failed",
					     (int)h->count[HOST_FAILED], "warnings",
					     (int)h->count[HOST_WARNING], "unseen",
					     (int)h->count[HOST_UNSEEN]);

		json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		printf("\n%s: %u failed, %u warning%s, %u could not be looked at\n",
		       h->count[HOST_FAILED] ? "This host cannot be watched as it is"
					     : "This host can be watched",
		       h->count[HOST_FAILED], h->count[HOST_WARNING],
		       h->count[HOST_WARNING] == 1 ? "" : "s", h->count[HOST_UNSEEN]);
	}
	if (fflush(stdout))
		return EXIT_FAILED;
	return code ? code : h->count[HOST_FAILED] ? EXIT_FAILED : EXIT_DONE;
}

int host_check(const struct check *c, int policy_code)
{
	_json_ json_t *rows = json_array();
	struct host h = {.check = c, .rows = rows, .policy_good = policy_code == EXIT_DONE};

	host_kernel(&h);
	host_unit(&h);
	host_machine(&h);
	host_redirects(&h);
	host_policy(&h);
	return end(&h, policy_code);
}
