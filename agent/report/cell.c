/* SPDX-License-Identifier: BSD-2-Clause */
/* cell.c - one cell as a reader of a language sees it: the only place where a number becomes a text. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/report/report_private.h"

#define NARROW "\xe2\x80\xaf" /* U+202F: between groups of digits and before a unit, in French */

static const char *const texts[REPORT_TEXTS][REPORT_LANGS] = {
#define TEXT(id, en, fr) [T_##id] = {en, fr},
#include "agent/report/texts.def"
#undef TEXT
};

const char *report_text(enum report_text t, enum report_lang l)
{
	return texts[t][l];
}

int report_lang_find(const char *name)
{
	if (strcmp(name, "en") == 0)
		return REPORT_EN;
	return strcmp(name, "fr") == 0 ? REPORT_FR : -ENOENT;
}

static const char *count_text(char *buf, size_t size, uint64_t n, enum report_lang l)
{
	char digits[24];
	size_t len = text_put(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (size_t i = 0; i < len && at + 5 < size; i++) {
		if (i && (len - i) % 3 == 0)
			at += text_put(buf + at, size - at, "%s", l == REPORT_FR ? NARROW : ",");
		buf[at++] = digits[i];
	}
	buf[at] = 0;
	return buf;
}

/* Powers of ten, as providers count; a tenth below 100 of a unit, rounded down: never more than there was. */
static const char *bytes_text(char *buf, size_t size, uint64_t n, enum report_lang l)
{
	static const char *const unit[REPORT_LANGS][7] = {{"B", "kB", "MB", "GB", "TB", "PB", "EB"},
							  {"o", "ko", "Mo", "Go", "To", "Po",
							   "Eo"}};
	uint64_t whole = n, tenth = 0;
	unsigned u = 0;

	while (whole >= 1000) {
		tenth = whole % 1000 / 100;
		whole /= 1000;
		u++;
	}
	if (u && whole < 100)
		text_put(buf, size, "%" PRIu64 "%s%" PRIu64 "%s%s", whole,
			 l == REPORT_FR ? "," : ".", tenth, l == REPORT_FR ? NARROW : " ",
			 unit[l][u]);
	else
		text_put(buf, size, "%" PRIu64 "%s%s", whole, l == REPORT_FR ? NARROW : " ",
			 unit[l][u]);
	return buf;
}

static const char *seconds_text(char *buf, size_t size, uint64_t n, enum report_lang l)
{
	const char *day = l == REPORT_FR ? "j" : "d";
	uint64_t d = n / 86400, h = n / 3600 % 24, m = n / 60 % 60, s = n % 60;

	if (d)
		text_put(buf, size, "%" PRIu64 " %s %" PRIu64 " h %" PRIu64 " min", d, day, h, m);
	else if (h)
		text_put(buf, size, "%" PRIu64 " h %" PRIu64 " min", h, m);
	else if (m)
		text_put(buf, size, "%" PRIu64 " min %" PRIu64 " s", m, s);
	else
		text_put(buf, size, "%" PRIu64 " s", s);
	return buf;
}

/* 2026-11-25 10:41:12 or 25/11/2026 10:41:12 */
static const char *time_text(char *buf, size_t size, const struct report_cell *c, bool whole,
			     enum report_lang l)
{
	time_t t = (time_t)c->n;
	struct tm tm;
	size_t n;

	buf[0] = 0;
	if (!c->n || !gmtime_r(&t, &tm))
		return buf;
	n = l == REPORT_FR ? strftime(buf, size, "%d/%m/%Y", &tm)
			   : strftime(buf, size, "%Y-%m-%d", &tm);
	if (whole)
		strftime(buf + n, size - n, " %H:%M:%S", &tm);
	return buf;
}

const char *cell_text(char *buf, size_t size, enum report_kind k, const struct report_cell *c,
		      enum report_lang l)
{
	buf[0] = 0;
	switch (k) {
	case KIND_WORD:
		return report_text((enum report_text)c->n, l);
	case KIND_BYTES:
		return bytes_text(buf, size, c->n, l);
	case KIND_COUNT:
		return count_text(buf, size, c->n, l);
	case KIND_SECONDS:
		return seconds_text(buf, size, c->n, l);
	case KIND_TIME:
	case KIND_DATE:
		return time_text(buf, size, c, k == KIND_TIME, l);
	case KIND_NAME:
	case KIND_COUNTRY:
	case KIND_ROWS:
		break;
	}
	if (!c->s && c->n && k == KIND_NAME)
		return report_text((enum report_text)c->n, l);
	return c->s ? text_escape(buf, size, c->s, SIZE_MAX) : buf;
}

uint64_t table_sum_after(const struct report_table *t, unsigned column, size_t row)
{
	uint64_t sum = 0;

	for (size_t i = row; i < t->rows; i++)
		sum += t->cell[i * t->columns + column].n;
	return sum;
}

uint64_t table_sum(const struct report_table *t, unsigned column)
{
	return table_sum_after(t, column, 0);
}

const char *line_text(char *buf, size_t size, const struct report_line *l, enum report_lang lang)
{
	const char *s = report_text(l->text, lang), *at;
	char cell[CELL_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < 3 && (at = strstr(s, "%s")); i++, s = at + 2)
		n += text_put(buf + n, size - n, "%.*s%s", (int)(at - s), s,
			      cell_text(cell, sizeof(cell), l->kind[i], &l->arg[i], lang));
	text_put(buf + n, size - n, "%s", s);
	return buf;
}
