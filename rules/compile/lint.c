/* SPDX-License-Identifier: BSD-2-Clause */
/* lint.c - warnings: rules that never decide, dates that have come or are near, names that nothing
 * uses. */
#include <errno.h>
#include <string.h>
#include "geo/facts/zone.h"
#include "rules/parse/calendar.h"
#include "rules/compile.h"
#include "rules/compile/shadow.h"

#define DAY		86400
#define SOON_DAYS	30
#define ZONE_SOON_DAYS	90
#define RULE_TEXT_SHOWN 60
#define PAIRS_MAX	100000000u /* of places compared, for a policy that is no policy */

struct lint {
	const struct policy *p;
	int64_t now;
	struct diag_sink *d;
	struct eval eval;
	bool *reached;
	uint64_t pairs; /* compared so far */
};

static bool expired(const struct lint *l, const struct rule *r)
{
	return r->until && r->until <= l->now;
}

static void lint_date(const struct lint *l, const struct rule *r)
{
	int64_t days = (r->until - l->now + DAY - 1) / DAY;
	char buf[CALENDAR_STRLEN];

	if (!r->until || !r->line) /* a quarantine's ends by itself */
		return;
	calendar_format(buf, r->until);
	if (expired(l, r))
		diag_warn(l->d, FILE_OF(l->p, r), r->line,
			  "expired on %s: it is as if it were not there", buf);
	else if (days <= SOON_DAYS)
		diag_warn(l->d, FILE_OF(l->p, r), r->line, "expires in %lld day%s (%s)",
			  (long long)days, days == 1 ? "" : "s", buf);
}

/* Prefixes of local traffic (design.md: outside the policy): a rule for them decides nothing. */
static void lint_local(const struct lint *l, const struct rule *r)
{
	static const char *const local[] = {"127.0.0.0/8",  "169.254.0.0/16",
					    "224.0.0.0/24", "255.255.255.255",
					    "::1",	    "fe80::/10",
					    "ff01::/16",    "ff02::/16"};
	struct cidr c;

	for (size_t i = 0; i < r->nto; i++)
		for (size_t j = 0; r->to[i].type == ATOM_CIDR && j < sizeof(local) / sizeof(*local);
		     j++)
			if (!cidr_parse(&c, local[j]) && c.len <= r->to[i].cidr.len &&
			    cidr_has(&c, &r->to[i].cidr.addr))
				diag_at(l->d, DIAG_WARNING, FILE_OF(l->p, r), r->line,
					r->to[i].column, r->to[i].length,
					"local traffic is outside the policy: no rule decides it");
}

/* By a line above, or by several together (NULL). */
static void not_reached(const struct lint *l, const struct rule *r, const struct rule *by,
			enum cover how)
{
	size_t len = by ? strlen(by->text) : 0;
	int shown = (int)(len > RULE_TEXT_SHOWN ? RULE_TEXT_SHOWN : len);
	const char *dots = len > RULE_TEXT_SHOWN ? "..." : "";
	char where[POLICY_WHERE];

	if (by)
		policy_where(where, by->file == r->file ? NULL : FILE_OF(l->p, by), by->line);
	if (!by)
		diag_warn(l->d, FILE_OF(l->p, r), r->line,
			  "never reached: the lines above it decide everything that it matches");
	else if (how == COVER_ALL)
		diag_warn(l->d, FILE_OF(l->p, r), r->line,
			  "never reached: %s '%.*s%s' decides first", where, shown, by->text, dots);
	else
		diag_warn(l->d, FILE_OF(l->p, r), r->line,
			  "reached only where place, sender or port is not "
			  "known: %s '%.*s%s' decides the rest",
			  where, shown, by->text, dots);
}

/* What a name costs: before it is known, and where it never is, the strictest that may be decides. */
static void lint_name(const struct lint *l, const struct rule *r)
{
	if (!r->name || expired(l, r))
		return;
	if (r->action == DECIDE_ALLOW)
		diag_warn(
			l->d, l->p->file, r->line,
			"a flow is allowed by its name only once it has said it: the lines below decide its "
			"first packets, and where they block none can be said");
	else
		diag_warn(
			l->d, l->p->file, r->line,
			"until a flow has said whom it is meant for, and where it never does, this line %s all "
			"that its other conditions match%s",
			r->action == DECIDE_BLOCK ? "blocks" : "alerts on",
			r->service ? "" : ": give it a port, such as 'port 443'");
}

/* Region globs are tried with one made-up region each, so nothing is concluded from them. */
static bool names_region(const struct rule *r)
{
	for (size_t i = 0; i < r->nto; i++)
		if (r->to[i].region)
			return true;
	return false;
}

/* The first rule above that leaves nothing for this one; else the first that leaves only what is
 * not known. */
static const struct rule *coverer(struct lint *l, size_t i, enum cover *how)
{
	const struct rule *r = &l->p->rules[i], *above, *ret = NULL;
	enum cover c;

	for (size_t j = 0; j < i && l->pairs < PAIRS_MAX && *how != COVER_ALL; j++) {
		above = &l->p->rules[j];
		l->pairs += (r->nto + 1) * (above->nto + 1);
		c = expired(l, above) ? COVER_NOT : shadow_rule(&l->eval, above, r);
		if (c > *how) {
			*how = c;
			ret = above;
		}
	}
	return ret;
}

static void lint_reach(struct lint *l, size_t i)
{
	const struct rule *r = &l->p->rules[i], *by;
	enum cover how = COVER_NOT;

	if (expired(l, r))
		return;
	by = coverer(l, i, &how);
	if (how == COVER_ALL)
		not_reached(l, r, by, how);
	else if (!l->reached[i] && !names_region(r))
		not_reached(l, r, NULL, COVER_ALL);
	else if (how == COVER_KNOWN)
		not_reached(l, r, by, how);
}

static bool subject_used(const struct policy *p, const struct subject_def *s)
{
	for (size_t i = 0; i < p->nrules; i++)
		for (size_t j = 0; j < p->rules[i].nfrom; j++)
			if (p->rules[i].from[j] == s)
				return true;
	return false;
}

static bool service_used(const struct policy *p, const struct service_def *s)
{
	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].service == s)
			return true;
	return false;
}

static bool zone_promised(const struct policy *p, const struct zone_def *z)
{
	for (size_t i = 0; i < p->npromises; i++) {
		if (p->promises[i].under == z)
			return true;
		for (size_t j = 0; j < p->promises[i].nstays; j++)
			if (p->promises[i].stays[j] == z)
				return true;
	}
	return false;
}

static bool zone_used(const struct policy *p, const struct zone_def *z)
{
	for (size_t i = 0; i < p->nrules; i++) {
		if (p->rules[i].under == z)
			return true;
		for (size_t j = 0; j < p->rules[i].nto; j++)
			if (p->rules[i].to[j].zone == z)
				return true;
	}
	for (size_t i = 0; i < p->nzones; i++)
		for (size_t j = 0; j < p->zones[i]->natoms; j++)
			if (p->zones[i]->atoms[j].zone == z)
				return true;
	return zone_promised(p, z);
}

static bool list_used(const struct policy *p, const struct list_def *l)
{
	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		for (size_t j = 0; j < r->nto; j++)
			if (r->to[j].list == l)
				return true;
		for (size_t j = 0; j < r->nfrom; j++)
			for (size_t k = 0; k < r->from[j]->natoms; k++)
				if (r->from[j]->atoms[k].list == l)
					return true;
	}
	return false;
}

static void lint_names(const struct lint *l)
{
	const struct policy *p = l->p;

	for (size_t i = 0; i < p->nzones; i++)
		if (!zone_used(p, p->zones[i]))
			diag_warn(l->d, FILE_OF(p, p->zones[i]), p->zones[i]->line,
				  "zone '%s' is used nowhere", p->zones[i]->name);
	for (size_t i = 0; i < p->nlists; i++)
		if (!list_used(p, p->lists[i]))
			diag_warn(l->d, FILE_OF(p, p->lists[i]), p->lists[i]->line,
				  "list '%s' is used by no rule", p->lists[i]->name);
		else if (!p->lists[i]->ncidrs)
			diag_warn(l->d, FILE_OF(p, p->lists[i]), p->lists[i]->line,
				  "list '%s' is empty: what names it matches nothing",
				  p->lists[i]->name);
	for (size_t i = 0; i < p->nsubjects; i++)
		if (!subject_used(p, p->subjects[i]))
			diag_warn(l->d, FILE_OF(p, p->subjects[i]), p->subjects[i]->line,
				  "subject '%s' is used by no rule", p->subjects[i]->name);
	for (size_t i = 0; i < p->nservices; i++)
		if (!service_used(p, p->services[i]))
			diag_warn(l->d, FILE_OF(p, p->services[i]), p->services[i]->line,
				  "service '%s' is used by no rule", p->services[i]->name);
}

/* An adequacy decision that ends, or begins, changes what a line means without anybody editing it.
 */
static void lint_zone(const struct lint *l, const struct zone_def *z)
{
	char date[CALENDAR_STRLEN], cc[3];
	int64_t soon = l->now + ZONE_SOON_DAYS * DAY;
	struct zone_row row;

	for (size_t i = 0; zone_row((enum zone)z->builtin, i, &row); i++) {
		if (row.until > l->now && row.until <= soon)
			diag_warn(l->d, l->p->file, 0, "zone '%s' loses %s on %s", z->name,
				  country_text(row.country, cc), calendar_format(date, row.until));
		if (row.from > l->now && row.from <= soon)
			diag_warn(l->d, l->p->file, 0, "zone '%s' gains %s on %s", z->name,
				  country_text(row.country, cc), calendar_format(date, row.from));
	}
}

static bool unconditional(const struct rule *r)
{
	bool any = !r->nto;

	for (size_t i = 0; i < r->nto; i++)
		any |= r->to[i].type == ATOM_ANY;
	return any && !r->nfrom && !r->under && !r->service && !r->until && !r->over &&
	       r->opened == RULE_OPENED_ANY;
}

static void lint_allow_any(const struct lint *l, const struct rule *r)
{
	if (r->action == DECIDE_ALLOW && unconditional(r))
		diag_warn(l->d, FILE_OF(l->p, r), r->line,
			  "allows every address, those included whose "
			  "place is not known or disputed");
}

/* The last word belongs in the file, where a reader looks for it. */
static void lint_end(const struct lint *l)
{
	for (size_t i = 0; i < l->p->nrules; i++)
		if (unconditional(&l->p->rules[i]))
			return;
	diag_warn(l->d, FILE_OF(l->p, &l->p->rules[l->p->nrules - 1]),
		  l->p->rules[l->p->nrules - 1].line,
		  "after this line everything else is blocked; say so with 'block to any'");
}

/* 12m is twelve minutes: who writes it means a year. */
static void lint_journal(const struct lint *l)
{
	if (l->p->journal && l->p->journal_keep && l->p->journal_keep < 86400)
		diag_warn(l->d, l->p->file, 0,
			  "the journal keeps its records for less than a day; months are written "
			  "'keep 12 months'");
}

void policy_lint(const struct policy *p, int64_t now, struct diag_sink *d)
{
	struct arena *a = arena_new();
	struct lint l = {.p = p, .now = now, .d = d};

	if (a)
		l.reached = arena_alloc(a, p->nrules, sizeof(*l.reached));
	if (!l.reached || eval_init(&l.eval, a, p, now) ||
	    unreachable_rules(p, now, l.reached) == -ENOMEM) {
		diag_warn(d, p->file, 0, "no memory to look for mistakes");
		arena_free(a);
		return;
	}
	lint_names(&l);
	lint_journal(&l);
	for (size_t i = 0; i < p->nrules; i++) {
		lint_date(&l, &p->rules[i]);
		lint_name(&l, &p->rules[i]);
		lint_local(&l, &p->rules[i]);
		lint_reach(&l, i);
		lint_allow_any(&l, &p->rules[i]);
	}
	if (l.pairs >= PAIRS_MAX)
		diag_warn(d, p->file, 0, "too many places to compare every rule with all above it");
	lint_end(&l);
	for (size_t i = 0; i < p->nzone_order; i++)
		if (p->zone_order[i]->builtin >= 0)
			lint_zone(&l, p->zone_order[i]);
	arena_free(a);
}
