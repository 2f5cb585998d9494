/* SPDX-License-Identifier: BSD-2-Clause */
/* top_draw.c - the table as it is drawn: columns that fit from 60 on, in the letters that the terminal has. */
#include <inttypes.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/feed/top_private.h"

enum column { PROCESS, WHO, PEER, WHERE, VERDICT, RULE, PACKETS, BYTES, AGE, COLUMNS };
#define GUTTER 2 /* where the chosen row is marked */

/* One character; what the terminal has no letter for is a question mark. Its bytes. */
static size_t put_letter(const struct top *l, const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	if (l->utf8 || n == 1)
		fwrite(s, 1, n, l->to);
	else
		fputc('?', l->to);
	return n;
}

/* Cut to width columns, padded; never in the middle of a character. */
static void cell(const struct top *l, const char *s, unsigned width, bool right)
{
	size_t have = text_columns(s), n = 0;

	if (right && have < width)
		fprintf(l->to, "%*s", (int)(width - have), "");
	for (; *s && (have <= width || n + 1 < width); n++)
		s += put_letter(l, s);
	if (have > width && width)
		fputs(l->utf8 ? "…" : "~", l->to);
	if (!right && have < width)
		fprintf(l->to, "%*s", (int)(width - have), "");
}

static unsigned wider(unsigned have, const char *s, unsigned max)
{
	size_t n = text_columns(s);

	return n <= have ? have : n < max ? (unsigned)n : max;
}

static unsigned sum(const unsigned width[COLUMNS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < COLUMNS; i++)
		n += width[i] ? width[i] + 1 : 0;
	return n ? n - 1 : 0;
}

/* As wide as what they hold, within bounds; too wide together: the least telling give way first.
 * The rule gets the rest. */
static void share_out(unsigned width[COLUMNS], struct row *const *row, unsigned n, unsigned columns)
{
	static const struct {
		enum column column;
		unsigned to;
	} step[] = {{WHO, 16},	  {PROCESS, 14}, {WHERE, 8},   {RULE, 12},  {WHO, 0},
		    {PACKETS, 0}, {PEER, 21},	 {PROCESS, 8}, {AGE, 0},    {RULE, 0},
		    {WHERE, 4},	  {PEER, 15},	 {BYTES, 0},   {PROCESS, 0}};
	char peer[80];

	memcpy(width, (const unsigned[COLUMNS]){7, 9, 11, 5, 11, 24, 8, 9, 6},
	       COLUMNS * sizeof(*width));
	for (unsigned i = 0; i < n; i++) {
		top_peer(peer, sizeof(peer), &row[i]->key);
		width[PROCESS] = wider(width[PROCESS], row[i]->process, 32);
		width[WHO] = wider(width[WHO], row[i]->who, 40);
		width[PEER] = wider(width[PEER], peer, 50);
		width[WHERE] = wider(width[WHERE], row[i]->where, 24);
	}
	for (unsigned i = 0; i < sizeof(step) / sizeof(step[0]) && sum(width) > columns; i++) {
		unsigned *w = &width[step[i].column], over = sum(width) - columns;

		if (*w > step[i].to)
			*w = step[i].to && *w - step[i].to > over ? *w - over : step[i].to;
	}
	if (width[RULE] && sum(width) < columns)
		width[RULE] += columns - sum(width);
}

static void age_text(char buf[TEXT_SHORT], uint64_t ns)
{
	uint64_t s = ns / 1000000000ull;

	if (s < 60)
		text_put(buf, TEXT_SHORT, "%" PRIu64 "s", s);
	else if (s < 3600)
		text_put(buf, TEXT_SHORT, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		text_put(buf, TEXT_SHORT, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		text_put(buf, TEXT_SHORT, "%" PRIu64 "d", s / 86400);
}

static const char *paint(const struct top *l, const struct row *r)
{
	if (!l->colour)
		return "";
	return r->verdict == DECIDE_BLOCK   ? "\033[31m"
	       : r->verdict == DECIDE_ALERT ? "\033[33m"
					    : "";
}

static void put_cells(const struct top *l, const unsigned width[COLUMNS],
		      const char *const text[COLUMNS])
{
	bool first = true;

	for (unsigned i = 0; i < COLUMNS; i++) {
		if (!width[i])
			continue;
		if (!first)
			fputc(' ', l->to);
		first = false;
		cell(l, text[i], width[i], i >= PACKETS);
	}
}

static void put_row(struct top *l, const unsigned width[COLUMNS], const struct row *r,
		    uint64_t now_ns)
{
	char peer[80], bytes[TEXT_SHORT], packets[TEXT_SHORT], age[TEXT_SHORT];
	const char *text[COLUMNS] = {r->process, r->who,  peer,	 r->where, top_verdict(r),
				     r->rule,	 packets, bytes, age};

	top_peer(peer, sizeof(peer), &r->key);
	text_bytes(bytes, r->bytes);
	text_put(packets, sizeof(packets), "%" PRIu64, r->packets);
	age_text(age, now_ns > r->first_ns ? now_ns - r->first_ns : 0);
	if (l->keys)
		fputs(r == l->chosen ? "> " : "  ", l->to);
	fputs(paint(l, r), l->to);
	put_cells(l, width, text);
	fputs(l->colour && top_rank(r) < 2 ? "\033[0m\033[K\r\n" : "\033[K\r\n", l->to);
}

static void put_full(struct top *l, const char *s, const char *before, const char *after)
{
	fputs(l->colour ? before : "", l->to);
	cell(l, s, l->columns, false);
	fputs(l->colour ? after : "", l->to);
	fputs("\033[K\r\n", l->to);
}

/* A line of a pane, on as many lines as it takes: who copies it wants all of it. */
static void put_wrapped(struct top *l, const char *s)
{
	size_t column = 0;

	while (*s) {
		if (column == l->columns) {
			fputs("\033[K\r\n", l->to);
			column = 0;
		}
		s += put_letter(l, s);
		column++;
	}
	fputs("\033[K\r\n", l->to);
}

static void put_head(struct top *l, const char *title, const char *message, unsigned n,
		     const unsigned count[3])
{
	bool looks = *l->filter || l->pane == PANE_FILTER;
	char line[600], safe[400];

	put_full(l, title, "\033[1m", "\033[0m");
	line[0] = 0;
	if (l->keys)
		text_put(line, sizeof(line), "by %s%s%s%s; ", top_sort_name(l),
			 looks ? "; with '" : "", l->filter, looks ? "'" : "");
	text_put(line + strlen(line), sizeof(line) - strlen(line),
		 "%u flows: %u blocked or to be blocked, %u alerted, %u allowed", n, count[0],
		 count[1], count[2]);
	put_full(l, line, "", "");
	if (l->pane == PANE_FILTER)
		message = "type what to look for; Enter keeps it, Esc drops it";
	put_full(l, message ? text_escape(safe, sizeof(safe), message, SIZE_MAX) : "", "\033[2m",
		 "\033[0m");
}

/* The first row that is drawn, so that the chosen one is among them. */
static unsigned first_row(struct top *l, unsigned n, unsigned room)
{
	unsigned at = 0;

	if (!l->keys || !n)
		return 0;
	while (at < n && l->order[at] != l->chosen)
		at++;
	if (at == n)
		at = 0;
	l->chosen = l->order[at];
	return at < room ? 0 : at - room + 1;
}

static void put_table(struct top *l, unsigned n, uint64_t now_ns)
{
	static const char *const head[COLUMNS] = {"PROCESS", "UNIT/USER", "DESTINATION",
						  "PLACE",   "VERDICT",	  "RULE",
						  "PACKETS", "BYTES",	  "AGE"};
	unsigned around = l->keys ? 6 : 5, room = l->rows > around + 1 ? l->rows - around : 1,
		 first = first_row(l, n, room);
	unsigned shown = n - first < room ? n - first : room, width[COLUMNS];
	unsigned columns = l->columns - (l->keys && l->columns > GUTTER ? GUTTER : 0);

	share_out(width, l->order + first, shown, columns);
	fputs(l->colour ? "\033[7m" : "", l->to);
	if (l->keys)
		fputs("  ", l->to);
	put_cells(l, width, head);
	fputs(l->colour ? "\033[0m\033[K\r\n" : "\033[K\r\n", l->to);
	for (unsigned i = first; i < first + shown; i++)
		put_row(l, width, l->order[i], now_ns);
	if (n > shown)
		fprintf(l->to, "... %u more", n - shown);
	if (l->keys) {
		fputs("\033[K\r\n", l->to);
		cell(l, "q quit, arrows choose, s sort, f filter, e explain, a rule", l->columns,
		     false);
	}
}

void top_draw(struct top *l, const char *title, const char *message, uint64_t now_ns)
{
	unsigned count[3] = {0}, n;

	top_ask_size(l);
	n = top_collect(l, now_ns, count);
	l->shown = n;
	if (!l->columns)
		return;
	fputs("\033[H", l->to);
	put_head(l, title, message, n, count);
	if (l->pane == PANE_EXPLAIN && l->chosen)
		top_explain(l->chosen, put_wrapped, l);
	else if (l->pane == PANE_RULE && l->chosen)
		top_rule(l->chosen, put_wrapped, l);
	else
		put_table(l, n, now_ns);
	fputs("\033[J", l->to);
	fflush(l->to);
}
