/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_feeds.c - the feeds of --alerts and the policy: opened, kept over a reload, written to, and looked after. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "agent/feed/judge.h"

/* Where what is on its way to a server is kept over a restart; NULL: nowhere. */
static const char *spool_dir(const struct daemon *d, char buf[512])
{
	if (!d->cfg.state || strlen(d->cfg.state) > 400 || access(d->cfg.state, W_OK) < 0)
		return NULL;
	text_put(buf, 512, "%s/feeds", d->cfg.state);
	return buf;
}

/* The feed of the running policy that is the same, or a new one. */
static int hold_feed(struct daemon *d, struct daemon_feed *to, const struct policy_feed *p)
{
	char spool[512];

	for (unsigned i = 0; i < d->feeds.n; i++) {
		struct daemon_feed *f = &d->feeds.feed[i];

		if (!feed_same(f->feed, p))
			continue;
		*to = *f;
		to->feed = feed_share(f->feed);
		return feed_change(to->feed, p);
	}
	*to = (struct daemon_feed){0};
	return feed_open(&to->feed, p, spool_dir(d, spool));
}

static int open_feed(struct daemon *d, struct daemon_feeds *to, const struct policy_feed *p,
		     FILE *errors)
{
	struct daemon_feed f;
	int r;

	for (unsigned i = 0; i < to->n; i++)
		if (feed_same(to->feed[i].feed, p))
			return 0;
	if (to->n == DAEMON_FEEDS_MAX) {
		fprintf(errors, "cordon: more than %d feeds\n", DAEMON_FEEDS_MAX);
		return EXIT_FAILED;
	}
	r = hold_feed(d, &f, p);
	if (r < 0) {
		fprintf(errors, "cordon: %s: cannot write alerts there: %s\n",
			p->target ? p->target : p->transport, feed_error(p, -r));
		feed_close(f.feed);
		return EXIT_FAILED;
	}
	to->feed[to->n++] = f;
	return 0;
}

static int open_file(struct daemon *d, struct daemon_feeds *to, const char *path, FILE *errors)
{
	struct policy_feed p = {.transport = "file", .target = path};

	return open_feed(d, to, &p, errors);
}

int daemon_open_feeds(struct daemon *d, const struct engine *e, struct daemon_feeds *to,
		      FILE *errors)
{
	const struct policy *p = e->policy;
	int r = d->cfg.alerts ? open_file(d, to, d->cfg.alerts, errors) : 0;

	for (size_t i = 0; i < p->nfeeds && r == 0; i++) {
		const char *why = feed_unsupported(&p->feeds[i]);

		if (strcmp(p->feeds[i].transport, "metrics") == 0)
			continue; /* daemon_metrics.c */
		if (why)
			fprintf(errors, "%s:%u: warning: no alert goes there: %s\n",
				p->feeds[i].file ? p->feeds[i].file : p->file, p->feeds[i].line,
				why);
		else
			r = open_feed(d, to, &p->feeds[i], errors);
	}
	if (r == 0 && !to->n && !d->cfg.live)
		r = open_file(d, to, "-", errors);
	if (r)
		daemon_close_feeds(to);
	return r;
}

void daemon_close_feeds(struct daemon_feeds *feeds)
{
	for (unsigned i = 0; i < feeds->n; i++) {
		struct road_state s;
		uint64_t left;

		feed_state(feeds->feed[i].feed, &s);
		left = feed_close(feeds->feed[i].feed);
		if (left && s.durable)
			diag_say(
				"%s: %" PRIu64
				" alerts wait and go there when the agent runs again with this feed",
				s.name, left);
		else if (left)
			diag_say("%s: %" PRIu64 " alerts could not be written before the end",
				 s.name, left);
	}
	feeds->n = 0;
}

/* Of an end that fails, and of one that is slow. */
static const char *why_lost(const struct road_state *s)
{
	return s->lost_error ? strerror(s->lost_error) : "its reader is too slow";
}

static int put_feed(struct daemon *d, struct daemon_feed *f, const char *line, size_t len)
{
	struct road_state before;
	int r;

	feed_state(f->feed, &before);
	r = feed_put(f->feed, line, len);
	if (r < 0 && !before.lost_now) { /* once, not for each line: a flood of alerts is enough */
		feed_state(f->feed, &before);
		diag_say(
			"%s: the queue is full and alerts are lost: %s; counting them, enforcement goes on",
			before.name, why_lost(&before));
	} else if (r == 0 && before.lost_now) {
		daemon_tell(d, "lost-events",
			    "%" PRIu64
			    " alerts could not be written to %s (%s); there is room again",
			    before.lost_now, before.name, why_lost(&before));
	}
	return r;
}

int daemon_put_feeds(struct daemon *d, const struct event *e)
{
	const struct format *format = NULL;
	const char *line = NULL;
	int r = 0;

	for (unsigned i = 0; i < d->feeds.n; i++) {
		struct daemon_feed *f = &d->feeds.feed[i];
		struct json_writer *j = &d->line;
		const char *sent;

		if (feed_ledger(f->feed) && e->kind != EVENT_STATE)
			continue;
		if (feed_format(f->feed) != format) {
			format = feed_format(f->feed);
			line = format->line(j, e, &d->identity);
		}
		sent = line ? feed_wrap(f->feed, &d->envelope, e, &d->identity, line) : NULL;
		if (!sent) {
			diag_say("not enough memory to write an alert down");
			return -ENOMEM;
		}
		if (put_feed(d, f, sent, strlen(sent)) < 0)
			r = -EIO;
	}
	return r;
}

/* What the road's thread saw since: told once each. */
static void check_feed(struct daemon *d, struct daemon_feed *f)
{
	struct road_state s;

	feed_state(f->feed, &s);
	if (s.error && s.error != f->error)
		diag_say("%s: cannot write alerts: %s; %" PRIu64 " wait, enforcement goes on",
			 s.name, s.why, s.waiting);
	else if (!s.error && f->error)
		diag_say("%s: alerts are written again", s.name);
	if (s.error == JUDGE_REFUSED && f->error != JUDGE_REFUSED)
		daemon_tell(d, "feed-refused", "feed %s %s: %s; %" PRIu64 " alerts wait",
			    feed_transport(f->feed), s.name, s.why, s.waiting);
	f->error = s.error;
	if (s.reopened == f->reopened)
		return;
	f->reopened = s.reopened;
	daemon_tell(
		d, "alert-file-replaced",
		"%s was removed, renamed or replaced; alerts go to a new one there. The %" PRIu64
		" lines before it are where it went",
		s.name, s.lines);
}

void daemon_check_feeds(struct daemon *d)
{
	for (unsigned i = 0; i < d->feeds.n; i++)
		check_feed(d, &d->feeds.feed[i]);
}
