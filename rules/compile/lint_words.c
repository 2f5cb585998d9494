/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lint_words.c - warnings about words of places: what no source that is loaded can make true, what
 * a region glob takes in besides, and laws that nobody knows.
 *
 * A policy that blocks American operators blocks nothing while no source names operators; one that
 * allows the regions "eu-*" of AWS allows Istanbul, London and Zurich. Both read as if they held.
 */
#include <stdlib.h>
#include <string.h>
#include "geo/facts/region.h"
#include "geo/facts/zone.h"
#include "rules/compile.h"
#include "rules/compile/eval.h"

#define NAMED_MAX 6 /* regions named in one warning */

struct words {
	const struct policy *p;
	const struct compile_env *env; /* NULL: no source was read */
	struct eval eval;
	int64_t now;
	struct diag_sink *d;
};

static void warn(const struct words *w, const struct rule *r, const struct place_atom *a,
		 const char *text)
{
	diag_at(w->d, DIAG_WARNING, FILE_OF(w->p, r), r->line, a ? a->column : 0, a ? a->length : 0,
		"%s", text);
}

static bool holds_somewhere(const struct words *w, const struct place_atom *a)
{
	for (size_t i = 0; i < w->env->nclasses; i++)
		if (eval_row(&w->eval, a, &w->env->classes[i]))
			return true;
	return false;
}

static bool law_somewhere(const struct words *w, const struct rule *r)
{
	for (size_t i = 0; i < w->env->nclasses; i++)
		if (eval_under(&w->eval, r, &w->env->classes[i]))
			return true;
	return false;
}

/* The words whose truth depends on what the sources name. */
static void never_true(const struct words *w, const struct rule *r, const struct place_atom *a)
{
	struct place_atom whole = *a;
	struct writer t = {0};
	char *text;

	if (a->type != ATOM_PROVIDER && a->type != ATOM_ASN && a->type != ATOM_JURISDICTION)
		return;
	if (holds_somewhere(w, a))
		return;
	whole.region = NULL;
	if (a->type == ATOM_JURISDICTION)
		writer_add(&t, "never matches: no source that is loaded names an operator of this "
			       "law");
	else if (a->type == ATOM_ASN)
		writer_add(&t, "never matches: no source that is loaded gives addresses to AS%u",
			   a->asn);
	else if (a->region && holds_somewhere(w, &whole))
		writer_add(&t,
			   "never matches: no source that is loaded names a region of '%s' "
			   "like \"%s\"",
			   a->name, a->region);
	else
		writer_add(&t, "never matches: no source that is loaded names addresses of '%s'",
			   a->name);
	text = writer_take(&t);
	if (text)
		warn(w, r, a, text);
	free(text);
}

/* One region more in the list; what is over NAMED_MAX is counted only. */
static void name_region(struct writer *t, unsigned n, const char *region, uint16_t country)
{
	char cc[3];

	if (n >= NAMED_MAX)
		return;
	writer_add(t, "%s%s", n ? ", " : "", region);
	if (country)
		writer_add(t, " (%s)", country_text(country, cc));
}

static void regions_outside(const struct words *w, const struct rule *r, const struct place_atom *a)
{
	const struct region *g;
	struct writer t = {0};
	unsigned n = 0;
	char *text;

	writer_add(&t, "the regions \"%s\" of '%s' are not all in the EEA: ", a->region, a->name);
	for (size_t i = 0; (g = region_row(i)); i++)
		if (!strcmp(g->provider, a->name) && match_glob(a->region, g->name) &&
		    !zone_has(ZONE_EEA, g->country, w->now))
			name_region(&t, n++, g->name, g->country);
	if (n > NAMED_MAX)
		writer_add(&t, " and %u more", n - NAMED_MAX);
	text = writer_take(&t);
	if (n && text)
		warn(w, r, a, text);
	free(text);
}

/* Regions that a source names and no table places, each once. */
static void regions_unknown(const struct words *w, const struct rule *r, const struct place_atom *a)
{
	struct writer t = {0};
	uint16_t seen[NAMED_MAX] = {0};
	unsigned n = 0;
	char *text;

	for (size_t i = 0; i < w->env->nclasses && n < NAMED_MAX; i++) {
		const struct place *p = &w->env->classes[i].place;
		const char *region = w->env->string(w->env->arg, p->region);
		bool known = !*region || region_country(a->name, region);

		for (unsigned k = 0; k < n; k++)
			known |= seen[k] == p->region;
		if (known || !strcmp(region, "GLOBAL") || !strcmp(region, "global") ||
		    strcmp(w->env->string(w->env->arg, p->provider), a->name) ||
		    !match_glob(a->region, region))
			continue;
		name_region(&t, n, region, 0);
		seen[n++] = p->region;
	}
	writer_add(&t, ": taken in by \"%s\" of '%s', and in no table of regions", a->region,
		   a->name);
	text = writer_take(&t);
	if (n && text)
		warn(w, r, a, text);
	free(text);
}

static bool speaks_of_unknown(const struct zone_def *z)
{
	return z && z->natoms && z->atoms[0].type == ATOM_UNKNOWN;
}

/* The law that a rule names, in 'under' or 'jurisdiction'. */
static const struct zone_def *law_of(const struct rule *r)
{
	if (r->under)
		return r->under;
	for (size_t i = 0; i < r->nto; i++)
		if (r->to[i].type == ATOM_JURISDICTION)
			return r->to[i].zone;
	return NULL;
}

/* Rules that take a law out, while operators that nobody knows go on to the rules that allow. */
static void law_unknown(const struct words *w)
{
	const struct rule *first = NULL;
	bool allows = false;

	for (size_t i = 0; i < w->p->nrules; i++) {
		const struct rule *r = &w->p->rules[i];
		const struct zone_def *law = law_of(r);

		if (speaks_of_unknown(law))
			return;
		if (law && r->action == DECIDE_BLOCK && !first)
			first = r;
		allows |= first && r->action == DECIDE_ALLOW && !law;
	}
	if (first && allows)
		warn(w, first, NULL,
		     "passes operators whose law is not known on to the rules below; 'under "
		     "unknown' or 'jurisdiction unknown' speaks of them");
}

static void lint_rule(const struct words *w, const struct rule *r)
{
	for (size_t i = 0; i < r->nto; i++) {
		const struct place_atom *a = &r->to[i];

		if (w->env)
			never_true(w, r, a);
		if (a->type != ATOM_PROVIDER || !a->region || !strpbrk(a->region, "*?") ||
		    r->action == DECIDE_BLOCK)
			continue;
		regions_outside(w, r, a);
		if (w->env)
			regions_unknown(w, r, a);
	}
	if (w->env && r->under && !law_somewhere(w, r))
		warn(w, r, NULL,
		     "never matches: no source that is loaded names an operator under that law");
}

void policy_lint_words(const struct policy *p, const struct compile_env *env, int64_t now,
		       struct diag_sink *d)
{
	struct words w = {.p = p, .env = env, .now = now, .d = d};
	struct arena *a = arena_new();

	if (!a || eval_init(&w.eval, a, p, now)) {
		diag_warn(d, p->file, 0, "no memory to look at the words of places");
		arena_free(a);
		return;
	}
	if (env) {
		w.eval.string = env->string;
		w.eval.arg = env->arg;
	}
	for (size_t i = 0; i < p->nrules; i++)
		if (!p->rules[i].until || p->rules[i].until > now)
			lint_rule(&w, &p->rules[i]);
	law_unknown(&w);
	arena_free(a);
}
