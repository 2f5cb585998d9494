/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_event.c - the last stretch before the feeds: ids, and what the agent says of itself. */
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

/* The event gets its number and an id of its own. */
static void number(struct daemon *d, struct event *e)
{
	e->sequence = ++d->sequence;
	d->host_names.created_ns = loop_unix_ns();
	event_id_v7(e->id, d->host_names.created_ns);
	d->events++;
}

int daemon_feed(struct daemon *d, struct event *e)
{
	number(d, e);
	return daemon_put_feeds(d, e);
}

int daemon_emit(void *daemon, struct event *e)
{
	struct daemon *d = daemon;

	number(d, e);
	if (d->journal) { /* first: what a feed shows can be proven */
		const char *line = ecs_format(&d->line, e, &d->host_names);

		if (line)
			daemon_journal_add(d, line, strlen(line));
	}
	return daemon_put_feeds(d, e);
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
		(struct format_host){.name = d->names[0], .id = d->names[1], .boot_id = d->names[2]};
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
