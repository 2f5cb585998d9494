/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_law.c - what the law asks for, prefilled with what was observed: HDS v2 (chapter 8), GDPR Art. 30(1)(e) and
 * 44-49, providers and what changed, what a host cannot see, which policy and places were in force.
 */
#include <errno.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/report/report_private.h"
#include "agent/report/words.h"
#include "geo/facts/country.h"
#include "geo/facts/law.h"
#include "geo/facts/operator.h"
#include "geo/facts/zone.h"

#define COLUMNS(v) (unsigned)(sizeof(v) / sizeof((v)[0]))
#define SHOWN	   100

static const char *keep(struct report_facts *f, const char *s)
{
	return facts_keep(f, s, strlen(s));
}

static const char *word_of(struct report_facts *f, const struct fact_key *k, const char *word)
{
	const char *s;
	size_t n;

	return rule_word(k->text[COLUMN_RULE], word, &s, &n) ? facts_keep(f, s, n) : "";
}

/* ---- HDS ---- */
static const struct report_column hds_columns[] = {
	{"actor", T_HDS_ACTOR, KIND_NAME, LABEL},
	{"role", T_HDS_ROLE, KIND_WORD, LABEL},
	{"hds", T_HDS_CERTIFIED, KIND_NAME, LABEL},
	{"secnumcloud", T_HDS_SECNUMCLOUD, KIND_NAME, LABEL},
	{"activities", T_HDS_ACTIVITIES, KIND_NAME, LABEL},
	{"access", T_HDS_ACCESS, KIND_NAME, LABEL},
	{"law", T_HDS_LAW, KIND_NAME, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

static void word(struct report_cell *c, enum report_text t)
{
	*c = (struct report_cell){.n = t};
}

/* Laws outside of the EEA in the chain: "US"; an operator in no table has the ledger's law, or none that is known. */
static void hds_law(struct report_facts *f, struct report_cell *c, const struct fact *x,
		    const struct fact_key *k, const struct operator_entry *o)
{
	char buf[OPERATOR_LAWS * 4] = "", cc[3];
	size_t n = 0;

	for (unsigned i = 0; o && i < OPERATOR_LAWS && o->laws[i]; i++)
		if (report_class_of(country_text(o->laws[i], cc), f->part[x->part]) > CLASS_EEA)
			n += text_put(buf + n, sizeof(buf) - n, "%s%s", n ? " " : "", cc);
	if (!o && x->law == CLASS_UNKNOWN)
		word(c, T_NOT_KNOWN);
	else if (!o && x->law > CLASS_EEA)
		c->s = k->text[COLUMN_LAW];
	else if (n)
		c->s = keep(f, buf);
	else
		word(c, T_HDS_NO_LAW);
}

static void hds_certified(struct report_facts *f, struct report_cell *c, const struct fact *x,
			  const struct fact_key *k, const struct operator_entry *o)
{
	const struct law_hds *h = o ? law_hds(o->key) : NULL;
	const char *cc = k->text[COLUMN_COUNTRY];
	char buf[512];

	if (!h) {
		word(c, T_NOT_KNOWN);
		return;
	}
	text_put(buf, sizeof(buf), "%s; %s (%s)", h->status,
		 law_hds_at_text(
			 law_hds_at(h, k->text[COLUMN_REGION],
				    x->place <= CLASS_THIRD ? country_code(cc, strlen(cc)) : 0,
				    f->part[x->part])),
		 h->date);
	c->s = keep(f, buf);
}

static void hds_qualified(struct report_facts *f, struct report_cell *c,
			  const struct operator_entry *o)
{
	const struct law_secnumcloud *s;
	char buf[512] = "";
	size_t n = 0;

	for (size_t i = 0; o && (s = law_secnumcloud(o->key, i)); i++)
		n += text_put(buf + n, sizeof(buf) - n, "%s%s: %s", n ? "; " : "", s->offer,
			      s->status);
	if (n)
		c->s = keep(f, buf);
	else
		word(c, T_NOT_KNOWN);
}

static void hds_row(struct report_facts *f, struct report_cell *c, const struct fact *x)
{
	const struct fact_key *k = &f->key[x->key];
	const struct operator_entry *o = fact_operator_entry(k);
	const struct law_hds *h = o ? law_hds(o->key) : NULL;

	c[0].s = fact_operator(k);
	c[1].n = T_HDS_TO_FILL;
	hds_certified(f, &c[2], x, k, o);
	hds_qualified(f, &c[3], o);
	if (h && *h->activities)
		c[4].s = h->activities;
	else
		word(&c[4], T_NOT_KNOWN);
	if (x->place > CLASS_THIRD)
		word(&c[5], T_NOT_KNOWN);
	else if (x->place > CLASS_EEA)
		c[5].s = k->text[COLUMN_COUNTRY];
	else
		word(&c[5], T_HDS_NO_ACCESS);
	hds_law(f, &c[6], x, k, o);
	c[7].n = x->sum.bytes;
	c[8].n = x->key;
}

static int hds(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_HDS];
	struct report_facts *f = r->facts;

	table_init(r, TABLE_HDS, "hds", T_TAB_HDS, T_NOTE_HDS, hds_columns, COLUMNS(hds_columns));
	t->shown = SHOWN;
	for (uint32_t i = 0; i < f->facts; i++) {
		struct report_cell *c;

		if (!fact_left(f, &f->fact[i]))
			continue;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		hds_row(f, c, &f->fact[i]);
	}
	return table_merge(r, t, 7);
}

/* ---- Art. 30 and the facts of a transfer impact assessment ---- */
static const struct report_column transfer_columns[] = {
	{"purpose", T_COL_PURPOSE, KIND_NAME, LABEL},
	{"recipient", T_COL_RECIPIENT, KIND_NAME, LABEL},
	{"laws", T_COL_CHAIN, KIND_NAME, LABEL},
	{"class", T_COL_CLASS, KIND_WORD, LABEL},
	{"country", T_COL_COUNTRY, KIND_COUNTRY, LABEL},
	{"evidence", T_COL_GRADE, KIND_NAME, LABEL},
	{"act", T_COL_ACT, KIND_NAME, LABEL},
	{"basis", T_COL_BASIS, KIND_NAME, LABEL},
	{"because", T_COL_BECAUSE, KIND_NAME, LABEL},
	{"until", T_COL_REVIEW, KIND_NAME, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"flows", T_COL_FLOWS, KIND_COUNT, SUM},
	{"first", T_COL_FIRST, KIND_TIME, LEAST},
	{"last", T_COL_LAST, KIND_TIME, MOST},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

/* The decision that made the country adequate on that day. */
static const char *act_of(const struct report_facts *f, const struct fact *x)
{
	enum zone z = x->place == CLASS_ADEQUATE ? ZONE_ADEQUATE : ZONE_ADEQUATE_CONDITIONAL;
	const char *cc = f->key[x->key].text[COLUMN_COUNTRY];
	int64_t at = f->part[x->part];
	struct zone_row row;

	if (x->place != CLASS_ADEQUATE && x->place != CLASS_CONDITIONAL)
		return "";
	for (size_t i = 0; zone_row(z, i, &row); i++)
		if (row.country == country_code(cc, strlen(cc)) && at >= row.from &&
		    (!row.until || at < row.until))
			return row.source;
	return "";
}

static int transfers(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_TRANSFERS];
	struct report_facts *f = r->facts;

	table_init(r, TABLE_TRANSFERS, "transfers", T_TAB_TRANSFERS, T_NOTE_TRANSFERS,
		   transfer_columns, COLUMNS(transfer_columns));
	t->shown = SHOWN;
	for (uint32_t i = 0; i < f->facts; i++) {
		const struct fact *x = &f->fact[i];
		const struct fact_key *k = &f->key[x->key];
		struct report_cell *c;

		if (!fact_left(f, x) || x->place <= CLASS_EEA)
			continue;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		c[0].s = word_of(f, k, "purpose");
		c[1].s = fact_operator(k);
		c[2].s = fact_chain(f, k);
		c[3].n = report_class_text((enum report_class)x->place);
		c[4].s = k->text[COLUMN_COUNTRY];
		c[5].s = k->text[COLUMN_GRADE];
		c[6].s = act_of(f, x);
		c[7].s = word_of(f, k, "basis");
		c[8].s = word_of(f, k, "because");
		c[9].s = word_of(f, k, "until");
		c[10].n = x->sum.bytes;
		c[11].n = x->sum.flows;
		c[12].n = x->sum.first_ns / 1000000000;
		c[13].n = x->sum.last_ns / 1000000000;
		c[14].n = x->key;
	}
	return table_merge(r, t, 10);
}

/* ---- providers ---- */
static const struct report_column provider_columns[] = {
	{"operator", T_COL_OPERATOR, KIND_NAME, LABEL},
	{"laws", T_COL_CHAIN, KIND_NAME, LABEL},
	{"source", T_COL_SOURCE, KIND_NAME, LABEL},
	{"country", T_COL_COUNTRY, KIND_COUNTRY, LABEL},
	{"region", T_COL_REGION, KIND_NAME, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"before", T_COL_BEFORE, KIND_BYTES, SUM},
	{"first", T_COL_FIRST, KIND_TIME, LEAST},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

static const char *source_of(struct report_facts *f, const struct fact_key *k)
{
	const struct operator_entry *o = fact_operator_entry(k);
	char buf[512];

	if (!o)
		return "";
	text_put(buf, sizeof(buf), "%s (%s)", o->source, o->date);
	return keep(f, buf);
}

static int provider(struct report_facts *f, struct report_table *t, uint32_t key, uint64_t bytes,
		    uint64_t before, uint64_t first)
{
	const struct fact_key *k = &f->key[key];
	struct report_cell *c = table_row(t);

	if (!c)
		return -ENOMEM;
	c[0].s = fact_operator(k);
	c[1].s = fact_chain(f, k);
	c[2].s = source_of(f, k);
	c[3].s = k->text[COLUMN_COUNTRY];
	c[4].s = k->text[COLUMN_REGION];
	c[5].n = bytes;
	c[6].n = before;
	c[7].n = first;
	c[8].n = key;
	return 0;
}

static int providers(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_PROVIDERS];
	struct report_facts *f = r->facts;
	int e = 0;

	table_init(r, TABLE_PROVIDERS, "providers", T_TAB_PROVIDERS, T_NOTE_PROVIDERS,
		   provider_columns, COLUMNS(provider_columns));
	t->shown = SHOWN;
	for (uint32_t i = 0; i < f->facts && e == 0; i++)
		if (fact_left(f, &f->fact[i]))
			e = provider(f, t, f->fact[i].key, f->fact[i].sum.bytes, 0,
				     f->fact[i].sum.first_ns / 1000000000);
	for (uint32_t i = 0; i < f->keys && e == 0; i++)
		if (f->key[i].before && !(f->key[i].verdict == 2 && f->key[i].enforced))
			e = provider(f, t, i, 0, f->key[i].before,
				     f->key[i].before_first_ns / 1000000000);
	return e ? e : table_merge(r, t, 5);
}

/* ---- what a host cannot see ---- */
static const struct report_column limit_columns[] = {
	{"operator", T_COL_OPERATOR, KIND_NAME, LABEL}, {"fact", T_COL_FACT, KIND_NAME, LABEL},
	{"checked", T_COL_CHECKED, KIND_WORD, LABEL},	{"source", T_COL_SOURCE, KIND_NAME, LABEL},
	{"date", T_COL_READ, KIND_NAME, LABEL},
};

static int limit_rows(struct report_facts *f, struct report_table *t,
		      const struct operator_entry *o)
{
	const struct law_fact *fact;

	for (size_t i = 0; (fact = law_fact(o->key, i)); i++) {
		struct report_cell *c = table_row(t);

		if (!c)
			return -ENOMEM;
		c[0].s = keep(f, o->name);
		c[1].s = keep(f, fact->text);
		c[2].n = fact->checked ? T_YES : T_NO;
		c[3].s = keep(f, fact->source);
		c[4].s = keep(f, fact->date);
	}
	return 0;
}

static int limits(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_LIMITS];
	const struct report_facts *f = r->facts;
	const struct operator_entry *o;
	int e = 0;

	table_init(r, TABLE_LIMITS, "limits", T_TAB_LIMITS, T_NOTE_LIMITS, limit_columns,
		   COLUMNS(limit_columns));
	for (size_t i = 0; e == 0 && (o = operator_row(i)); i++)
		for (uint32_t k = 0; k < f->facts; k++)
			if (fact_operator_entry(&f->key[f->fact[k].key]) == o) {
				e = limit_rows(r->facts, t, o);
				break;
			}
	return e;
}

/* ---- what was in force ---- */
static const struct report_column force_columns[] = {
	{"host", T_COL_HOST, KIND_NAME, LABEL},	    {"since", T_COL_START, KIND_TIME, LABEL},
	{"mode", T_COL_MODE, KIND_WORD, LABEL},	    {"policy", T_COL_POLICY, KIND_NAME, LABEL},
	{"places", T_COL_PLACES, KIND_NAME, LABEL}, {"record", T_COL_RECORD, KIND_COUNT, LABEL},
};

static bool changes(const struct fact_state *a, const struct fact_state *b)
{
	return !a || a->mode != b->mode || strcmp(a->policy, b->policy) != 0 ||
	       strcmp(a->places, b->places) != 0;
}

/* What was in force when the period began, then each change. */
static int in_force(struct residency *r)
{
	static const enum report_text mode[] = {T_NOT_KNOWN, T_COL_MONITORED, T_COL_ENFORCED};
	struct report_table *t = &r->table[TABLE_IN_FORCE];
	const struct report_facts *f = r->facts;
	const struct fact_state *last[REPORT_HOSTS] = {NULL};

	table_init(r, TABLE_IN_FORCE, "in-force", T_TAB_IN_FORCE, T_NOTE_IN_FORCE, force_columns,
		   COLUMNS(force_columns));
	t->shown = SHOWN;
	for (size_t i = 0; i < f->states; i++) {
		const struct fact_state *s = &f->state[i];
		bool next_too_early =
			i + 1 < f->states && s[1].host == s->host && s[1].time <= f->from;
		struct report_cell *c;

		if (next_too_early || s->time >= f->to || !changes(last[s->host], s))
			continue;
		last[s->host] = s;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		c[0].s = f->host[s->host].name;
		c[1].n = (uint64_t)s->time;
		c[2].n = mode[s->mode];
		c[3].s = s->policy;
		c[4].s = s->places;
		c[5].n = s->record;
	}
	return 0;
}

int tables_law(struct residency *r)
{
	int e = hds(r);

	e = e ? e : transfers(r);
	e = e ? e : providers(r);
	e = e ? e : limits(r);
	return e ? e : in_force(r);
}
