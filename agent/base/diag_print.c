/* SPDX-License-Identifier: BSD-2-Clause */
/* diag_print.c - errors and policy diagnostics as a person reads them: file:line:column, the line, a
 * caret. */
#include "agent/base/diag_print.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/base/file.h"
#include "geo/base/utf8.h"

#define SOURCE_MAX (4u << 20) /* bytes of a file whose lines are shown */
#define TAB_WIDTH  8

void diag_say(const char *fmt, ...)
{
	va_list ap;

	flockfile(stderr);
	fputs("cordon: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}

int diag_usage(const char *verb, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "cordon %s: ", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see 'cordon %s --help'\n", verb);
	return EXIT_USAGE;
}

static const char *level_name(enum diag_level l)
{
	return l == DIAG_ERROR ? "error" : l == DIAG_WARNING ? "warning" : "note";
}

int diag_print_source(struct diag_print *p, const char *path, const char *text, size_t len)
{
	_free_ char *path_copy = strdup(path);
	_free_ char *copy = malloc(len + 1);

	if (!path_copy || !copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = 0;
	free(p->path);
	free(p->text);
	p->path = TAKE_PTR(path_copy);
	p->text = TAKE_PTR(copy);
	p->len = len;
	return 0;
}

/* Remembers that a file cannot be shown too, so that it is tried once. */
static void source_open(struct diag_print *p, const char *path)
{
	if (p->path && strcmp(p->path, path) == 0)
		return;
	free(p->path);
	free(p->text);
	p->text = NULL;
	p->len = 0;
	p->path = strdup(path);
	if (file_read(&p->text, &p->len, AT_FDCWD, path, SOURCE_MAX) < 0)
		p->text = NULL;
}

static const char *source_line(const struct diag_print *p, unsigned line, size_t *len)
{
	const char *at = p->text, *end = p->text + p->len, *nl;

	for (unsigned i = 1; at && i < line; i++) {
		nl = memchr(at, '\n', (size_t)(end - at));
		at = nl ? nl + 1 : NULL;
	}
	if (!at || at >= end)
		return NULL;
	nl = memchr(at, '\n', (size_t)(end - at));
	*len = (size_t)((nl ? nl : end) - at);
	return at;
}

/* Prints up to len bytes of a line, tabs as spaces; returns the columns it took. */
static size_t put_line(FILE *to, const char *s, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len;) {
		char buf[16];
		unsigned n = utf8_length(s + i, len - i);

		if (s[i] == '\t') {
			size_t pad = TAB_WIDTH - columns % TAB_WIDTH;

			columns += pad;
			if (to)
				fprintf(to, "%*s", (int)pad, "");
			i++;
			continue;
		}
		n = n ? n : 1;
		text_escape(buf, sizeof(buf), s + i, n);
		if (to)
			fputs(buf, to);
		columns += text_columns(buf);
		i += n;
	}
	return columns;
}

static void put_caret(FILE *to, const char *line, size_t len, const struct diag *d)
{
	size_t start = d->column - 1 < len ? d->column - 1 : len;
	size_t span = d->length < len - start ? d->length : len - start;
	size_t from = put_line(NULL, line, start);
	size_t to_col = put_line(NULL, line, start + span);

	fprintf(to, "%*s | %*s^", 5, "", (int)from, "");
	for (size_t i = from + 1; i < to_col; i++)
		fputc('~', to);
	fputc('\n', to);
}

static void put_source(struct diag_print *p, const struct diag *d)
{
	const char *line;
	size_t len;

	source_open(p, d->file);
	line = p->text ? source_line(p, d->line, &len) : NULL;
	if (!line)
		return;
	if (len > 512) /* a line over the limit is an error of its own; its beginning is enough */
		len = 512;
	fprintf(p->to, "%5u | ", d->line);
	put_line(p->to, line, len);
	fputc('\n', p->to);
	put_caret(p->to, line, len, d);
}

static void print_one(void *arg, const struct diag *d)
{
	struct diag_print *p = arg;

	if (d->file) {
		text_escape_to(p->to, d->file, strlen(d->file));
		if (d->line)
			fprintf(p->to, ":%u", d->line);
		if (d->line && d->column)
			fprintf(p->to, ":%u", d->column);
		fputs(": ", p->to);
	}
	fprintf(p->to, "%s: %s\n", level_name(d->level), d->text);
	if (d->file && d->line && d->column)
		put_source(p, d);
}

void diag_print_init(struct diag_print *p, FILE *to)
{
	memset(p, 0, sizeof(*p));
	p->sink.fn = print_one;
	p->sink.arg = p;
	p->to = to;
}

void diag_print_done(struct diag_print *p)
{
	free(p->path);
	free(p->text);
	p->path = p->text = NULL;
}
