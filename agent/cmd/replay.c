/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c - the verb: captures through the same road as live traffic; events as JSON lines, or a
 * summary. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay.h"
#include "agent/base/diag_print.h"
#include "agent/base/interrupt.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/feed/ecs.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define DEPTH_MAX  16 /* of directories */
#define REASON_MAX 256

static const char usage[] =
	"usage: cordon replay [options] PATH...\n"
	"Captures (pcap, pcapng, gzip) through the same policy as live traffic. PATH is a file, a directory, or - for\n"
	"standard input. Events go to standard output, one JSON line each.\n\n"
	"  -p, --policy FILE    policy (default /etc/cordon/cordon.conf, else the shipped eu.conf)\n"
	"  --geo FILE           places database; may be repeated (default: the policy's geo lines)\n"
	"  --inside CIDR        a network that is inside, besides the policy's; may be repeated\n"
	"  --summary FILE       one JSON object with all destinations; - is standard output, instead of events\n"
	"  --all                the summary lists destinations that are inside or local too\n"
	"  --json               events as JSON lines (they always are)\n"
	"  --flows-max N        one-way flows kept at a time (default 16777216)\n\n"
	"Exit codes: 0 nothing found, 1 failed, 2 usage, 3 the policy is wrong, 4 a transfer that the policy blocks or\n"
	"alerts on, 5 the input was damaged (wins over 4; what was readable is reported). SIGINT and SIGTERM end the\n"
	"reading: what is known is written, marked incomplete, with exit code 1.\n";

static void own_replay(struct replay *r)
{
	pipeline_free(r->pipeline);
	for (size_t i = 0; i < r->nengines; i++)
		engine_free(r->engines[i]);
	for (size_t i = 0; i < r->ncaptures; i++)
		free(r->captures[i].path);
	free(r->engines);
	free(r->captures);
	free(r->inside);
	free(r->geo);
	json_writer_free(&r->json);
}

static int add_path(struct replay *r, const char *path, const struct stat *st, bool listed)
{
	struct replay_capture *c = reallocarray(r->captures, r->ncaptures + 1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	r->captures = c;
	c += r->ncaptures;
	*c = (struct replay_capture){.path = strdup(path), .listed = listed};
	if (!c->path)
		return -ENOMEM;
	if (st && S_ISREG(st->st_mode))
		c->size = (uint64_t)st->st_size;
	r->all_bytes += c->size;
	r->ncaptures++;
	return 0;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int add_tree(struct replay *r, const char *path, unsigned depth);

/* A directory's entries in the order of their names, directories below it where their name stands.
 */
static int add_directory(struct replay *r, const char *path, unsigned depth)
{
	struct dirent **entry;
	int n = scandir(path, &entry, visible, alphasort), result = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		_free_ char *sub = NULL;

		if (result == 0 && asprintf(&sub, "%s/%s", path, entry[i]->d_name) < 0)
			result = -ENOMEM;
		if (result == 0)
			result = add_tree(r, sub, depth + 1);
		free(entry[i]);
	}
	free(entry);
	return result;
}

static int add_tree(struct replay *r, const char *path, unsigned depth)
{
	struct stat st;
	int result = 0;

	if (!strcmp(path, "-"))
		return add_path(r, path, NULL, true);
	if (depth > DEPTH_MAX)
		result = -ELOOP;
	else if (stat(path, &st) < 0)
		result = -errno;
	else if (S_ISDIR(st.st_mode))
		return add_directory(r, path, depth);
	if (result < 0) {
		diag_say("%s: %s", path, strerror(-result));
		return result;
	}
	if (depth &&
	    !S_ISREG(st.st_mode)) /* a socket that stands in a directory is nobody's request */
		return 0;
	return add_path(r, path, &st, !depth);
}

static void put_event(void *arg, struct event *e)
{
	struct replay *r = arg;
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

static bool on_stdout(const struct replay *r)
{
	return r->summary && !strcmp(r->summary, "-");
}

static void name_capture(void *arg, uint32_t number, struct record *record)
{
	const struct replay *r = arg;

	record->capture = r->captures[number].path;
	record->capture_sha256 = r->captures[number].sha256;
}

static int load_engine(struct replay *r, uint64_t time_ns)
{
	struct engine **slot = reallocarray(r->engines, r->nengines + 1, sizeof(*slot));
	struct diag_print print;
	int result;

	if (!slot)
		return -ENOMEM;
	r->engines = slot;
	r->config.now = (int64_t)(time_ns / 1000000000);
	diag_print_init(&print, stderr);
	result = engine_load(&slot[r->nengines], &r->config,
			     r->nengines ? slot[r->nengines - 1] : NULL, &print.sink);
	diag_print_done(&print);
	if (result < 0)
		return result;
	r->next_change = slot[r->nengines++]->compiled->next_change;
	return 0;
}

/* The policy is compiled for the day of the first packet: zones and expiry follow the packets'
 * time. */
static int start(struct replay *r, uint64_t first_ns)
{
	struct pipeline_config cfg = {.replay = true,
				      .capture = name_capture,
				      .arg = r,
				      .flows_max = r->flows_max,
				      .event = on_stdout(r) ? NULL : put_event};
	int result;

	if (r->pipeline)
		return 0;
	result = load_engine(r, first_ns);
	if (result < 0)
		return result;
	cfg.engine = r->engines[0];
	if (cfg.engine->policy_shipped)
		diag_say("no policy given and no %s: using the shipped eu.conf",
			 ENGINE_POLICY_DEFAULT);
	if (cfg.engine->needs_subject)
		diag_say("the policy names units, users or cgroups, which a capture does not "
			 "know: there, block and alert rules match and allow rules do not");
	return pipeline_new(&r->pipeline, &cfg);
}

static int another_day(struct replay *r, uint64_t time_ns)
{
	int result = load_engine(r, time_ns);

	return result < 0 ? result : pipeline_engine(r->pipeline, r->engines[r->nengines - 1]);
}

/* Not for a signal, and not for a reader of the events that went away or a disk that is full. */
static bool goes_on(const struct replay *r)
{
	return !r->error && !interrupt_came();
}

static int packets(struct replay *r, const struct replay_capture *c, struct capture *reader)
{
	struct packet_frame frames[CAPTURE_BATCH];
	int n, result = 0;

	while (result == 0 && goes_on(r) &&
	       (n = capture_next(reader, frames, CAPTURE_BATCH)) != 0) {
		if (n == -EINTR)
			break;
		if (n < 0) {
			diag_say("%s: cannot be read on: %s", c->path, strerror(-n));
			r->failed = true;
			break;
		}
		if (!r->pipeline)
			result = start(r, frames[0].time_ns);
		if (result == 0 && frames[0].time_ns / 1000000000 >= (uint64_t)r->next_change)
			result = another_day(r, frames[0].time_ns);
		if (result == 0) {
			pipeline_capture(r->pipeline, (uint32_t)(c - r->captures));
			result = pipeline_packets(r->pipeline, frames, (size_t)n);
		}
		replay_progress(r, capture_bytes(reader));
	}
	return result;
}

static void keep_text(void *arg, const struct diag *d)
{
	text_put(arg, REASON_MAX, "%s", d->text);
}

/* *reader stays NULL when the file is passed over: in a directory, what is no capture may stand
 * beside captures. */
static void open_capture(struct replay *r, struct replay_capture *c, struct capture **reader)
{
	char why[REASON_MAX] = "";
	struct diag_sink sink = {.fn = keep_text, .arg = why};
	int result = capture_open(reader, c->path, !on_stdout(r), &sink); /* events carry its sum */

	if (result == -EINVAL && !c->listed) {
		diag_say("%s: passed over: %s", c->path, why);
		r->skipped++;
	} else if (result < 0) {
		diag_say("%s: %s", c->path, why);
		r->failed = true;
	}
}

static int one_capture(struct replay *r, struct replay_capture *c)
{
	struct capture *reader = NULL;
	int result;

	open_capture(r, c, &reader);
	if (!reader)
		return 0;
	result = packets(r, c, reader);
	r->read += goes_on(r);
	for (unsigned k = 0; k < CAPTURE_DAMAGES; k++)
		r->damaged[k] += capture_damaged(reader)[k];
	if (result == 0 && goes_on(r) && !on_stdout(r) && capture_sha256(reader, c->sha256) < 0 &&
	    goes_on(r)) {
		diag_say("%s: cannot be read to its end for its sum", c->path);
		r->failed = true;
	}
	r->done_bytes += capture_bytes(reader);
	capture_close(reader);
	return result;
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
static int write_summary(struct replay *r, int code)
{
	const char *text = replay_summary(r, code);
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
	e.policy = r->engines[r->nengines - 1]->policy;
	if (!on_stdout(r) && event_id_v8(e.id, &e) == 0)
		put_event(r, &e);
}

static int replay(struct replay *r)
{
	int result = 0, code;

	for (size_t i = 0; i < r->ncaptures && result == 0 && goes_on(r); i++)
		result = one_capture(r, &r->captures[i]);
	if (result == 0)
		result = start(r, 0);
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
	result = r->summary ? write_summary(r, code) : 0;
	return result ? result : code;
}

static int add_inside(struct replay *r, const char *text)
{
	struct cidr *c = reallocarray(r->inside, r->config.ninside + 1, sizeof(*c));

	if (!c)
		return EXIT_FAILED;
	r->inside = c;
	if (cidr_parse(&c[r->config.ninside], text) < 0)
		return diag_usage("replay",
				  "'%s' is no network (as 10.0.0.0/16 or "
				  "2001:db8::/32, host bits zero)",
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

static int set_flows_max(struct replay *r, const char *text)
{
	uint64_t n;

	if (text_number(&n, text, 64u << 20) < 0 || n < 64)
		return diag_usage("replay",
				  "--flows-max takes a number from 64 to 67108864, not '%s'", text);
	r->flows_max = (size_t)n;
	return 0;
}

enum { OPT_GEO = 256, OPT_INSIDE, OPT_SUMMARY, OPT_ALL, OPT_JSON, OPT_FLOWS };
static const struct option options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"geo", required_argument, NULL, OPT_GEO},
	{"inside", required_argument, NULL, OPT_INSIDE},
	{"summary", required_argument, NULL, OPT_SUMMARY},
	{"all", no_argument, NULL, OPT_ALL},
	{"json", no_argument, NULL, OPT_JSON},
	{"flows-max", required_argument, NULL, OPT_FLOWS},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int option(struct replay *r, int o)
{
	switch (o) {
	case 'p':
		r->config.policy = optarg;
		return 0;
	case OPT_GEO:
		return add_geo(r, optarg);
	case OPT_INSIDE:
		return add_inside(r, optarg);
	case OPT_SUMMARY:
		r->summary = optarg;
		return 0;
	case OPT_ALL:
		r->all = true;
		return 0;
	case OPT_JSON:
		return 0;
	case OPT_FLOWS:
		return set_flows_max(r, optarg);
	}
	fputs("see 'cordon replay --help'\n", stderr);
	return EXIT_USAGE;
}

int cmd_replay(int argc, char **argv)
{
	_cleanup_(own_replay) struct replay r = {.terminal = isatty(STDERR_FILENO)};
	int o, result;

	optind = 0;
	while ((o = getopt_long(argc, argv, "p:h", options, NULL)) != -1) {
		if (o == 'h') {
			fputs(usage, stdout);
			return EXIT_DONE;
		}
		result = option(&r, o);
		if (result)
			return result;
	}
	if (optind == argc)
		return diag_usage("replay", "which captures?");
	for (int i = optind; i < argc; i++) {
		if (add_tree(&r, argv[i], 0) < 0)
			return EXIT_FAILED;
	}
	if (!r.ncaptures) {
		diag_say("no file in the directories given");
		return EXIT_FAILED;
	}
	if (interrupt_catch() < 0)
		diag_say("an interruption will leave nothing: %m");
	return replay(&r);
}
