/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - numbers, durations and foreign names as a person reads them, and whole small files. */
#include "agent/base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "geo/base/utf8.h"

int text_number(uint64_t *ret, const char *s, uint64_t max)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (digit > max || v > (max - digit) / 10)
			return -ERANGE;
		v = v * 10 + digit;
	}
	*ret = v;
	return 0;
}

size_t text_put(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!size)
		return 0;
	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (n < 0) {
		buf[0] = 0;
		return 0;
	}
	return (size_t)n < size ? (size_t)n : size - 1;
}

const char *text_bytes(char buf[TEXT_SHORT], uint64_t bytes)
{
	static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	unsigned u = 0;

	while (v >= 999.95 && u + 1 < sizeof(unit) / sizeof(unit[0])) {
		v /= 1000;
		u++;
	}
	text_put(buf, TEXT_SHORT, u ? "%.1f %s" : "%.0f %s", v, unit[u]);
	return buf;
}

const char *text_count(char buf[TEXT_SHORT], uint64_t n)
{
	char digits[TEXT_SHORT];
	size_t len = text_put(digits, sizeof(digits), "%" PRIu64, n), o = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[o++] = ',';
		buf[o++] = digits[i];
	}
	buf[o] = 0;
	return buf;
}

const char *text_duration(char buf[TEXT_SHORT], int64_t s)
{
	if (s < 0)
		s = 0;
	if (s < 60)
		text_put(buf, TEXT_SHORT, "%" PRId64 " s", s);
	else if (s < 3600)
		text_put(buf, TEXT_SHORT, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		text_put(buf, TEXT_SHORT, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	else
		text_put(buf, TEXT_SHORT, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
	return buf;
}

const char *text_time(char buf[TEXT_SHORT], int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, TEXT_SHORT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		text_put(buf, TEXT_SHORT, "%" PRId64, at);
	return buf;
}

const char *text_date(char buf[TEXT_SHORT], int64_t at)
{
	text_time(buf, at);
	if (strlen(buf) == sizeof("2026-11-23T10:41:12Z") - 1)
		buf[sizeof("2026-11-23") - 1] = 0;
	return buf;
}

/* What may go to a terminal as it is: no C0, no DEL, no C1 (U+0080..9F), no bidirectional
 * overrides. */
static int harmless(const char *s, unsigned n)
{
	const unsigned char *b = (const unsigned char *)s;

	if (n == 1)
		return b[0] >= 0x20 && b[0] != 0x7f && b[0] != '\\';
	if (n == 2)
		return !(b[0] == 0xc2 && b[1] < 0xa0);
	if (n == 3 && b[0] == 0xe2 && b[1] == 0x80)
		return !(b[2] >= 0xa8 && b[2] <= 0xae) && b[2] != 0x8e && b[2] != 0x8f;
	if (n == 3 && b[0] == 0xe2 && b[1] == 0x81)
		return !(b[2] >= 0xa6 && b[2] <= 0xa9);
	return n > 0;
}

/* One step: writes what stands for the next bytes of s, returns how many were used. out has 17
 * bytes. */
static size_t escape_step(char out[17], const char *s, size_t len)
{
	unsigned n = utf8_length(s, len), used = n ? n : 1;

	if (n && harmless(s, n)) {
		memcpy(out, s, n);
		out[n] = 0;
		return n;
	}
	if (*s == '\\') {
		memcpy(out, "\\\\", 3);
		return 1;
	}
	for (unsigned i = 0; i < used; i++)
		text_put(out + 4 * i, 5, "\\x%02x", (unsigned char)s[i]);
	return used;
}

char *text_escape(char *buf, size_t size, const char *s, size_t len)
{
	char one[17];
	size_t o = 0;

	if (len == SIZE_MAX)
		len = strlen(s);
	for (size_t i = 0; i < len;) {
		size_t used = escape_step(one, s + i, len - i), n = strlen(one);

		if (o + n + 1 > size)
			break;
		memcpy(buf + o, one, n);
		o += n;
		i += used;
	}
	buf[o] = 0;
	return buf;
}

char *text_squeeze(char *buf, size_t size, const char *s)
{
	size_t o = 0;

	for (; *s && o + 1 < size; s++) {
		bool blank = *s == ' ' || *s == '\t';

		if (!blank || (o && buf[o - 1] != ' '))
			buf[o++] = blank ? ' ' : *s;
	}
	buf[o] = 0;
	return buf;
}

void text_escape_to(FILE *to, const char *s, size_t len)
{
	char one[17];

	for (size_t i = 0; i < len;) {
		i += escape_step(one, s + i, len - i);
		fputs(one, to);
	}
}

size_t text_columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}
