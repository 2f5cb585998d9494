/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.c - 'cordon ledger': what left in a period, by country, unit, law ..., from the agent's
 * sums. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"
#include "agent/ledger/ledger.h"

enum form { FORM_TEXT, FORM_CSV, FORM_JSON };

struct ledger_options {
	const char *path;
	enum ledger_by by;
	int64_t from, to;
	enum form form;
	size_t rows;
	struct ledger_sum all;
	struct json_writer line;
};

/* A field as RFC 4180 has it; a leading =, +, - or @ would be a formula to a spreadsheet. */
static void csv(const char *s)
{
	putchar('"');
	if (strchr("=+-@\t\r", *s) && *s)
		putchar('\'');
	for (; *s; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

/* Every row has its verdict: asked by that alone, there is no other key. */
static bool has_key(const struct ledger_options *o)
{
	return o->by != LEDGER_BY_VERDICT;
}

static void row_text(struct ledger_options *o, const struct ledger_row *r)
{
	char key[128], bytes[TEXT_SHORT], packets[TEXT_SHORT], flows[TEXT_SHORT], last[TEXT_SHORT];
	int width = has_key(o) ? 34 : 0;

	if (!o->rows++)
		printf("%-*s%s%-12s %12s %14s %10s %10s  %s\n", width,
		       has_key(o) ? ledger_by_name(o->by) : "", has_key(o) ? " " : "", "verdict",
		       "bytes", "packets", "flows", "attempts", "last seen");
	printf("%-*s%s%-12s %12s %14s %10s %10" PRIu64 "  %s\n", width,
	       has_key(o) ? text_escape(key, sizeof(key), r->key, SIZE_MAX) : "",
	       has_key(o) ? " " : "", r->verdict, text_bytes(bytes, r->sum.bytes),
	       text_count(packets, r->sum.packets), text_count(flows, r->sum.flows),
	       r->sum.attempts, text_time(last, (int64_t)(r->sum.last_ns / 1000000000)));
}

static void row_csv(struct ledger_options *o, const struct ledger_row *r)
{
	if (!o->rows++)
		printf("%s%sverdict,bytes,packets,flows,attempts,first,last\r\n",
		       has_key(o) ? ledger_by_name(o->by) : "", has_key(o) ? "," : "");
	if (has_key(o)) {
		csv(r->key);
		putchar(',');
	}
	printf("%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\r\n",
	       r->verdict, r->sum.bytes, r->sum.packets, r->sum.flows, r->sum.attempts,
	       r->sum.first_ns / 1000000000, r->sum.last_ns / 1000000000);
}

static void row_json(struct ledger_options *o, const struct ledger_row *r)
{
	struct json_writer *w = &o->line;
	const char *line;

	o->rows++;
	json_writer_reset(w);
	json_writer_open(w, NULL, '{');
	if (has_key(o))
		json_writer_text(w, ledger_by_name(o->by), r->key);
	json_writer_text(w, "verdict", r->verdict);
	json_writer_number(w, "bytes", r->sum.bytes);
	json_writer_number(w, "packets", r->sum.packets);
	json_writer_number(w, "flows", r->sum.flows);
	json_writer_number(w, "attempts", r->sum.attempts);
	json_writer_number(w, "first", r->sum.first_ns / 1000000000);
	json_writer_number(w, "last", r->sum.last_ns / 1000000000);
	json_writer_close(w, '}');
	line = json_writer_done(w);
	if (line)
		puts(line);
}

static int on_row(void *arg, const struct ledger_row *r)
{
	static void (*const print[])(struct ledger_options *, const struct ledger_row *) = {
		[FORM_TEXT] = row_text,
		[FORM_CSV] = row_csv,
		[FORM_JSON] = row_json,
	};
	struct ledger_options *o = arg;

	print[o->form](o, r);
	o->all.bytes += r->sum.bytes;
	o->all.packets += r->sum.packets;
	return ferror(stdout) ? -EIO : 0;
}

static int by_option(struct ledger_options *o, const char *name)
{
	int by = ledger_by_find(name);

	if (by < 0)
		return diag_usage(
			"ledger",
			"--by %s: country, provider, region, operator, law, "
			"grade, unit, container, exe, user, prefix, port, rule, name, verdict "
			"or host",
			name);
	o->by = (enum ledger_by)by;
	return 0;
}

static int time_option(int64_t *ret, const char *name, const char *text)
{
	if (period_parse(ret, text, time(NULL)) == 0)
		return 0;
	return diag_usage("ledger", "%s %s: a duration (90m, 24h, 14d) or a date (2026-11-25)",
			  name, text);
}

static int parse(struct ledger_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"by", required_argument, NULL, 'b'},
		{"since", required_argument, NULL, 's'},
		{"until", required_argument, NULL, 'u'},
		{"ledger", required_argument, NULL, 'l'},
		{"csv", no_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int code, r = 0;

	while (!r && (code = options_next("ledger", argc, argv, "", options)) != -1) {
		if (code == 'b')
			r = by_option(o, optarg);
		else if (code == 's')
			r = time_option(&o->from, "--since", optarg);
		else if (code == 'u')
			r = time_option(&o->to, "--until", optarg);
		else if (code == 'l')
			o->path = optarg;
		else if (code == 'c')
			o->form = FORM_CSV;
		else if (code == 'j')
			o->form = FORM_JSON;
		else
			r = EXIT_USAGE;
	}
	if (!r && optind < argc)
		r = diag_usage("ledger", "'%s' is one argument too many", argv[optind]);
	if (!r && o->from >= o->to)
		r = diag_usage("ledger", "the period ends before it begins");
	return r;
}

static int no_key(void *arg, const struct ledger_key_row *k)
{
	(void)arg, (void)k;
	return 0;
}

static int no_row(void *arg, int64_t key, int64_t start, int64_t seconds,
		  const struct ledger_sum *s)
{
	(void)arg, (void)key, (void)start, (void)seconds, (void)s;
	return 0;
}

/* "Nothing" of the last day is easily read as nothing at all: a ledger of captures is of another time. */
static void say_when(const struct ledger_options *o, struct diag_sink *d)
{
	struct ledger_scan scan = {.key = no_key, .row = no_row};
	char from[TEXT_SHORT], to[TEXT_SHORT];
	struct ledger_extent e;

	if (ledger_scan(&e, o->path, o->from, o->from, &scan, d) < 0)
		return;
	if (!e.end)
		diag_say("%s: no minute is in it yet", o->path);
	else if (e.end <= o->from || e.first >= o->to)
		diag_say("nothing is of that time: the ledger is of %s to %s; --since and --until "
			 "say which",
			 text_time(from, e.first), text_time(to, e.end));
}

int cmd_ledger(int argc, char **argv)
{
	int64_t now = time(NULL);
	struct ledger_options o = {.path = LEDGER_PATH, .from = now - 86400, .to = now + 60};
	char bytes[TEXT_SHORT], packets[TEXT_SHORT];
	struct diag_print p;
	int r = parse(&o, argc, argv);

	if (r)
		return r;
	diag_print_init(&p, stderr);
	r = ledger_query(o.path, o.by, o.from, o.to, on_row, &o, &p.sink);
	if (r == 0 && !o.rows)
		say_when(&o, &p.sink);
	diag_print_done(&p);
	json_writer_free(&o.line);
	if (r == 0 && o.form == FORM_TEXT)
		printf("%s in %s packets\n", text_bytes(bytes, o.all.bytes),
		       text_count(packets, o.all.packets));
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
