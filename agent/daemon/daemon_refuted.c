/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_refuted.c - the memory of distance: a refuted place is written down, and the places are
 * loaded again with it.
 *
 * From then on the address is disputed (geo/merge/merge.c), in this agent and in the next. Writing
 * waits a second, so that many addresses of one service cost one file; loading again happens at most
 * once a minute, whoever asks for it by answering fast. This file only says that it is due
 * (daemon.disputed_due): the loop loads, for an event of the old engine may be at hand here.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "agent/daemon/daemon.h"
#include "agent/base/text.h"

#define SAVE_AFTER (1 * LOOP_SECOND)
#define LOAD_EVERY (60 * LOOP_SECOND)

const char *daemon_refuted_path(const struct daemon *d, char buf[512])
{
	if (!d->cfg.state || strlen(d->cfg.state) > 400)
		return NULL;
	text_put(buf, 512, "%s/" REFUTED_FILE, d->cfg.state);
	return buf;
}

static void save(struct daemon *d)
{
	const struct refuted_entry *e;
	size_t n = refuted_entries(d->refuted, &e);
	int r = refuted_save(d->refuted);

	if (r < 0)
		diag_say("%s: cannot remember the refuted places: %s", d->cfg.state, strerror(-r));
	refuted_free(d->refuted);
	d->refuted = NULL;
	if (r < 0)
		return;
	d->refuted_loaded_ns = loop_monotonic_ns();
	d->disputed_due = true;
	d->disputed = n;
}

static void on_timer(void *daemon)
{
	struct daemon *d = daemon;

	if (d->refuted)
		save(d);
}

/* A second from now, or a minute after the last time. */
static void schedule(struct daemon *d)
{
	uint64_t now = loop_monotonic_ns(), due = d->refuted_loaded_ns + LOAD_EVERY,
		 in = SAVE_AFTER;
	int timer;

	if (d->refuted_loaded_ns && due > now + SAVE_AFTER)
		in = due - now;
	if (d->refuted_timer) {
		loop_timer_set(d->loop, d->refuted_timer, in, 0);
		return;
	}
	timer = loop_timer(d->loop, in, 0, on_timer, d);
	if (timer > 0)
		d->refuted_timer = timer;
	else
		save(d);
}

static int open_list(struct daemon *d)
{
	const struct distance_home *h = d->engine->distance;
	struct diag_print p;
	char path[512];
	int r;

	if (d->refuted)
		return 0;
	if (!h || !daemon_refuted_path(d, path))
		return -ENOENT;
	if (access(d->cfg.state, F_OK) < 0) {
		if (!d->refuted_told)
			diag_say("%s: %s: what distance refutes is told, but not remembered",
				 d->cfg.state, strerror(errno));
		d->refuted_told = true;
		return -ENOENT;
	}
	diag_print_init(&p, stderr);
	r = refuted_open(&d->refuted, path, h->lat, h->lon, &p.sink);
	diag_print_done(&p);
	return r;
}

/* After the list was opened and perhaps changed: saved soon, or dropped when nothing is to be saved. */
static void changed(struct daemon *d, bool waiting, bool change)
{
	if (waiting)
		return;
	if (change) {
		schedule(d);
		return;
	}
	refuted_free(d->refuted);
	d->refuted = NULL;
}

void daemon_refuted(struct daemon *d, const struct event *e)
{
	bool waiting = d->refuted != NULL;

	if (open_list(d) < 0)
		return;
	changed(d, waiting,
		refuted_add(d->refuted, &e->flow.dst, e->place->country, e->rtt_min_ns,
			    (int64_t)(e->last_ns / LOOP_SECOND)));
}

size_t daemon_refuted_forget(struct daemon *d, const struct ip *const *ip, size_t n)
{
	bool waiting = d->refuted != NULL;
	size_t gone = 0;

	if (open_list(d) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		gone += refuted_drop(d->refuted, ip[i]);
	changed(d, waiting, gone > 0);
	return gone;
}

void daemon_refuted_done(struct daemon *d)
{
	int r = d->refuted ? refuted_save(d->refuted) : 0;

	if (r < 0)
		diag_say("%s: cannot remember the refuted places: %s", d->cfg.state, strerror(-r));
	refuted_free(d->refuted);
	d->refuted = NULL;
}
