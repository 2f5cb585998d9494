/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_rollup.c - hours or days of the ledger go to the feeds that carry them ('feed ... ledger day'), with the
 * checkpoints and what the agent says of itself: what a fleet's hub needs (agent/hub).
 *
 * A road is a reader of the ledger with a cursor of its own. What was given to it counts as sent when the road says that
 * nothing waits any more; then the cursor is kept, in DIR/feeds/NAME.ledger. Until then the same rows come again after a
 * restart, under the same ids: an id is a hash of host and row, and rows that are rolled up do not change.
 *
 * tests/live/rollup_live.sh holds it: killed while the receiver is down, every row arrives.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "agent/event/event_text.h"
#include "agent/feed/ecs.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define ROWS	   512u	 /* a second and feed */
#define WAITING	   4096u /* a road with more gets none */
#define LOOK_EVERY 10u	 /* seconds, when there was nothing more */

struct giving {
	struct daemon *d;
	struct daemon_feed *f;
	struct json_writer object; /* owned */
	int64_t level;
};

static void put_key(struct json_writer *j, const struct ledger_key_row *k)
{
	static const char *const kinds[] = {"flow", "other", "unattributed"};
	static const char *const names[LEDGER_COLUMNS] = {"unit",   "container", "exe",
							  "user",   "country",	 "provider",
							  "region", "operator",	 "law",
							  "grade",  "rule",	 "prefix"};

	json_writer_text(j, "row", kinds[k->kind <= LEDGER_UNATTRIBUTED ? k->kind : LEDGER_OTHER]);
	for (unsigned i = 0; i < LEDGER_COLUMNS; i++)
		json_writer_text_set(j, names[i], k->text[i]);
	json_writer_number(j, "port", k->port);
	json_writer_number(j, "proto", k->proto);
	json_writer_text(j, "verdict", event_verdict_name((enum decide_action)k->verdict));
	json_writer_bool(j, "enforced", k->enforced);
	json_writer_bool(j, "by_peer", k->by_peer);
}

static void put_sum(struct json_writer *j, const struct ledger_rolled *r)
{
	json_writer_number(j, "packets", r->sum.packets);
	json_writer_number(j, "bytes", r->sum.bytes);
	json_writer_number(j, "attempts", r->sum.attempts);
	json_writer_number(j, "flows", r->sum.flows);
	json_writer_number(j, "first_ns", r->sum.first_ns);
	json_writer_number(j, "last_ns", r->sum.last_ns);
	json_writer_text_set(j, "samples", r->sample);
}

static void put_end(struct json_writer *j, const struct ledger_rolled *r)
{
	json_writer_text(j, "row", "end");
	json_writer_number(j, "rows", r->rows);
	json_writer_open(j, "kernel", '{');
	for (unsigned v = 0; v < LEDGER_VERDICTS; v++) {
		json_writer_open(j, event_verdict_name((enum decide_action)v), '{');
		json_writer_number(j, "packets", r->totals.packets[v]);
		json_writer_number(j, "bytes", r->totals.bytes[v]);
		json_writer_close(j, '}');
	}
	json_writer_close(j, '}');
}

/* The row as an object: all of it that is hashed into its id. */
static const char *put_object(struct giving *g, const struct ledger_rolled *r)
{
	struct json_writer *j = &g->object;

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	json_writer_number(j, "seconds", (uint64_t)g->level);
	json_writer_number(j, "start", (uint64_t)r->start);
	if (r->key) {
		put_key(j, r->key);
		put_sum(j, r);
	} else {
		put_end(j, r);
	}
	json_writer_close(j, '}');
	return json_writer_done(j);
}

static int make_id(struct event *e, const struct identity *host, const struct json_writer *object)
{
	_free_ char *text = NULL;
	int n = asprintf(&text, "cordon ledger|%s|%.*s", host->agent_id, (int)object->len,
			 object->buf);

	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return event_id_of(e->id, text, (size_t)n);
}

static const char *put_line(struct giving *g, const struct event *e)
{
	struct json_writer *j = &g->d->line;

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	json_writer_time(j, "@timestamp", e->time_ns);
	json_writer_open(j, "ecs", '{');
	json_writer_text(j, "version", "9.4.0");
	json_writer_close(j, '}');
	json_writer_text(j, "message", e->detail);
	json_writer_open(j, "event", '{');
	json_writer_text(j, "kind", "metric");
	json_writer_open(j, "category", '[');
	json_writer_text(j, NULL, "network");
	json_writer_close(j, ']');
	json_writer_open(j, "type", '[');
	json_writer_text(j, NULL, "info");
	json_writer_close(j, ']');
	json_writer_text(j, "action", e->action);
	json_writer_text(j, "module", "cordon");
	json_writer_text(j, "dataset", "cordon.ledger");
	json_writer_text(j, "id", e->id);
	json_writer_time(j, "created", g->d->identity.created_ns);
	json_writer_time(j, "start", e->time_ns);
	json_writer_time(j, "end", e->last_ns);
	json_writer_close(j, '}');
	ecs_put_host(j, &g->d->identity);
	json_writer_open(j, "cordon", '{');
	json_writer_text(j, "kind", "ledger");
	json_writer_raw(j, "ledger", g->object.buf, g->object.len);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
	return json_writer_done(j);
}

/* 0: the road has it. */
static int give(void *arg, const struct ledger_rolled *r)
{
	struct giving *g = arg;
	struct daemon *d = g->d;
	struct event e = {.kind = EVENT_STATE,
			  .action = g->level == 3600 ? "ledger-hour" : "ledger-day",
			  .time_ns = (uint64_t)r->start * LOOP_SECOND,
			  .last_ns = (uint64_t)(r->start + g->level) * LOOP_SECOND,
			  .detail =
				  r->key ? "a sum of the ledger" : "all sums of the ledger's part"};
	const char *line;

	identity_now(&d->identity, loop_unix_ns());
	if (!put_object(g, r) || make_id(&e, &d->identity, &g->object) < 0)
		return -ENOMEM;
	line = put_line(g, &e);
	line = line ? feed_wrap(g->f->feed, &d->envelope, &e, &d->identity, line) : NULL;
	return line ? feed_put(g->f->feed, line, strlen(line)) : -ENOMEM;
}

static void cursor_path(const struct daemon *d, const struct daemon_feed *f, char *buf, size_t n)
{
	text_put(buf, n, "%s/feeds/%s.ledger", d->cfg.state, feed_name(f->feed));
}

static void cursor_read(struct daemon *d, struct daemon_feed *f)
{
	_free_ char *text = NULL;
	char path[1024], *end;
	size_t n;

	cursor_path(d, f, path, sizeof(path));
	f->read = true;
	if (file_read(&text, &n, AT_FDCWD, path, 100) < 0)
		return; /* from the first row on */
	f->at.start = strtoll(text, &end, 10);
	f->at.key = *end == ' ' ? strtoll(end, NULL, 10) : 0;
	f->saved = f->at;
}

static void cursor_save(struct daemon *d, struct daemon_feed *f)
{
	char path[1024], text[64];
	struct diag_print p;
	size_t n =
		text_put(text, sizeof(text), "%" PRId64 " %" PRId64 "\n", f->at.start, f->at.key);

	text_put(path, sizeof(path), "%s/feeds", d->cfg.state);
	mkdir(path, 0700);
	cursor_path(d, f, path, sizeof(path));
	diag_print_init(&p, stderr);
	if (file_replace(path, text, n, &p.sink) == 0)
		f->saved = f->at;
	diag_print_done(&p);
}

static bool same(const struct ledger_position *a, const struct ledger_position *b)
{
	return a->start == b->start && a->key == b->key;
}

static void rollup(struct daemon *d, struct daemon_feed *f)
{
	struct giving g = {.d = d, .f = f, .level = feed_ledger(f->feed)};
	struct road_state s;
	struct diag_print p;
	char path[512];
	int n;

	feed_state(f->feed, &s);
	if (!f->read)
		cursor_read(d, f);
	if (!s.waiting && !same(&f->at, &f->saved))
		cursor_save(d, f);
	if (s.waiting > WAITING || (!f->more && d->ticks % LOOK_EVERY != 1))
		return;
	text_put(path, sizeof(path), "%s/ledger.db", d->cfg.state);
	diag_print_init(&p, stderr);
	n = ledger_rolled(path, g.level, &f->at, ROWS, give, &g, &p.sink);
	diag_print_done(&p);
	f->more = n > 0;
	json_writer_free(&g.object);
}

void daemon_rollup_second(struct daemon *d)
{
	for (unsigned i = 0; d->ledger && i < d->feeds.n; i++)
		if (feed_ledger(d->feeds.feed[i].feed))
			rollup(d, &d->feeds.feed[i]);
}
