/* SPDX-License-Identifier: BSD-2-Clause */
/* enforce.c - 'cordon enforce', 'confirm' and 'monitor': the mode, with a way back. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"
#include "agent/daemon/control.h"
#include "geo/base/cleanup.h"
#include "rules/parse/proto.h"

#define ANSWER_SECONDS 60
#define TRIAL_MAX      86400

struct enforce {
	const char *control;
	int64_t seconds; /* 0: for good */
	bool yes, list, json;
};

static int call(const struct enforce *o, json_t **answer, const json_t *request)
{
	int r = control_call(answer, o->control, request, ANSWER_SECONDS);

	if (r == -ENOENT || r == -ECONNREFUSED)
		diag_say("no agent answers at %s: nothing was changed", o->control);
	else if (r == -EACCES || r == -EPERM)
		diag_say("%s: only root may ask the agent", o->control);
	else if (r < 0)
		diag_say("%s: the agent does not answer: %s", o->control, strerror(-r));
	return r;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int64_t number_of(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

/* Is it the connection that this very command came in by? sshd says so, where sudo lets it through. */
static bool own_session(const json_t *row)
{
	const char *s = getenv("SSH_CONNECTION"), *ip = text_of(row, "to");
	size_t n = strlen(ip);
	char port[8];

	text_put(port, sizeof(port), " %u ", (unsigned)number_of(row, "peer_port"));
	return s && !strcmp(text_of(row, "what"), "ssh-session") && !strncmp(s, ip, n) &&
	       !strncmp(s + n, port, strlen(port));
}

static void put(const char *before, const char *s)
{
	if (*s) {
		fputs(before, stdout);
		text_escape_to(stdout, s, strlen(s));
	}
}

static void show_row(const json_t *row)
{
	const char *what = text_of(row, "what"), *country = text_of(row, "country");
	const char *proto = proto_name((uint8_t)number_of(row, "proto"));
	bool peer = !strcmp(text_of(row, "opened"), "peer");

	printf("  %s", own_session(row)		      ? "YOUR SSH SESSION: "
		       : !strcmp(what, "ssh-session") ? "SSH session: "
		       : !strcmp(what, "resolver")    ? "resolver: "
						      : "");
	printf("%s %s", peer ? "replies to" : "to", text_of(row, "to"));
	printf(" (%s)", *country ? country : "place unknown");
	if (number_of(row, "port"))
		printf(", %s port %" PRId64, peer ? "our" : "its", number_of(row, "port"));
	put(" ", proto ? proto : "");
	if (number_of(row, "flows") > 1)
		printf(", %" PRId64 " flows", number_of(row, "flows"));
	put(", ", text_of(row, "process"));
	if (number_of(row, "pid"))
		printf("[%" PRId64 "]", number_of(row, "pid"));
	put(" of ", text_of(row, "unit"));
	put(", user ", text_of(row, "user"));
	if (number_of(row, "line"))
		printf("\n      line %" PRId64 ": ", number_of(row, "line"));
	else
		printf("\n      ");
	put("", text_of(row, "rule"));
	putchar('\n');
}

/* 1: something would be cut; 0: nothing; negative: no answer. */
static int preview(const struct enforce *o)
{
	_json_ json_t *request = json_pack("{ss}", "verb", "preview"), *answer = NULL;
	int r = call(o, &answer, request);
	const json_t *row;
	size_t i;

	if (r < 0)
		return r;
	if (!json_is_array(json_object_get(answer, "would_cut"))) {
		diag_say("the agent cannot say what would be cut: it is of another version");
		return -EPROTO;
	}
	if (o->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		return number_of(answer, "cut") > 0;
	}
	printf("%s: of %" PRId64 " flows and resolvers now, %" PRId64 " would be cut\n",
	       text_of(answer, "policy"), number_of(answer, "checked"), number_of(answer, "cut"));
	json_array_foreach (json_object_get(answer, "would_cut"), i, row)
		show_row(row);
	if (number_of(answer, "more"))
		printf("  and %" PRId64 " more\n", number_of(answer, "more"));
	return number_of(answer, "cut") > 0;
}

static int change(const struct enforce *o, const json_t *request, const char *done)
{
	_json_ json_t *answer = NULL;
	int r = call(o, &answer, request);
	int64_t code = number_of(answer, "exit");

	if (r < 0)
		return EXIT_FAILED;
	if (o->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	}
	if (!json_is_true(json_object_get(answer, "ok"))) {
		fputs(text_of(answer, "diagnostics"), stderr);
		if (*text_of(answer, "error"))
			diag_say("%s", text_of(answer, "error"));
		return code > 0 && code <= EXIT_DAMAGED ? (int)code : EXIT_FAILED;
	}
	if (!o->json)
		puts(done);
	return EXIT_DONE;
}

static int set_duration(struct enforce *o, const char *text)
{
	int64_t v;

	if (period_parse(&v, text, 0) < 0 || v >= 0 || -v > TRIAL_MAX)
		return diag_usage("enforce", "'%s' is no duration up to a day, like 30s, 10m, 2h",
				  text);
	o->seconds = -v;
	return 0;
}

static int parse(struct enforce *o, const char *verb, const struct option *options, int argc,
		 char **argv)
{
	int code, r = 0;

	while (r == 0 && (code = options_next(verb, argc, argv, "", options)) != -1) {
		if (code == 'c')
			o->control = optarg;
		else if (code == 'f')
			r = set_duration(o, optarg);
		else if (code == 'y')
			o->yes = true;
		else if (code == 'l')
			o->list = true;
		else if (code == 'j')
			o->json = true;
		else
			r = EXIT_USAGE;
	}
	if (r == 0 && optind < argc)
		r = diag_usage(verb, "'%s' is one argument too many", argv[optind]);
	return r;
}

static const struct option enforce_options[] = {
	{"control", required_argument, NULL, 'c'}, {"for", required_argument, NULL, 'f'},
	{"yes", no_argument, NULL, 'y'},	   {"list", no_argument, NULL, 'l'},
	{"json", no_argument, NULL, 'j'},	   {NULL, 0, NULL, 0},
};
static const struct option plain_options[] = {
	{"control", required_argument, NULL, 'c'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

int cmd_enforce(int argc, char **argv)
{
	struct enforce o = {.control = CONTROL_PATH};
	_json_ json_t *request = NULL;
	char left[TEXT_SHORT], done[128] = "mode enforce, for good";
	int r = parse(&o, "enforce", enforce_options, argc, argv);

	if (r)
		return r;
	r = preview(&o);
	if (r < 0)
		return EXIT_FAILED;
	if (o.list)
		return EXIT_DONE;
	if (r && !o.yes) {
		diag_say("nothing was changed: with --yes they are cut; 'cordon explain' says why, "
			 "a rule above the one that decides lets them pass");
		return EXIT_FAILED;
	}
	if (o.seconds) {
		request = json_pack("{ss sI}", "verb", "enforce", "seconds", (json_int_t)o.seconds);
		text_put(
			done, sizeof(done),
			"mode enforce for %s: 'cordon confirm' makes it stay, else it is monitor again",
			text_duration(left, o.seconds));
	} else {
		request = json_pack("{ss ss}", "verb", "reload", "mode", "enforce");
	}
	return change(&o, request, done);
}

int cmd_confirm(int argc, char **argv)
{
	struct enforce o = {.control = CONTROL_PATH};
	_json_ json_t *request = json_pack("{ss}", "verb", "confirm");
	int r = parse(&o, "confirm", plain_options, argc, argv);

	return r ? r : change(&o, request, "confirmed: mode enforce stays, over restarts too");
}

int cmd_monitor(int argc, char **argv)
{
	struct enforce o = {.control = CONTROL_PATH};
	_json_ json_t *request = json_pack("{ss ss}", "verb", "reload", "mode", "monitor");
	int r = parse(&o, "monitor", plain_options, argc, argv);

	return r ? r : change(&o, request, "mode monitor: nothing is blocked from now on");
}
