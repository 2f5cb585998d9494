/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - writes one JSON text into a growing buffer: keys in the order given, no tree, no allocation a value.
 *
 * Strings may be anything: bytes that are no UTF-8 become U+FFFD, control characters are escaped, so that a hostile name
 * cannot end a line or a string. A failed allocation is kept and told by json_done().
 */
#ifndef AGENT_FEED_JSON_H
#define AGENT_FEED_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buf; /* owned; not ended with NUL before json_done */
	size_t len, room;
	bool comma, failed;
};
void json_reset(struct json *j); /* keeps the memory */
void json_free(struct json *j);
/* The text with a NUL that len does not count; NULL when memory ran out. */
const char *json_done(struct json *j);

/* key NULL: an element of an array, or the outermost value */
void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);		       /* '}' or ']' */
void json_text(struct json *j, const char *key, const char *s); /* NULL: null */
void json_text_set(struct json *j, const char *key, const char *s); /* left out when NULL or "" */
void json_bytes(struct json *j, const char *key, const char *s, size_t len);
void json_number(struct json *j, const char *key, uint64_t n);
void json_signed(struct json *j, const char *key, int64_t n);
void json_bool(struct json *j, const char *key, bool b);
void json_null(struct json *j, const char *key);
void json_time(struct json *j, const char *key, uint64_t unix_ns); /* "2026-11-23T10:41:12.345678901Z" */
void json_raw(struct json *j, const char *key, const char *s, size_t len); /* s is JSON, or a string in quotes */
#endif
