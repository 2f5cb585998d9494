/* SPDX-License-Identifier: BSD-2-Clause */
/* json_writer.c - a JSON writer that is fast enough for a line for each of a million flows. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/base/json_writer.h"
#include "geo/base/utf8.h"

#define ROOM_MIN 2048u

static bool grow(struct json_writer *j, size_t n)
{
	size_t room = (j->room ? j->room : ROOM_MIN) * 2;
	char *b;

	while (room - j->len < n)
		room *= 2;
	b = j->failed ? NULL : realloc(j->buf, room);
	if (!b) {
		j->failed = true;
		return false;
	}
	j->buf = b;
	j->room = room;
	return true;
}

static inline char *need(struct json_writer *j, size_t n)
{
	if (j->room - j->len < n && !grow(j, n))
		return NULL;
	return j->buf + j->len;
}

static inline void put(struct json_writer *j, const char *s, size_t n)
{
	char *to = need(j, n);

	if (!to)
		return;
	memcpy(to, s, n);
	j->len += n;
}

void json_writer_plain(struct json_writer *j, const char *s, size_t len)
{
	put(j, s, len);
}

void json_writer_reset(struct json_writer *j)
{
	j->len = 0;
	j->comma = j->failed = false;
}

void json_writer_free(struct json_writer *j)
{
	free(j->buf);
	*j = (struct json_writer){0};
}

const char *json_writer_done(struct json_writer *j)
{
	char *to = need(j, 1);

	if (!to)
		return NULL;
	*to = 0;
	return j->buf;
}

/* Keys are ours: nothing in them to escape. */
static void key_of(struct json_writer *j, const char *key)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
	if (!key)
		return;
	put(j, "\"", 1);
	put(j, key, strlen(key));
	put(j, "\":", 2);
}

void json_writer_open(struct json_writer *j, const char *key, char bracket)
{
	key_of(j, key);
	put(j, &bracket, 1);
	j->comma = false;
}

void json_writer_close(struct json_writer *j, char bracket)
{
	put(j, &bracket, 1);
	j->comma = true;
}

/* Bytes that need no escape, from s. */
static size_t plain(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len) {
		unsigned char c = (unsigned char)s[n];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
			break;
		n++;
	}
	return n;
}

static size_t escape(struct json_writer *j, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)*s;
	char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
	unsigned n;

	if (c == '"' || c == '\\') {
		put(j, (char[]){'\\', (char)c}, 2);
		return 1;
	}
	if (c < 0x20 || c == 0x7f) {
		put(j, u, sizeof(u));
		return 1;
	}
	n = utf8_length(s, len);
	if (!n) {
		put(j, "\xef\xbf\xbd", 3);
		return 1;
	}
	/* line separators are legal JSON, but some readers split lines at them */
	if (n == 3 && c == 0xe2 && (unsigned char)s[1] == 0x80 &&
	    ((unsigned char)s[2] & 0xfe) == 0xa8)
		put(j, (s[2] & 1) ? "\\u2029" : "\\u2028", 6);
	else
		put(j, s, n);
	return n;
}

void json_writer_bytes(struct json_writer *j, const char *key, const char *s, size_t len)
{
	key_of(j, key);
	put(j, "\"", 1);
	while (len) {
		size_t n = plain(s, len);

		put(j, s, n);
		s += n;
		len -= n;
		if (len) {
			n = escape(j, s, len);
			s += n;
			len -= n;
		}
	}
	put(j, "\"", 1);
}

void json_writer_text(struct json_writer *j, const char *key, const char *s)
{
	if (s)
		json_writer_bytes(j, key, s, strlen(s));
	else
		json_writer_null(j, key);
}

void json_writer_text_set(struct json_writer *j, const char *key, const char *s)
{
	if (s && *s)
		json_writer_bytes(j, key, s, strlen(s));
}

void json_writer_number(struct json_writer *j, const char *key, uint64_t n)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	key_of(j, key);
	put(j, p, (size_t)(digits + sizeof(digits) - p));
}

void json_writer_signed(struct json_writer *j, const char *key, int64_t n)
{
	char b[32];

	key_of(j, key);
	put(j, b, text_put(b, sizeof(b), "%lld", (long long)n));
}

void json_writer_bool(struct json_writer *j, const char *key, bool b)
{
	key_of(j, key);
	put(j, b ? "true" : "false", b ? 4 : 5);
}

void json_writer_null(struct json_writer *j, const char *key)
{
	key_of(j, key);
	put(j, "null", 4);
}

void json_writer_raw(struct json_writer *j, const char *key, const char *s, size_t len)
{
	key_of(j, key);
	put(j, s, len);
}

static void two(char *to, unsigned n)
{
	to[0] = (char)('0' + n / 10 % 10);
	to[1] = (char)('0' + n % 10);
}

void json_writer_time(struct json_writer *j, const char *key, uint64_t ns)
{
	char b[] = "\"0000-00-00T00:00:00.000000000Z\"";
	time_t t = (time_t)(ns / 1000000000);
	uint64_t fraction = ns % 1000000000;
	struct tm tm;

	if (!gmtime_r(&t, &tm)) { /* u64 nanoseconds end in the year 2554: cannot be */
		json_writer_null(j, key);
		return;
	}
	two(b + 1, (unsigned)(tm.tm_year + 1900) / 100);
	two(b + 3, (unsigned)(tm.tm_year + 1900) % 100);
	two(b + 6, (unsigned)tm.tm_mon + 1);
	two(b + 9, (unsigned)tm.tm_mday);
	two(b + 12, (unsigned)tm.tm_hour);
	two(b + 15, (unsigned)tm.tm_min);
	two(b + 18, (unsigned)tm.tm_sec);
	for (int i = 29; i > 20; i--, fraction /= 10)
		b[i] = (char)('0' + fraction % 10);
	json_writer_raw(j, key, b, sizeof(b) - 1);
}
