/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_read.c - reads the captures in the order of their packets' time, whatever their names, and
 * loads the engine of each stretch of time.
 *
 * Each file is looked into for its first time. A file is opened when the packets come to that time;
 * of those that are open, the one with the earliest packet gives packets up to the time of the next:
 *
 *     a.pcap  |----------------------|
 *     b.pcap          |-----|                     a, then b and a in turn, then a, then c
 *     c.pcap                             |----|
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/replay.h"
#include "agent/cmd/replay_diff.h"
#include "agent/cmd/replay_ledger.h"
#include "agent/cmd/replay_evidence.h"
#include "agent/base/diag_print.h"
#include "agent/base/interrupt.h"
#include "agent/base/text.h"
#include "geo/base/cleanup.h"

#define OPEN_MAX_ 256u
#define NS	  1000000000ull

struct replay_source {
	struct replay_capture *c;
	struct capture *reader;
	struct packet_frame frames[CAPTURE_BATCH];
	unsigned at, n;
	size_t hosts; /* addresses of the capturing host that were handed on */
};

bool replay_goes_on(const struct replay *r)
{
	return !r->error && !interrupt_came();
}

static int load_engine(struct replay *r, int64_t unix_s)
{
	struct engine **slot = reallocarray(r->engines, r->nengines + 1, sizeof(*slot));
	struct diag_print print;
	int result;

	if (!slot)
		return -ENOMEM;
	r->engines = slot;
	r->config.now = unix_s;
	diag_print_init(&print, stderr);
	result = engine_load(&slot[r->nengines], &r->config,
			     r->nengines ? slot[r->nengines - 1] : NULL, &print.sink);
	diag_print_done(&print);
	if (result == 0)
		r->nengines++;
	return result;
}

static int engine_at(void *arg, int64_t unix_s, const struct engine **ret)
{
	struct replay *r = arg;
	int result;

	for (size_t i = 0; i < r->nengines; i++)
		if (unix_s >= r->engines[i]->compiled->since &&
		    unix_s < r->engines[i]->compiled->next_change) {
			*ret = r->engines[i];
			return 0;
		}
	result = load_engine(r, unix_s);
	if (result == 0)
		*ret = r->engines[r->nengines - 1];
	return result;
}

static void name_capture(void *arg, uint32_t number, struct record *record)
{
	const struct replay *r = arg;

	record->capture = r->captures[number].path;
	record->capture_sha256 = r->captures[number].sha256;
}

static int compare(void *arg, const struct pipeline_flow *f)
{
	struct replay *r = arg;
	const struct engine *e = NULL;
	int result = r->diff ? replay_diff_flow(r->diff, f) : 0;

	if (result < 0 || !r->ledger)
		return result;
	result = engine_at(r, (int64_t)(f->judged_ns / NS), &e);
	return result ? result : replay_ledger_flow(r, e, f);
}

static void show(void *arg, const struct packet_frame *f, const char *comment)
{
	const struct replay *r = arg;

	evidence_packet(r->evidence_file, f, comment);
}

int replay_start(struct replay *r)
{
	struct pipeline_config cfg = {.replay = true,
				      .capture = name_capture,
				      .engine_at = engine_at,
				      .now_ns = r->now_ns,
				      .dedup = r->dedup,
				      .arg = r,
				      .flows_max = r->flows_max,
				      .evidence = r->evidence ? show : NULL,
				      .flow = r->other || r->ledger_path ? compare : NULL,
				      .event = r->event};
	int result = load_engine(r, (int64_t)(r->now_ns / NS));

	if (result < 0)
		return result;
	cfg.engine = r->engines[0];
	replay_share_memory(r, &cfg);
	if (cfg.engine->policy_shipped)
		diag_say("no policy given and no %s: using the shipped eu.conf",
			 ENGINE_POLICY_DEFAULT);
	if (cfg.engine->needs_subject && !r->only_ledger)
		diag_say("the policy names units, users or cgroups, which a capture does not "
			 "know: there, block and alert rules match and allow rules do not");
	return pipeline_new(&r->pipeline, &cfg);
}

/* The time of the first packet; 0 when it cannot be said, so that the file is among the first. */
static uint64_t first_time(const struct replay_capture *c)
{
	struct packet_frame f;
	struct diag_sink quiet = {0};
	struct capture *reader;
	uint64_t t = 0;

	if (!c->regular || capture_open(&reader, c->path, false, &quiet) < 0)
		return 0;
	if (capture_next(reader, &f, 1) == 1)
		t = f.time_ns;
	capture_close(reader);
	return t;
}

static int by_time(const void *a, const void *b)
{
	const struct replay_capture *x = *(struct replay_capture *const *)a,
				    *y = *(struct replay_capture *const *)b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* What was read of a file, and what was not, is known when it is closed. */
static void close_source(struct replay *r, struct replay_source *s)
{
	struct replay_capture *c = s->c;
	const struct capture_note *notes;
	size_t n;

	if (replay_goes_on(r)) {
		c->state = REPLAY_READ;
		r->read++;
	}
	for (unsigned k = 0; k < CAPTURE_DAMAGES; k++) {
		c->damaged[k] = capture_damaged(s->reader)[k];
		r->damaged[k] += c->damaged[k];
	}
	notes = capture_notes(s->reader, &n);
	c->lost = capture_lost(s->reader);
	c->note = n ? calloc(n, sizeof(*notes)) : NULL;
	if (c->note) {
		memcpy(c->note, notes, n * sizeof(*notes));
		c->nnotes = n;
	}
	if (r->sums && replay_goes_on(r) && capture_sha256(s->reader, c->sha256) < 0 &&
	    replay_goes_on(r)) {
		diag_say("%s: cannot be read to its end for its sum", c->path);
		r->failed = true;
	}
	r->done_bytes += capture_bytes(s->reader);
	capture_close(s->reader);
	free(s);
}

/* The next frames of a source. False: it has ended, and is closed. */
static bool fill(struct replay *r, struct replay_source *s)
{
	char name[REPLAY_NAME];
	int n = replay_goes_on(r) ? capture_next(s->reader, s->frames, CAPTURE_BATCH) : 0;

	if (n < 0 && n != -EINTR) {
		diag_say("%s: cannot be read on: %s", replay_name(name, s->c->path), strerror(-n));
		r->failed = true;
	}
	if (n <= 0) {
		close_source(r, s);
		return false;
	}
	s->at = 0;
	s->n = (unsigned)n;
	return true;
}

static struct replay_source *open_source(struct replay *r, struct replay_capture *c)
{
	struct replay_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->c = c;
	s->reader = replay_open(r, c);
	if (!s->reader) {
		free(s);
		return NULL;
	}
	return fill(r, s) ? s : NULL;
}

static void hosts(struct replay *r, struct replay_source *s)
{
	size_t n;
	const struct ip *host = capture_hosts(s->reader, &n);

	for (; s->hosts < n; s->hosts++)
		pipeline_host(r->pipeline, &host[s->hosts]);
}

/* The frames that come before 'until', at least one. */
static int give(struct replay *r, struct replay_source *s, uint64_t until)
{
	struct packet_frame *f = s->frames + s->at;
	unsigned n = 1, left = s->n - s->at, kept;

	while (n < left && f[n].time_ns <= until)
		n++;
	s->at += n;
	hosts(r, s);
	for (unsigned i = 0; i < n; i++) {
		struct replay_capture *c = s->c;

		c->packets++;
		c->first_seen = !c->first_seen || f[i].time_ns < c->first_seen ? f[i].time_ns
									       : c->first_seen;
		c->last_seen = f[i].time_ns > c->last_seen ? f[i].time_ns : c->last_seen;
	}
	kept = replay_filter(r, f, n);
	pipeline_capture(r->pipeline, (uint32_t)(s->c - r->captures));
	return pipeline_packets(r->pipeline, f, kept);
}

struct merge {
	struct replay_capture **order; /* owned */
	size_t next, n;
	struct replay_source *open[OPEN_MAX_];
	unsigned nopen;
};

static int begin(struct replay *r, struct merge *m)
{
	m->order = calloc(r->ncaptures ? r->ncaptures : 1, sizeof(struct replay_capture *));
	if (!m->order)
		return -ENOMEM;
	for (size_t i = 0; i < r->ncaptures; i++) {
		struct replay_capture *c = &r->captures[i];

		if (c->state == REPLAY_COPY)
			continue;
		c->first_ns = r->ncaptures > 1 ? first_time(c) : 0;
		m->order[m->n++] = c;
	}
	qsort(m->order, m->n, sizeof(struct replay_capture *), by_time);
	return 0;
}

static uint64_t head(const struct replay_source *s)
{
	return s->frames[s->at].time_ns;
}

/* Opens what may have the next packet. *until: how far the earliest source may go. */
static struct replay_source *earliest(struct replay *r, struct merge *m, unsigned *which,
				      uint64_t *until)
{
	struct replay_source *s = NULL;

	while (m->next < m->n && m->nopen < OPEN_MAX_) {
		uint64_t first = UINT64_MAX;
		struct replay_source *opened;

		for (unsigned i = 0; i < m->nopen; i++)
			first = head(m->open[i]) < first ? head(m->open[i]) : first;
		if (m->nopen && m->order[m->next]->first_ns > first)
			break;
		opened = open_source(r, m->order[m->next++]);
		if (opened)
			m->open[m->nopen++] = opened;
		if (!replay_goes_on(r))
			break;
	}
	*until = m->next < m->n && m->nopen < OPEN_MAX_ ? m->order[m->next]->first_ns : UINT64_MAX;
	for (unsigned i = 0; i < m->nopen; i++)
		if (!s || head(m->open[i]) < head(s)) {
			s = m->open[i];
			*which = i;
		}
	for (unsigned i = 0; i < m->nopen; i++)
		if (m->open[i] != s && head(m->open[i]) < *until)
			*until = head(m->open[i]);
	return s;
}

int replay_read(struct replay *r)
{
	struct merge m = {0};
	struct replay_source *s;
	uint64_t until;
	unsigned which = 0;
	int result = replay_confine(r);

	if (result == 0)
		result = begin(r, &m);
	while (result == 0 && replay_goes_on(r) && (s = earliest(r, &m, &which, &until))) {
		result = give(r, s, until);
		replay_progress(r, capture_bytes(s->reader));
		if (s->at == s->n && !fill(r, s))
			m.open[which] = m.open[--m.nopen];
	}
	while (m.nopen)
		close_source(r, m.open[--m.nopen]);
	free(m.order);
	return result;
}
