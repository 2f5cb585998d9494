/* SPDX-License-Identifier: BSD-2-Clause */
/* table_merge.c - rows that are called the same become one; the order is that of sums, then of names. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/report/report_private.h"

struct order {
	const struct report_table *t;
	unsigned by;
};

static int cell_cmp(const struct report_cell *a, const struct report_cell *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	if (a->s == b->s)
		return 0;
	return strcmp(a->s ? a->s : "", b->s ? b->s : "");
}

static int labels_cmp(const struct report_table *t, const struct report_cell *a,
		      const struct report_cell *b)
{
	for (unsigned c = 0; c < t->columns; c++) {
		int r = t->column[c].role == LABEL ? cell_cmp(&a[c], &b[c]) : 0;

		if (r)
			return r;
	}
	return 0;
}

static int by_labels(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct report_cell *x = a, *y = b;
	int r = labels_cmp(o->t, x, y);

	for (unsigned c = 0; c < o->t->columns && !r; c++) /* the ledger's order of ids */
		r = o->t->column[c].role == LIST ? cell_cmp(&x[c], &y[c]) : 0;
	return r;
}

static int by_sum(const void *a, const void *b, void *arg)
{
	const struct order *o = arg;
	const struct report_cell *x = a, *y = b;

	if (x[o->by].n != y[o->by].n)
		return x[o->by].n > y[o->by].n ? -1 : 1;
	return labels_cmp(o->t, x, y);
}

static void add(const struct report_table *t, struct report_cell *to, const struct report_cell *c)
{
	for (unsigned i = 0; i < t->columns; i++) {
		enum report_role role = t->column[i].role;

		if (role == SUM)
			to[i].n += c[i].n;
		else if (role == LEAST && c[i].n && (!to[i].n || c[i].n < to[i].n))
			to[i].n = c[i].n;
		else if (role == MOST && c[i].n > to[i].n)
			to[i].n = c[i].n;
	}
}

/* "db1:17 18 204", rows [from, to) of one group; a key that stands in two parts is named once. */
static int list(struct residency *r, struct report_table *t, unsigned c, size_t from, size_t to)
{
	struct report_facts *f = r->facts;
	char *buf = NULL;
	size_t len = 0;
	FILE *m = open_memstream(&buf, &len);
	unsigned host = REPORT_HOSTS;

	if (!m)
		return -ENOMEM;
	for (size_t i = from; i < to; i++) {
		const struct fact_key *k = &f->key[t->cell[i * t->columns + c].n];

		if (i > from &&
		    t->cell[(i - 1) * t->columns + c].n == t->cell[i * t->columns + c].n)
			continue;
		if (k->host != host)
			fprintf(m, "%s%s:%" PRId64, host == REPORT_HOSTS ? "" : "; ",
				f->host[k->host].name, k->id);
		else
			fprintf(m, " %" PRId64, k->id);
		host = k->host;
	}
	if (fclose(m) != 0) {
		free(buf);
		return -ENOMEM;
	}
	t->cell[from * t->columns + c].s = facts_keep(f, buf, len);
	free(buf);
	return 0;
}

static int group(struct residency *r, struct report_table *t, size_t from, size_t to, size_t at)
{
	struct report_cell *first = t->cell + from * t->columns;
	int e = 0;

	for (unsigned c = 0; c < t->columns && e == 0; c++)
		if (t->column[c].role == LIST)
			e = list(r, t, c, from, to);
	for (size_t i = from + 1; i < to; i++)
		add(t, first, t->cell + i * t->columns);
	for (unsigned c = 0; c < t->columns; c++)
		if (t->column[c].role == LIST)
			first[c].n = 0;
	memmove(t->cell + at * t->columns, first, t->columns * sizeof(*first));
	return e;
}

int table_merge(struct residency *r, struct report_table *t, unsigned by)
{
	struct order o = {t, by};
	size_t size = t->columns * sizeof(*t->cell), n = 0, i = 0, to;
	int e = 0;

	if (!t->rows)
		return 0;
	qsort_r(t->cell, t->rows, size, by_labels, &o);
	for (; i < t->rows && e == 0; i = to) {
		for (to = i + 1; to < t->rows && labels_cmp(t, t->cell + i * t->columns,
							    t->cell + to * t->columns) == 0;)
			to++;
		e = group(r, t, i, to, n++);
	}
	t->rows = n;
	qsort_r(t->cell, t->rows, size, by_sum, &o);
	return e;
}
