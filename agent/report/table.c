/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - tables of page one: how much went where, by place and apart from it by law. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/report/report_private.h"

#define COLUMNS(v) (unsigned)(sizeof(v) / sizeof((v)[0]))

enum report_text report_class_text(enum report_class c)
{
	static const enum report_text text[REPORT_CLASSES] = {
		[CLASS_EU] = T_CLASS_EU,
		[CLASS_EEA] = T_CLASS_EEA,
		[CLASS_ADEQUATE] = T_CLASS_ADEQUATE,
		[CLASS_CONDITIONAL] = T_CLASS_CONDITIONAL,
		[CLASS_THIRD] = T_CLASS_THIRD,
		[CLASS_UNPROVABLE] = T_CLASS_UNPROVABLE,
		[CLASS_UNKNOWN] = T_CLASS_UNKNOWN,
	};
	return text[c];
}

struct report_cell *table_row(struct report_table *t)
{
	void *p = facts_more(t->cell, &t->room, t->rows, t->columns * sizeof(*t->cell));
	struct report_cell *row;

	if (!p)
		return NULL;
	t->cell = p;
	row = t->cell + t->rows++ * t->columns;
	memset(row, 0, t->columns * sizeof(*row));
	return row;
}

void table_init(struct residency *r, enum report_table_id id, const char *name,
		enum report_text title, enum report_text note, const struct report_column *c,
		unsigned columns)
{
	r->table[id] = (struct report_table){
		.id = name, .title = title, .note = note, .column = c, .columns = columns};
}

struct sums {
	uint64_t bytes, flows, stopped, attempts;
	uint64_t hosts; /* a bit a host */
};

static void add(struct sums *s, const struct report_facts *f, const struct fact *x)
{
	if (fact_left(f, x)) {
		s->bytes += x->sum.bytes;
		s->flows += x->sum.flows;
		if (x->sum.bytes)
			s->hosts |= 1ull << f->key[x->key].host;
	} else {
		s->stopped += x->sum.bytes;
		s->attempts += x->sum.attempts + x->sum.flows;
	}
}

static uint64_t bits(uint64_t v)
{
	return (uint64_t)__builtin_popcountll(v);
}

static const struct report_column place_columns[] = {
	{"place", T_COL_PLACE, KIND_WORD, LABEL},    {"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"flows", T_COL_FLOWS, KIND_COUNT, SUM},     {"hosts", T_COL_HOSTS, KIND_COUNT, LABEL},
	{"stopped", T_COL_STOPPED, KIND_BYTES, SUM},
};
static const struct report_column law_columns[] = {
	{"law", T_COL_LAW, KIND_WORD, LABEL},	     {"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"flows", T_COL_FLOWS, KIND_COUNT, SUM},     {"hosts", T_COL_HOSTS, KIND_COUNT, LABEL},
	{"stopped", T_COL_STOPPED, KIND_BYTES, SUM},
};

static int by_class(struct residency *r, enum report_table_id id, bool law)
{
	const struct report_facts *f = r->facts;
	struct sums s[REPORT_CLASSES] = {{0}};

	table_init(r, id, law ? "law" : "place", law ? T_TAB_LAW : T_TAB_PLACE,
		   law ? T_NOTE_LAW : T_NOTE_PLACE, law ? law_columns : place_columns,
		   COLUMNS(place_columns));
	for (uint32_t i = 0; i < f->facts; i++)
		add(&s[law ? f->fact[i].law : f->fact[i].place], f, &f->fact[i]);
	for (unsigned c = 0; c < REPORT_CLASSES; c++) {
		struct report_cell *row;

		if (law && c == CLASS_UNPROVABLE)
			continue; /* a law is known or it is not */
		row = table_row(&r->table[id]);
		if (!row)
			return -ENOMEM;
		row[0].n = report_class_text((enum report_class)c);
		row[1].n = s[c].bytes;
		row[2].n = s[c].flows;
		row[3].n = bits(s[c].hosts);
		row[4].n = s[c].stopped;
	}
	return 0;
}

static const struct report_column cross_columns[] = {
	{"place", T_COL_PLACE, KIND_WORD, LABEL},
	{"law_eu", T_CLASS_EU, KIND_BYTES, SUM},
	{"law_eea", T_CLASS_EEA, KIND_BYTES, SUM},
	{"law_adequate", T_CLASS_ADEQUATE, KIND_BYTES, SUM},
	{"law_conditional", T_CLASS_CONDITIONAL, KIND_BYTES, SUM},
	{"law_third", T_CLASS_THIRD, KIND_BYTES, SUM},
	{"law_unknown", T_CLASS_UNKNOWN, KIND_BYTES, SUM},
	{"bytes", T_TOTAL, KIND_BYTES, SUM},
};

static int cross(struct residency *r)
{
	static const unsigned column[REPORT_CLASSES] = {
		[CLASS_EU] = 1,		 [CLASS_EEA] = 2,   [CLASS_ADEQUATE] = 3,
		[CLASS_CONDITIONAL] = 4, [CLASS_THIRD] = 5, [CLASS_UNKNOWN] = 6};
	const struct report_facts *f = r->facts;
	struct report_table *t = &r->table[TABLE_CROSS];

	table_init(r, TABLE_CROSS, "place-and-law", T_TAB_CROSS, T_NONE, cross_columns,
		   COLUMNS(cross_columns));
	for (unsigned c = 0; c < REPORT_CLASSES; c++) {
		struct report_cell *row = table_row(t);

		if (!row)
			return -ENOMEM;
		row[0].n = report_class_text((enum report_class)c);
	}
	for (uint32_t i = 0; i < f->facts; i++) {
		struct report_cell *row = t->cell + f->fact[i].place * t->columns;

		if (!fact_left(f, &f->fact[i]))
			continue;
		row[column[f->fact[i].law]].n += f->fact[i].sum.bytes;
		row[7].n += f->fact[i].sum.bytes;
	}
	return 0;
}

static const struct report_column day_columns[] = {
	{"day", T_COL_DAY, KIND_DATE, LABEL},
	{"eea", T_COL_IN_EEA, KIND_BYTES, SUM},
	{"adequate", T_COL_OUT_EEA, KIND_BYTES, SUM},
	{"elsewhere", T_COL_ELSEWHERE, KIND_BYTES, SUM},
};

static int days(struct residency *r)
{
	static const unsigned column[REPORT_CLASSES] = {
		[CLASS_EU] = 1,		 [CLASS_EEA] = 1,   [CLASS_ADEQUATE] = 2,
		[CLASS_CONDITIONAL] = 2, [CLASS_THIRD] = 3, [CLASS_UNPROVABLE] = 3,
		[CLASS_UNKNOWN] = 3};
	const struct report_facts *f = r->facts;

	table_init(r, TABLE_DAYS, "days", T_TAB_DAYS, T_NONE, day_columns, COLUMNS(day_columns));
	for (size_t d = 0; d < f->days; d++) {
		struct report_cell *row = table_row(&r->table[TABLE_DAYS]);

		if (!row)
			return -ENOMEM;
		row[0].n = (uint64_t)(f->day_first + (int64_t)d) * 86400;
		for (unsigned c = 0; c < REPORT_CLASSES; c++)
			row[column[c]].n += f->day[d * REPORT_CLASSES + c];
	}
	return 0;
}

int tables_verdict(struct residency *r)
{
	int e = by_class(r, TABLE_PLACE, false);

	e = e ? e : by_class(r, TABLE_LAW, true);
	e = e ? e : cross(r);
	return e ? e : days(r);
}
