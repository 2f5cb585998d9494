/* SPDX-License-Identifier: BSD-2-Clause */
/* compile.c - a policy and the place classes -> the flat arrays of decide.h: the order of the work,
 * rows and matrix. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rules/compile/compile_private.h"
#include "rules/compile/equivalence.h"

#define DECISION_LOCAL 1 /* after DECIDE_NONE */

uint64_t *compile_bits(struct build *b)
{
	return arena_alloc(b->scratch, b->words, sizeof(uint64_t));
}

uint64_t *compile_maybe(struct build *b)
{
	return arena_alloc(b->scratch, 2 * b->words, sizeof(uint64_t));
}

void compile_maybe_add(const struct build *b, uint64_t *bits, size_t rule, enum tri matches)
{
	if (eval_settle(&b->p->rules[rule], matches))
		compile_set(bits, rule);
	if (matches == TRI_YES)
		compile_set(bits + b->words, rule);
}

int compile_too_big(struct build *b, const char *what, size_t max)
{
	diag_error(b->d, b->p->file, 0, "the policy needs more than %zu %s", max, what);
	return -E2BIG;
}

/* An expired rule is as if it were not there. In replay the packets' time decides, so the date
 * stays in the chain. */
static int prepare(struct build *b)
{
	if (b->p->nsets > PLACE_SETS_MAX)
		return compile_too_big(b, "lists of addresses and ASNs", PLACE_SETS_MAX - 1);
	b->words = (b->p->nrules + 63) / 64;
	b->alive = compile_bits(b);
	b->named = compile_bits(b);
	b->opened[OPENED_HERE] = compile_bits(b);
	b->opened[OPENED_PEER] = compile_bits(b);
	if (!b->alive || !b->named || !b->opened[OPENED_HERE] || !b->opened[OPENED_PEER])
		return -ENOMEM;
	keys_init(&b->services, b->scratch, 2 * b->words * sizeof(uint64_t), DECIDE_SERVICES_MAX);
	keys_init(&b->columns, b->scratch, 2 * b->words * sizeof(uint64_t), UINT16_MAX);
	keys_init(&b->decisions, b->keep, sizeof(struct decide_decision), DECIDE_DECISIONS_MAX);
	b->c->since = b->eval->since;
	b->c->next_change = b->eval->next_change;
	for (size_t i = 0; i < b->p->nrules; i++) {
		const struct rule *r = &b->p->rules[i];

		if (r->name) {
			b->c->named = true;
			compile_set(b->named, i);
			/* not known yet: an allow rule, the mildest, cannot decide */
			if (b->env->nameless || !eval_settle(r, TRI_DEPENDS))
				continue;
		}
		if (!b->env->live || !r->until || r->until > b->env->now)
			compile_set(b->alive, i);
		if (r->until > b->env->now && r->until < b->c->next_change)
			b->c->next_change = r->until;
		if (r->until && r->until <= b->env->now && r->until > b->c->since)
			b->c->since = r->until;
		if (r->opened != RULE_OPENED_PEER)
			compile_set(b->opened[OPENED_HERE], i);
		if (r->opened != RULE_OPENED_HERE)
			compile_set(b->opened[OPENED_PEER], i);
		if (r->opened != RULE_OPENED_ANY)
			b->c->header.needs |= DECIDE_NEEDS_OPENED;
	}
	return 0;
}

/* Places that no rule tells apart are one feature, and judged once. Nothing is padded: features are
 * compared as bytes. */
struct feature {
	uint32_t host;
	uint16_t country, law;
	uint8_t status, private, flags, pad[5];
	uint64_t sets[PLACE_SETS_MAX / 64];
};

static int feature_of(struct feature *f, struct equivalence *k, const struct place_class *c,
		      size_t nsets)
{
	int64_t host = equivalence_host(k, &c->place);

	if (host < 0)
		return (int)host;
	memset(f, 0, sizeof(*f));
	f->host = (uint32_t)host;
	f->country = k->country[equivalence_country_index(c->place.country)];
	f->law = k->law[equivalence_country_index(c->place.jurisdiction)];
	f->status = c->place.status;
	f->private = c->place.scope == SCOPE_PRIVATE;
	f->flags = c->place.flags & (PLACE_ANYCAST | PLACE_RELAY | PLACE_EU_DIFFERS | PLACE_STALE);
	memcpy(f->sets, c->sets, (nsets + 63) / 64 * sizeof(uint64_t));
	return 0;
}

static void rules_of_place(struct build *b, const struct place_class *c, uint64_t *bits)
{
	memset(bits, 0, b->words * sizeof(*bits));
	for (size_t i = 0; i < b->p->nrules; i++)
		if ((b->alive[i / 64] >> (i % 64) & 1) && eval_to(b->eval, &b->p->rules[i], c))
			compile_set(bits, i);
}

/* The work of compile_rows: class -> feature -> row. */
struct rowing {
	struct equivalence equivalence;
	struct keys features;
	uint32_t *row_of_feature; /* row + 1; 0 = not judged yet */
	uint64_t *bits;
};

/* The row before the matrix of a class, numbered from 1: classes that the same rules may match
 * share it. */
static int64_t row_of_class(struct build *b, struct rowing *w, const struct place_class *c)
{
	struct feature f;
	int64_t i, row;
	int err = feature_of(&f, &w->equivalence, c, b->p->nsets);

	if (err)
		return err;
	i = keys_add(&w->features, &f);
	if (i < 0 || w->row_of_feature[i])
		return i < 0 ? i : w->row_of_feature[i];
	rules_of_place(b, c, w->bits);
	row = keys_add(&b->rows, w->bits);
	if (row >= 0)
		w->row_of_feature[i] = (uint32_t)++row;
	return row;
}

int compile_rows(struct build *b)
{
	struct rowing *w = arena_alloc(b->scratch, 1, sizeof(*w));
	uint16_t *row_of = arena_alloc(b->keep, b->env->nclasses, sizeof(*row_of));
	int64_t row;

	if (!w || !row_of || equivalence_init(&w->equivalence, b->scratch, b->eval))
		return -ENOMEM;
	w->row_of_feature = arena_alloc(b->scratch, b->env->nclasses, sizeof(*w->row_of_feature));
	w->bits = compile_bits(b);
	if (!w->row_of_feature || !w->bits)
		return -ENOMEM;
	keys_init(&w->features, b->scratch, sizeof(struct feature), PLACE_CLASSES_MAX);
	keys_init(&b->rows, b->scratch, b->words * sizeof(uint64_t), UINT16_MAX - 1);
	for (size_t c = 0; c < b->env->nclasses; c++) {
		row = eval_local(&b->env->classes[c]) ? DECIDE_ROW_LOCAL
						      : row_of_class(b, w, &b->env->classes[c]);
		if (row < 0)
			return row == -E2BIG ? compile_too_big(b, "kinds of place", UINT16_MAX - 1)
					     : (int)row;
		row_of[c] = (uint16_t)row;
	}
	b->c->array[DECIDE_ROW_OF] = row_of;
	b->c->bytes[DECIDE_ROW_OF] = b->env->nclasses * sizeof(*row_of);
	b->c->header.classes = (uint32_t)b->env->nclasses;
	return 0;
}

static int fill_row(struct build *b, size_t row, uint16_t *cells, struct cell *c)
{
	int64_t v;

	c->row = keys_key(&b->rows, row);
	for (size_t s = 0; s < b->services.keys.n; s++) {
		c->service = keys_key(&b->services, s);
		for (size_t column = 0; column < b->columns.keys.n; column++) {
			c->column = keys_key(&b->columns, column);
			for (unsigned o = 0; o < OPENED_COUNT; o++) {
				c->opened = b->opened[o];
				v = compile_cell(b, c);
				if (v < 0)
					return (int)v;
				*cells++ = (uint16_t)v;
			}
		}
	}
	return 0;
}

static void renumber_rows(struct build *b, const uint16_t *final)
{
	uint16_t *row_of = (uint16_t *)(uintptr_t)b->c->array[DECIDE_ROW_OF];

	for (size_t c = 0; c < b->env->nclasses; c++)
		if (row_of[c] != DECIDE_ROW_LOCAL)
			row_of[c] = final[row_of[c] - 1];
}

/* Rows that decide the same everywhere become one; row 0 is the local one. */
int compile_matrix(struct build *b)
{
	size_t width = b->services.keys.n * b->columns.keys.n * OPENED_COUNT,
	       max = COMPILE_CELLS_MAX / width;
	uint16_t *cells = arena_alloc(b->scratch, width, sizeof(*cells));
	uint16_t *final = arena_alloc(b->scratch, b->rows.keys.n, sizeof(*final));
	struct cell cell = {.may = compile_bits(b), .sure = compile_bits(b)};
	struct keys lines;
	int64_t line;
	int err;

	if (!cells || !final || !cell.may || !cell.sure)
		return -ENOMEM;
	keys_init(&lines, b->keep, width * sizeof(*cells), max < UINT16_MAX ? max : UINT16_MAX);
	for (size_t i = 0; i < width; i++)
		cells[i] = DECISION_LOCAL;
	line = keys_add(&lines, cells);
	for (size_t row = 0; row < b->rows.keys.n && line >= 0; row++) {
		err = fill_row(b, row, cells, &cell);
		if (err)
			return err;
		line = keys_add(&lines, cells);
		final[row] = (uint16_t)line;
	}
	if (line < 0)
		return line == -E2BIG ? compile_too_big(b, "cells of the decision matrix",
							COMPILE_CELLS_MAX)
				      : (int)line;
	renumber_rows(b, final);
	b->c->array[DECIDE_MATRIX] = lines.keys.items;
	b->c->bytes[DECIDE_MATRIX] = lines.keys.n * width * sizeof(*cells);
	b->c->header.rows = (uint32_t)lines.keys.n;
	b->c->header.services = (uint32_t)b->services.keys.n;
	b->c->header.columns = (uint32_t)b->columns.keys.n;
	return 0;
}

/* Decisions 0 and 1 are there whatever the rules say. */
static int first_decisions(struct build *b)
{
	struct decide_decision local;
	struct decide_decision none = compile_decision(b, 0, 0, 0);
	int64_t i = compile_decision_add(b, &none);

	memset(&local, 0, sizeof(local));
	local.action = DECIDE_LOCAL;
	if (i == DECIDE_NONE)
		i = keys_add(&b->decisions, &local);
	return i == DECISION_LOCAL ? 0 : -ENOMEM;
}

static int build_all(struct build *b)
{
	static int (*const steps[])(struct build *) = {
		prepare,	  compile_meters,  first_decisions, compile_subjects,
		compile_services, compile_columns, compile_rows,    compile_matrix,
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !err; i++)
		err = steps[i](b);
	b->c->decisions = b->decisions.keys.items;
	b->c->header.decisions = (uint32_t)b->decisions.keys.n;
	b->c->header.mode = b->p->mode == MODE_ENFORCE;
	return err;
}

int policy_compile(struct compiled **ret, const struct policy *p, const struct compile_env *env,
		   struct diag_sink *d)
{
	struct arena *keep = arena_new(), *scratch = arena_new();
	struct compiled *c = keep ? arena_alloc(keep, 1, sizeof(*c)) : NULL;
	struct compile_core *core = keep ? arena_alloc(keep, 1, sizeof(*core)) : NULL;
	struct build *b = scratch ? arena_alloc(scratch, 1, sizeof(*b)) : NULL;
	int err = -ENOMEM;

	if (c && core && b) {
		*c = (struct compiled){.policy = p, .core = core};
		*core = (struct compile_core){.arena = keep};
		*b = (struct build){.c = c,
				    .keep = keep,
				    .scratch = scratch,
				    .env = env,
				    .p = p,
				    .d = d,
				    .eval = &core->eval};
		err = eval_init(&core->eval, keep, p, env->now);
		core->eval.string = env->string;
		core->eval.arg = env->arg;
		core->eval.stale = env->stale;
		c->stale = env->stale;
		err = err ? err : build_all(b);
	}
	if (err == -ENOMEM)
		diag_error(d, p->file, 0, "no memory to compile the policy");
	arena_free(scratch);
	if (err)
		arena_free(keep);
	else
		*ret = c;
	return err;
}

void compiled_free(struct compiled *c)
{
	if (c)
		arena_free(c->core->arena);
}
