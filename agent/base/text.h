/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - numbers, durations and names between bytes and people. Nothing here allocates unless it
 * says so. */
#ifndef AGENT_BASE_TEXT_H
#define AGENT_BASE_TEXT_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Decimal digits only, the whole of s, at most max. 0, -EINVAL or -ERANGE; *ret untouched on
 * failure. */
int text_number(uint64_t *ret, const char *s, uint64_t max);
/* snprintf that always ends in NUL and returns what was written (never more than size - 1). */
size_t text_put(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define TEXT_SHORT 32
const char *text_bytes(char buf[TEXT_SHORT], uint64_t bytes);	   /* "1.2 MB", powers of ten */
const char *text_count(char buf[TEXT_SHORT], uint64_t n);	   /* "12,345" */
const char *text_duration(char buf[TEXT_SHORT], int64_t seconds);  /* "3 d 4 h", "12 s" */
const char *text_time(char buf[TEXT_SHORT], int64_t unix_seconds); /* "2026-11-23T10:41:12Z" */
const char *text_date(char buf[TEXT_SHORT], int64_t unix_seconds); /* "2026-11-23" */

/* Foreign text for a terminal: control characters, DEL, C1 and broken UTF-8 become \xNN; a
 * backslash doubles. Cut at size. Returns buf. len SIZE_MAX: up to the NUL. */
char *text_escape(char *buf, size_t size, const char *s, size_t len);
/* The same, streamed without a limit. */
void text_escape_to(FILE *to, const char *s, size_t len);
/* Runs of blanks and tabs become one blank. Returns buf. */
char *text_squeeze(char *buf, size_t size, const char *s);
/* Columns on a terminal of escaped text: code points, which is right for what we print. */
size_t text_columns(const char *s);
#endif
