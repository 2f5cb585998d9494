/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.c - 'cordon reload' and 'cordon detach': the two verbs that change what is in force. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/cmd.h"
#include "agent/daemon/control.h"
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "bpf/load/kernel.h"

#define RELOAD_SECONDS 60 /* a full places database takes a second or two */

struct reload_options {
	const char *control, *policy, *mode, *pins;
	bool json, accept_shrink;
};

static int parse(struct reload_options *o, const char *verb, const struct option *options, int argc,
		 char **argv)
{
	int code;

	while ((code = options_next(verb, argc, argv, "", options)) != -1) {
		if (code == 'c')
			o->control = optarg;
		else if (code == 'f')
			o->policy = optarg;
		else if (code == 'm')
			o->mode = optarg;
		else if (code == 'p')
			o->pins = optarg;
		else if (code == 'j')
			o->json = true;
		else if (code == 's')
			o->accept_shrink = true;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return diag_usage(verb, "'%s' is one argument too many", argv[optind]);
	if (o->mode && strcmp(o->mode, "monitor") != 0 && strcmp(o->mode, "enforce") != 0 &&
	    strcmp(o->mode, "policy") != 0)
		return diag_usage(
			verb, "'%s' is no mode: monitor, enforce, or policy (what the policy says)",
			o->mode);
	return 0;
}

static int print_answer(const struct reload_options *o, const json_t *answer)
{
	const char *diagnostics = json_string_value(json_object_get(answer, "diagnostics"));
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *policy = json_string_value(json_object_get(answer, "policy"));
	const char *mode = json_string_value(json_object_get(answer, "mode"));
	int64_t code = json_integer_value(json_object_get(answer, "exit"));

	if (o->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (diagnostics) {
		fputs(diagnostics, stderr);
	}
	if (error)
		diag_say("%s", error);
	else if (!o->json)
		printf("%s: %" PRId64 " rules in force, mode %s\n", policy ? policy : "policy",
		       (int64_t)json_integer_value(json_object_get(answer, "rules")),
		       mode ? mode : "?");
	return code >= 0 && code <= EXIT_DAMAGED ? (int)code : EXIT_FAILED;
}

int cmd_reload(int argc, char **argv)
{
	static const struct option options[] = {
		{"control", required_argument, NULL, 'c'}, {"policy", required_argument, NULL, 'f'},
		{"mode", required_argument, NULL, 'm'},	   {"json", no_argument, NULL, 'j'},
		{"accept-shrink", no_argument, NULL, 's'}, {NULL, 0, NULL, 0},
	};
	struct reload_options o = {.control = CONTROL_PATH};
	_json_ json_t *request = json_pack("{ss}", "verb", "reload"), *answer = NULL;
	char full[PATH_MAX];
	int r = parse(&o, "reload", options, argc, argv);

	if (r)
		return r;
	if (o.policy && !realpath(o.policy, full)) { /* the agent stands in another directory */
		diag_say("%s: %m", o.policy);
		return EXIT_FAILED;
	}
	if (o.policy)
		json_object_set_new(request, "policy", json_string(full));
	if (o.accept_shrink)
		json_object_set_new(request, "accept_shrink", json_true());
	if (o.mode)
		json_object_set_new(request, "mode", json_string(o.mode));
	r = control_call(&answer, o.control, request, RELOAD_SECONDS);
	if (r == -ENOENT || r == -ECONNREFUSED)
		diag_say("no agent answers at %s: nothing was reloaded", o.control);
	else if (r == -EACCES || r == -EPERM)
		diag_say("%s: only root may ask the agent", o.control);
	else if (r < 0)
		diag_say("%s: the agent does not answer: %s", o.control, strerror(-r));
	return r < 0 ? EXIT_FAILED : print_answer(&o, answer);
}

int cmd_detach(int argc, char **argv)
{
	static const struct option options[] = {
		{"control", required_argument, NULL, 'c'},
		{"pin", required_argument, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	struct reload_options o = {.control = CONTROL_PATH, .pins = KERNEL_PINS};
	struct kernel_config cfg;
	struct kernel *k = NULL;
	struct diag_print p;
	int r = parse(&o, "detach", options, argc, argv);

	if (r)
		return r;
	if (access(o.pins, F_OK) < 0 && errno == ENOENT) {
		printf("%s: nothing of cordon is in the kernel\n", o.pins);
		return EXIT_DONE;
	}
	cfg = (struct kernel_config){.pins = o.pins};
	diag_print_init(&p, stderr);
	r = kernel_open(&k, &cfg, &p.sink);
	if (r == -EBUSY)
		diag_say("an agent is running; stop it first, or run it with --detach-on-exit");
	else if (r == 0)
		r = kernel_detach(k, &p.sink);
	diag_print_done(&p);
	if (r == 0)
		printf("%s: removed; nothing is watched or blocked any more\n", o.pins);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
