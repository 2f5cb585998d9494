/* SPDX-License-Identifier: BSD-2-Clause */
/* gaps.c - 'cordon gaps': when less was enforced or known than the policy promises, and why. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"
#include "agent/daemon/gap.h"
#include "agent/engine/engine.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define DOWN_AFTER 15 /* seconds; an agent writes each second */

struct gaps_options {
	const char *state, *since;
	bool json;
};

static void put(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s)
		text_escape_to(stdout, s, strlen(s));
}

static void show(const json_t *o)
{
	put(o, "start");
	printf("  %9.1f s  ", json_number_value(json_object_get(o, "seconds")));
	put(o, "cause");
	fputs(": ", stdout);
	put(o, "detail");
	fputs("\n                      held: ", stdout);
	put(o, "held");
	putchar('\n');
}

/* Lines of the same form sort by time as text. */
static int read_file(const struct gaps_options *o, const char *path, const char *since, unsigned *n,
		     unsigned *bad)
{
	FILE *f = fopen(path, "re");
	char line[4096];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *end = json_string_value(json_object_get(j, "end"));

		*bad += !end;
		if (end && strcmp(end, since) >= 0) {
			++*n;
			if (o->json)
				fputs(line, stdout);
			else
				show(j);
		}
		json_decref(j);
	}
	fclose(f);
	return 0;
}

static void show_open(const struct gaps_options *o, const json_t *j)
{
	if (o->json) {
		json_dumpf(j, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	put(j, "start");
	fputs("     still open  ", stdout);
	put(j, "cause");
	fputs(": ", stdout);
	put(j, "detail");
	fputs("\n                      held: ", stdout);
	put(j, "held");
	putchar('\n');
}

/* What is going on; the file is replaced whole. */
static void read_open(const struct gaps_options *o, unsigned *n, unsigned *bad)
{
	char path[512], line[4096];
	FILE *f;

	text_put(path, sizeof(path), "%s/" GAP_OPEN_FILE, o->state);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		*bad += !j;
		*n += j != NULL;
		if (j)
			show_open(o, j);
		json_decref(j);
	}
	if (f)
		fclose(f);
}

/* An agent that is dead writes no gap: the next one will. Until then its last second says it. */
static void read_down(const struct gaps_options *o, unsigned *n)
{
	uint64_t last, now = (uint64_t)time(NULL);
	char path[512], number[24], start[TEXT_SHORT];
	_json_ json_t *j = NULL;
	_free_ char *text = NULL;
	size_t len;

	text_put(path, sizeof(path), "%s/" GAP_ALIVE, o->state);
	if (file_read(&text, &len, AT_FDCWD, path, 160) < 0 ||
	    sscanf(text, "%20[0-9]", number) != 1 || text_number(&last, number, UINT64_MAX) < 0)
		return;
	last /= 1000000000;
	if (last + DOWN_AFTER >= now)
		return;
	j = json_pack("{s:s,s:s,s:s,s:s}", "start", text_time(start, (int64_t)last), "cause",
		      "agent-down", "held", "what is pinned in the kernel, if anything", "detail",
		      "no agent has written here since");
	if (j)
		show_open(o, j);
	++*n;
}

static int parse(struct gaps_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"since", required_argument, NULL, 's'},
		{"state", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int code;

	while ((code = options_next("gaps", argc, argv, "", options)) != -1) {
		if (code == 's')
			o->since = optarg;
		else if (code == 'd')
			o->state = optarg;
		else if (code == 'j')
			o->json = true;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return diag_usage("gaps", "'%s' is one argument too many", argv[optind]);
	return 0;
}

/* No gap on record is good news only where an agent kept the record. */
static int no_record(const struct gaps_options *o)
{
	char path[512];

	text_put(path, sizeof(path), "%s/" GAP_ALIVE, o->state);
	if (access(path, F_OK) == 0)
		return 0;
	diag_say("%s: %s: nothing is known of gaps", o->state,
		 errno == ENOENT ? "no agent kept its record there" : strerror(errno));
	return EXIT_FAILED;
}

int cmd_gaps(int argc, char **argv)
{
	struct gaps_options o = {.state = ENGINE_STATE};
	char path[512], old[520], since[TEXT_SHORT] = "";
	unsigned n = 0, bad = 0;
	int64_t from;
	int r = parse(&o, argc, argv);

	if (r)
		return r;
	if (o.since && period_parse(&from, o.since, (int64_t)time(NULL)) < 0)
		return diag_usage("gaps", "'%s' is no time: 24h, 14d, 2026-11-25", o.since);
	if (o.since)
		text_time(since, from);
	text_put(path, sizeof(path), "%s/" GAP_FILE, o.state);
	text_put(old, sizeof(old), "%s.1", path);
	read_file(&o, old, since, &n, &bad);
	r = read_file(&o, path, since, &n, &bad);
	read_open(&o, &n, &bad);
	read_down(&o, &n);
	if (r < 0 && r != -ENOENT) {
		diag_say("%s: %s", path, strerror(-r));
		return EXIT_FAILED;
	}
	if (r < 0 && !n && !bad && no_record(&o))
		return EXIT_FAILED;
	if (bad)
		diag_say("%s: %u lines are damaged", path, bad);
	if (!n && !o.json)
		puts("no gaps are on record");
	return bad ? EXIT_DAMAGED : EXIT_DONE;
}
