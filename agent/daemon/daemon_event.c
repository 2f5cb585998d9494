/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_event.c - the last stretch of the road: ids, the alert files, and what the agent says of
 * itself. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "agent/daemon/daemon.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/ecs.h"
#include "agent/event/event_state.h"
#include "agent/event/event_text.h"

static void tell_lost(struct daemon *d, const struct feed_file_state *before)
{
	daemon_tell(d, "lost-events",
		    "%" PRIu64 " alerts could not be written to %s (%s); there is room again",
		    before->lost_now, before->path, strerror(before->error));
}

static int write_feed(struct daemon *d, struct feed_file *f, const char *line, size_t len)
{
	struct feed_file_state before;
	int r;

	feed_file_state(f, &before);
	r = feed_file_write(f, line, len);
	if (r < 0 &&
	    !before.lost_now) /* once, not for each line: the journal has a flood of its own */
		diag_say("%s: cannot write an alert: %s; counting "
			 "what is lost, enforcement goes on",
			 before.path, strerror(-r));
	else if (r == 0 && before.lost_now)
		tell_lost(d, &before);
	return r;
}

/* The event as a line with an id of its own; NULL when there is no memory. */
static const char *line_of(struct daemon *d, struct event *e)
{
	const char *line;

	e->sequence = ++d->sequence;
	d->host_names.created_ns = loop_unix_ns();
	event_id_v7(e->id, d->host_names.created_ns);
	line = ecs_format(&d->line, e, &d->host_names);
	if (line)
		d->events++;
	else
		diag_say("not enough memory to write an alert down");
	return line;
}

static int feed_line(struct daemon *d, const char *line)
{
	int r = 0;

	for (unsigned i = 0; i < d->feeds.n; i++)
		if (write_feed(d, d->feeds.file[i], line, strlen(line)) < 0)
			r = -EIO;
	return r;
}

int daemon_feed(struct daemon *d, struct event *e)
{
	const char *line = line_of(d, e);

	return line ? feed_line(d, line) : -ENOMEM;
}

int daemon_emit(void *daemon, struct event *e)
{
	struct daemon *d = daemon;
	const char *line = line_of(d, e);

	if (!line)
		return -ENOMEM;
	daemon_journal_add(d, line, strlen(line)); /* first: what a feed shows can be proven */
	return feed_line(d, line);
}

static void read_name(char *buf, size_t size, const char *path)
{
	_free_ char *text = NULL;
	size_t len;

	if (text_read_file(&text, &len, AT_FDCWD, path, 256) == 0)
		text_put(buf, size, "%.*s", (int)strcspn(text, "\n"), text);
}

void daemon_name_host(struct daemon *d)
{
	if (gethostname(d->names[0], sizeof(d->names[0]) - 1) < 0)
		d->names[0][0] = 0;
	read_name(d->names[1], sizeof(d->names[1]), "/etc/machine-id");
	read_name(d->names[2], sizeof(d->names[2]), "/proc/sys/kernel/random/boot_id");
	d->host_names =
		(struct ecs_host){.name = d->names[0], .id = d->names[1], .boot_id = d->names[2]};
}

void daemon_place_refuted(void *daemon, struct event *e)
{
	struct daemon *d = daemon;

	daemon_refuted(d, e);
	daemon_emit(d, e);
}

static void keep_message(struct daemon *d, const char *action, const char *text)
{
	struct daemon_message *m = &d->message[d->nmessages++ % DAEMON_MESSAGES_MAX];

	m->time_ns = loop_unix_ns();
	text_put(m->action, sizeof(m->action), "%s", action);
	text_put(m->text, sizeof(m->text), "%s", text);
}

void daemon_alarm(void *daemon, const char *action, const char *detail)
{
	struct daemon *d = daemon;
	struct event e = {.kind = EVENT_STATE,
			  .action = action,
			  .time_ns = loop_unix_ns(),
			  .detail = detail,
			  .severity = event_state_severity(action),
			  .enforced = d->mode == MODE_ENFORCE};

	if (d->engine) {
		e.policy = d->engine->policy;
		e.places_name = d->engine->places_name;
		e.places_sha256 = d->engine->places_sha256;
		e.places_date = d->engine->places_date;
	}
	keep_message(d, action, detail);
	if (!d->top)
		diag_say("%s: %s", action, detail);
	daemon_emit(d, &e);
	daemon_journal_flush(d);
}

void daemon_tell(struct daemon *d, const char *action, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	daemon_alarm(d, action, text);
}

/* The counts go on over a reload and a rotation. */
static void inherit(struct daemon *d, struct feed_file *f)
{
	struct feed_file_state mine, his;

	feed_file_state(f, &mine);
	for (unsigned i = 0; i < d->feeds.n; i++) {
		feed_file_state(d->feeds.file[i], &his);
		if (strcmp(mine.path, his.path) == 0)
			feed_file_inherit(f, d->feeds.file[i]);
	}
}

static int open_feed(struct daemon *d, struct daemon_feeds *to, const char *path, FILE *errors)
{
	struct feed_file_state s;
	int r;

	for (unsigned i = 0; i < to->n; i++) {
		feed_file_state(to->file[i], &s);
		if (strcmp(s.path, path) == 0)
			return 0;
	}
	if (to->n == DAEMON_FEEDS_MAX) {
		fprintf(errors, "cordon: more than %d alert files\n", DAEMON_FEEDS_MAX);
		return EXIT_FAILED;
	}
	r = feed_file_open(&to->file[to->n], path);
	if (r < 0) {
		fprintf(errors, "cordon: %s: cannot open the alert file: %s\n", path, strerror(-r));
		return EXIT_FAILED;
	}
	inherit(d, to->file[to->n++]);
	return 0;
}

bool daemon_delivers(const struct policy_feed *f)
{
	if (strcmp(f->transport, "metrics") == 0)
		return true;
	return strcmp(f->transport, "file") == 0 && (!f->format || strcmp(f->format, "ecs") == 0);
}

int daemon_open_feeds(struct daemon *d, const struct engine *e, struct daemon_feeds *to,
		      FILE *errors)
{
	const struct policy *p = e->policy;
	int r = d->cfg.alerts ? open_feed(d, to, d->cfg.alerts, errors) : 0;

	for (size_t i = 0; i < p->nfeeds && r == 0; i++) {
		if (strcmp(p->feeds[i].transport, "metrics") == 0)
			continue; /* daemon_metrics.c */
		if (daemon_delivers(&p->feeds[i]))
			r = open_feed(d, to, p->feeds[i].target, errors);
		else
			fprintf(errors,
				"%s:%u: warning: this version delivers to no feed but 'file ... format ecs'\n",
				p->file, p->feeds[i].line);
	}
	if (r == 0 && !to->n && !d->cfg.live)
		r = open_feed(d, to, "-", errors);
	if (r)
		daemon_close_feeds(to);
	return r;
}

void daemon_close_feeds(struct daemon_feeds *feeds)
{
	for (unsigned i = 0; i < feeds->n; i++)
		feed_file_close(feeds->file[i]);
	feeds->n = 0;
}
