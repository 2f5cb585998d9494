/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.c - 'cordon quarantine': nothing goes to an address for a while, whatever the policy says. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/daemon/control.h"
#include "geo/base/cleanup.h"

#define WAIT_SECONDS 120 /* a place table may be built anew */

struct quarantine_options {
	const char *control, *period, *because;
	bool json;
};

/* "90s", "30m", "12h", "7d" */
static int seconds_of(json_int_t *ret, const char *s)
{
	static const struct {
		char unit;
		unsigned seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t n = strlen(s);
	char digits[16];
	uint64_t v;

	if (n < 2 || n > sizeof(digits))
		return -EINVAL;
	text_put(digits, sizeof(digits), "%.*s", (int)(n - 1), s);
	if (text_number(&v, digits, 31622400) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (s[n - 1] == units[i].unit) {
			*ret = (json_int_t)(v * units[i].seconds);
			return 0;
		}
	return -EINVAL;
}

static void put(const json_t *o, const char *key, int width)
{
	const char *s = json_string_value(json_object_get(o, key));

	text_escape_to(stdout, s ? s : "", s ? strlen(s) : 0);
	for (size_t n = s ? strlen(s) : 0; n < (size_t)width; n++)
		putchar(' ');
}

static void show(const json_t *answer)
{
	const json_t *a = json_object_get(answer, "quarantine"), *e;
	const char *mode = json_string_value(json_object_get(answer, "mode"));
	size_t i;

	json_array_foreach (a, i, e) {
		put(e, "address", 24);
		fputs("  until ", stdout);
		put(e, "until", 0);
		fputs("  ", stdout);
		put(e, "because", 0);
		putchar('\n');
	}
	if (!json_array_size(a))
		puts("nothing is in quarantine");
	else if (mode && strcmp(mode, "enforce") != 0)
		puts("mode monitor: what goes there is reported, not stopped");
}

static int answer_print(const struct quarantine_options *o, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *said = json_string_value(json_object_get(answer, "diagnostics"));
	json_int_t code = json_integer_value(json_object_get(answer, "exit"));

	if (o->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (!error) {
		show(answer);
	}
	if (said && *said)
		fputs(said, stderr);
	if (error)
		diag_say("quarantine: %s", error);
	return code >= 0 && code <= EXIT_DAMAGED ? (int)code : EXIT_FAILED;
}

static int parse(struct quarantine_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"for", required_argument, NULL, 'f'},
		{"because", required_argument, NULL, 'b'},
		{"control", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int code;

	opterr = 0;
	while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (code == 'f')
			o->period = optarg;
		else if (code == 'b')
			o->because = optarg;
		else if (code == 'c')
			o->control = optarg;
		else if (code == 'j')
			o->json = true;
		else
			return diag_usage("quarantine",
					  "unknown option, or one without its argument");
	}
	return 0;
}

/* The request, or an exit code that has been said. */
static int request_of(json_t *q, const struct quarantine_options *o, int n, char **words)
{
	const char *what = n ? words[0] : "";
	bool add = strcmp(what, "add") == 0, list = strcmp(what, "list") == 0;
	json_int_t seconds;

	if (!add && !list && strcmp(what, "remove") != 0)
		return diag_usage("quarantine", "add ADDRESS, list or remove ADDRESS is wanted");
	if (n != (list ? 1 : 2))
		return diag_usage("quarantine",
				  list ? "list takes no address" : "'%s' takes one address", what);
	json_object_set_new(q, "do", json_string(what));
	if (!list)
		json_object_set_new(q, "address", json_string(words[1]));
	if (!add && (o->period || o->because))
		return diag_usage("quarantine", "--for and --because belong to add");
	if (!add)
		return 0;
	if (!o->period || !o->because)
		return diag_usage("quarantine",
				  "add wants --for and --because: it ends by itself, and says why");
	if (seconds_of(&seconds, o->period) < 0)
		return diag_usage("quarantine", "--for takes 30m, 12h or 7d, not '%s'", o->period);
	json_object_set_new(q, "seconds", json_integer(seconds));
	json_object_set_new(q, "because", json_string(o->because));
	return 0;
}

int cmd_quarantine(int argc, char **argv)
{
	struct quarantine_options o = {.control = CONTROL_PATH};
	_json_ json_t *q = json_pack("{ss}", "verb", "quarantine"), *answer = NULL;
	int r = parse(&o, argc, argv);

	r = r ? r : request_of(q, &o, argc - optind, argv + optind);
	if (r)
		return r;
	r = control_call(&answer, o.control, q, WAIT_SECONDS);
	if (r == -ENOENT || r == -ECONNREFUSED)
		diag_say("no agent answers at %s: %s", o.control,
			 !strcmp(json_string_value(json_object_get(q, "do")), "list")
				 ? "what is in quarantine is not known"
				 : "nothing was changed");
	else if (r == -EACCES || r == -EPERM)
		diag_say("%s: only root may ask the agent", o.control);
	else if (r < 0)
		diag_say("%s: the agent does not answer: %s", o.control, strerror(-r));
	return r < 0 ? EXIT_FAILED : answer_print(&o, answer);
}
