/* SPDX-License-Identifier: BSD-2-Clause */
/* form_data.c - the report for programs: one JSON object, or a CSV file a table. Numbers are whole and exact. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/report/report_private.h"
#include "geo/base/file.h"

static bool is_text(enum report_kind k)
{
	return k == KIND_NAME || k == KIND_COUNTRY || k == KIND_ROWS;
}

/* Words are written in English in both: they are names for programs. */
static const char *data_text(char buf[TEXT_SHORT], enum report_kind k, const struct report_cell *c)
{
	if (k == KIND_WORD || (k == KIND_NAME && !c->s && c->n))
		return report_text((enum report_text)c->n, REPORT_EN);
	if (k == KIND_TIME)
		return c->n ? text_time(buf, (int64_t)c->n) : "";
	if (k == KIND_DATE)
		return c->n ? text_date(buf, (int64_t)c->n) : "";
	return c->s ? c->s : "";
}

static void put_cell(struct json_writer *j, const char *id, enum report_kind k,
		     const struct report_cell *c)
{
	char buf[TEXT_SHORT];

	if (is_text(k) || k == KIND_WORD || k == KIND_TIME || k == KIND_DATE)
		json_writer_text(j, id, data_text(buf, k, c));
	else
		json_writer_number(j, id, c->n);
}

static void put_table(struct json_writer *j, const struct report_table *t)
{
	json_writer_open(j, t->id, '{');
	json_writer_open(j, "rows", '[');
	for (size_t i = 0; i < t->rows; i++) {
		json_writer_open(j, NULL, '{');
		for (unsigned c = 0; c < t->columns; c++)
			put_cell(j, t->column[c].id, t->column[c].kind,
				 &t->cell[i * t->columns + c]);
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
	json_writer_open(j, "total", '{');
	for (unsigned c = 0; c < t->columns; c++)
		if (t->column[c].role == SUM)
			json_writer_number(j, t->column[c].id, table_sum(t, c));
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

static void put_lines(struct json_writer *j, const struct residency *r)
{
	char buf[LINE_MAX_BYTES];

	json_writer_open(j, "page_one", '[');
	for (unsigned i = 0; i < r->lines; i++) {
		const struct report_line *l = &r->line[i];

		json_writer_open(j, NULL, '{');
		json_writer_text(j, "tone",
				 l->tone == 'b'	  ? "bad"
				 : l->tone == 'w' ? "warning"
				 : l->tone == 'g' ? "good"
						  : "plain");
		json_writer_text(j, "en", line_text(buf, sizeof(buf), l, REPORT_EN));
		json_writer_text(j, "fr", line_text(buf, sizeof(buf), l, REPORT_FR));
		json_writer_open(j, "values", '[');
		for (unsigned a = 0; a < 3; a++)
			if (l->arg[a].s || l->arg[a].n || l->kind[a] != KIND_NAME)
				put_cell(j, NULL, l->kind[a], &l->arg[a]);
		json_writer_close(j, ']');
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
}

static void put_proof(struct json_writer *j, const struct residency *r)
{
	const struct report_facts *f = r->facts;

	json_writer_open(j, "journals", '[');
	for (size_t i = 0; i < f->hosts; i++) {
		const struct fact_host *h = &f->host[i];

		if (!h->has_journal)
			continue;
		json_writer_open(j, NULL, '{');
		json_writer_text(j, "host", h->name);
		json_writer_number(j, "records", h->records);
		json_writer_number(j, "signed", h->signed_records);
		json_writer_text_set(j, "fault", h->fault);
		json_writer_text_set(j, "fault_text", h->fault_text);
		json_writer_text_set(j, "verifier", h->verifier);
		json_writer_text_set(j, "checkpoint", h->checkpoint);
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
}

void residency_put_period(struct json_writer *j, const struct residency *r)
{
	char from[TEXT_SHORT], to[TEXT_SHORT];

	json_writer_text(j, "from", text_time(from, r->from));
	json_writer_text(j, "to", text_time(to, r->to));
	put_proof(j, r);
}

static void put_all(struct json_writer *j, const struct residency *r)
{
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "report", "cordon residency report 1");
	json_writer_text(j, "program", "cordon " CORDON_VERSION);
	residency_put_period(j, r);
	put_lines(j, r);
	json_writer_open(j, "tables", '{');
	for (unsigned i = 0; i < REPORT_TABLES; i++)
		put_table(j, &r->table[i]);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

int report_put_json(const struct residency *r, FILE *to)
{
	struct json_writer j = {0};
	const char *text;

	put_all(&j, r);
	text = json_writer_done(&j);
	if (text)
		fprintf(to, "%s\n", text);
	json_writer_free(&j);
	return text && !ferror(to) ? 0 : -EIO;
}

/* A field as RFC 4180 has it; a leading =, +, - or @ would be a formula to a spreadsheet. */
static void csv(FILE *to, const char *s)
{
	fputc('"', to);
	if (*s && strchr("=+-@\t\r", *s))
		fputc('\'', to);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', to);
		fputc(*s, to);
	}
	fputc('"', to);
}

static void csv_table(const struct report_table *t, FILE *to)
{
	char buf[TEXT_SHORT];

	for (unsigned c = 0; c < t->columns; c++)
		fprintf(to, "%s%s", c ? "," : "", t->column[c].id);
	fputs("\r\n", to);
	for (size_t i = 0; i < t->rows; i++) {
		for (unsigned c = 0; c < t->columns; c++) {
			const struct report_cell *cell = &t->cell[i * t->columns + c];
			enum report_kind k = t->column[c].kind;

			if (c)
				fputc(',', to);
			if (is_text(k))
				csv(to, data_text(buf, k, cell));
			else if (k == KIND_WORD || k == KIND_TIME || k == KIND_DATE)
				csv(to, data_text(buf, k, cell));
			else
				fprintf(to, "%" PRIu64, cell->n);
		}
		fputs("\r\n", to);
	}
}

int report_put_csv(const struct residency *r, const char *dir, struct diag_sink *d)
{
	int e = mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;

	if (e < 0)
		diag_error(d, dir, 0, "%s", strerror(-e));
	for (unsigned i = 0; i < REPORT_TABLES && e == 0; i++) {
		struct file_write w;
		char path[4096];

		text_put(path, sizeof(path), "%s/%s.csv", dir, r->table[i].id);
		e = file_open(&w, path, d);
		if (e < 0)
			break;
		csv_table(&r->table[i], w.f);
		e = file_commit(&w, d);
	}
	return e;
}
