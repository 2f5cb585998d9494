/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_writer.h - writes one JSON text into a growing buffer: keys in the order given, no tree, no
 * allocation a value.
 *
 * Strings may be anything: bytes that are no UTF-8 become U+FFFD, control characters are escaped,
 * so that a hostile name cannot end a line or a string. A failed allocation is kept and told by
 * jsonw_done().
 */
#ifndef AGENT_BASE_JSON_WRITER_H
#define AGENT_BASE_JSON_WRITER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jsonw {
	char *buf; /* owned; not ended with NUL before jsonw_done */
	size_t len, room;
	bool comma, failed;
};
void jsonw_reset(struct jsonw *j); /* keeps the memory */
void jsonw_free(struct jsonw *j);
/* The text with a NUL that len does not count; NULL when memory ran out. */
const char *jsonw_done(struct jsonw *j);

/* key NULL: an element of an array, or the outermost value */
void jsonw_open(struct jsonw *j, const char *key, char bracket);      /* '{' or '[' */
void jsonw_close(struct jsonw *j, char bracket);		      /* '}' or ']' */
void jsonw_text(struct jsonw *j, const char *key, const char *s);     /* NULL: null */
void jsonw_text_set(struct jsonw *j, const char *key, const char *s); /* left out when NULL or "" */
void jsonw_bytes(struct jsonw *j, const char *key, const char *s, size_t len);
void jsonw_number(struct jsonw *j, const char *key, uint64_t n);
void jsonw_signed(struct jsonw *j, const char *key, int64_t n);
void jsonw_bool(struct jsonw *j, const char *key, bool b);
void jsonw_null(struct jsonw *j, const char *key);
void jsonw_time(struct jsonw *j, const char *key,
		uint64_t unix_ns); /* "2026-11-23T10:41:12.345678901Z" */
void jsonw_raw(struct jsonw *j, const char *key, const char *s,
	       size_t len); /* s is JSON, or a string in quotes */
#endif
