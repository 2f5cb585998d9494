/* SPDX-License-Identifier: BSD-2-Clause */
/* prove.c - 'cordon prove': the matrix of what was tried and what came of it. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/loop.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/journal/journal.h"
#include "agent/journal/note.h"
#include "agent/prove/prove.h"
#include "geo/base/cleanup.h"

struct prove_options {
	struct prove_config run;
	const char *journal, *sign;
	bool json;
};

static bool tried(const struct prove_row *row)
{
	return row->result != PROVE_NOT_TRIED;
}

static bool asked(const struct prove_row *row)
{
	for (unsigned i = 0; i < PROVE_CELLS; i++)
		if (row->cell[i].used)
			return true;
	return false;
}

static const char *mark(const struct prove_cell *c)
{
	static const char *const marks[PROVE_RESULTS] = {"stop", "stop?", "seen",
							 "OUT",	 "FALSE", "-"};

	return c->used ? marks[c->result] : "";
}

static const char *why(const struct prove_row *row)
{
	if (row->note && row->result >= row->expected && tried(row))
		return row->note;
	for (unsigned i = 0; i < PROVE_CELLS; i++)
		if (row->cell[i].used && row->cell[i].result == row->result && row->cell[i].why[0])
			return row->cell[i].why;
	return "";
}

static void row_print(const struct prove_row *row)
{
	char nr[16] = "";

	if (row->number)
		text_put(nr, sizeof(nr), "%u", row->number);
	printf("%3s %-15s", nr, row->name);
	for (unsigned i = 0; i < PROVE_CELLS; i++)
		printf(" %-5s", mark(&row->cell[i]));
	printf("  %s", prove_result_name(row->result));
	if (tried(row) && row->result != row->expected)
		printf(" (expected: %s)", prove_result_name(row->expected));
	if (why(row)[0])
		printf(": %s", why(row));
	putchar('\n');
}

static void matrix_print(const struct prove_report *r)
{
	unsigned count[PROVE_RESULTS] = {0}, all = 0;

	puts("                       IPv4              IPv6\n"
	     " nr technique       root  raw   none  root  raw   none   result");
	for (unsigned i = 0; i < r->rows; i++) {
		if (!asked(&r->row[i]))
			continue;
		row_print(&r->row[i]);
		count[r->row[i].result]++;
		all++;
	}
	printf("%u techniques, %u shots in %.1f s, seed %llu:", all, r->shots, r->seconds,
	       (unsigned long long)r->seed);
	for (unsigned i = 0, n = 0; i < PROVE_RESULTS; i++)
		if (count[i])
			printf("%s %u %s", n++ ? "," : "", count[i],
			       prove_result_name((enum prove_result)i));
	putchar('\n');
}

static json_t *row_json(const struct prove_row *row)
{
	json_t *cells = json_object();

	for (unsigned i = 0; i < PROVE_CELLS; i++)
		if (row->cell[i].used)
			json_object_set_new(cells, prove_cell_name(i),
					    json_string(prove_result_name(row->cell[i].result)));
	return json_pack("{si ss ss ss ss ss so}", "number", (int)row->number, "name", row->name,
			 "what", row->line, "result", prove_result_name(row->result), "expected",
			 prove_result_name(row->expected), "why", why(row), "variants", cells);
}

/* The kernel's own names of the programs that were tried. */
static json_t *programs(const json_t *status)
{
	const json_t *hooks = json_object_get(json_object_get(status, "kernel"), "hooks");
	json_t *ret = json_object(), *h;
	size_t i;

	json_array_foreach (hooks, i, h) {
		const char *name = json_string_value(json_object_get(h, "hook"));

		if (name)
			json_object_set(ret, name, json_object_get(h, "tag"));
	}
	return ret;
}

static json_t *report_json(const struct prove_report *r)
{
	char when[TEXT_SHORT], host[256] = "";
	json_t *rows = json_array();
	struct utsname u = {};

	uname(&u);
	gethostname(host, sizeof(host) - 1);
	for (unsigned i = 0; i < r->rows; i++)
		if (asked(&r->row[i]))
			json_array_append_new(rows, row_json(&r->row[i]));
	return json_pack("{ss ss ss ss sb sI si sf sb ss so so}", "cordon", CORDON_VERSION, "time",
			 text_time(when, (int64_t)time(NULL)), "host", host, "kernel", u.release,
			 "devices", r->devices, "seed", (json_int_t)r->seed, "shots", (int)r->shots,
			 "seconds", r->seconds, "as_expected", !r->moved && !r->fault[0], "fault",
			 r->fault, "programs", programs(r->status), "techniques", rows);
}

static int write_note(const char *path, const char *note)
{
	FILE *f = fopen(path, "we");
	int bad = !f || fputs(note, f) < 0;

	if (f)
		bad |= fclose(f) != 0;
	if (bad)
		diag_say("prove: %s: cannot write", path);
	return bad ? EXIT_FAILED : 0;
}

/* A signed note (C2SP): the JSON on a line, and the signature of the journal's key. */
static int sign(const struct prove_options *o, const char *text)
{
	char path[512], name[NOTE_NAME_MAX], host[128] = "host";
	_free_ char *note = NULL, *line = NULL;
	struct note_key *key = NULL;
	struct diag_print p;
	int r;

	gethostname(host, sizeof(host) - 1);
	text_put(name, sizeof(name), "%s/cordon", host);
	text_put(path, sizeof(path), "%s/key", o->journal);
	diag_print_init(&p, stderr);
	r = note_key_open(&key, path, name, 0, &p.sink);
	diag_print_done(&p);
	if (r == 0 && asprintf(&line, "%s\n", text) < 0)
		r = -1;
	if (r == 0)
		r = note_sign(&note, key, line, strlen(line));
	note_key_free(key);
	if (r < 0 || !note) {
		diag_say("prove: not signed: needs the journal's key, %s ('journal' in the policy)",
			 path);
		return EXIT_FAILED;
	}
	return write_note(o->sign, note);
}

static int say(const struct prove_options *o, const struct prove_report *r)
{
	_json_ json_t *j = report_json(r);
	_free_ char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	int code = 0;

	if (!text) {
		diag_say("prove: no memory");
		return EXIT_FAILED;
	}
	if (o->json)
		puts(text);
	else
		matrix_print(r);
	if (o->sign)
		code = sign(o, text);
	if (r->fault[0])
		diag_say("prove: this run proves nothing: %s", r->fault);
	if (r->moved)
		diag_say("prove: %u techniques did worse than this release promises", r->moved);
	return code || r->fault[0] || r->moved ? EXIT_FAILED : EXIT_DONE;
}

static int seed_of(struct prove_options *o, const char *text)
{
	if (text_number(&o->run.seed, text, INT64_MAX) < 0)
		return diag_usage("prove", "--seed takes a number, not '%s'", text);
	return 0;
}

static int parse(struct prove_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"devices", no_argument, NULL, 'D'},
		{"only", required_argument, NULL, 'o'},
		{"seed", required_argument, NULL, 's'},
		{"sign", required_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"journal", required_argument, NULL, 'd'},
		{NULL, 0, NULL, 0},
	};
	int code, r = 0;

	while (!r && (code = options_next("prove", argc, argv, "", options)) != -1) {
		if (code == 'o')
			o->run.only = optarg;
		else if (code == 'D')
			o->run.devices = true;
		else if (code == 's')
			r = seed_of(o, optarg);
		else if (code == 'f')
			o->sign = optarg;
		else if (code == 'd')
			o->journal = optarg;
		else if (code == 'j')
			o->json = true;
		else
			return EXIT_USAGE;
	}
	if (!r && optind < argc)
		return diag_usage("prove", "'%s' is one argument too many", argv[optind]);
	return r;
}

int cmd_prove(int argc, char **argv)
{
	struct prove_options o = {.journal = JOURNAL_DIR};
	struct prove_report report = {};
	int r;

	o.run.seed = loop_monotonic_ns() >> 10 & 0xffffffff;
	r = parse(&o, argc, argv);
	if (r)
		return r;
	if (geteuid() != 0) {
		diag_say("prove: needs root: it makes namespaces, a cgroup and loads the programs");
		return EXIT_FAILED;
	}
	r = prove_run(&report, &o.run);
	r = r < 0 ? EXIT_FAILED : say(&o, &report);
	prove_done(&report);
	return r;
}
