/* SPDX-License-Identifier: BSD-2-Clause */
/* prove.c - the run: every shot in shuffled order, then what arrived and what was told becomes results. */
#include "agent/prove/prove.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/base/loop.h"
#include "agent/base/text.h"
#include "agent/prove/prove_private.h"

static const char *const results[] = {"stopped",     "stopped, not named", "detected only",
				      "not covered", "FALSE ALERT",	   "not tried"};
_Static_assert(sizeof(results) / sizeof(results[0]) == PROVE_RESULTS, "a name for each");

const char *prove_result_name(enum prove_result r)
{
	return r < PROVE_RESULTS ? results[r] : "?";
}

const char *prove_cell_name(unsigned cell)
{
	static const char *const names[PROVE_CELLS] = {"v4 root", "v4 net_raw", "v4 nobody",
						       "v6 root", "v6 net_raw", "v6 nobody"};

	return cell < PROVE_CELLS ? names[cell] : "?";
}

static bool has(const struct technique *t, unsigned cell)
{
	return (t->on & (cell / PROVE_WHOS ? ON_6 : ON_4)) && (t->by & (1u << cell % PROVE_WHOS));
}

/* The control and the shot of a variant are neighbours: 2n and 2n + 1. */
static void load(struct prove_shared *s, const char *only)
{
	for (unsigned t = 0; t < prove_techniques_count(); t++) {
		const struct technique *p = prove_technique(t);

		for (unsigned cell = 0; cell < PROVE_CELLS; cell++) {
			if (!has(p, cell) || (only && !strstr(p->name, only)) ||
			    s->count + 2 > PROVE_SHOTS_MAX)
				continue;
			for (unsigned i = 0; i < 2; i++)
				s->shot[s->count++] = (struct shot){.technique = t,
								    .cell = (uint8_t)cell,
								    .control = i == 0};
		}
	}
}

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void fire_all(struct stage *s, uint64_t seed)
{
	static unsigned order[PROVE_SHOTS_MAX];
	unsigned n = s->shared->count;
	uint64_t x = seed | 1;

	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	for (unsigned i = n; i > 1; i--) {
		unsigned j = (unsigned)(next(&x) % i), k = order[i - 1];

		order[i - 1] = order[j];
		order[j] = k;
	}
	for (unsigned i = 0; i < n; i++)
		shoot(s, order[i]);
}

static enum prove_result judge(const struct shot *control, const struct shot *shot,
			       char why[static 96])
{
	bool elsewhere = prove_technique(shot->technique)->elsewhere;
	bool blocked = shot->alert & PROVE_ALERT_BLOCKED;
	bool named = (shot->alert & PROVE_ALERT_PROCESS) &&
		     (elsewhere || (shot->alert & PROVE_ALERT_ADDRESS));

	if (shot->frames || shot->tokens) {
		if (blocked) {
			text_put(why, 96, "an alert says 'blocked'");
			return PROVE_FALSE;
		}
		return shot->alert ? PROVE_DETECTED : PROVE_NOT_COVERED;
	}
	if (blocked && named)
		return PROVE_STOPPED;
	if (control->tokens)
		return PROVE_UNNAMED;
	if (control->error)
		text_put(why, 96, "%s", strerror(control->error));
	else
		text_put(why, 96, "the same to the EU does not arrive");
	return blocked ? PROVE_UNNAMED : PROVE_NOT_TRIED;
}

static void judge_all(struct prove_report *ret, const struct prove_shared *s)
{
	for (unsigned i = 0; i < s->count; i += 2) {
		struct prove_row *row = &ret->row[s->shot[i].technique];
		struct prove_cell *c = &row->cell[s->shot[i].cell];

		c->used = true;
		c->result = judge(&s->shot[i], &s->shot[i + 1], c->why);
	}
	for (unsigned i = 0; i < ret->rows; i++) {
		struct prove_row *row = &ret->row[i];
		bool tried = false;

		for (unsigned cell = 0; cell < PROVE_CELLS; cell++) {
			const struct prove_cell *c = &row->cell[cell];

			if (!c->used || c->result == PROVE_NOT_TRIED)
				continue;
			if (!tried || c->result > row->result)
				row->result = c->result;
			tried = true;
		}
		ret->moved += tried && row->result > row->expected;
	}
}

static int report_new(struct prove_report *ret, bool devices)
{
	size_t n = prove_techniques_count();

	ret->row = calloc(n, sizeof(*ret->row));
	if (!ret->row)
		return -ENOMEM;
	ret->rows = (unsigned)n;
	for (size_t i = 0; i < n; i++) {
		const struct technique *t = prove_technique(i);

		ret->row[i] =
			(struct prove_row){.number = t->number,
					   .name = t->name,
					   .line = t->line,
					   .note = devices && t->devices == PROVE_STOPPED ? NULL
											  : t->note,
					   .expected = devices ? t->devices : t->expected,
					   .result = PROVE_NOT_TRIED};
	}
	return 0;
}

void prove_done(struct prove_report *r)
{
	free(r->row);
	json_decref(r->status);
	*r = (struct prove_report){};
}

static long counter(const json_t *status, const char *name)
{
	const json_t *o = json_object_get(json_object_get(status, "counters"), name);

	return json_is_integer(o) ? (long)json_integer_value(o) : -1;
}

/* What makes all of it worthless: frames, events or shots that were lost. */
static void check(struct prove_report *ret, const struct prove_shared *s)
{
	char *to = ret->fault;

	if (s->lost)
		text_put(to, sizeof(ret->fault), "the sink lost %u frames", s->lost);
	else if (!s->count)
		text_put(to, sizeof(ret->fault), "no technique has such a name");
	else if (counter(ret->status, "lost_denials") != 0)
		text_put(to, sizeof(ret->fault), "the agent lost events");
}

static int play(struct stage *s, struct prove_report *ret, const struct prove_config *cfg)
{
	int r = agent_start(s, cfg->devices);

	if (r < 0)
		return r;
	load(s->shared, cfg->only);
	fire_all(s, cfg->seed);
	r = sink_end(s);
	if (r < 0)
		diag_say("prove: the last frame did not arrive");
	else if ((r = agent_end(s, &ret->status)) < 0)
		diag_say("prove: its agent did not end");
	else if ((r = alerts_read(s)) < 0)
		diag_say("prove: its agent's events: %s", strerror(-r));
	if (r == 0) {
		judge_all(ret, s->shared);
		check(ret, s->shared);
		ret->shots = s->shared->count;
	}
	return r;
}

int prove_run(struct prove_report *ret, const struct prove_config *cfg)
{
	uint64_t start = loop_monotonic_ns();
	struct stage s;
	int r = report_new(ret, cfg->devices);

	if (r < 0) {
		diag_say("prove: no memory");
		return r;
	}
	ret->seed = cfg->seed;
	ret->devices = cfg->devices;
	r = stage_set(&s);
	if (r == 0)
		r = play(&s, ret, cfg);
	stage_strike(&s);
	ret->seconds = (double)(loop_monotonic_ns() - start) / 1e9;
	return r;
}
