/* SPDX-License-Identifier: BSD-2-Clause */
/* test.c - 'cordon test': a policy against a file of expectations, without an agent. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/test_case.h"
#include "agent/policy/policy_files.h"
#include "agent/event/event_text.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"
#include "rules/parse/calendar.h"

#define GEO_MAX 64

struct test {
	const char *policy, *path, *geo[GEO_MAX];
	size_t ngeo;
	bool no_places, junit, json;
	int64_t now;
	struct test_file file; /* owned */
	char *text;	       /* owned: the policy, and what the cases assume of places */
	unsigned lines;	       /* of the policy alone */
	struct diag_print print;
	struct engine *engine; /* owned */
	size_t failed;
};
struct outcome {
	enum decide_action action;
	const struct rule *rule; /* NULL: none matched */
	const char *label;
	bool as_wanted;
	char why[512]; /* "line 14 'allow to eea' decides", and where it is */
};

/* What is wrong with a line that the cases assume stands there, not in the policy. */
static void say(void *arg, const struct diag *d)
{
	struct test *t = arg;
	struct diag moved = *d;

	if (d->file && !strcmp(d->file, t->policy) && d->line > t->lines &&
	    d->line - t->lines <= t->file.nassumed) {
		moved.file = t->path;
		moved.line = t->file.assumed_line[d->line - t->lines - 1];
		moved.column = moved.length = 0;
	}
	t->print.sink.fn(t->print.sink.arg, &moved);
}

static int read_policy(struct test *t)
{
	_free_ char *policy = NULL;
	size_t len = 0, assumed = t->file.assumed_len;
	int err = policy_files_read(&policy, &len, t->policy, &t->print.sink);

	if (!err && strlen(policy) != len)
		err = -EILSEQ; /* a NUL byte */
	if (!err && !(t->text = malloc(len + assumed + 2)))
		err = -ENOMEM;
	if (err == -EINVAL)
		return err;
	if (err) {
		diag_say("%s: cannot be read: %s", t->policy, strerror(-err));
		return err;
	}
	t->lines = policy_files_lines(policy, len);
	text_put(t->text, len + assumed + 2, "%s%s%s", policy,
		 len && policy[len - 1] != '\n' ? "\n" : "", t->file.assumed);
	return 0;
}

static int load(struct test *t)
{
	struct diag_sink sink = {.fn = say, .arg = t};
	struct engine_config cfg = {.policy = t->policy,
				    .geo = t->geo,
				    .ngeo = t->ngeo,
				    .no_geo = t->no_places,
				    .now = t->now,
				    .live = true};
	int err = test_file_read(&t->file, t->path, t->now, &t->print.sink);

	if (!err)
		err = read_policy(t);
	cfg.text = t->text;
	if (!err)
		err = engine_load(&t->engine, &cfg, NULL, &sink);
	return err == -EINVAL ? EXIT_POLICY : err ? EXIT_FAILED : EXIT_DONE;
}

static int judge(const struct test *t, const struct test_case *c, struct outcome *o)
{
	struct engine_query q;
	struct engine_verdict v;
	struct ip source;
	const char *why;
	char cc[3], where[POLICY_WHERE];

	if (explain_from(t->engine, &c->question, &q, &source, &why) < 0)
		return -EINVAL;
	engine_decide(t->engine, &q, &v);
	*o = (struct outcome){.action = v.action, .rule = v.rule};
	o->label = v.rule ? v.rule->label : "default";
	o->as_wanted =
		v.action == c->want && (!c->label || (o->label && !strcmp(c->label, o->label)));
	if (v.action == DECIDE_LOCAL)
		text_put(o->why, sizeof(o->why), "local or inside: outside the policy");
	else if (v.rule)
		text_put(o->why, sizeof(o->why), "%s: %s",
			 policy_where(where, v.rule->file, v.rule->line), v.rule->text);
	else
		text_put(o->why, sizeof(o->why), "no rule matches");
	text_put(o->why + strlen(o->why), sizeof(o->why) - strlen(o->why), " [%s %s]",
		 place_status_name((enum place_status)v.where->place.status),
		 v.where->place.country ? country_text(v.where->place.country, cc) : "-");
	return 0;
}

static void put_json(const struct test *t, const struct test_case *c, const struct outcome *o)
{
	_json_ json_t *j =
		json_pack("{s:s, s:i, s:s, s:b, s:s, s:s, s:s?, s:s?, s:s}", "file", t->path,
			  "line", (int)c->line, "case", c->text, "passed", o->as_wanted, "want",
			  event_verdict_name(c->want), "got", event_verdict_name(o->action),
			  "want_label", c->label, "got_label", o->label, "why", o->why);

	if (j)
		json_dumpf(j, stdout, JSON_COMPACT);
	puts(j ? "" : "{}");
}

static void put_xml(const char *s)
{
	static const char *const entity[] = {['&'] = "&amp;",
					     ['<'] = "&lt;",
					     ['>'] = "&gt;",
					     ['"'] = "&quot;",
					     ['\''] = "&apos;"};

	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch < sizeof(entity) / sizeof(*entity) && entity[ch])
			fputs(entity[ch], stdout);
		else
			putchar(ch);
	}
}

static void put_failure(const struct test_case *c, const struct outcome *o,
			void (*put)(const char *))
{
	char text[1024];

	text_put(text, sizeof(text), "want %s%s%s, got %s%s%s: %s", event_verdict_name(c->want),
		 c->label ? " label " : "", c->label ? c->label : "", event_verdict_name(o->action),
		 c->label && o->label ? " label " : "", c->label && o->label ? o->label : "",
		 o->why);
	put(text);
}

static void put_junit(const struct test *t, const struct test_case *c, const struct outcome *o)
{
	char text[4 * TEST_LINE_MAX + 1];

	printf("  <testcase classname=\"");
	put_xml(t->path);
	printf("\" name=\"line %u: ", c->line);
	put_xml(text_escape(text, sizeof(text), c->text, SIZE_MAX));
	if (o->as_wanted) {
		puts("\"/>");
		return;
	}
	printf("\">\n    <failure message=\"");
	put_failure(c, o, put_xml);
	puts("\"/>\n  </testcase>");
}

static void put_escaped(const char *s)
{
	text_escape_to(stdout, s, strlen(s));
}

static void put_text(const struct test *t, const struct test_case *c, const struct outcome *o)
{
	if (o->as_wanted)
		return;
	printf("%s:%u: ", t->path, c->line);
	put_escaped(c->text);
	printf("\n    ");
	put_failure(c, o, put_escaped);
	putchar('\n');
}

static int run(struct test *t)
{
	_free_ struct outcome *o = calloc(t->file.n, sizeof(*o));

	if (!o) {
		diag_say("not enough memory");
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < t->file.n; i++) {
		if (judge(t, &t->file.cases[i], &o[i]) < 0)
			return EXIT_FAILED;
		t->failed += !o[i].as_wanted;
	}
	if (t->junit) {
		printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"cordon test ");
		put_xml(t->policy);
		printf("\" tests=\"%zu\" failures=\"%zu\">\n", t->file.n, t->failed);
	}
	for (size_t i = 0; i < t->file.n; i++)
		(t->junit ? put_junit : t->json ? put_json : put_text)(t, &t->file.cases[i], &o[i]);
	if (t->junit)
		puts("</testsuite>");
	else if (!t->json)
		printf("%s: %zu of %zu cases as expected\n", t->path, t->file.n - t->failed,
		       t->file.n);
	return t->failed ? EXIT_POLICY : EXIT_DONE;
}

static int set(struct test *t, int code)
{
	unsigned days;

	switch (code) {
	case 'g':
		if (t->ngeo == GEO_MAX)
			return diag_usage("test", "more than %d places databases", GEO_MAX);
		t->geo[t->ngeo++] = optarg;
		return 0;
	case 'n':
		t->no_places = true;
		return 0;
	case 'd':
		if (calendar_parse(&t->now, optarg, &days) < 0)
			return diag_usage("test", "'%s' is no date like 2026-11-23", optarg);
		return 0;
	case 'u':
		t->junit = true;
		return 0;
	case 'j':
		t->json = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

static int parse(struct test *t, int argc, char **argv)
{
	static const struct option options[] = {
		{"geo", required_argument, NULL, 'g'},	 {"no-places", no_argument, NULL, 'n'},
		{"as-of", required_argument, NULL, 'd'}, {"junit", no_argument, NULL, 'u'},
		{"json", no_argument, NULL, 'j'},	 {NULL, 0, NULL, 0},
	};
	int code, r;

	while ((code = options_next("test", argc, argv, "", options)) != -1) {
		r = set(t, code);
		if (r)
			return r;
	}
	if (argc - optind != 2)
		return diag_usage("test", "a policy and a file of cases are needed");
	if (t->junit && t->json)
		return diag_usage("test", "either --junit or --json");
	t->policy = argv[optind];
	t->path = argv[optind + 1];
	return 0;
}

int cmd_test(int argc, char **argv)
{
	struct test t = {.now = time(NULL)};
	int r = parse(&t, argc, argv);

	if (r)
		return r;
	diag_print_init(&t.print, stderr);
	r = load(&t);
	diag_print_done(&t.print);
	if (!r)
		r = run(&t);
	engine_free(t.engine);
	test_file_free(&t.file);
	free(t.text);
	return r;
}
