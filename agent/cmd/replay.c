/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c - the verb: captures through the same road as live traffic; events as JSON lines, or a
 * summary. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay_diff.h"
#include "agent/cmd/replay_evidence.h"
#include "agent/cmd/replay_ledger.h"
#include "agent/cmd/replay_manifest.h"
#include "agent/cmd/replay_options.h"
#include "agent/cmd/replay_report.h"
#include "agent/cmd/replay_seen.h"
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/interrupt.h"
#include "agent/base/text.h"
#include "agent/event/event_state.h"
#include "agent/event/event_text.h"
#include "agent/feed/ecs.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define SUMS_FREE (256u << 20)

static void own_replay(struct replay *r)
{
	pipeline_free(r->pipeline);
	for (size_t i = 0; i < r->nengines; i++)
		engine_free(r->engines[i]);
	for (size_t i = 0; i < r->ncaptures; i++) {
		free(r->captures[i].path);
		free(r->captures[i].note);
	}
	replay_filter_free(r);
	replay_places_free(r);
	replay_diff_free(r->diff);
	ledger_import_abandon(r->ledger);
	if (r->evidence_file)
		(void)evidence_close(r->evidence_file, false);
	free(r->engines);
	free(r->captures);
	free(r->inside);
	free(r->geo);
	json_writer_free(&r->json);
}

static void put_line(struct replay *r, struct event *e)
{
	const char *line;

	if (r->error)
		return;
	errno = 0;
	line = ecs_format(&r->json, e, NULL);
	if (!line)
		r->error = -ENOMEM;
	else if (fwrite(line, 1, r->json.len, stdout) != r->json.len || putchar('\n') == EOF)
		r->error = errno ? -errno : -EIO;
}

/* Of the refutations after it, one event is left: as an agent on that host would have said it. */
static void proxy_suspected(struct replay *r, const struct event *refuted)
{
	char text[256];
	struct event e = {.kind = EVENT_STATE,
			  .action = "proxy-suspected",
			  .detail = event_proxy(text, sizeof(text), refuted->rtt_min_ns),
			  .severity = event_state_severity("proxy-suspected"),
			  .time_ns = refuted->last_ns,
			  .policy = refuted->policy};

	diag_say("%s", text);
	if (event_id_v8(e.id, &e) == 0)
		put_line(r, &e);
}

static void put_event(void *arg, struct event *e)
{
	struct replay *r = arg;
	enum suspect_verdict proxy = SUSPECT_NO;

	if (e->kind == EVENT_PLACE_REFUTED)
		proxy = suspect_see(&r->suspect, &e->flow.dst, e->place->country, e->rtt_min_ns);
	if (proxy == SUSPECT_NO)
		put_line(r, e);
	else if (proxy == SUSPECT_NEW)
		proxy_suspected(r, e);
}

static bool on_stdout(const struct replay *r)
{
	return r->summary && !strcmp(r->summary, "-");
}

static int exit_code(const struct replay *r)
{
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);

	if (r->failed || r->error || r->interrupted)
		return EXIT_FAILED;
	if (replay_damaged(r))
		return EXIT_DAMAGED;
	return c->flows_by_verdict[DECIDE_ALERT] || c->flows_by_verdict[DECIDE_BLOCK]
		       ? EXIT_TRANSFER
		       : EXIT_DONE;
}

/* In a file, its reader sees the old summary or the new one. 0, or an exit code after a sentence. */
static int write_summary(struct replay *r, const struct report *p, int code)
{
	const char *text = replay_summary(r, p, code);
	struct file_write file;
	struct diag_print print;
	int result;

	if (!text) {
		diag_say("%s: cannot write the summary: %s", r->summary, strerror(ENOMEM));
		return EXIT_FAILED;
	}
	if (on_stdout(r)) /* main says when that fails */
		return fwrite(text, 1, r->json.len, stdout) == r->json.len && putchar('\n') != EOF
			       ? 0
			       : EXIT_FAILED;
	diag_print_init(&print, stderr);
	result = file_open(&file, r->summary, &print.sink);
	if (result == 0) {
		fprintf(file.f, "%s\n", text);
		result = file_commit(&file, &print.sink);
	}
	diag_print_done(&print);
	return result < 0 ? EXIT_FAILED : 0;
}

enum report_kind { REPORT_CSV, REPORT_HTML };

static int write_report(const struct replay *r, const struct report *p, int code,
			enum report_kind kind, const char *path)
{
	struct file_write file;
	struct diag_print print;
	int result;

	diag_print_init(&print, stderr);
	result = file_open(&file, path, &print.sink);
	if (result == 0) {
		if (kind == REPORT_CSV)
			(void)report_csv(p, file.f);
		else
			(void)report_html(p, r, code, file.f);
		result = file_commit(&file, &print.sink);
	}
	diag_print_done(&print);
	return result < 0 ? EXIT_FAILED : 0;
}

/* 0, or an exit code after a sentence */
static int write_reports(struct replay *r, int code)
{
	struct report p;
	int result = 0;

	if (!r->summary && !r->csv && !r->html)
		return 0;
	if (report_make(&p, r) < 0) {
		diag_say("not enough memory for a report");
		return EXIT_FAILED;
	}
	if (r->summary)
		result = write_summary(r, &p, code);
	if (r->csv && !result)
		result = write_report(r, &p, code, REPORT_CSV, r->csv);
	if (r->html && !result)
		result = write_report(r, &p, code, REPORT_HTML, r->html);
	report_free(&p);
	return result;
}

static int set_top(struct replay *r, const char *text)
{
	uint64_t n;

	if (text_number(&n, text, 1000000) < 0 || !n)
		return diag_usage("replay", "--top takes a number from 1 to 1000000, not '%s'",
				  text);
	r->top = (size_t)n;
	return 0;
}

/* Among the events too, for who reads nothing else. */
static void say_interrupted(struct replay *r)
{
	char text[128];
	struct event e = {.kind = EVENT_STATE, .action = "replay-interrupted", .detail = text};
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);

	r->interrupted = true;
	text_put(text, sizeof(text),
		 "%zu of %zu captures read, %" PRIu64 " packets: what is said is incomplete",
		 r->read, r->ncaptures, c->packets);
	diag_say("interrupted: %s", text);
	e.time_ns = c->last_ns;
	e.policy = r->engines[0]->policy;
	if (!on_stdout(r) && !r->only_ledger && event_id_v8(e.id, &e) == 0)
		put_event(r, &e);
}

static int replay(struct replay *r)
{
	int result, code;

	/* Events carry them. Of very much, a summary alone costs twice the time with them. */
	r->sums |= !on_stdout(r) || r->all_bytes <= SUMS_FREE;
	r->event = on_stdout(r) || r->other || r->only_ledger ? NULL : put_event;
	result = replay_places(r);
	if (result)
		return result;
	result = replay_start(r);
	if (result == 0 && r->other) {
		code = replay_diff_open(&r->diff, r, r->other);
		if (code)
			return code;
	}
	if (result == 0 && r->ledger_path) {
		result = replay_ledger_open(r);
		if (result)
			return result;
	}
	if (result == 0)
		result = replay_read(r);
	if (result == 0)
		result = pipeline_finish(r->pipeline);
	replay_progress_end(r);
	if (result < 0) {
		if (result == -ENOMEM)
			diag_say("not enough memory");
		return result == -EINVAL && !r->pipeline ? EXIT_POLICY : EXIT_FAILED;
	}
	replay_say_damage(r);
	if (interrupt_came())
		say_interrupted(r);
	if (r->error || (!on_stdout(r) && fflush(stdout) == EOF))
		r->error = r->error ? r->error : errno ? -errno : -EIO;
	if (r->error)
		diag_say("standard output: cannot write events: %s", strerror(-r->error));
	code = exit_code(r);
	if (r->diff && replay_diff_print(r->diff, r->as_json, stdout) < 0)
		code = EXIT_FAILED;
	result = write_reports(r, code);
	if (r->evidence_file) {
		int closed;

		r->evidence_packets = evidence_packets(r->evidence_file);
		closed = evidence_close(r->evidence_file, true);
		r->evidence_file = NULL;
		result = result ? result : closed;
	}
	if (!result && r->ledger)
		result = replay_ledger_close(r);
	if (!result && r->manifest)
		result = replay_manifest(r, code);
	return result ? result : code;
}

static int add_inside(struct replay *r, const char *text)
{
	struct cidr *c = reallocarray(r->inside, r->config.ninside + 1, sizeof(*c));
	char buf[IP_STRLEN];
	int err;

	if (!c)
		return EXIT_FAILED;
	r->inside = c;
	err = cidr_parse(&c[r->config.ninside], text);
	(void)cidr_mapped(&c[r->config.ninside], &c[r->config.ninside]);
	if (err == -EDOM)
		return diag_usage("replay", "'%s' has host bits set; the network is '%s'", text,
				  cidr_format(buf, &c[r->config.ninside]));
	if (err < 0)
		return diag_usage("replay", "'%s' is no network (as 10.0.0.0/16 or 2001:db8::/32)",
				  text);
	r->config.inside = c;
	r->config.ninside++;
	return 0;
}

static int add_geo(struct replay *r, const char *path)
{
	const char **g = reallocarray(r->geo, r->config.ngeo + 1, sizeof(*g));

	if (!g)
		return EXIT_FAILED;
	g[r->config.ngeo++] = path;
	r->geo = g;
	r->config.geo = g;
	return 0;
}

static int set_time(const char *option, uint64_t *ret, const char *text)
{
	if (replay_time(ret, text) < 0)
		return diag_usage("replay",
				  "%s takes a date, a date and time (2026-11-25T08:00:00Z) or Unix "
				  "seconds, not '%s'",
				  option, text);
	return 0;
}

static int set_flows_max(struct replay *r, const char *text)
{
	uint64_t n;

	if (text_number(&n, text, 64u << 20) < 0 || n < 64)
		return diag_usage("replay",
				  "--flows-max takes a number from 64 to 67108864, not '%s'", text);
	r->flows_max = (size_t)n;
	return 0;
}

/* What goes into the hands of others. 0; -1: it is none of these. */
static int evidence_option(struct replay *r, struct evidence_config *e, int o)
{
	switch (o) {
	case OPT_EVIDENCE:
		r->evidence = e->path = optarg;
		return 0;
	case OPT_PAYLOAD:
		e->payload = true;
		return 0;
	case OPT_SEAL:
		e->recipient = optarg;
		return 0;
	case OPT_IN_CLEAR:
		e->in_clear = true;
		return 0;
	case OPT_ANONYMISE:
		e->anonymise = optarg;
		return 0;
	case OPT_MANIFEST:
		r->manifest = optarg;
		r->sums = true;
		return 0;
	case OPT_LEDGER:
		r->ledger_path = optarg;
		return 0;
	case OPT_KEY:
		r->key = optarg;
		return 0;
	}
	return -1;
}

static int option(struct replay *r, int o)
{
	switch (o) {
	case 'p':
		r->config.policy = optarg;
		return 0;
	case OPT_GEO:
		return add_geo(r, optarg);
	case OPT_HERE:
		r->config.elsewhere = false;
		return 0;
	case OPT_INSIDE:
		return add_inside(r, optarg);
	case OPT_SUMMARY:
		r->summary = optarg;
		return 0;
	case OPT_ALL:
		r->all = true;
		return 0;
	case OPT_JSON:
		r->as_json = true;
		return 0;
	case OPT_FLOWS:
		return set_flows_max(r, optarg);
	case OPT_MEMORY:
		return replay_memory(r, optarg);
	case OPT_LIST:
		return replay_add_list(r, optarg) < 0 ? EXIT_FAILED : 0;
	case OPT_FILTER:
		r->filter = optarg;
		return 0;
	case OPT_FROM:
		return set_time("--from", &r->from_ns, optarg);
	case OPT_TO:
		return set_time("--to", &r->to_ns, optarg);
	case OPT_DEDUP:
		r->dedup = true;
		return 0;
	case OPT_TOP:
		return set_top(r, optarg);
	case OPT_CSV:
		r->csv = optarg;
		return 0;
	case OPT_HTML:
		r->html = optarg;
		return 0;
	case OPT_DIFF:
		r->other = optarg;
		return 0;
	case OPT_SUMS:
		r->sums = true;
		return 0;
	case OPT_TODAY:
		return set_time("--today", &r->now_ns, optarg);
	case OPT_PLACES:
		return set_time("--places-as-of", &r->places_ns, optarg);
	}
	return EXIT_USAGE;
}

int cmd_replay(int argc, char **argv)
{
	_cleanup_(own_replay) struct replay r = {.terminal = isatty(STDERR_FILENO),
						 .config.elsewhere = true,
						 .argc = argc,
						 .argv = argv};
	struct evidence_config evidence = {0};
	int o, result;

	optind = 0;
	while ((o = options_next("replay", argc, argv, "p:h", replay_options())) != -1) {
		if (o == 'h') {
			fputs(replay_usage(), stdout);
			return EXIT_DONE;
		}
		result = evidence_option(&r, &evidence, o);
		if (result)
			result = option(&r, o);
		if (result)
			return result;
	}
	if (optind == argc && !r.ncaptures)
		return diag_usage("replay", "which captures?");
	result = replay_filter_check(&r);
	if (!result && r.to_ns && r.from_ns >= r.to_ns)
		result = diag_usage("replay", "no packet is both from --from on and before --to");
	if (result)
		return result;
	for (int i = optind; i < argc; i++) {
		if (replay_add(&r, argv[i]) < 0)
			return EXIT_FAILED;
	}
	if (!r.ncaptures) {
		diag_say("no file that can be read in what was given");
		return r.unread && !r.failed ? EXIT_DAMAGED : EXIT_FAILED;
	}
	result = replay_outputs(&r);
	if (result)
		return result;
	if (r.evidence) {
		result = evidence_open(&r.evidence_file, &evidence);
		if (result)
			return result;
	}
	replay_find_copies(&r);
	if (!r.now_ns)
		r.now_ns = (uint64_t)time(NULL) * 1000000000ull;
	if (interrupt_catch() < 0)
		diag_say("an interruption will leave nothing: %m");
	return replay(&r);
}

int replay_seen(const struct engine_config *config, char *const *paths, size_t n,
		const char *ledger)
{
	_cleanup_(own_replay) struct replay r = {.terminal = isatty(STDERR_FILENO),
						 .config = *config,
						 .only_ledger = true,
						 .ledger_path = ledger,
						 .now_ns = (uint64_t)config->now * 1000000000ull};
	char names[4200];
	int code;

	r.config.elsewhere = true;
	for (size_t i = 0; i < n; i++)
		if (replay_add(&r, paths[i]) < 0)
			return EXIT_FAILED;
	if (!r.ncaptures) {
		diag_say("no file that can be read in what was given");
		return EXIT_FAILED;
	}
	replay_find_copies(&r);
	text_put(names, sizeof(names), "%s" SEEN_NAMES_END, ledger);
	r.names = fopen(names, "we");
	code = r.names ? replay(&r) : EXIT_FAILED;
	if (!r.names || fclose(r.names) != 0) {
		diag_say("%s: cannot be written: %m", names);
		return EXIT_FAILED;
	}
	return code == EXIT_TRANSFER || code == EXIT_DAMAGED ? 0 : code;
}
