/* SPDX-License-Identifier: BSD-2-Clause */
/* top.c - the table of flows on a terminal: plain ANSI, drawn whole once a second from rows that
 * own their text. */
#include "agent/feed/top.h"
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define BUCKETS	  4096
#define COLUMNS	  8
#define WIDTH_MAX 512
#define SECOND	  1000000000ull
#define GONE_NS	  (20 * SECOND)	 /* an allowed flow that nobody mentions any more stays this long */
#define STAYS_NS  (600 * SECOND) /* and one that the policy does not want */

struct row {
	bool used, told;
	struct flow_key key;
	uint64_t cgroup;
	int32_t pid;
	struct row *next;
	enum decide_action verdict;
	int enforced;
	uint64_t packets, bytes, first_ns, put_ns;
	uint64_t done_packets, done_bytes; /* of turns that ended */
	char process[80], who[80], where[192], rule[200];
};
struct top {
	FILE *to;
	unsigned columns, rows; /* columns 0: no terminal */
	bool colour, fixed, raw;
	unsigned used;
	struct row *bucket[BUCKETS];
	struct row row[TOP_FLOWS_MAX];
	struct row *order[TOP_FLOWS_MAX];
};

static void ask_size(struct top *l)
{
	struct winsize w = {0};

	if (l->fixed)
		return;
	l->columns = l->rows = 0;
	if (!isatty(fileno(l->to)))
		return;
	if (ioctl(fileno(l->to), TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
		w = (struct winsize){.ws_col = 80, .ws_row = 24};
	l->columns = w.ws_col < WIDTH_MAX ? w.ws_col : WIDTH_MAX - 1;
	l->rows = w.ws_row;
}

int top_new(struct top **ret, FILE *to)
{
	struct top *l = calloc(1, sizeof(*l));
	const char *no = getenv("NO_COLOR");

	if (!l)
		return -ENOMEM;
	l->to = to;
	ask_size(l);
	l->colour = l->columns && !(no && *no);
	if (l->columns) /* the other screen, no cursor: what was there comes back at the end */
		fputs("\033[?1049h\033[?25l\033[H", to);
	l->raw = l->columns;
	*ret = l;
	return 0;
}

void top_free(struct top *l)
{
	if (!l)
		return;
	if (l->raw) {
		fputs("\033[?25h\033[?1049l", l->to);
		fflush(l->to);
	}
	free(l);
}

void top_size(struct top *l, unsigned columns, unsigned rows, int colour)
{
	l->fixed = true;
	l->raw = false;
	l->columns = columns < WIDTH_MAX ? columns : WIDTH_MAX - 1;
	l->rows = rows;
	l->colour = colour;
}

static struct row **bucket_of(struct top *l, const struct flow_key *k, uint64_t cgroup)
{
	uint64_t h = cgroup * 0x9e3779b97f4a7c15ull;

	for (unsigned i = 0; i < 16; i++)
		h = (h ^ k->src.b[i] ^ (uint64_t)k->dst.b[i] << 8) * 0x100000001b3ull;
	h ^= (uint64_t)k->sport << 24 ^ (uint64_t)k->dport << 8 ^ k->proto;
	return &l->bucket[(h ^ h >> 31) % BUCKETS];
}

/* A refused connect() has no port of its own: there the process tells two apart. */
static bool same(const struct row *r, const struct event *e)
{
	const struct flow_key *k = &e->flow;

	return r->cgroup == e->process.cgroup_id && (k->sport || r->pid == e->process.pid) &&
	       r->key.sport == k->sport && r->key.dport == k->dport && r->key.proto == k->proto &&
	       ip_cmp(&r->key.src, &k->src) == 0 && ip_cmp(&r->key.dst, &k->dst) == 0;
}

static void drop(struct top *l, struct row *r)
{
	struct row **at = bucket_of(l, &r->key, r->cgroup);

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	r->used = false;
	l->used--;
}

/* Full: the allowed flow that was mentioned longest ago goes, else any. */
static struct row *room(struct top *l)
{
	struct row *worst = &l->row[0];

	for (unsigned i = 0; i < TOP_FLOWS_MAX; i++) {
		struct row *r = &l->row[i];

		if (!r->used)
			return r;
		if ((r->verdict == DECIDE_ALLOW) > (worst->verdict == DECIDE_ALLOW) ||
		    ((r->verdict == DECIDE_ALLOW) == (worst->verdict == DECIDE_ALLOW) &&
		     r->put_ns < worst->put_ns))
			worst = r;
	}
	drop(l, worst);
	return worst;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* Where there is no country: a private network, or why none is known. */
static const char *place_word(const struct place *p)
{
	return p->scope == SCOPE_GLOBAL ? place_status_name((enum place_status)p->status)
					: place_scope_name((enum place_scope)p->scope);
}

/* Where, and for whom: a name has no odd bytes (agent/names/text.h). */
static void where_row(struct row *r, const struct event *e)
{
	const char *domain = event_names_domain(e->names);
	char a[48], cc[3] = "";

	if (e->place)
		country_text(e->place->country, cc);
	text_escape(a, sizeof(a), e->provider ? e->provider : "", SIZE_MAX);
	text_put(r->where, sizeof(r->where), "%s%s%s%s%s%s",
		 cc[0]	    ? cc
		 : e->place ? place_word(e->place)
			    : "?",
		 a[0] ? " (" : "", a, a[0] ? ")" : "", domain ? " " : "", domain ? domain : "");
}

static void name_row(struct row *r, const struct event *e)
{
	const struct process *p = &e->process;
	const char *name = p->exe ? base_name(p->exe) : p->comm, *unit;
	char a[48], b[48];

	text_escape(a, sizeof(a), name ? name : p->kernel ? "kernel" : "-", SIZE_MAX);
	if (p->pid)
		text_put(r->process, sizeof(r->process), "%s[%d]", a, p->pid);
	else
		text_put(r->process, sizeof(r->process), "%s", a);
	/* the root cgroup tells nothing */
	unit = p->unit ? p->unit : p->cgroup && strcmp(p->cgroup, "/") != 0 ? p->cgroup : "-";
	text_escape(a, sizeof(a), unit, SIZE_MAX);
	text_escape(b, sizeof(b), p->user ? p->user : "", SIZE_MAX);
	text_put(r->who, sizeof(r->who), "%s%s%s", a, b[0] ? "/" : "", b);
	where_row(r, e);
}

static void rule_row(struct row *r, const struct event *e)
{
	char line[160], text[160];

	if (!e->rule) {
		text_put(r->rule, sizeof(r->rule), "no rule matches");
		return;
	}
	text_escape(text, sizeof(text),
		    text_squeeze(line, sizeof(line), e->rule->text ? e->rule->text : ""), SIZE_MAX);
	text_put(r->rule, sizeof(r->rule), "%u: %s", e->rule->line, text);
}

static const char *verdict_word(const struct row *r)
{
	if (r->verdict == DECIDE_BLOCK)
		return r->enforced ? "BLOCKED" : "would block";
	return r->verdict == DECIDE_ALERT   ? "alert"
	       : r->verdict == DECIDE_LOCAL ? "local"
					    : "allow";
}

static void peer_text(char *buf, size_t size, const struct flow_key *k)
{
	char ip[IP_STRLEN];
	const char *proto = event_proto_name(k->proto);

	ip_format(ip, &k->dst);
	if (k->dport)
		text_put(buf, size, k->dst.v == 6 ? "[%s]:%u" : "%s:%u", ip, k->dport);
	else
		text_put(buf, size, "%s", ip);
	if (k->proto != 6 && k->proto)
		text_put(buf + strlen(buf), size - strlen(buf), " %s", *proto ? proto : "?");
}

static void print_line(struct top *l, const struct row *r)
{
	char peer[80];

	peer_text(peer, sizeof(peer), &r->key);
	fprintf(l->to, "%-11s %s -> %s %s %s [%s]\n", verdict_word(r), r->process, peer, r->where,
		r->who, r->rule);
	fflush(l->to);
}

static struct row *find_or_add(struct top *l, const struct event *e)
{
	struct row *r = *bucket_of(l, &e->flow, e->process.cgroup_id), **at;

	while (r && !same(r, e))
		r = r->next;
	if (r)
		return r;
	r = room(l);
	at = bucket_of(l, &e->flow, e->process.cgroup_id);
	*r = (struct row){.used = true,
			  .key = e->flow,
			  .cgroup = e->process.cgroup_id,
			  .pid = e->process.pid,
			  .next = *at,
			  .first_ns = e->time_ns};
	*at = r;
	l->used++;
	name_row(r, e);
	return r;
}

static void update(struct top *l, struct row *r, const struct event *e, uint64_t packets,
		   uint64_t bytes)
{
	if (!r->told || r->verdict != e->verdict || r->enforced != e->enforced)
		rule_row(r, e);
	if (e->names) /* they come after the flow */
		where_row(r, e);
	r->verdict = e->verdict;
	r->enforced = e->enforced;
	r->packets = packets > r->packets ? packets : r->packets;
	r->bytes = bytes > r->bytes ? bytes : r->bytes;
	r->put_ns = e->last_ns > r->put_ns ? e->last_ns : r->put_ns;
	if (!l->columns && !r->told)
		print_line(l, r);
	r->told = true;
}

void top_put(struct top *l, const struct event *e)
{
	struct row *r = e->verdict == DECIDE_LOCAL ? NULL : find_or_add(l, e);

	if (r)
		update(l, r, e, r->done_packets + e->packets, r->done_bytes + e->bytes);
}

void top_end(struct top *l, const struct event *e)
{
	struct row *r = e->verdict == DECIDE_LOCAL ? NULL : find_or_add(l, e);

	if (!r)
		return;
	r->done_packets += e->packets;
	r->done_bytes += e->bytes;
	update(l, r, e, r->done_packets, r->done_bytes);
}

static int rank(const struct row *r)
{
	return r->verdict == DECIDE_BLOCK ? 0 : r->verdict == DECIDE_ALERT ? 1 : 2;
}

static int compare(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

/* Cut to width columns, padded; never in the middle of a character. */
static void cell(FILE *to, const char *s, unsigned width, bool right)
{
	size_t have = text_columns(s), n = 0, bytes = 0;

	if (have > width) {
		while (s[bytes] && n + 1 < width) {
			bytes++;
			while (((unsigned char)s[bytes] & 0xc0) == 0x80)
				bytes++;
			n++;
		}
		fprintf(to, "%.*s%s", (int)bytes, s, width ? "…" : "");
		return;
	}
	fprintf(to, "%*s%s%*s", right ? (int)(width - have) : 0, "", s,
		right ? 0 : (int)(width - have), "");
}

struct widths {
	unsigned process, who, peer, where, rule;
};
#define FIXED	 (8 + 9 + 6 + 7) /* packets, bytes, age, and a blank between two columns */
#define RULE_MIN 34

static unsigned wider(unsigned have, const char *s, unsigned max)
{
	size_t n = text_columns(s);

	return n <= have ? have : n < max ? (unsigned)n : max;
}

static void shrink(unsigned *width, unsigned to, unsigned *over)
{
	unsigned by = *width > to ? *width - to : 0;

	by = by < *over ? by : *over;
	*width -= by;
	*over -= by;
}

/* As wide as what they hold, within bounds; too wide together: the least telling give way first.
 * The rule gets the rest. */
static void share_out(struct widths *w, struct row *const *row, unsigned n, unsigned columns)
{
	unsigned need, over;
	char peer[80];

	*w = (struct widths){.process = 7, .who = 9, .peer = 11, .where = 5};
	for (unsigned i = 0; i < n; i++) {
		peer_text(peer, sizeof(peer), &row[i]->key);
		w->process = wider(w->process, row[i]->process, 32);
		w->who = wider(w->who, row[i]->who, 40);
		w->peer = wider(w->peer, peer, 50);
		w->where = wider(w->where, row[i]->where, 24);
	}
	need = w->process + w->who + w->peer + w->where + FIXED + RULE_MIN;
	over = need > columns ? need - columns : 0;
	shrink(&w->who, 16, &over);
	shrink(&w->process, 14, &over);
	shrink(&w->where, 8, &over);
	shrink(&w->who, 0, &over);
	shrink(&w->peer, 21, &over);
	shrink(&w->process, 8, &over);
	need = w->process + w->who + w->peer + w->where + FIXED;
	w->rule = columns > need + 4 ? columns - need : 4;
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

static void put_cells(struct top *l, const struct widths *w, const char *const text[COLUMNS])
{
	const unsigned width[COLUMNS] = {w->process, w->who, w->peer, w->where, w->rule, 8, 9, 6};

	for (unsigned i = 0; i < COLUMNS; i++) {
		if (!width[i])
			continue;
		cell(l->to, text[i], width[i], i >= 5);
		if (i + 1 < COLUMNS)
			fputc(' ', l->to);
	}
}

static void put_row(struct top *l, const struct widths *w, const struct row *r, uint64_t now_ns)
{
	char peer[80], bytes[TEXT_SHORT], packets[TEXT_SHORT], age[TEXT_SHORT], verdict[260];
	const char *text[COLUMNS] = {r->process, r->who,  peer,	 r->where,
				     verdict,	 packets, bytes, age};

	peer_text(peer, sizeof(peer), &r->key);
	text_bytes(bytes, r->bytes);
	text_put(packets, sizeof(packets), "%" PRIu64, r->packets);
	age_text(age, now_ns > r->first_ns ? now_ns - r->first_ns : 0);
	text_put(verdict, sizeof(verdict), "%s  %s", verdict_word(r), r->rule);
	fputs(paint(l, r), l->to);
	put_cells(l, w, text);
	fputs(l->colour && rank(r) < 2 ? "\033[0m\033[K\r\n" : "\033[K\r\n", l->to);
}

static void put_full(struct top *l, const char *s, const char *before, const char *after)
{
	fputs(l->colour ? before : "", l->to);
	cell(l->to, s, l->columns, false);
	fputs(l->colour ? after : "", l->to);
	fputs("\033[K\r\n", l->to);
}

static unsigned collect(struct top *l, uint64_t now_ns, unsigned count[3])
{
	unsigned n = 0;

	for (unsigned i = 0; i < TOP_FLOWS_MAX; i++) {
		struct row *r = &l->row[i];

		if (!r->used)
			continue;
		if (now_ns > r->put_ns + (rank(r) == 2 ? GONE_NS : STAYS_NS)) {
			drop(l, r);
			continue;
		}
		count[rank(r)]++;
		l->order[n++] = r;
	}
	qsort(l->order, n, sizeof(l->order[0]), compare);
	return n;
}

void top_draw(struct top *l, const char *title, const char *message, uint64_t now_ns)
{
	static const char *const head[COLUMNS] = {"PROCESS",	   "UNIT/USER",
						  "DESTINATION",   "PLACE",
						  "VERDICT  RULE", "PACKETS",
						  "BYTES",	   "AGE"};
	unsigned count[3] = {0}, n, room_rows;
	char line[600], safe[400];
	struct widths w;

	ask_size(l);
	n = collect(l, now_ns, count);
	if (!l->columns)
		return;
	room_rows = l->rows > 6 ? l->rows - 5 : 1;
	share_out(&w, l->order, n < room_rows ? n : room_rows, l->columns);
	fputs("\033[H", l->to);
	put_full(l, title, "\033[1m", "\033[0m");
	text_put(line, sizeof(line),
		 "%u flows: %u blocked or to be blocked, %u alerted, %u allowed", n, count[0],
		 count[1], count[2]);
	put_full(l, line, "", "");
	put_full(l, message ? text_escape(safe, sizeof(safe), message, SIZE_MAX) : "", "\033[2m",
		 "\033[0m");
	fputs(l->colour ? "\033[7m" : "", l->to);
	put_cells(l, &w, head);
	fputs(l->colour ? "\033[0m\033[K\r\n" : "\033[K\r\n", l->to);
	for (unsigned i = 0; i < n && i < room_rows; i++)
		put_row(l, &w, l->order[i], now_ns);
	if (n > room_rows)
		fprintf(l->to, "... %u more", n - room_rows);
	fputs("\033[J", l->to);
	fflush(l->to);
}
