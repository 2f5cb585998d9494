/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tor_geoipdb.c - the country text of Debian's tor-geoipdb: 'first,last,CC', IPv4 as integers,
 * IPv6 as addresses.
 *
 * 25 MB in 660,000 lines at every start of the agent, so it is read by hand, a byte once. Ranges
 * must come in order and apart from one another; '??' and codes that are no country (EU, AP, AN)
 * leave a hole: this source does not speak there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/source.h"

struct text {
	struct claims *c;
	const uint8_t *p, *end; /* the cursor: nothing is read at or beyond end */
	unsigned line;
	uint32_t claim_values[26 * 26]; /* by code; UINT32_MAX: not met yet */
	u128 next[2];			/* the least address the next range may begin with */
	bool full[2];			/* the last range ended at the last address */
};

/* One number up to UINT32_MAX; false if there is none here or it is larger. */
static bool number(struct text *t, uint32_t *ret)
{
	uint64_t n = 0;
	const uint8_t *start = t->p;

	while (t->p < t->end && (unsigned)(*t->p - '0') <= 9) {
		n = n * 10 + (unsigned)(*t->p++ - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)n;
	return t->p != start;
}

static int hex(uint8_t c)
{
	static const int8_t of[256] = {
		['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
		['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
		['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
		['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	};
	return of[c] - 1;
}

/* One group of one to four hexadecimal digits. */
static bool group(struct text *t, unsigned *ret)
{
	const uint8_t *stop = t->end - t->p > 4 ? t->p + 4 : t->end, *start = t->p;
	unsigned n = 0;
	int d;

	while (t->p < stop && (d = hex(*t->p)) >= 0) {
		n = n << 4 | (unsigned)d;
		t->p++;
	}
	*ret = n;
	return t->p != start;
}

static bool at(const struct text *t, char c)
{
	return t->p < t->end && *t->p == c;
}

static bool skip_colons(struct text *t, unsigned n, int *gap)
{
	t->p++;
	if (at(t, ':')) {
		if (*gap >= 0)
			return false;
		*gap = (int)n;
		t->p++;
		return true;
	}
	return t->p < t->end && hex(*t->p) >= 0;
}

/* The groups, with the gap of '::' opened, as a number. */
static u128 compose(const unsigned g[8], unsigned n, int gap)
{
	uint64_t half[2] = {0, 0};
	unsigned head = gap < 0 ? n : (unsigned)gap;

	for (unsigned i = 0; i < head; i++)
		half[i / 4] |= (uint64_t)g[i] << (48 - i % 4 * 16);
	for (unsigned i = head, to = 8 - n + head; i < n; i++, to++)
		half[to / 4] |= (uint64_t)g[i] << (48 - to % 4 * 16);
	return U128(half[0], half[1]);
}

/* An address of colons; the dotted tail is not in these files and not read. */
static bool address(struct text *t, u128 *ret)
{
	unsigned g[8], n = 0;
	int gap = -1;

	if (t->end - t->p >= 2 && t->p[0] == ':' && t->p[1] == ':') {
		gap = 0;
		t->p += 2;
	}
	while (n < 8 && group(t, &g[n])) {
		n++;
		if (!at(t, ':'))
			break;
		if (!skip_colons(t, n, &gap))
			return false;
	}
	if (gap < 0 ? n != 8 : n > 7)
		return false;
	*ret = compose(g, n, gap);
	return true;
}

/* The number of what a code says; 0 when it says nothing. */
static int claim_value(struct text *t, const uint8_t code[2], uint32_t *ret)
{
	struct claim claim = {.status = PLACE_KNOWN, .where = t->line};
	unsigned a = code[0] - (unsigned)'A', b = code[1] - (unsigned)'A';
	int r = 0;

	if (a > 25 || b > 25) {
		*ret = 0;
		return code[0] == '?' && code[1] == '?' ? 0 : -EINVAL;
	}
	*ret = t->claim_values[a * 26 + b];
	if (*ret != UINT32_MAX)
		return 0;
	*ret = 0;
	claim.country = country_from_source((const char *)code, 2);
	if (claim.country)
		r = claims_value(t->c, &claim, ret);
	t->claim_values[a * 26 + b] = *ret;
	return r;
}

static int bad(struct text *t, const char *what)
{
	return claims_error(t->c, t->line, "%s", what);
}

static bool comma(struct text *t)
{
	if (!at(t, ','))
		return false;
	t->p++;
	return true;
}

/* The two addresses of a line, of either family. */
static bool addresses(struct text *t, bool is6, u128 *first, u128 *last)
{
	uint32_t a, b;

	if (is6)
		return address(t, first) && comma(t) && address(t, last) && comma(t);
	if (!number(t, &a) || !comma(t) || !number(t, &b) || !comma(t))
		return false;
	*first = a;
	*last = b;
	return true;
}

/* ',CC' and the end of the line, which a file that is whole always has. */
static int code(struct text *t, uint32_t *says)
{
	int r;

	if (t->end - t->p < 3)
		return bad(t, "ends in the middle of a line: the file is truncated");
	r = claim_value(t, t->p, says);
	if (r == -EINVAL)
		return bad(t, "expected a country code of two capitals, or ??");
	if (r)
		return r;
	t->p += 2;
	if (at(t, '\r'))
		t->p++;
	if (t->p >= t->end)
		return bad(t, "ends in the middle of a line: the file is truncated");
	return at(t, '\n') ? 0 : bad(t, "has something after the country code");
}

static bool line_is6(const struct text *t)
{
	for (int i = 0; i < 5 && t->p + i < t->end; i++)
		if (t->p[i] == ':')
			return true;
	return false;
}

static int range(struct text *t)
{
	bool is6 = line_is6(t);
	u128 first, last;
	uint32_t says;
	int r;

	if (!addresses(t, is6, &first, &last))
		return bad(t, t->p >= t->end
				      ? "ends in the middle of a line: the file is truncated"
				      : "expected first,last,CC with two addresses of one family");
	r = code(t, &says);
	if (r)
		return r;
	if (first > last)
		return bad(t, "the range ends before it begins");
	if (t->full[is6] || first < t->next[is6])
		return bad(t, "the range overlaps the one before it, or is out of order");
	t->full[is6] = last == ip_number_max(is6);
	t->next[is6] = last + 1;
	if (!says)
		return 0;
	if (!is6)
		return claims_add4(t->c, (uint32_t)first, (uint32_t)last, says, t->line);
	return claims_add6(t->c, (uint64_t[]){(uint64_t)(first >> 64), (uint64_t)first},
			   (uint64_t[]){(uint64_t)(last >> 64), (uint64_t)last}, says, t->line);
}

/* Days from 1970-01-01; the year starts in March. */
static int64_t days(int64_t y, int m, int d)
{
	y -= m <= 2;
	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d -
	       1 - 719468;
}

/* '# Generated: Thu, 25 Jun 2026 04:33:59 GMT' is the date; other comments are not read. */
static void comment(struct text *t, const char *line, size_t n)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[80], month[4];
	const char *m;
	int d, y, h, min, s;

	if (n >= sizeof(text))
		return;
	memcpy(text, line, n);
	text[n] = '\0';
	if (sscanf(text, "# Generated: %*3s, %2d %3s %4d %2d:%2d:%2d GMT", &d, month, &y, &h, &min,
		   &s) != 6 &&
	    sscanf(text, "# Generated: %*4s %2d %3s %4d %2d:%2d:%2d GMT", &d, month, &y, &h, &min,
		   &s) != 6)
		return;
	m = strstr(months, month);
	if (m && strlen(month) == 3 && (m - months) % 3 == 0)
		claims_date(t->c, days(y, (int)(m - months) / 3 + 1, d) * 86400 + h * 3600 +
					  min * 60 + s);
}

int tor_geoipdb_parse(struct claims *c, const struct bytes *b)
{
	struct text t = {.c = c, .p = b->p, .end = b->p + b->n};
	int r;

	memset(t.claim_values, 0xff, sizeof(t.claim_values));
	while (t.p < t.end) {
		t.line++;
		if (*t.p == '#') {
			const uint8_t *end = memchr(t.p, '\n', (size_t)(t.end - t.p));

			if (!end)
				return bad(&t,
					   "ends in the middle of a line: the file is truncated");
			comment(&t, (const char *)t.p, (size_t)(end - t.p));
			t.p = end;
		} else if (*t.p != '\n') {
			r = range(&t);
			if (r)
				return r;
		}
		t.p++;
	}
	return 0;
}

/* The first line that is no comment: two addresses, two commas, two letters, as this format alone
 * has them. */
bool tor_geoipdb_probe(const struct bytes *b)
{
	struct source_line line = {0};
	size_t at = 0;

	while (source_next_line(b, &at, &line)) {
		const char *comma;
		size_t n;

		if (!line.n || *line.p == '#')
			continue;
		n = line.n;
		comma = memchr(line.p, ',', n);
		if (!comma || memchr(line.p, '/', n) || memchr(line.p, '"', n) ||
		    memchr(line.p, '.', n))
			return false;
		n -= (size_t)(comma + 1 - line.p);
		return n >= 4 && comma[n - 2] == ',';
	}
	return false;
}
