/* SPDX-License-Identifier: BSD-2-Clause */
/* road_journald.c - fields to entries. */
#include "agent/feed/road_journald.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <jansson.h>
#include <systemd/sd-journal.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define SOCKET	   "/run/systemd/journal/socket"
#define FIELDS_MAX 16

struct journald {
	char why[ROAD_WHY];
};

/* sd_journal_sendv says 0 when there is no journal: that is looked at here. */
static int journald_open(void *self)
{
	struct journald *d = self;

	if (access(SOCKET, W_OK) == 0)
		return 0;
	text_put(d->why, sizeof(d->why), "%s: %s: systemd-journald does not run", SOCKET,
		 strerror(errno));
	return -ENOTCONN;
}

static int send_fields(const json_t *fields)
{
	struct iovec v[FIELDS_MAX];
	char *text[FIELDS_MAX];
	const char *key;
	json_t *value;
	int n = 0, r = 0;

	json_object_foreach ((json_t *)(uintptr_t)fields, key, value) {
		if (n == FIELDS_MAX || !json_is_string(value))
			continue;
		r = asprintf(&text[n], "%s=%s", key, json_string_value(value));
		if (r < 0)
			break;
		v[n] = (struct iovec){text[n], (size_t)r};
		n++;
	}
	r = r < 0 ? -ENOMEM : sd_journal_sendv(v, n);
	while (n)
		free(text[--n]);
	return r;
}

static int journald_send(void *self, const char *line, size_t len)
{
	struct journald *d = self;
	json_t *fields;
	int r = journald_open(self);

	if (r < 0)
		return r;
	fields = json_loadb(line, len, 0, NULL);
	r = fields ? send_fields(fields) : 0; /* a line that a broken disk changed cannot be sent */
	json_decref(fields);
	if (r < 0)
		text_put(d->why, sizeof(d->why), "journald: %s", strerror(-r));
	return r == -EAGAIN ? -EBUSY : r;
}

static void journald_close(void *self)
{
	(void)self;
}

static const char *journald_why(void *self)
{
	return ((struct journald *)self)->why;
}

int road_journald_make(void **self, const struct policy_feed *p)
{
	(void)p;
	*self = calloc(1, sizeof(struct journald));
	return *self ? 0 : -ENOMEM;
}

const struct road_end *road_journald_end(const struct policy_feed *p)
{
	static const struct road_end end = {.open = journald_open,
					    .send = journald_send,
					    .close = journald_close,
					    .free = free,
					    .why = journald_why};

	(void)p;
	return &end;
}

static void put_flow(struct json_writer *j, const struct event *e)
{
	char b[IP_STRLEN], cc[3];

	if (e->place && e->place->country)
		json_writer_text(j, "CORDON_COUNTRY", country_text(e->place->country, cc));
	if (event_has_destination(e))
		json_writer_text(j, "CORDON_DESTINATION", ip_format(b, &e->flow.dst));
	if (e->kind != EVENT_STATE)
		json_writer_text(j, "CORDON_VERDICT", event_verdict_name(e->verdict));
	if (e->rule)
		json_writer_text(j, "CORDON_RULE", e->rule->text);
	json_writer_text_set(j, "CORDON_UNIT", e->process.unit);
}

const char *road_journald_wrap(struct json_writer *j, const struct event *e,
			       const struct identity *host, const char *line)
{
	static const char *const priority[] = {"6", "5", "4", "3", "2"};

	(void)host;
	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "MESSAGE", line);
	json_writer_text(j, "PRIORITY", priority[e->severity < 5 ? e->severity : 4]);
	json_writer_text(j, "SYSLOG_IDENTIFIER", "cordon");
	json_writer_text(j, "CORDON_EVENT_ID", e->id);
	json_writer_text_set(j, "CORDON_ACTION", e->action);
	json_writer_text(j, "CORDON_KIND", event_kind_name(e->kind));
	json_writer_text_set(j, "CORDON_LEVEL",
			     e->severity ? event_severity_name(e->severity) : NULL);
	put_flow(j, e);
	json_writer_close(j, '}');
	return json_writer_done(j);
}
