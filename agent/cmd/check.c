/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c - the verb: every error and warning of a policy, its canonical form, its zones, and what
 * happens otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include "agent/cmd/check.h"
#include "agent/cmd/check_host.h"
#include "agent/policy/policy_files.h"
#include "agent/cmd/cmd.h"
#include "agent/base/options.h"
#include "agent/engine/engine.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/facts/operator.h"
#include "rules/parse/calendar.h"
#include "geo/base/file.h"

static const char usage[] =
	"usage: cordon check [FILE] [options]\n"
	"Every error of a policy with its place, warnings, and what happens when no rule, place or sender is known.\n"
	"FILE is - for standard input; without one: " ENGINE_POLICY_DEFAULT
	", else the shipped eu.conf.\n\n"
	"  --print              the canonical form on standard output; it parses back to the same policy\n"
	"  --zones              the countries of each built-in zone and of the policy's, with dates and sources\n"
	"  --language           what a rule can ask, and no more\n"
	"  --host               this machine instead: kernel, unit, redirects, clock, disk, senders ...\n"
	"  --no-places          read no source: the words of places are not checked against them\n"
	"  --as-of DATE         dates as on that day (UTC): zones, expired rules, warnings\n"
	"  --json               one JSON object\n\n"
	"Exit codes: 0 no error (warnings do not count), 1 failed (--host: an agent cannot work here),\n"
	"2 usage, 3 the policy is wrong.\n";

/* Without a file name and without a default file it is the shipped policy. */
static int read_policy(struct check *c)
{
	const char *path = c->path ? c->path : ENGINE_POLICY_DEFAULT;
	const char *shipped;
	int err;

	if (c->path && !strcmp(c->path, "-")) {
		c->path = "(standard input)";
		return file_read(&c->text, &c->len, AT_FDCWD, "/dev/stdin", ENGINE_POLICY_MAX);
	}
	err = file_read(&c->text, &c->len, AT_FDCWD, path, ENGINE_POLICY_MAX);
	if (err == -ENOENT && !c->path) {
		path = ENGINE_POLICY_SHIPPED;
		shipped = engine_shipped_policy(&c->len);
		c->text = calloc(1, c->len + 1);
		err = c->text ? 0 : -ENOMEM;
		if (!err)
			memcpy(c->text, shipped, c->len);
	}
	c->path = path;
	return err;
}

/* Rules take any provider's name, for sources may bring their own; a name that cordon does not know
 * is worth a look. */
static void check_providers(struct check *c)
{
	for (size_t i = 0; i < c->policy->nrules; i++) {
		const struct rule *r = &c->policy->rules[i];

		for (size_t j = 0; j < r->nto; j++) {
			const struct operator_entry *o;

			if (r->to[j].type != ATOM_PROVIDER || operator_by_key(r->to[j].name))
				continue;
			o = operator_find(r->to[j].name);
			if (o)
				diag_at(c->sink, DIAG_WARNING, r->file ? r->file : c->policy->file,
					r->line, r->to[j].column, r->to[j].length,
					"provider '%s' is written '%s'", r->to[j].name, o->key);
			else
				diag_at(c->sink, DIAG_WARNING, r->file ? r->file : c->policy->file,
					r->line, r->to[j].column, r->to[j].length,
					"no built-in source names the provider '%s'; it matches what a "
					"source or a 'place' line calls so",
					r->to[j].name);
		}
	}
}

static void first_error(void *arg, const struct diag *d)
{
	char *text = arg;

	if (d->level == DIAG_ERROR && !*text)
		snprintf(text, 512, "%s: %s", d->file ? d->file : "places", d->text);
}

/* The words of places against the sources that the agent would load; where they cannot be loaded,
 * against the tables alone. */
static void check_words(struct check *c)
{
	char why[512] = "";
	struct diag_sink quiet = {.fn = first_error, .arg = why};
	struct engine_config cfg = {
		.policy = c->path, .text = c->text, .now = c->now, .live = true};
	struct engine *e = NULL;

	if (c->no_places || engine_load(&e, &cfg, NULL, &quiet))
		policy_lint_words(c->policy, NULL, c->now, c->sink);
	else
		engine_lint_words(e, c->now, c->sink);
	if (*why)
		diag_at(c->sink, DIAG_NOTE, c->policy->file, 0, 0, 0,
			"no sources were read (%s): whether they name what the rules name is not "
			"checked",
			why);
	engine_free(e);
}

static int check_policy(struct check *c)
{
	char *whole = NULL;
	int err = read_policy(c);

	if (err) {
		diag_say("%s: cannot read the policy: %s", c->path, strerror(-err));
		return EXIT_FAILED;
	}
	if (!c->json && diag_print_source(&c->print, c->path, c->text, c->len))
		return EXIT_FAILED;
	err = policy_files_whole(&whole, &c->len, c->path, c->text, c->len, c->sink);
	if (err) {
		if (err != -EINVAL)
			diag_say("%s: cannot read the policy: %s", c->path, strerror(-err));
		return err == -EINVAL ? EXIT_POLICY : EXIT_FAILED;
	}
	free(c->text);
	c->text = whole;
	err = policy_parse(&c->policy, c->path, c->text, c->len, c->sink);
	if (!err)
		err = check_compile(c);
	if (err)
		return err == -ENOMEM ? EXIT_FAILED : EXIT_POLICY;
	policy_lint(c->policy, c->now, c->sink);
	check_words(c);
	check_providers(c);
	return EXIT_DONE;
}

/* Errors and warnings for --json. */
static void collect(void *arg, const struct diag *d)
{
	struct check *c = arg;
	json_t *o = json_pack("{s:s, s:s, s:s}", "level",
			      d->level == DIAG_ERROR	 ? "error"
			      : d->level == DIAG_WARNING ? "warning"
							 : "note",
			      "file", d->file ? d->file : "", "text", d->text);

	if (d->line)
		json_object_set_new(o, "line", json_integer(d->line));
	if (d->column)
		json_object_set_new(o, "column", json_integer(d->column));
	if (!o || json_array_append_new(c->diagnostics, o))
		c->failed = true;
}

static int option(struct check *c, int opt)
{
	unsigned days;

	switch (opt) {
	case 'p':
		c->canonical = true;
		return 0;
	case 'z':
		c->zones = true;
		return 0;
	case 'H':
		c->host = true;
		return 0;
	case 'j':
		c->json = true;
		return 0;
	case 'd':
		if (calendar_parse(&c->now, optarg, &days))
			return diag_usage("check", "--as-of: '%s' is no date (2027-03-31)", optarg);
		return 0;
	case 'n':
		c->no_places = true;
		return 0;
	case 'l':
		check_print_language(stdout);
		return -1;
	case 'h':
		fputs(usage, stdout);
		return -1;
	default:
		return EXIT_USAGE;
	}
}

/* 0 to go on; else an exit code, or -1: it is done. */
static int options(struct check *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{"print", no_argument, NULL, 'p'},
		{"zones", no_argument, NULL, 'z'},
		{"as-of", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"language", no_argument, NULL, 'l'},
		{"no-places", no_argument, NULL, 'n'},
		{"host", no_argument, NULL, 'H'},
		{0},
	};
	int opt, code;

	optind = 0;
	while ((opt = options_next("check", argc, argv, "h", longs)) >= 0) {
		code = option(c, opt);
		if (code)
			return code;
	}
	if (argc - optind > 1)
		return diag_usage("check", "one policy at a time");
	if (optind < argc)
		c->path = argv[optind];
	if (c->canonical && c->json)
		return diag_usage("check", "--print and --json exclude each other");
	if (c->host && (c->canonical || c->zones))
		return diag_usage("check", "--host goes with neither --print nor --zones");
	return 0;
}

static int print_canonical(const struct check *c)
{
	_free_ char *text = policy_print(c->policy);

	if (!text) {
		diag_say("no memory to print the policy");
		return EXIT_FAILED;
	}
	fputs(text, stdout);
	return EXIT_DONE;
}

static int report(struct check *c, int code)
{
	if (c->host)
		return host_check(c, code);
	if (c->json)
		return check_json(c) ? EXIT_FAILED : code;
	if (code != EXIT_DONE)
		return code;
	if (c->canonical)
		return print_canonical(c);
	if (c->zones) {
		check_print_zones(c, stdout);
	} else {
		check_print_otherwise(c, stdout);
		check_print_feeds(c, stdout);
	}
	return EXIT_DONE;
}

static void check_done(struct check *c)
{
	if (!c->json)
		diag_print_done(&c->print);
	policy_free(c->policy);
	free(c->text);
	json_decref(c->diagnostics);
}

int cmd_check(int argc, char **argv)
{
	_cleanup_(check_done) struct check c = {.now = time(NULL)};
	int code = options(&c, argc, argv);

	if (code)
		return code < 0 ? EXIT_DONE : code;
	c.collector = (struct diag_sink){.fn = collect, .arg = &c};
	c.diagnostics = json_array();
	if (!c.json)
		diag_print_init(&c.print, stderr);
	c.sink = c.json ? &c.collector : &c.print.sink;
	return report(&c, check_policy(&c));
}
