/* SPDX-License-Identifier: BSD-2-Clause */
/* events.c - 'cordon events': the journal's records for a terminal, or as they are. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"
#include "agent/journal/journal.h"
#include "geo/base/cleanup.h"

#define FILTERS_MAX 16
#define FOLLOW_US   500000

struct filter {
	char path[128]; /* event.action */
	const char *glob;
};
struct events_options {
	const char *dir;
	struct filter filter[FILTERS_MAX];
	unsigned nfilters;
	int64_t since, until;
	bool follow, json;
};

/* The value at a.b.c; a key may have dots in it as it stands. */
static const json_t *at_path(const json_t *o, const char *path)
{
	char key[128];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		text_put(key, sizeof(key), "%.*s", (int)n, path);
		o = json_object_get(o, key);
		path += n + (path[n] == '.');
	}
	return o;
}

static bool value_matches(const json_t *v, const char *glob)
{
	char number[32];
	const json_t *each;
	size_t i;

	if (json_is_array(v)) {
		json_array_foreach (v, i, each)
			if (value_matches(each, glob))
				return true;
		return false;
	}
	if (json_is_string(v))
		return fnmatch(glob, json_string_value(v), 0) == 0;
	if (json_is_integer(v)) {
		text_put(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return fnmatch(glob, number, 0) == 0;
	}
	return json_is_boolean(v) && strcmp(glob, json_is_true(v) ? "true" : "false") == 0;
}

/* "2026-11-25T10:41:12..." as the record has it. */
static bool in_period(const struct events_options *o, const char *when)
{
	int64_t t;
	char text[20];

	if (!o->since && o->until == INT64_MAX)
		return true;
	text_put(text, sizeof(text), "%.19s", when ? when : "");
	return period_parse(&t, text, 0) == 0 && t >= o->since && t < o->until;
}

static bool wanted(const struct events_options *o, const json_t *e)
{
	const json_t *created = at_path(e, "event.created");

	if (!in_period(o, json_string_value(created ? created : at_path(e, "@timestamp"))))
		return false;
	for (unsigned i = 0; i < o->nfilters; i++)
		if (!value_matches(at_path(e, o->filter[i].path), o->filter[i].glob))
			return false;
	return true;
}

static void print_text(const json_t *e)
{
	const char *when = json_string_value(at_path(e, "@timestamp"));
	const char *action = json_string_value(at_path(e, "event.action"));
	const char *message = json_string_value(at_path(e, "message"));
	char text[2048];

	printf("%.19sZ  %-18s %s\n", when ? when : "", action ? action : "?",
	       text_escape(text, sizeof(text), message ? message : "", SIZE_MAX));
}

static void print_record(const struct events_options *o, const char *record, size_t n)
{
	_json_ json_t *e = json_loadb(record, n, 0, NULL);

	if (!e || !wanted(o, e))
		return;
	if (o->json)
		printf("%.*s\n", (int)n, record);
	else
		print_text(e);
}

/* From *at on to the end; *at is then the next one. */
static int print_from(const struct events_options *o, uint64_t *at)
{
	struct journal_reader *r;
	struct diag_print p;
	const char *record;
	size_t n;
	int e;

	diag_print_init(&p, stderr);
	e = journal_reader_open(&r, o->dir, &p.sink);
	diag_print_done(&p);
	if (e < 0)
		return e;
	if (*at < journal_reader_first(r))
		*at = journal_reader_first(r);
	for (; *at < journal_reader_end(r) && !ferror(stdout); ++*at) {
		e = journal_record(r, *at, &record, &n);
		if (e < 0) {
			diag_say("%s: record %" PRIu64 ": %s; 'cordon verify' says more", o->dir,
				 *at, e == -ERANGE ? "it is missing" : strerror(-e));
			break;
		}
		print_record(o, record, n);
	}
	journal_reader_close(r);
	fflush(stdout);
	return e;
}

static int filter_option(struct events_options *o, const char *text)
{
	const char *eq = strchr(text, '=');
	struct filter *f = &o->filter[o->nfilters];

	if (!eq || eq == text || (size_t)(eq - text) >= sizeof(f->path))
		return diag_usage("events", "--filter %s: KEY=GLOB, as in event.action=flow-*",
				  text);
	if (o->nfilters == FILTERS_MAX)
		return diag_usage("events", "more than %d filters", FILTERS_MAX);
	text_put(f->path, sizeof(f->path), "%.*s", (int)(eq - text), text);
	f->glob = eq + 1;
	o->nfilters++;
	return 0;
}

static int time_option(int64_t *ret, const char *name, const char *text)
{
	if (period_parse(ret, text, time(NULL)) == 0)
		return 0;
	return diag_usage("events", "%s %s: a duration (90m, 24h, 14d) or a date (2026-11-25)",
			  name, text);
}

static int option(struct events_options *o, int code)
{
	switch (code) {
	case 'f':
		return filter_option(o, optarg);
	case 's':
		return time_option(&o->since, "--since", optarg);
	case 'u':
		return time_option(&o->until, "--until", optarg);
	case 'F':
		o->follow = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'd':
		o->dir = optarg;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

/* A journal has its verifier from the start: a folder without is another folder, not a quiet host. */
static int no_journal(const struct events_options *o)
{
	char path[4096];

	text_put(path, sizeof(path), "%s/verifier", o->dir);
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return 0;
	diag_say("%s: there is no journal: the policy's 'journal' line says where one is kept",
		 o->dir);
	return EXIT_FAILED;
}

int cmd_events(int argc, char **argv)
{
	static const struct option options[] = {
		{"filter", required_argument, NULL, 'f'},
		{"since", required_argument, NULL, 's'},
		{"until", required_argument, NULL, 'u'},
		{"follow", no_argument, NULL, 'F'},
		{"json", no_argument, NULL, 'j'},
		{"journal", required_argument, NULL, 'd'},
		{NULL, 0, NULL, 0},
	};
	struct events_options o = {.dir = JOURNAL_DIR, .until = INT64_MAX};
	uint64_t at = 0;
	int code, r = 0;

	while (!r && (code = options_next("events", argc, argv, "", options)) != -1)
		r = option(&o, code);
	if (!r && optind < argc)
		r = diag_usage("events", "'%s' is one argument too many", argv[optind]);
	if (!r && o.since >= o.until)
		r = diag_usage("events", "the period ends before it begins");
	if (r)
		return r;
	do {
		r = print_from(&o, &at);
	} while (r == 0 && o.follow && !ferror(stdout) && usleep(FOLLOW_US) == 0);
	return r < 0 || (!at && no_journal(&o)) ? EXIT_FAILED : EXIT_DONE;
}
