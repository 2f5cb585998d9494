/* SPDX-License-Identifier: BSD-2-Clause */
/* writer.c - text that grows; running out of memory is remembered and shows at the end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules/parse/writer.h"

static bool room(struct writer *t, size_t more)
{
	size_t need = t->n + more + 1, cap = t->cap ? t->cap : 128;
	char *s;

	if (t->failed)
		return false;
	if (need <= t->cap)
		return true;
	while (cap < need)
		cap *= 2;
	s = realloc(t->s, cap);
	if (!s) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->cap = cap;
	return true;
}

void writer_add(struct writer *t, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		t->failed = true;
	else if (room(t, (size_t)n)) {
		vsnprintf(t->s + t->n, (size_t)n + 1, fmt, again);
		t->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void writer_quote(struct writer *t, const char *s)
{
	writer_add(t, "\"");
	for (; *s; s++)
		writer_add(t, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	writer_add(t, "\"");
}

char *writer_take(struct writer *t)
{
	char *s;

	writer_add(t, "%s", "");
	s = t->s;
	if (t->failed) {
		free(s);
		s = NULL;
	}
	memset(t, 0, sizeof(*t));
	return s;
}

void writer_free(struct writer *t)
{
	free(t->s);
	memset(t, 0, sizeof(*t));
}
