/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_contra.c - declared against observed. A contradiction is what every reading of the declaration rules out: a place
 * that is proven and that no contract names, a parent under another law, an infrastructure that is not in the chain. What
 * is not known or cannot be proven contradicts nothing.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "agent/base/text.h"
#include "agent/report/declared.h"
#include "agent/report/report_private.h"
#include "geo/facts/country.h"
#include "geo/facts/law.h"
#include "rules/policy.h"

#define COLUMNS(v) (unsigned)(sizeof(v) / sizeof((v)[0]))
#define TEXT_MAX   256

static const struct report_column columns[] = {
	{"kind", T_COL_CONTRA, KIND_WORD, LABEL},
	{"operator", T_COL_OPERATOR, KIND_NAME, LABEL},
	{"declared", T_COL_DECLARED, KIND_NAME, LABEL},
	{"observed", T_COL_OBSERVED, KIND_NAME, LABEL},
	{"process", T_COL_PROCESS, KIND_NAME, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"flows", T_COL_FLOWS, KIND_COUNT, SUM},
	{"first", T_COL_FIRST, KIND_TIME, LEAST},
	{"last", T_COL_LAST, KIND_TIME, MOST},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

struct finding {
	struct residency *r;
	const struct fact *x;
	const struct fact_key *k;
	const struct operator_entry *op;
};

static int find(const struct finding *f, enum report_text kind, const char *declared,
		const char *observed)
{
	struct report_facts *facts = f->r->facts;
	struct report_cell *c = table_row(&f->r->table[TABLE_CONTRADICTIONS]);

	if (!c)
		return -ENOMEM;
	c[0].n = kind;
	c[1].s = fact_operator(f->k);
	c[2].s = facts_keep(facts, declared, strlen(declared));
	c[3].s = facts_keep(facts, observed, strlen(observed));
	c[4].s = fact_process(f->k);
	c[5].n = f->x->sum.bytes;
	c[6].n = f->x->sum.flows;
	c[7].n = f->x->sum.first_ns / 1000000000;
	c[8].n = f->x->sum.last_ns / 1000000000;
	c[9].n = f->x->key;
	return 0;
}

/* All contracts with this operator, under whatever code. */
struct union_of {
	uint64_t has[26 * 26 / 64 + 1];
	unsigned countries;
	bool everywhere, contracted, subcontracts;
	bool parent_said, parent_fits;
	uint16_t parent;
};

static unsigned bit_of(uint16_t cc)
{
	return ((unsigned)(cc >> 8) - 'A') * 26 + ((cc & 0xffu) - 'A');
}

static uint16_t last_law(const struct operator_entry *o)
{
	uint16_t law = 0;

	for (unsigned i = 0; o && i < OPERATOR_LAWS && o->laws[i]; i++)
		law = o->laws[i];
	return law;
}

static void add(struct union_of *u, const struct declared *p, const struct operator_entry *op)
{
	u->contracted = true;
	u->everywhere |= p->everywhere;
	for (unsigned i = 0; i < p->countries; i++) {
		unsigned bit = bit_of(p->country[i]);

		u->countries += !(u->has[bit / 64] >> bit % 64 & 1);
		u->has[bit / 64] |= 1ull << bit % 64;
	}
	if (p->ultimate) {
		u->parent_said = true;
		u->parent = u->parent ? u->parent : p->ultimate;
		u->parent_fits |= p->ultimate == last_law(op);
	} else {
		u->parent_fits = true; /* nothing is said of it */
	}
}

static void countries_text(char buf[TEXT_MAX], const struct union_of *u)
{
	size_t n = 0;

	buf[0] = 0;
	for (unsigned bit = 0; bit < 26 * 26 && n + 4 < TEXT_MAX; bit++)
		if (u->has[bit / 64] >> bit % 64 & 1)
			n += text_put(buf + n, TEXT_MAX - n, "%s%c%c", n ? " " : "",
				      (char)('A' + bit / 26), (char)('A' + bit % 26));
}

static int dora_place(const struct finding *f, const struct union_of *u)
{
	const char *country = f->k->text[COLUMN_COUNTRY];
	uint16_t cc = country_code(country, strlen(country));
	char declared[TEXT_MAX];
	unsigned bit = cc ? bit_of(cc) : 0;

	if (f->x->place > CLASS_THIRD || !cc || u->everywhere || !u->countries ||
	    u->has[bit / 64] >> bit % 64 & 1)
		return 0;
	countries_text(declared, u);
	return find(f, T_CONTRA_PLACE, declared, country);
}

static int dora_law(const struct finding *f, const struct union_of *u)
{
	char declared[3], observed[3];
	uint16_t law = last_law(f->op);

	if (!f->op || !f->op->checked || !law || !u->parent_said || u->parent_fits)
		return 0;
	return find(f, T_CONTRA_PARENT, country_text(u->parent, declared),
		    country_text(law, observed));
}

/* A platform's one infrastructure must stand in the chain of suppliers. */
static int dora_chain(const struct finding *f, const struct declarations *d)
{
	const struct operator_entry *on;

	if (!d->chain || !f->op || !f->op->platform || !*f->op->on)
		return 0;
	on = operator_by_key(f->op->on);
	for (size_t i = 0; i < d->n; i++)
		if (!on || (d->v[i].op == on && (d->v[i].subcontracts || d->v[i].contracted)))
			return 0;
	return find(f, T_CONTRA_CHAIN, "", on->name);
}

static int dora(const struct finding *f, const struct declarations *d)
{
	const char *name = fact_operator(f->k), *provider = f->k->text[COLUMN_PROVIDER];
	const struct declared *p = NULL;
	struct union_of u = {0};
	int e;

	while ((p = declared_next(d, p, name, provider)))
		if (p->contracted)
			add(&u, p, f->op);
	if (!u.contracted)
		return 0;
	e = dora_place(f, &u);
	e = e ? e : dora_law(f, &u);
	return e ? e : dora_chain(f, d);
}

static int hds_one(const struct finding *f, const struct declared *p)
{
	const char *country = f->k->text[COLUMN_COUNTRY];
	int64_t at = f->r->facts->part[f->x->part];
	const struct law_hds *h = f->op ? law_hds(f->op->key) : NULL;
	char law[3];
	int e = 0;

	if (p->hds_no_access && f->x->place > CLASS_EEA && f->x->place <= CLASS_THIRD)
		e = find(f, T_CONTRA_HDS_ACCESS, "EEA", country);
	if (e == 0 && p->hds_no_law && f->op)
		for (unsigned i = 0; i < OPERATOR_LAWS && f->op->laws[i]; i++)
			if (report_class_of(country_text(f->op->laws[i], law), at) > CLASS_EEA)
				return find(f, T_CONTRA_HDS_LAW, "EEA", law);
	if (e == 0 && p->hds_certified && h && h->checked && f->x->place <= CLASS_THIRD &&
	    law_hds_at(h, f->k->text[COLUMN_REGION], country_code(country, strlen(country)), at) ==
		    LAW_HDS_ELSEWHERE)
		e = find(f, T_CONTRA_HDS, "HDS", country);
	return e;
}

static int hds(const struct finding *f, const struct declarations *d)
{
	const char *name = fact_operator(f->k), *provider = f->k->text[COLUMN_PROVIDER];
	const struct declared *p = NULL;
	int e = 0;

	while (e == 0 && (p = declared_next(d, p, name, provider)))
		if (p->hds)
			e = hds_one(f, p);
	return e;
}

/* As rules name it: the operator, or the infrastructure under a platform; or the name that a source gives it. */
static bool promised_by(const struct finding *f, const struct policy_promise *m)
{
	const struct operator_entry *o = operator_find(m->provider);
	const char *provider = f->k->text[COLUMN_PROVIDER];

	return o ? o == f->op || strcasecmp(o->key, provider) == 0
		 : strcasecmp(m->provider, provider) == 0 ||
			       strcasecmp(m->provider, fact_operator(f->k)) == 0;
}

static int promise_place(const struct finding *f, const struct policy_promise *m)
{
	const char *country = f->k->text[COLUMN_COUNTRY];
	uint16_t cc = country_code(country, strlen(country));
	char declared[TEXT_MAX], buf[3];
	size_t n = 0;

	if (f->x->place > CLASS_THIRD || !cc)
		return 0;
	declared[0] = 0;
	for (size_t i = 0; i < m->nstays; i++) {
		if (policy_zone_has(m->stays[i], cc, f->r->facts->part[f->x->part]))
			return 0;
		if (n + 1 < TEXT_MAX)
			n += text_put(declared + n, TEXT_MAX - n, "%s%s", n ? " " : "",
				      policy_zone_text(m->stays[i], buf));
	}
	return find(f, T_CONTRA_PROMISE, declared, country);
}

/* Each law of the chain reaches the data: the first that was not promised. Of who is in no table, the law that a source
 * names; what was not checked contradicts nothing. */
static int promise_law(const struct finding *f, const struct policy_promise *m)
{
	const char *said = f->k->text[COLUMN_LAW];
	const uint16_t one[] = {country_code(said, strlen(said)), 0}, none[] = {0};
	const struct operator_entry *o = operator_find(m->provider);
	const uint16_t *law = !o ? one : o->checked ? o->laws : none;
	char declared[TEXT_MAX], buf[3], observed[3];

	for (unsigned i = 0; m->under && i < OPERATOR_LAWS && law[i]; i++)
		if (!policy_zone_has(m->under, law[i], f->r->facts->part[f->x->part])) {
			text_put(declared, sizeof(declared), "%s", policy_zone_text(m->under, buf));
			return find(f, T_CONTRA_PROMISE_LAW, declared,
				    country_text(law[i], observed));
		}
	return 0;
}

static int promises(const struct finding *f, const struct declarations *d)
{
	int e = 0;

	for (size_t k = 0; k < d->policies; k++) {
		const struct policy *p = d->policy[k];

		for (size_t i = 0; i < p->npromises && e == 0; i++) {
			const struct policy_promise *m = &p->promises[i];

			if (!promised_by(f, m))
				continue;
			e = promise_place(f, m);
			e = e ? e : promise_law(f, m);
		}
	}
	return e;
}

int tables_contradictions(struct residency *r, const struct declarations *d)
{
	struct report_facts *f = r->facts;
	struct report_table *t = &r->table[TABLE_CONTRADICTIONS];
	int e = 0;

	table_init(r, TABLE_CONTRADICTIONS, "contradictions", T_TAB_CONTRADICTIONS,
		   declared_any(d) ? T_NOTE_CONTRADICTIONS : T_NOTE_NOTHING_DECLARED, columns,
		   COLUMNS(columns));
	for (uint32_t i = 0; i < f->facts && e == 0 && declared_any(d); i++) {
		const struct fact *x = &f->fact[i];
		const struct fact_key *k = &f->key[x->key];
		struct finding one = {r, x, k, fact_operator_entry(k)};

		if (k->kind != LEDGER_FLOW || !fact_left(f, x))
			continue;
		e = dora(&one, d);
		e = e ? e : hds(&one, d);
		e = e ? e : promises(&one, d);
	}
	e = e ? e : table_merge(r, t, 5);
	r->contradictions = t->rows;
	return e;
}
