/* SPDX-License-Identifier: BSD-2-Clause */
/* form_text.c - the report on a terminal: sentences, then tables of cells. */
#include <errno.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/report/report_private.h"

static bool is_number(enum report_kind k)
{
	return k == KIND_BYTES || k == KIND_COUNT || k == KIND_SECONDS;
}

static void put_padded(FILE *to, const char *s, unsigned width, bool right)
{
	size_t n = text_columns(s), pad = n < width ? width - n : 0;

	if (right)
		fprintf(to, "%*s", (int)pad, "");
	fputs(s, to);
	if (!right)
		fprintf(to, "%*s", (int)pad, "");
	fputs("  ", to);
}

/* Columns are as wide as their widest cell; names are cut. */
#define NAME_WIDTH  28
#define COLUMNS_MAX 20
static const char *shown(char buf[CELL_MAX], const struct report_table *t, size_t row, unsigned c,
			 enum report_lang l)
{
	const char *s =
		cell_text(buf, CELL_MAX, t->column[c].kind, &t->cell[row * t->columns + c], l);

	if (s == buf && t->column[c].kind == KIND_NAME && strlen(s) > NAME_WIDTH) {
		size_t n = NAME_WIDTH;

		while (n && ((unsigned char)buf[n] & 0xc0) == 0x80)
			n--;
		text_put(buf + n, CELL_MAX - n, "%s", "\xe2\x80\xa6");
	}
	return s;
}

static void widths(const struct report_table *t, size_t n, enum report_lang l,
		   unsigned w[COLUMNS_MAX])
{
	char buf[CELL_MAX];

	for (unsigned c = 0; c < t->columns; c++) {
		struct report_cell sum = {.n = table_sum(t, c)};

		w[c] = (unsigned)text_columns(report_text(t->column[c].title, l));
		for (size_t i = 0; i < n; i++) {
			unsigned x = (unsigned)text_columns(shown(buf, t, i, c, l));

			w[c] = x > w[c] ? x : w[c];
		}
		if (t->column[c].role == SUM) {
			unsigned x = (unsigned)text_columns(
				cell_text(buf, sizeof(buf), t->column[c].kind, &sum, l));

			w[c] = x > w[c] ? x : w[c];
		}
	}
}

/* What is not shown, or all of it: the sums of rows from first on. */
static void sum_row(const struct report_table *t, size_t first, const char *name,
		    enum report_lang l, const unsigned *w, FILE *to)
{
	char buf[CELL_MAX];

	for (unsigned c = 0; c < t->columns; c++) {
		struct report_cell sum = {.n = table_sum_after(t, c, first)};
		const char *s = c ? "" : name;

		if (t->column[c].kind == KIND_ROWS)
			continue;
		if (t->column[c].role == SUM)
			s = cell_text(buf, sizeof(buf), t->column[c].kind, &sum, l);
		put_padded(to, s, w[c], c && is_number(t->column[c].kind));
	}
	fputc('\n', to);
}

static bool has_sum(const struct report_table *t)
{
	for (unsigned c = 0; c < t->columns; c++)
		if (t->column[c].role == SUM)
			return true;
	return false;
}

#define TEXT_ROWS 20
static void table_text(const struct report_table *t, enum report_lang l, FILE *to)
{
	size_t n = t->rows < TEXT_ROWS || !t->shown ? t->rows : TEXT_ROWS;
	unsigned w[COLUMNS_MAX] = {0};
	struct report_line rest = {T_REST, {KIND_COUNT}, {{.n = t->rows - n}}, ' '};
	char buf[CELL_MAX];

	fprintf(to, "\n%s\n", report_text(t->title, l));
	if (!t->rows) {
		fprintf(to, "  %s\n", report_text(T_NO_ROWS, l));
		return;
	}
	widths(t, n, l, w);
	for (unsigned c = 0; c < t->columns; c++)
		if (t->column[c].kind != KIND_ROWS)
			put_padded(to, report_text(t->column[c].title, l), w[c],
				   c && is_number(t->column[c].kind));
	fputc('\n', to);
	for (size_t i = 0; i < n; i++) {
		for (unsigned c = 0; c < t->columns; c++)
			if (t->column[c].kind != KIND_ROWS)
				put_padded(to, shown(buf, t, i, c, l), w[c],
					   c && is_number(t->column[c].kind));
		fputc('\n', to);
	}
	if (n < t->rows)
		sum_row(t, n, line_text(buf, sizeof(buf), &rest, l), l, w, to);
	if (has_sum(t))
		sum_row(t, 0, report_text(T_TOTAL, l), l, w, to);
}

int report_put_text(const struct residency *r, enum report_lang l, FILE *to)
{
	static const enum report_table_id tables[] = {
		TABLE_PLACE,	  TABLE_LAW,	 TABLE_COVERAGE,   TABLE_HOSTS,	 TABLE_GAPS,
		TABLE_RECIPIENTS, TABLE_BLOCKED, TABLE_EXCEPTIONS, TABLE_INBOUND};
	struct report_line period = {T_PERIOD,
				     {KIND_TIME, KIND_TIME},
				     {{.n = (uint64_t)r->from}, {.n = (uint64_t)r->to}},
				     ' '};
	char buf[LINE_MAX_BYTES];

	fprintf(to, "%s, %s\n\n", report_text(T_TITLE, l), line_text(buf, sizeof(buf), &period, l));
	for (unsigned i = 0; i < r->lines; i++)
		fprintf(to, "%c %s\n",
			r->line[i].tone == 'b'	 ? '!'
			: r->line[i].tone == 'w' ? '*'
						 : ' ',
			line_text(buf, sizeof(buf), &r->line[i], l));
	for (unsigned i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		table_text(&r->table[tables[i]], l, to);
	return ferror(to) ? -EIO : 0;
}
