/* SPDX-License-Identifier: BSD-2-Clause */
/* table_rows.c - who got it, what was stopped, by which exception, and who came in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/report/report_private.h"
#include "agent/report/words.h"
#include "geo/facts/country.h"
#include "geo/facts/operator.h"

#define COLUMNS(v) (unsigned)(sizeof(v) / sizeof((v)[0]))
#define SHOWN	   100

static enum report_text verdict_of(const struct fact_key *k)
{
	static const enum report_text text[] = {T_VERDICT_ALLOW, T_VERDICT_ALERT};

	if (k->verdict < 2)
		return text[k->verdict];
	return k->enforced ? T_VERDICT_BLOCK : T_VERDICT_WOULD_BLOCK;
}

/* "CH AT MX": from the company to its ultimate parent; the ledger's law when the operator is in no table. */
const char *fact_chain(struct report_facts *f, const struct fact_key *k)
{
	const struct operator_entry *o = fact_operator_entry(k);
	char buf[OPERATOR_LAWS * 4] = "", cc[3];
	size_t n = 0;

	if (!o)
		return k->text[COLUMN_LAW];
	for (unsigned i = 0; i < OPERATOR_LAWS && o->laws[i]; i++)
		n += text_put(buf + n, sizeof(buf) - n, "%s%s", i ? " " : "",
			      country_text(o->laws[i], cc));
	return facts_keep(f, buf, n);
}

const char *fact_operator(const struct fact_key *k)
{
	if (k->kind == LEDGER_OTHER)
		return "(other)";
	if (k->kind == LEDGER_UNATTRIBUTED)
		return "(unattributed)";
	if (k->op) /* by the name that it is known by, whatever a source calls it */
		return k->op->name;
	return *k->text[COLUMN_OPERATOR] ? k->text[COLUMN_OPERATOR] : k->text[COLUMN_PROVIDER];
}

const char *fact_process(const struct fact_key *k)
{
	return *k->text[COLUMN_EXE] ? k->text[COLUMN_EXE] : k->text[COLUMN_UNIT];
}

static const char *service_of(struct report_facts *f, const struct fact_key *k)
{
	char buf[32];
	const char *proto = k->proto == 6 ? "tcp" : k->proto == 17 ? "udp" : NULL;
	size_t n;

	if (k->kind != LEDGER_FLOW)
		return "";
	if (proto)
		n = text_put(buf, sizeof(buf), "%s/%u", proto, k->port);
	else
		n = text_put(buf, sizeof(buf), "proto %u", k->proto);
	return facts_keep(f, buf, n);
}

static const char *word_of(struct report_facts *f, const struct fact_key *k, const char *word)
{
	const char *s;
	size_t n;

	if (!rule_word(k->text[COLUMN_RULE], word, &s, &n))
		return "";
	return facts_keep(f, s, n);
}

static const struct report_column recipient_columns[] = {
	{"operator", T_COL_OPERATOR, KIND_NAME, LABEL},
	{"laws", T_COL_CHAIN, KIND_NAME, LABEL},
	{"class", T_COL_CLASS, KIND_WORD, LABEL},
	{"country", T_COL_COUNTRY, KIND_COUNTRY, LABEL},
	{"region", T_COL_REGION, KIND_NAME, LABEL},
	{"evidence", T_COL_GRADE, KIND_NAME, LABEL},
	{"process", T_COL_PROCESS, KIND_NAME, LABEL},
	{"purpose", T_COL_PURPOSE, KIND_NAME, LABEL},
	{"service", T_COL_SERVICE, KIND_NAME, LABEL},
	{"verdict", T_COL_VERDICT, KIND_WORD, LABEL},
	{"part", T_COL_PART, KIND_COUNT, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"flows", T_COL_FLOWS, KIND_COUNT, SUM},
	{"first", T_COL_FIRST, KIND_TIME, LEAST},
	{"last", T_COL_LAST, KIND_TIME, MOST},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

static int recipients(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_RECIPIENTS];
	struct report_facts *f = r->facts;

	table_init(r, TABLE_RECIPIENTS, "recipients", T_TAB_RECIPIENTS, T_NONE, recipient_columns,
		   COLUMNS(recipient_columns));
	t->shown = SHOWN;
	for (uint32_t i = 0; i < f->facts; i++) {
		const struct fact *x = &f->fact[i];
		const struct fact_key *k = &f->key[x->key];
		struct report_cell *c;

		if (!fact_left(f, x))
			continue;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		c[0].s = fact_operator(k);
		c[1].s = fact_chain(f, k);
		c[2].n = report_class_text((enum report_class)x->place);
		c[3].s = k->text[COLUMN_COUNTRY];
		c[4].s = k->text[COLUMN_REGION];
		c[5].s = k->text[COLUMN_GRADE];
		c[6].s = fact_process(k);
		c[7].s = word_of(f, k, "purpose");
		c[8].s = service_of(f, k);
		c[9].n = verdict_of(k);
		c[10].n = x->part + 1u;
		c[11].n = x->sum.bytes;
		c[12].n = x->sum.flows;
		c[13].n = x->sum.first_ns / 1000000000;
		c[14].n = x->sum.last_ns / 1000000000;
		c[15].n = x->key;
	}
	return table_merge(r, t, 11);
}

static const struct report_column blocked_columns[] = {
	{"rule", T_COL_RULE, KIND_NAME, LABEL},
	{"operator", T_COL_OPERATOR, KIND_NAME, LABEL},
	{"country", T_COL_COUNTRY, KIND_COUNTRY, LABEL},
	{"process", T_COL_PROCESS, KIND_NAME, LABEL},
	{"service", T_COL_SERVICE, KIND_NAME, LABEL},
	{"stopped", T_COL_STOPPED, KIND_BYTES, SUM},
	{"packets", T_COL_PACKETS, KIND_COUNT, SUM},
	{"attempts", T_COL_ATTEMPTS, KIND_COUNT, SUM},
	{"first", T_COL_FIRST, KIND_TIME, LEAST},
	{"last", T_COL_LAST, KIND_TIME, MOST},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

static int blocked(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_BLOCKED];
	struct report_facts *f = r->facts;

	table_init(r, TABLE_BLOCKED, "blocked", T_TAB_BLOCKED, T_NONE, blocked_columns,
		   COLUMNS(blocked_columns));
	t->shown = SHOWN;
	for (uint32_t i = 0; i < f->facts; i++) {
		const struct fact *x = &f->fact[i];
		const struct fact_key *k = &f->key[x->key];
		struct report_cell *c;

		if (fact_left(f, x))
			continue;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		c[0].s = k->text[COLUMN_RULE];
		c[1].s = fact_operator(k);
		c[2].s = k->text[COLUMN_COUNTRY];
		c[3].s = fact_process(k);
		c[4].s = service_of(f, k);
		c[5].n = x->sum.bytes;
		c[6].n = x->sum.packets;
		c[7].n = x->sum.attempts + x->sum.flows;
		c[8].n = x->sum.first_ns / 1000000000;
		c[9].n = x->sum.last_ns / 1000000000;
		c[10].n = x->key;
	}
	return table_merge(r, t, 5);
}

static const struct report_column exception_columns[] = {
	{"rule", T_COL_RULE, KIND_NAME, LABEL},	      {"basis", T_COL_BASIS, KIND_NAME, LABEL},
	{"because", T_COL_BECAUSE, KIND_NAME, LABEL}, {"until", T_COL_UNTIL, KIND_NAME, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},      {"flows", T_COL_FLOWS, KIND_COUNT, SUM},
	{"first", T_COL_FIRST, KIND_TIME, LEAST},     {"last", T_COL_LAST, KIND_TIME, MOST},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

static int exceptions(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_EXCEPTIONS];
	struct report_facts *f = r->facts;

	table_init(r, TABLE_EXCEPTIONS, "exceptions", T_TAB_EXCEPTIONS, T_NOTE_EXCEPTIONS,
		   exception_columns, COLUMNS(exception_columns));
	t->shown = SHOWN;
	for (uint32_t i = 0; i < f->facts; i++) {
		const struct fact *x = &f->fact[i];
		const struct fact_key *k = &f->key[x->key];
		const char *basis = word_of(f, k, "basis"), *because = word_of(f, k, "because"),
			   *until = word_of(f, k, "until");
		struct report_cell *c;

		if (!fact_left(f, x) || !(*basis || *because || *until))
			continue;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		c[0].s = k->text[COLUMN_RULE];
		c[1].s = basis;
		c[2].s = because;
		c[3].s = until;
		c[4].n = x->sum.bytes;
		c[5].n = x->sum.flows;
		c[6].n = x->sum.first_ns / 1000000000;
		c[7].n = x->sum.last_ns / 1000000000;
		c[8].n = x->key;
	}
	return table_merge(r, t, 4);
}

static const struct report_column inbound_columns[] = {
	{"class", T_COL_CLASS, KIND_WORD, LABEL},
	{"country", T_COL_COUNTRY, KIND_COUNTRY, LABEL},
	{"operator", T_COL_OPERATOR, KIND_NAME, LABEL},
	{"service", T_COL_SERVICE, KIND_NAME, LABEL},
	{"process", T_COL_PROCESS, KIND_NAME, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"stopped", T_COL_STOPPED, KIND_BYTES, SUM},
	{"flows", T_COL_FLOWS, KIND_COUNT, SUM},
	{"first", T_COL_FIRST, KIND_TIME, LEAST},
	{"last", T_COL_LAST, KIND_TIME, MOST},
	{"rows", T_COL_ROWS, KIND_ROWS, LIST},
};

static int inbound(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_INBOUND];
	struct report_facts *f = r->facts;

	table_init(r, TABLE_INBOUND, "inbound", T_TAB_INBOUND, T_NOTE_INBOUND, inbound_columns,
		   COLUMNS(inbound_columns));
	t->shown = SHOWN;
	for (uint32_t i = 0; i < f->facts; i++) {
		const struct fact *x = &f->fact[i];
		const struct fact_key *k = &f->key[x->key];
		struct report_cell *c;

		if (!k->by_peer)
			continue;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		c[0].n = report_class_text((enum report_class)x->place);
		c[1].s = k->text[COLUMN_COUNTRY];
		c[2].s = fact_operator(k);
		c[3].s = service_of(f, k);
		c[4].s = fact_process(k);
		c[5].n = fact_left(f, x) ? x->sum.bytes : 0;
		c[6].n = fact_left(f, x) ? 0 : x->sum.bytes;
		c[7].n = x->sum.flows;
		c[8].n = x->sum.first_ns / 1000000000;
		c[9].n = x->sum.last_ns / 1000000000;
		c[10].n = x->key;
	}
	return table_merge(r, t, 5);
}

static const struct report_column country_columns[] = {
	{"class", T_COL_CLASS, KIND_WORD, LABEL},
	{"country", T_COL_COUNTRY, KIND_COUNTRY, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"flows", T_COL_FLOWS, KIND_COUNT, SUM},
};

static int countries(struct residency *r)
{
	struct report_table *t = &r->table[TABLE_COUNTRY];
	struct report_facts *f = r->facts;

	table_init(r, TABLE_COUNTRY, "countries", T_TAB_COUNTRY, T_NONE, country_columns,
		   COLUMNS(country_columns));
	for (uint32_t i = 0; i < f->facts; i++) {
		const struct fact *x = &f->fact[i];
		struct report_cell *c;

		if (!fact_left(f, x))
			continue;
		c = table_row(t);
		if (!c)
			return -ENOMEM;
		c[0].n = report_class_text((enum report_class)x->place);
		c[1].s = f->key[x->key].text[COLUMN_COUNTRY];
		c[2].n = x->sum.bytes;
		c[3].n = x->sum.flows;
	}
	return table_merge(r, t, 2);
}

int tables_rows(struct residency *r)
{
	int e = countries(r);

	e = e ? e : recipients(r);
	e = e ? e : blocked(r);
	e = e ? e : exceptions(r);
	return e ? e : inbound(r);
}
