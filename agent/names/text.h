/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.h - the text of a name that somebody else wrote: lower case, without the last dot, and of
 * letters, digits, '-', '_' and '.' only. Whatever else it holds stands as \DDD, as in RFC 1035,
 * so that no name can end a line, move a terminal or look like another one: an international name
 * stays in its xn-- form.
 */
#ifndef AGENT_NAMES_TEXT_H
#define AGENT_NAMES_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_TEXT 256 /* the longest text with its NUL; a name has 253 characters at most */

/* Of bytes with dots between labels (SNI, Host). 0; -EINVAL: an empty label, a label over 63 bytes,
 * or too long; *ret is then "". */
int names_text(char ret[NAMES_TEXT], const uint8_t *s, size_t len);
/* Of a name in a DNS message, with its pointers followed; *at moves behind it. The same errors. */
int names_text_dns(char ret[NAMES_TEXT], const uint8_t *msg, size_t len, size_t *at);
/* An address in text, with or without brackets: no name. */
bool names_is_address(const char *s);
#endif
