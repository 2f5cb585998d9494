/* diag.h - an error or warning with its place, handed to whoever prints it; helpers never print
 * themselves. */
#ifndef GEO_BASE_DIAG_H
#define GEO_BASE_DIAG_H
#include <stdarg.h>

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* Lives for the call of the sink only; line and column count from 1, 0 = none; length in bytes for
 * the caret line. */
struct diag {
	enum diag_level level;
	const char *file;
	unsigned line, column, length;
	const char *text;
};

/* Owned by the caller. fn may be NULL (count only). */
struct diag_sink {
	void (*fn)(void *arg, const struct diag *d);
	void *arg;
	unsigned errors, warnings;
};

void diag_at(struct diag_sink *s, enum diag_level level, const char *file, unsigned line,
	     unsigned column, unsigned length, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
#define diag_error(s, file, line, ...) diag_at(s, DIAG_ERROR, file, line, 0, 0, __VA_ARGS__)
#define diag_warn(s, file, line, ...)  diag_at(s, DIAG_WARNING, file, line, 0, 0, __VA_ARGS__)
#endif
