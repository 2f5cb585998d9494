/* SPDX-License-Identifier: BSD-2-Clause */
/* facts_cover.c - gaps, and every second of the period as one of: enforced, monitored, blind, not recorded. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/report/report_private.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"
#include "geo/facts/zone.h"

#define GAP_LINE     4096
#define LAST_MINUTES 180

static int64_t time_of(const char *s)
{
	struct tm tm = {0};

	return s && strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : 0;
}

static const char *keep(struct report_facts *f, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? facts_keep(f, s, strlen(s)) : "";
}

/* The time before an agent that found no programs, the host's absence, the boot. */
static bool is_blind(const char *cause, const char *held)
{
	return strcmp(cause, "host-down") == 0 || strcmp(cause, "boot") == 0 ||
	       strncmp(held, "nothing", 7) == 0;
}

static int add_gap(struct report_facts *f, uint8_t host, const json_t *o, bool open)
{
	struct fact_gap g = {.start = time_of(json_string_value(json_object_get(o, "start"))),
			     .end = time_of(json_string_value(json_object_get(o, "end"))),
			     .seconds = json_number_value(json_object_get(o, "seconds")),
			     .cause = keep(f, o, "cause"),
			     .detail = keep(f, o, "detail"),
			     .held = keep(f, o, "held"),
			     .host = host};
	int e;

	if (open && g.start) { /* for all that is known, until now */
		g.end = f->host[host].known_until ? f->host[host].known_until : f->to;
		g.seconds = (double)(g.end - g.start);
	}
	if (!g.start || !g.end)
		return -EBADMSG;
	if (!open)
		g.end += g.end < INT64_MAX &&
			 g.seconds > 0; /* a second that is part of it is in it */
	g.blind = is_blind(g.cause, g.held);
	if (g.end < f->from || g.start >= f->to)
		return 0;
	e = FACTS_ROOM(f->gap, f->gaps_room, f->gaps);
	if (e == 0)
		f->gap[f->gaps++] = g;
	return e;
}

static int read_file(struct report_facts *f, uint8_t host, const char *path, bool open,
		     struct diag_sink *d)
{
	_fclose_ FILE *in = fopen(path, "re");
	char line[GAP_LINE];
	unsigned n = 0;
	int e = 0;

	if (!in)
		return errno == ENOENT ? 0 : -errno;
	f->host[host].has_gaps = true;
	while (e == 0 && fgets(line, sizeof(line), in)) {
		_json_ json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		n++;
		e = add_gap(f, host, o, open);
		if (e == -EBADMSG) {
			diag_error(d, path, n, "this line is damaged: a gap may be missing");
			e = 0;
		}
	}
	return e;
}

/* How long is anything known: by the file that an agent writes each second. */
static void read_alive(struct report_facts *f, struct fact_host *h)
{
	char path[4096], number[24];
	_free_ char *text = NULL;
	uint64_t ns;
	size_t n;

	text_put(path, sizeof(path), "%s/alive", h->state);
	if (file_read(&text, &n, AT_FDCWD, path, 160) < 0 ||
	    sscanf(text, "%20[0-9]", number) != 1 || text_number(&ns, number, UINT64_MAX) < 0)
		return;
	h->has_alive = true;
	h->known_until = (int64_t)(ns / 1000000000) + 1;
	(void)f;
}

int facts_read_gaps(struct report_facts *f, uint8_t host, struct diag_sink *d)
{
	static const char *const part[] = {"gaps.jsonl.1", "gaps.jsonl", "gaps.open.jsonl"};
	struct fact_host *h = &f->host[host];
	char path[4096];
	int e = 0;

	read_alive(f, h);
	for (unsigned i = 0; i < 3 && e == 0; i++) {
		text_put(path, sizeof(path), "%s/%s", h->state, part[i]);
		e = read_file(f, host, path, i == 2, d);
	}
	if (e < 0)
		diag_error(d, path, 0, "%s", strerror(-e));
	return e;
}

/* ---- parts of the period ---- */
struct cut {
	int64_t at;
	enum report_text why;
};

static int by_time(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->why < y->why ? -1 : x->why > y->why;
}

static int add_cut(struct cut **v, size_t *n, size_t *room, int64_t at, enum report_text why)
{
	int e = FACTS_ROOM(*v, *room, *n);

	if (e == 0)
		(*v)[(*n)++] = (struct cut){at, why};
	return e;
}

static int zone_cuts(const struct report_facts *f, struct cut **v, size_t *n, size_t *room)
{
	struct zone_row row;
	int e = 0;

	for (unsigned z = 0; z < ZONE_COUNT; z++)
		for (size_t i = 0; e == 0 && zone_row((enum zone)z, i, &row); i++) {
			if (row.from > f->from && row.from < f->to)
				e = add_cut(v, n, room, row.from, T_PART_ADEQUACY);
			if (e == 0 && row.until > f->from && row.until < f->to)
				e = add_cut(v, n, room, row.until, T_PART_ADEQUACY);
		}
	return e;
}

static int policy_cuts(const struct report_facts *f, struct cut **v, size_t *n, size_t *room)
{
	const char *before[REPORT_HOSTS] = {NULL};
	int e = 0;

	for (size_t i = 0; i < f->states && e == 0; i++) {
		const struct fact_state *s = &f->state[i];

		if (!*s->policy)
			continue;
		if (before[s->host] && strcmp(before[s->host], s->policy) != 0 &&
		    s->time > f->from && s->time < f->to)
			e = add_cut(v, n, room, s->time / 60 * 60, T_PART_POLICY);
		before[s->host] = s->policy;
	}
	return e;
}

/* Adequacy first: it must never be lost to a policy that changed too often. */
int facts_parts(struct report_facts *f)
{
	_free_ struct cut *v = NULL;
	size_t n = 0, room = 0, adequacy;
	int e = zone_cuts(f, &v, &n, &room);

	adequacy = n;
	e = e ? e : policy_cuts(f, &v, &n, &room);
	if (e < 0)
		return e;
	if (n > REPORT_PARTS - 1) {
		f->parts_cut = true;
		n = adequacy < REPORT_PARTS - 1 ? adequacy : REPORT_PARTS - 1;
	}
	if (n)
		qsort(v, n, sizeof(*v), by_time);
	f->part[0] = f->from;
	f->part_why[0] = T_PART_BEGIN;
	f->parts = 1;
	for (size_t i = 0; i < n; i++)
		if (v[i].at > f->part[f->parts - 1]) {
			f->part_why[f->parts] = v[i].why;
			f->part[f->parts++] = v[i].at;
		}
	f->part[f->parts] = f->to;
	return 0;
}

/* ---- seconds ---- */
struct turn { /* something begins or ends */
	int64_t at;
	int known, blind, weak; /* +1, -1 */
	int mode;		/* -1: as before */
};

static int turn_by_time(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->mode - y->mode;
}

static int add_turn(struct turn **v, size_t *n, size_t *room, struct turn t)
{
	int e = FACTS_ROOM(*v, *room, *n);

	if (e == 0)
		(*v)[(*n)++] = t;
	return e;
}

static int add_span(struct turn **v, size_t *n, size_t *room, struct turn t, int64_t end)
{
	struct turn back = {end, -t.known, -t.blind, -t.weak, -1};
	int e = add_turn(v, n, room, t);

	return e ? e : add_turn(v, n, room, back);
}

static int64_t first_state(const struct report_facts *f, uint8_t host)
{
	for (size_t i = 0; i < f->states; i++)
		if (f->state[i].host == host)
			return f->state[i].time;
	return 0;
}

/* Time is known by the ledger; while no agent ran and the kernel's programs judged on, by the gap that says so: what was
 * counted then stands in the ledger as not attributed. */
static int known_turns(const struct report_facts *f, uint8_t host, struct turn **v, size_t *n,
		       size_t *room)
{
	int64_t until = f->host[host].known_until, first = first_state(f, host);
	int e = 0;

	for (size_t i = 0; i < f->spans && e == 0; i++) {
		struct fact_span s = f->span[i];

		if (s.host != host)
			continue;
		if (first > s.from && first - s.from < 60)
			s.from = first; /* in that minute the first agent started */
		if (until > s.to && until - s.to <= LAST_MINUTES)
			s.to = until; /* the minutes that are not written yet */
		if (until && s.to > until)
			s.to = until;
		if (s.from < s.to)
			e = add_span(v, n, room, (struct turn){s.from, 1, 0, 0, -1}, s.to);
	}
	for (size_t i = 0; i < f->gaps && e == 0; i++)
		if (f->gap[i].host == host && strcmp(f->gap[i].cause, "agent-down") == 0)
			e = add_span(v, n, room, (struct turn){f->gap[i].start, 1, 0, 0, -1},
				     f->gap[i].end);
	return e;
}

static int turns_of(const struct report_facts *f, uint8_t host, struct turn **v, size_t *n,
		    size_t *room)
{
	const struct fact_host *h = &f->host[host];
	int e = known_turns(f, host, v, n, room);

	for (size_t i = 0; i < f->gaps && e == 0; i++) {
		const struct fact_gap *g = &f->gap[i];
		bool weak = strcmp(g->cause, "mode-weakened") == 0;

		if (g->host == host && (g->blind || weak))
			e = add_span(v, n, room,
				     (struct turn){g->start, 0, g->blind, !g->blind, -1}, g->end);
	}
	for (size_t i = 0; i < f->states && e == 0; i++) {
		const struct fact_state *s = &f->state[i];

		if (s->host == host && (!h->journal_end || s->time <= h->journal_end))
			e = add_turn(v, n, room, (struct turn){s->time, 0, 0, 0, (int)s->mode});
	}
	if (e == 0 && h->journal_end)
		e = add_turn(v, n, room,
			     (struct turn){h->journal_end, 0, 0, 0, (int)MODE_NOT_KNOWN});
	return e;
}

static enum fact_cover cover_of(const struct turn *now)
{
	if (now->blind > 0)
		return COVER_BLIND;
	if (now->known <= 0)
		return COVER_NONE;
	if (now->mode == MODE_NOT_KNOWN)
		return COVER_MODE_UNKNOWN;
	return now->mode == MODE_ENFORCES && now->weak <= 0 ? COVER_ENFORCED : COVER_MONITORED;
}

static void add_seconds(const struct report_facts *f, struct fact_host *h, const struct turn *now,
			int64_t from, int64_t to)
{
	from = from > f->from ? from : f->from;
	to = to < f->to ? to : f->to;
	if (from < to)
		h->seconds[cover_of(now)] += to - from;
}

static int cover(struct report_facts *f, uint8_t host)
{
	struct turn now = {.at = f->from, .mode = MODE_NOT_KNOWN};
	_free_ struct turn *v = NULL;
	size_t n = 0, room = 0;
	int e;

	e = turns_of(f, host, &v, &n, &room);
	if (e < 0)
		return e;
	if (n)
		qsort(v, n, sizeof(*v), turn_by_time);
	for (size_t i = 0; i < n; i++) {
		add_seconds(f, &f->host[host], &now, now.at, v[i].at);
		now.at = v[i].at > now.at ? v[i].at : now.at;
		now.known += v[i].known;
		now.blind += v[i].blind;
		now.weak += v[i].weak;
		now.mode = v[i].mode >= 0 ? v[i].mode : now.mode;
	}
	add_seconds(f, &f->host[host], &now, now.at, f->to);
	return 0;
}

int facts_cover(struct report_facts *f)
{
	int e = 0;

	for (size_t i = 0; i < f->hosts && e == 0; i++)
		e = cover(f, (uint8_t)i);
	return e;
}
