/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c - 'cordon report': what left in a period, by place and by law, when nothing was seen, and with what proof. */
#include "agent/report/report.h"
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"
#include "agent/engine/engine.h"
#include "agent/journal/journal.h"
#include "agent/report/outputs.h"
#include "agent/report/pdf.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define EXPECTED_MAX   1024
#define DECLARED_FILES 16

struct report_options {
	struct report_config cfg;
	struct report_host host[REPORT_HOSTS];
	size_t journals;
	const char *expected[EXPECTED_MAX];
	const char *dora[DECLARED_FILES], *hds[DECLARED_FILES], *policy[DECLARED_FILES];
	const char *json, *csv, *html, *pdf, *note, *key;
	enum report_lang lang;
};

/* The end of a day that is named is its last second: --to 2026-06-30 has that day in it. */
static int time_option(int64_t *ret, const char *name, const char *text)
{
	if (period_parse(ret, text, (int64_t)time(NULL)) < 0)
		return diag_usage(
			"report",
			"%s %s: a date (2026-06-30), a time (2026-06-30T12:00) or a duration (30d)",
			name, text);
	if (strcmp(name, "--to") == 0 && strlen(text) == 10 && text[4] == '-')
		*ret += 86400;
	return 0;
}

static int host_option(struct report_options *o, int code, const char *text)
{
	if (code == 'e') {
		if (o->cfg.nexpected == EXPECTED_MAX)
			return diag_usage("report", "more than %d hosts", EXPECTED_MAX);
		o->expected[o->cfg.nexpected++] = text;
		return 0;
	}
	if ((code == 's' ? o->cfg.nhosts : o->journals) == REPORT_HOSTS)
		return diag_usage("report", "more than %u hosts", REPORT_HOSTS);
	if (code == 's')
		o->host[o->cfg.nhosts++].state = text;
	else
		o->host[o->journals++].journal = text;
	return 0;
}

static int declared_option(const char **v, size_t *n, const char *text)
{
	if (*n == DECLARED_FILES)
		return diag_usage("report", "more than %d of a kind", DECLARED_FILES);
	v[(*n)++] = text;
	return 0;
}

static int option(struct report_options *o, int code, const char *text)
{
	int lang;

	switch (code) {
	case 'f':
		return time_option(&o->cfg.from, "--from", text);
	case 't':
		return time_option(&o->cfg.to, "--to", text);
	case 's':
	case 'l':
	case 'e':
		return host_option(o, code, text);
	case 'j':
		o->json = text;
		return 0;
	case 'c':
		o->csv = text;
		return 0;
	case 'd':
		return declared_option(o->dora, &o->cfg.ndora, text);
	case 'a':
		return declared_option(o->hds, &o->cfg.nhds, text);
	case 'y':
		return declared_option(o->policy, &o->cfg.npolicy, text);
	case 'h':
		o->html = text;
		return 0;
	case 'p':
		o->pdf = text;
		return 0;
	case 'n':
		o->note = text;
		return 0;
	case 'k':
		o->key = text;
		return 0;
	case 'g':
		lang = report_lang_find(text);
		if (lang < 0)
			return diag_usage("report", "--lang %s: en or fr", text);
		o->lang = (enum report_lang)lang;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

static bool is_output(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static int complete(struct report_options *o)
{
	if (!o->cfg.from || !o->cfg.to)
		return diag_usage(
			"report",
			"--from and --to say which period, as in --from 2026-01-01 --to 2026-06-30");
	if (o->cfg.from >= o->cfg.to)
		return diag_usage("report", "the period ends before it begins");
	if (o->journals > o->cfg.nhosts && o->cfg.nhosts)
		return diag_usage("report", "a --journal for each --state, in the same order");
	if (!o->cfg.nhosts) {
		o->host[0].state = ENGINE_STATE;
		o->host[0].journal = o->journals ? o->host[0].journal : JOURNAL_DIR;
		o->cfg.nhosts = 1;
		if (!o->cfg.npolicy && access(ENGINE_POLICY_DEFAULT, R_OK) == 0)
			o->policy[o->cfg.npolicy++] = ENGINE_POLICY_DEFAULT;
	}
	if (!o->note != !o->key)
		return diag_usage("report", "--signed FILE and --key FILE go together");
	if (o->note && is_output(o->json) + is_output(o->html))
		return diag_usage("report", "what goes to standard output cannot be signed");
	o->cfg.host = o->host;
	o->cfg.expected = o->expected;
	o->cfg.dora = o->dora;
	o->cfg.hds = o->hds;
	o->cfg.policy = o->policy;
	return 0;
}

static int parse(struct report_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"from", required_argument, NULL, 'f'},	  {"to", required_argument, NULL, 't'},
		{"state", required_argument, NULL, 's'},  {"journal", required_argument, NULL, 'l'},
		{"expect", required_argument, NULL, 'e'}, {"lang", required_argument, NULL, 'g'},
		{"json", required_argument, NULL, 'j'},	  {"csv", required_argument, NULL, 'c'},
		{"html", required_argument, NULL, 'h'},	  {"pdf", required_argument, NULL, 'p'},
		{"signed", required_argument, NULL, 'n'}, {"key", required_argument, NULL, 'k'},
		{"dora", required_argument, NULL, 'd'},	  {"hds", required_argument, NULL, 'a'},
		{"policy", required_argument, NULL, 'y'}, {NULL, 0, NULL, 0},
	};
	int code, r = 0;

	while (!r && (code = options_next("report", argc, argv, "", options)) != -1)
		r = option(o, code, optarg);
	if (!r && optind < argc)
		r = diag_usage("report", "'%s' is one argument too many", argv[optind]);
	return r ? r : complete(o);
}

static int put_json(const struct residency *r, enum report_lang l, FILE *to)
{
	(void)l; /* it has both */
	return report_put_json(r, to);
}

static int put_file(const struct residency *r, const char *path, enum report_lang l,
		    int (*put)(const struct residency *, enum report_lang, FILE *),
		    struct diag_sink *d)
{
	struct file_write w;
	int e;

	if (strcmp(path, "-") == 0)
		return put(r, l, stdout);
	e = file_open(&w, path, d);
	if (e < 0)
		return e;
	e = put(r, l, w.f);
	if (e < 0) {
		file_abandon(&w);
		return e;
	}
	return file_commit(&w, d);
}

/* What was written, and the journals' roots at that time. */
static int put_outputs(struct json_writer *j, const struct report_options *o,
		       const struct residency *r)
{
	char path[4096];
	int e;

	json_writer_open(j, NULL, '{');
	json_writer_text(j, "program", "cordon " CORDON_VERSION);
	residency_put_period(j, r);
	json_writer_open(j, "outputs", '[');
	e = outputs_put(j, o->json);
	e = e ? e : outputs_put(j, o->html);
	e = e ? e : outputs_put(j, o->pdf);
	for (unsigned i = 0; o->csv && i < REPORT_TABLES && e == 0; i++) {
		text_put(path, sizeof(path), "%s/%s.csv", o->csv, r->table[i].id);
		e = outputs_put(j, path);
	}
	json_writer_close(j, ']');
	json_writer_close(j, '}');
	return e;
}

static int sign(const struct report_options *o, const struct residency *r, struct diag_sink *d)
{
	struct json_writer j = {0};
	_free_ char *verifier = NULL;
	int e = put_outputs(&j, o, r);
	const char *text = json_writer_done(&j);

	if (e < 0 || !text)
		diag_error(d, o->note, 0, "cannot be made: %s", strerror(e < 0 ? -e : ENOMEM));
	else
		e = outputs_write(&verifier, o->note, text, o->key, "cordon-report", d);
	json_writer_free(&j);
	if (verifier)
		diag_say("%s: signed; its verifier: %s", o->note, verifier);
	return text ? e : -ENOMEM;
}

static int put_all(const struct report_options *o, const struct residency *r, struct diag_sink *d)
{
	int e = 0;

	if (o->json)
		e = put_file(r, o->json, o->lang, put_json, d);
	if (o->html && e == 0)
		e = put_file(r, o->html, o->lang, report_put_html, d);
	if (o->pdf && e == 0)
		e = report_put_pdf(r, o->lang, o->pdf, d);
	if (o->csv && e == 0)
		e = report_put_csv(r, o->csv, d);
	if (o->note && e == 0)
		e = sign(o, r, d);
	if (!is_output(o->json) && !is_output(o->html) && e == 0)
		e = report_put_text(r, o->lang, stdout);
	return e;
}

int cmd_report(int argc, char **argv)
{
	struct report_options o = {.lang = REPORT_EN};
	struct residency *report = NULL;
	struct diag_print p;
	int r = parse(&o, argc, argv), e;
	bool damaged = false;

	if (r)
		return r;
	diag_print_init(&p, stderr);
	e = residency_make(&report, &o.cfg, &p.sink);
	if (e == 0) {
		damaged = report->damaged;
		e = put_all(&o, report, &p.sink);
	}
	diag_print_done(&p);
	residency_free(report);
	return e < 0 ? EXIT_FAILED : damaged ? EXIT_DAMAGED : EXIT_DONE;
}
