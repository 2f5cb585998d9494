/* SPDX-License-Identifier: BSD-2-Clause */
/* diag.c - formats a diagnostic, counts it, and hands it to the sink. */
#include <stdio.h>
#include "geo/base/diag.h"

#define DIAG_TEXT_MAX 1024

void diag_at(struct diag_sink *s, enum diag_level level, const char *file, unsigned line,
	     unsigned column, unsigned length, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	struct diag d = {.level = level,
			 .file = file,
			 .line = line,
			 .column = column,
			 .length = length,
			 .text = text};
	va_list ap;

	if (!s)
		return;
	if (level == DIAG_ERROR)
		s->errors++;
	else if (level == DIAG_WARNING)
		s->warnings++;
	if (!s->fn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->fn(s->arg, &d);
}
