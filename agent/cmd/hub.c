/* SPDX-License-Identifier: BSD-2-Clause */
/* hub.c - 'cordon hub': the sums and checkpoints of many hosts into PostgreSQL, and questions about them. */
#include "agent/hub/hub.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/interrupt.h"
#include "agent/base/json_writer.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"
#include "geo/base/cleanup.h"

#define EXPECTED_MAX 16384
#define BATCH_MS     1000
#define RETRY_MAX    30		 /* seconds */
#define SILENT	     (26 * 3600) /* a day's sums come once a day */

enum question { ASK_NONE, ASK_SUMS, ASK_HOSTS, ASK_FINDINGS };
struct hub_options {
	const char *database, *from, *config, *by;
	const char *expected[EXPECTED_MAX];
	size_t nexpected, rows;
	enum question question;
	int64_t since, until, silent;
	bool once, json, csv;
	struct json_writer line; /* owned */
};

static int ask_option(struct hub_options *o, enum question q, const char *by)
{
	if (o->question)
		return diag_usage("hub", "one of --by, --hosts and --findings");
	o->question = q;
	o->by = by;
	return 0;
}

static int time_option(int64_t *ret, const char *name, const char *text)
{
	if (period_parse(ret, text, (int64_t)time(NULL)) == 0)
		return 0;
	return diag_usage("hub", "%s %s: a duration (24h, 14d), a date or a time", name, text);
}

static int option(struct hub_options *o, int code, const char *text)
{
	int64_t now = (int64_t)time(NULL);
	int r;

	switch (code) {
	case 'd':
		o->database = text;
		return 0;
	case 'f':
		o->from = text;
		return 0;
	case 'g':
		o->config = text;
		return 0;
	case 'e':
		if (o->nexpected == EXPECTED_MAX)
			return diag_usage("hub", "more than %d hosts", EXPECTED_MAX);
		o->expected[o->nexpected++] = text;
		return 0;
	case 'o':
		o->once = true;
		return 0;
	case 'b':
		return ask_option(o, ASK_SUMS, text);
	case 'h':
		return ask_option(o, ASK_HOSTS, NULL);
	case 'n':
		return ask_option(o, ASK_FINDINGS, NULL);
	case 's':
		return time_option(&o->since, "--since", text);
	case 'u':
		return time_option(&o->until, "--until", text);
	case 'a':
		r = time_option(&o->silent, "--silent-after", text);
		o->silent = now - o->silent;
		return r;
	case 'j':
		o->json = true;
		return 0;
	case 'c':
		o->csv = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

static int parse(struct hub_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"database", required_argument, NULL, 'd'},
		{"from", required_argument, NULL, 'f'},
		{"config", required_argument, NULL, 'g'},
		{"expect", required_argument, NULL, 'e'},
		{"once", no_argument, NULL, 'o'},
		{"by", required_argument, NULL, 'b'},
		{"hosts", no_argument, NULL, 'h'},
		{"findings", no_argument, NULL, 'n'},
		{"since", required_argument, NULL, 's'},
		{"until", required_argument, NULL, 'u'},
		{"silent-after", required_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{"csv", no_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	int code, r = 0;

	while (!r && (code = options_next("hub", argc, argv, "", options)) != -1)
		r = option(o, code, optarg);
	if (r)
		return r;
	if (optind < argc)
		return diag_usage("hub", "'%s' is one argument too many", argv[optind]);
	if (!o->database)
		return diag_usage("hub", "--database says which PostgreSQL, as in --database "
					 "postgresql://hub@db.example/fleet");
	if (!o->from == !o->question && !o->nexpected)
		return diag_usage("hub", "--from says where lines come from; --by, --hosts or "
					 "--findings ask");
	return 0;
}

/* ---- taking in ---- */

/* The batch, however long the database is away; not past a signal. */
static int commit(struct hub *h, struct diag_sink *d)
{
	unsigned wait = 1;
	bool said = false;
	int r;

	while ((r = hub_commit(h, d)) == -EAGAIN && !interrupt_came()) {
		if (!said)
			diag_say("PostgreSQL is away: %s; trying again, nothing is lost",
				 hub_why(h));
		said = true;
		for (unsigned i = 0; i < wait * 10 && !interrupt_came(); i++)
			usleep(100000);
		wait = wait * 2 < RETRY_MAX ? wait * 2 : RETRY_MAX;
	}
	if (said && r == 0)
		diag_say("PostgreSQL is there again");
	return r;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int settle(const struct hub_source *s, void *self, struct hub *h, struct diag_sink *d)
{
	int r = s->place ? s->place(self, h) : 0;

	r = r ? r : commit(h, d);
	return r || !s->taken ? r : s->taken(self, d);
}

static int take_all(const struct hub_source *s, void *self, struct hub *h, bool once,
		    struct diag_sink *d)
{
	int64_t begun = now_ms();
	const char *line;
	size_t n;
	int r = 0;

	while (r >= 0 && !interrupt_came()) {
		r = s->next(self, &line, &n, 200, d);
		if (r == -EAGAIN) {
			r = commit(h, d);
			continue;
		}
		if (r == 1 && hub_empty(h))
			begun = now_ms();
		if (r == 1 && hub_add(h, line, n) == -ENOMEM)
			r = -ENOMEM;
		if (r < 0)
			break;
		if (hub_full(h) || (!hub_empty(h) && (now_ms() - begun > BATCH_MS || r == 0)))
			r = settle(s, self, h, d);
		else if (r == 0 && once && s->over(self))
			break;
	}
	return r < 0 ? r : interrupt_came() && !hub_empty(h) ? settle(s, self, h, d) : 0;
}

static int take(const struct hub_options *o, struct hub *h, struct diag_sink *d)
{
	const struct hub_source *s;
	struct hub_state state;
	void *self;
	int r = hub_source_open(&s, &self, o->from, o->config, h, d);

	if (r < 0)
		return r;
	interrupt_catch();
	r = take_all(s, self, h, o->once, d);
	s->free(self);
	hub_state(h, &state);
	diag_say("%" PRIu64 " lines taken, %" PRIu64 " refused%s%s", state.lines - state.refused,
		 state.refused, state.refused ? "; the last one: " : "", state.why);
	return r ? r : state.refused ? 1 : 0;
}

/* ---- asking ---- */

/* A field as RFC 4180 has it; a leading =, +, - or @ would be a formula to a spreadsheet. */
static void put_csv(const char *s)
{
	putchar('"');
	if (*s && strchr("=+-@\t\r", *s))
		putchar('\'');
	for (; *s; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static bool is_number(const char *s)
{
	uint64_t n;

	return text_number(&n, s, UINT64_MAX) == 0;
}

static void row_json(struct hub_options *o, unsigned n, const char *const *name,
		     const char *const *value)
{
	struct json_writer *j = &o->line;
	const char *text;

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	for (unsigned i = 0; i < n; i++) {
		if (!value[i])
			json_writer_null(j, name[i]);
		else if (i && is_number(value[i]))
			json_writer_raw(j, name[i], value[i], strlen(value[i]));
		else
			json_writer_text(j, name[i], value[i]);
	}
	json_writer_close(j, '}');
	text = json_writer_done(j);
	puts(text ? text : "");
}

static int width(const char *name)
{
	static const struct {
		const char *name;
		int width;
	} all[] = {{"agent", 36}, {"state", 10},   {"last_seen", 20},
		   {"at", 20},	  {"finding", 13}, {"verdict", 17}};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].width;
	return 12;
}

static void row_text(unsigned n, const char *const *name, const char *const *value)
{
	char buf[512];

	for (unsigned i = 0; i < n; i++) {
		const char *s = value ? value[i] ? value[i] : "-" : name[i];

		if (i + 1 == n)
			printf("%s\n", text_escape(buf, sizeof(buf), s, SIZE_MAX));
		else
			printf("%-*s ", i ? width(name[i]) : 34,
			       text_escape(buf, sizeof(buf), s, SIZE_MAX));
	}
}

static int on_row(void *arg, unsigned n, const char *const *name, const char *const *value)
{
	struct hub_options *o = arg;
	bool first = !o->rows++;

	if (o->json) {
		row_json(o, n, name, value);
		return 0;
	}
	if (!o->csv) {
		if (first)
			row_text(n, name, NULL);
		row_text(n, name, value);
		return 0;
	}
	for (unsigned i = 0; first && i < n; i++)
		printf("%s%s", name[i], i + 1 < n ? "," : "\r\n");
	for (unsigned i = 0; i < n; i++) {
		put_csv(value[i] ? value[i] : "");
		fputs(i + 1 < n ? "," : "\r\n", stdout);
	}
	return 0;
}

static int ask(struct hub_options *o, struct hub *h, struct diag_sink *d)
{
	int r;

	if (o->question == ASK_HOSTS)
		return hub_hosts(h, o->silent, on_row, o, d);
	if (o->question == ASK_FINDINGS) {
		r = hub_findings(h, on_row, o, d);
		return r ? r : o->rows ? 1 : 0;
	}
	r = hub_sums(h, o->by, o->since, o->until, on_row, o, d);
	if (r == -EINVAL)
		diag_error(d, NULL, 0,
			   "--by %s: country, provider, region, operator, law, grade, unit, "
			   "container, exe, user, prefix, port, rule, verdict or host",
			   o->by);
	return r;
}

int cmd_hub(int argc, char **argv)
{
	static struct hub_options o;
	struct hub *h = NULL;
	struct diag_print p;
	int r;

	o = (struct hub_options){.until = (int64_t)time(NULL) + 86400, .silent = SILENT};
	r = parse(&o, argc, argv);
	if (r)
		return r;
	diag_print_init(&p, stderr);
	r = hub_open(&h, o.database, o.from || o.nexpected, &p.sink);
	for (size_t i = 0; i < o.nexpected && r == 0; i++)
		r = hub_expect(h, o.expected[i], &p.sink);
	if (r == 0 && o.from)
		r = take(&o, h, &p.sink);
	else if (r == 0 && o.question)
		r = ask(&o, h, &p.sink);
	hub_close(h);
	json_writer_free(&o.line);
	diag_print_done(&p);
	return r < 0 ? EXIT_FAILED : r > 0 ? EXIT_DAMAGED : EXIT_DONE;
}
