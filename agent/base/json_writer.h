/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_writer.h - writes one JSON text into a growing buffer: keys in the order given, no tree, no
 * allocation a value.
 *
 * Strings may be anything: bytes that are no UTF-8 become U+FFFD, control characters are escaped,
 * so that a hostile name cannot end a line or a string. A failed allocation is kept and told by
 * json_writer_done().
 */
#ifndef AGENT_BASE_JSON_WRITER_H
#define AGENT_BASE_JSON_WRITER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_writer {
	char *buf; /* owned; not ended with NUL before json_writer_done */
	size_t len, room;
	bool comma, failed;
};
void json_writer_reset(struct json_writer *j); /* keeps the memory */
void json_writer_free(struct json_writer *j);
/* The text with a NUL that len does not count; NULL when memory ran out. */
const char *json_writer_done(struct json_writer *j);

/* key NULL: an element of an array, or the outermost value */
void json_writer_open(struct json_writer *j, const char *key, char bracket);  /* '{' or '[' */
void json_writer_close(struct json_writer *j, char bracket);		      /* '}' or ']' */
void json_writer_text(struct json_writer *j, const char *key, const char *s); /* NULL: null */
void json_writer_text_set(struct json_writer *j, const char *key,
			  const char *s); /* left out when NULL or "" */
void json_writer_bytes(struct json_writer *j, const char *key, const char *s, size_t len);
void json_writer_number(struct json_writer *j, const char *key, uint64_t n);
void json_writer_signed(struct json_writer *j, const char *key, int64_t n);
void json_writer_bool(struct json_writer *j, const char *key, bool b);
void json_writer_null(struct json_writer *j, const char *key);
void json_writer_time(struct json_writer *j, const char *key,
		      uint64_t unix_ns); /* "2026-11-23T10:41:12.345678901Z" */
/* Bytes as they are, for lines that are no JSON. */
void json_writer_plain(struct json_writer *j, const char *s, size_t len);
void json_writer_raw(struct json_writer *j, const char *key, const char *s,
		     size_t len); /* s is JSON, or a string in quotes */
#endif
