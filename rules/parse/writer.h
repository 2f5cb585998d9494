/* SPDX-License-Identifier: BSD-2-Clause */
/* writer.h - text that grows; running out of memory is remembered and shows at the end. */
#ifndef RULES_PARSE_WRITER_H
#define RULES_PARSE_WRITER_H
#include <stdbool.h>
#include <stddef.h>

struct writer {
	char *s; /* malloc'ed, or NULL */
	size_t n, cap;
	bool failed;
};
void writer_add(struct writer *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void writer_quote(struct writer *t,
		  const char *s); /* between quotes, quotes and backslashes escaped */
/* The text, owned by the caller, "" when nothing was added; NULL when memory ran out. t is empty
 * again. */
char *writer_take(struct writer *t);
void writer_free(struct writer *t);
#endif
