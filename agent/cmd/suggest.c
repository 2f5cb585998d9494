/* SPDX-License-Identifier: BSD-2-Clause */
/* suggest.c - 'cordon suggest': a policy that says what was seen, and allows of it what stays in the EEA. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"
#include "agent/cmd/suggest.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define GEO_MAX 64
#define SINCE	(14 * 86400ll)

struct suggest_options {
	const char *policy, *geo[GEO_MAX];
	size_t ngeo;
	int64_t since, now;
	bool captures;
	char **paths;
	size_t npaths;
};

static int set(struct suggest_options *o, int code)
{
	switch (code) {
	case 'p':
		o->policy = optarg;
		return 0;
	case 'g':
		if (o->ngeo == GEO_MAX)
			return diag_usage("suggest", "more than %d places databases", GEO_MAX);
		o->geo[o->ngeo++] = optarg;
		return 0;
	case 's':
		if (period_parse(&o->since, optarg, o->now) == 0)
			return 0;
		return diag_usage("suggest",
				  "--since %s: a duration (90m, 24h, 14d) or a date (2026-11-25)",
				  optarg);
	case 'f':
		o->captures = !strcmp(optarg, "capture");
		return o->captures || !strcmp(optarg, "ledger")
			       ? 0
			       : diag_usage("suggest", "--from %s: ledger or capture", optarg);
	default:
		return EXIT_USAGE;
	}
}

static int parse(struct suggest_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"geo", required_argument, NULL, 'g'},
		{"since", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{NULL, 0, NULL, 0},
	};
	int code, r;

	while ((code = options_next("suggest", argc, argv, "p:", options)) != -1) {
		r = set(o, code);
		if (r)
			return r;
	}
	o->paths = argv + optind;
	o->npaths = (size_t)(argc - optind);
	if (o->captures && !o->npaths)
		return diag_usage("suggest", "--from capture: which captures?");
	if (!o->captures && o->npaths > 1)
		return diag_usage("suggest", "'%s' is one ledger too many", o->paths[1]);
	return 0;
}

/* Where places, feeds and journal are: as they are said now. */
static int settings(char **ret, const struct suggest_options *o, struct diag_sink *d)
{
	const char *path = o->policy ? o->policy : ENGINE_POLICY_DEFAULT;
	_free_ char *file = NULL;
	const char *text;
	struct policy *p = NULL, frame;
	size_t len = 0;
	int e = policy_files_read(&file, &len, path, d);

	text = file;
	if (e == -ENOENT && !o->policy) {
		text = engine_shipped_policy(&len);
		path = ENGINE_POLICY_SHIPPED;
		e = 0;
	}
	if (e < 0 && e != -EINVAL)
		diag_error(d, path, 0, "cannot be read: %s", strerror(-e));
	e = e ? e : policy_parse(&p, path, text, len, d);
	if (e < 0 || !p)
		return e;
	frame = *p;
	frame.nzones = frame.nservices = frame.nsubjects = frame.nlists = frame.nrules = 0;
	frame.mode = MODE_MONITOR;
	*ret = policy_print(&frame);
	policy_free(p);
	return *ret ? 0 : -ENOMEM;
}

static int suggest(struct suggest *s, const struct suggest_options *o, const char *frame)
{
	const struct engine_config cfg = {
		.policy = o->policy, .geo = o->geo, .ngeo = o->ngeo, .now = o->now};
	const struct seen_from from = {.ledger = o->npaths ? o->paths[0] : LEDGER_PATH,
				       .captures = o->captures ? o->paths : NULL,
				       .ncaptures = o->npaths,
				       .config = &cfg,
				       .since = o->since,
				       .until = o->now + 60};
	int r = seen_read(&s->seen, &from);

	s->source = o->captures ? (o->npaths == 1 ? o->paths[0] : "captures") : from.ledger;
	s->now = o->now;
	if (r)
		return r;
	if (suggest_sort(s) < 0) {
		diag_say("not enough memory");
		return EXIT_FAILED;
	}
	if (suggest_rules(s) > SUGGEST_RULES) {
		diag_say("%s: more than %d rules would be needed: choose a shorter --since",
			 s->source, SUGGEST_RULES);
		return EXIT_FAILED;
	}
	return suggest_write(s, frame, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_suggest(int argc, char **argv)
{
	struct suggest_options o = {.now = time(NULL)};
	struct suggest s = {0};
	_free_ char *frame = NULL;
	struct diag_print p;
	int r;

	o.since = o.now - SINCE;
	r = parse(&o, argc, argv);
	if (r)
		return r;
	diag_print_init(&p, stderr);
	r = settings(&frame, &o, &p.sink);
	diag_print_done(&p);
	if (r < 0)
		return r == -EINVAL ? EXIT_POLICY : EXIT_FAILED;
	r = suggest(&s, &o, frame);
	seen_free(&s.seen);
	free(s.flows);
	return r;
}
