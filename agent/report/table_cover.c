/* SPDX-License-Identifier: BSD-2-Clause */
/* table_cover.c - when it was enforced, watched, blind; which gaps; which parts the period has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/report/report_private.h"

#define COLUMNS(v) (unsigned)(sizeof(v) / sizeof((v)[0]))

static const struct report_column host_columns[] = {
	{"host", T_COL_HOST, KIND_NAME, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
	{"enforced", T_COL_ENFORCED, KIND_SECONDS, SUM},
	{"monitored", T_COL_MONITORED, KIND_SECONDS, SUM},
	{"mode_unknown", T_COL_MODE_UNKNOWN, KIND_SECONDS, SUM},
	{"blind", T_COL_BLIND, KIND_SECONDS, SUM},
	{"no_record", T_COL_NO_RECORD, KIND_SECONDS, SUM},
};

static int hosts(struct residency *r)
{
	struct report_facts *f = r->facts;

	table_init(r, TABLE_HOSTS, "hosts", T_TAB_HOSTS, T_NONE, host_columns,
		   COLUMNS(host_columns));
	for (uint32_t i = 0; i < f->facts; i++)
		if (fact_left(f, &f->fact[i]))
			f->host[f->key[f->fact[i].key].host].left_bytes += f->fact[i].sum.bytes;
	for (size_t i = 0; i < f->hosts; i++) {
		struct report_cell *row = table_row(&r->table[TABLE_HOSTS]);

		if (!row)
			return -ENOMEM;
		row[0].s = f->host[i].name;
		row[1].n = f->host[i].left_bytes;
		for (unsigned c = 0; c < COVERS; c++)
			row[2 + c].n = (uint64_t)f->host[i].seconds[c];
	}
	return 0;
}

static const struct report_column coverage_columns[] = {
	{"state", T_COL_STATE, KIND_WORD, LABEL},
	{"seconds", T_COL_SECONDS, KIND_SECONDS, SUM},
};

static int coverage(struct residency *r)
{
	static const enum report_text text[COVERS] = {T_COL_ENFORCED, T_COL_MONITORED,
						      T_COL_MODE_UNKNOWN, T_COL_BLIND,
						      T_COL_NO_RECORD};
	const struct report_facts *f = r->facts;

	table_init(r, TABLE_COVERAGE, "coverage", T_TAB_COVERAGE, T_NOTE_COVERAGE, coverage_columns,
		   COLUMNS(coverage_columns));
	for (unsigned c = 0; c < COVERS; c++) {
		struct report_cell *row = table_row(&r->table[TABLE_COVERAGE]);

		if (!row)
			return -ENOMEM;
		row[0].n = text[c];
		for (size_t i = 0; i < f->hosts; i++)
			row[1].n += (uint64_t)f->host[i].seconds[c];
	}
	return 0;
}

static const struct report_column gap_columns[] = {
	{"host", T_COL_HOST, KIND_NAME, LABEL},	    {"start", T_COL_START, KIND_TIME, LABEL},
	{"end", T_COL_END, KIND_TIME, LABEL},	    {"seconds", T_COL_SECONDS, KIND_SECONDS, SUM},
	{"blind", T_COL_BLIND, KIND_WORD, LABEL},   {"cause", T_COL_CAUSE, KIND_NAME, LABEL},
	{"detail", T_COL_DETAIL, KIND_NAME, LABEL}, {"held", T_COL_HELD, KIND_NAME, LABEL},
};

static int gap_order(const void *a, const void *b)
{
	const struct fact_gap *x = a, *y = b;
	int c;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	c = strcmp(x->cause, y->cause);
	return c ? c : strcmp(x->detail, y->detail);
}

static int gaps(struct residency *r)
{
	struct report_facts *f = r->facts;

	table_init(r, TABLE_GAPS, "gaps", T_TAB_GAPS, T_NONE, gap_columns, COLUMNS(gap_columns));
	r->table[TABLE_GAPS].shown = 200;
	if (f->gaps)
		qsort(f->gap, f->gaps, sizeof(*f->gap), gap_order);
	for (size_t i = 0; i < f->gaps; i++) {
		struct report_cell *row = table_row(&r->table[TABLE_GAPS]);
		const struct fact_gap *g = &f->gap[i];

		if (!row)
			return -ENOMEM;
		row[0].s = f->host[g->host].name;
		row[1].n = (uint64_t)g->start;
		row[2].n = (uint64_t)g->end;
		row[3].n = (uint64_t)(g->end - g->start);
		row[4].n = g->blind ? T_YES : T_NO;
		row[5].s = g->cause;
		row[6].s = g->detail;
		row[7].s = g->held;
	}
	return 0;
}

static const struct report_column part_columns[] = {
	{"part", T_COL_PART, KIND_COUNT, LABEL}, {"start", T_COL_START, KIND_TIME, LABEL},
	{"end", T_COL_END, KIND_TIME, LABEL},	 {"why", T_COL_WHY, KIND_WORD, LABEL},
	{"bytes", T_COL_BYTES, KIND_BYTES, SUM},
};

static int parts(struct residency *r)
{
	const struct report_facts *f = r->facts;
	uint64_t bytes[REPORT_PARTS] = {0};

	table_init(r, TABLE_PARTS, "parts", T_TAB_PARTS, T_NOTE_PARTS, part_columns,
		   COLUMNS(part_columns));
	for (uint32_t i = 0; i < f->facts; i++)
		if (fact_left(f, &f->fact[i]))
			bytes[f->fact[i].part] += f->fact[i].sum.bytes;
	for (unsigned i = 0; i < f->parts; i++) {
		struct report_cell *row = table_row(&r->table[TABLE_PARTS]);

		if (!row)
			return -ENOMEM;
		row[0].n = i + 1;
		row[1].n = (uint64_t)f->part[i];
		row[2].n = (uint64_t)f->part[i + 1];
		row[3].n = f->part_why[i];
		row[4].n = bytes[i];
	}
	return 0;
}

int tables_cover(struct residency *r)
{
	int e = hosts(r);

	e = e ? e : coverage(r);
	e = e ? e : gaps(r);
	return e ? e : parts(r);
}
