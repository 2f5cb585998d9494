/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.h - text that comes from elsewhere: is it UTF-8, and what of it may be kept. */
#ifndef GEO_BASE_UTF8_H
#define GEO_BASE_UTF8_H
#include <stddef.h>

/* Bytes of the valid UTF-8 sequence at s (1..4), 0 when it is none. */
unsigned utf8_length(const char *s, size_t len);
/* Names go to terminals, JSON and databases: control characters and what is no UTF-8 become '?',
 * what does not fit is cut between characters. Ends in NUL; returns the bytes before it. */
size_t utf8_clean(char *out, size_t size, const char *s, size_t len);
#endif
