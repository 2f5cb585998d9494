/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_event.c - the last stretch before the feeds: ids, and what the agent says of itself. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/file.h"
#include "agent/daemon/daemon.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/ecs.h"
#include "agent/event/event_state.h"
#include "agent/event/event_text.h"

/* A refused connect() has no source yet; what it would have been is what an analyst joins on. */
static void put_source(struct daemon *d, struct event *e)
{
	bool flow = e->kind == EVENT_FLOW || e->kind == EVENT_FLOW_END;

	if (flow && !event_has_source(e) && event_has_destination(e))
		route_source(&d->route, &e->process, &e->flow.dst, loop_monotonic_ns(),
			     &e->flow.src);
}

/* The event gets its number and an id of its own. */
static void number(struct daemon *d, struct event *e)
{
	put_source(d, e);
	e->sequence = ++d->sequence;
	identity_now(&d->identity, loop_unix_ns());
	event_id_v7(e->id, d->identity.created_ns);
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
	int r;

	if (event_quiet(e)) { /* in the books, and nowhere else */
		daemon_sums_event(d, e);
		return 0;
	}
	number(d, e);
	if (d->journal) { /* first: what a feed shows can be proven */
		const char *line = ecs_format(&d->line, e, &d->identity);

		if (line)
			daemon_journal_add(d, line, strlen(line));
	}
	r = daemon_put_feeds(d, e);
	if (r == 0)
		daemon_sums_event(d, e);
	return r;
}

/* Once; what it answered for before it was suspected is forgotten. */
static void proxy_suspected(struct daemon *d, const struct event *e)
{
	const struct ip *answered[SUSPECT_KEPT];
	size_t n = suspect_answered(&d->suspect, answered);
	char text[256], proxy[160];

	n = daemon_refuted_forget(d, answered, n);
	event_proxy(proxy, sizeof(proxy), e->rtt_min_ns);
	text_put(text, sizeof(text), "%s; %zu addresses that it refuted before are forgotten",
		 proxy, n);
	daemon_alarm(d, "proxy-suspected", text);
}

void daemon_place_refuted(void *daemon, struct event *e)
{
	struct daemon *d = daemon;

	switch (suspect_see(&d->suspect, &e->flow.dst, e->place->country, e->rtt_min_ns)) {
	case SUSPECT_NO:
		daemon_refuted(d, e);
		daemon_emit(d, e);
		break;
	case SUSPECT_NEW:
		proxy_suspected(d, e);
		break;
	case SUSPECT_SAME:
		break;
	}
}

static void keep_message(struct daemon *d, const char *action, const char *text)
{
	struct daemon_message *m = &d->message[d->nmessages++ % DAEMON_MESSAGES_MAX];

	m->time_ns = loop_unix_ns();
	text_put(m->action, sizeof(m->action), "%s", action);
	text_put(m->text, sizeof(m->text), "%s", text);
}

static void state_event(struct daemon *d, const char *action, const char *detail,
			const struct event_count *lost)
{
	struct event e = {.kind = EVENT_STATE,
			  .action = action,
			  .time_ns = loop_unix_ns(),
			  .detail = detail,
			  .lost = lost,
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
	gap_event(d->gaps, action, detail);
	daemon_journal_flush(d);
}

/* Into the journal and the feeds: without the policy, which says nothing of that time. */
void daemon_gap(void *daemon, const struct event_gap *g, const char *detail)
{
	char from[TEXT_SHORT], to[TEXT_SHORT], text[1024];
	struct daemon *d = daemon;
	struct event e = {.kind = EVENT_STATE,
			  .action = gap_is_unjudged(g) ? "gap-unjudged" : "gap-recorded",
			  .time_ns = loop_unix_ns(),
			  .detail = text,
			  .gap = g};

	e.severity = event_state_severity(e.action);
	text_put(text, sizeof(text), "%s from %s to %s (%s); what held: %s", g->cause,
		 text_time(from, (int64_t)(g->start_ns / LOOP_SECOND)),
		 text_time(to, (int64_t)(g->end_ns / LOOP_SECOND)), detail, g->held);
	daemon_emit(d, &e);
	daemon_journal_flush(d);
}

void daemon_alarm(void *daemon, const char *action, const char *detail)
{
	state_event(daemon, action, detail, NULL);
}

void daemon_lost(struct daemon *d, const char *detail, const struct event_count *lost)
{
	state_event(d, "lost-counts", detail, lost);
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
