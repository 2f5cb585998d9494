/* SPDX-License-Identifier: BSD-2-Clause */
/* top.c - the table of flows on a terminal: plain ANSI, drawn whole once a second from rows that
 * own their text. */
#include "agent/feed/top_private.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <strings.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define SECOND	 1000000000ull
#define GONE_NS	 (20 * SECOND)	     /* an allowed flow that is over stays this long */
#define STAYS_NS (600 * SECOND)	     /* and one that the policy does not want */
#define IDLE_NS	 (6 * 3600 * SECOND) /* one of which nobody has said that it is over */

void top_ask_size(struct top *l)
{
	struct winsize w = {0};

	if (l->fixed)
		return;
	l->columns = l->rows = 0;
	if (!isatty(fileno(l->to)))
		return;
	if (ioctl(fileno(l->to), TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
		w = (struct winsize){.ws_col = 80, .ws_row = 24};
	l->columns = w.ws_col < TOP_WIDTH_MAX ? w.ws_col : TOP_WIDTH_MAX - 1;
	l->rows = w.ws_row;
}

/* What the locale says: elsewhere a letter that is none would break the lines. */
static bool utf8_terminal(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strcasestr(v, "UTF-8") || strcasestr(v, "utf8");
	}
	return false;
}

int top_new(struct top **ret, FILE *to)
{
	struct top *l = calloc(1, sizeof(*l));
	const char *no = getenv("NO_COLOR");

	if (!l)
		return -ENOMEM;
	l->to = to;
	l->input = -1;
	l->utf8 = utf8_terminal();
	top_ask_size(l);
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
	if (l->input >= 0)
		tcsetattr(l->input, TCSANOW, &l->before);
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
	l->columns = columns < TOP_WIDTH_MAX ? columns : TOP_WIDTH_MAX - 1;
	l->rows = rows;
	l->colour = colour;
}

static struct row **bucket_of(struct top *l, const struct flow_key *k, uint64_t cgroup)
{
	uint64_t h = cgroup * 0x9e3779b97f4a7c15ull;

	for (unsigned i = 0; i < 16; i++)
		h = (h ^ k->src.b[i] ^ (uint64_t)k->dst.b[i] << 8) * 0x100000001b3ull;
	h ^= (uint64_t)k->sport << 24 ^ (uint64_t)k->dport << 8 ^ k->proto;
	return &l->bucket[(h ^ h >> 31) % TOP_BUCKETS];
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
	if (l->chosen == r) {
		l->chosen = NULL;
		if (l->pane > PANE_FILTER)
			l->pane = PANE_TABLE;
	}
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
	text_put(r->unit, sizeof(r->unit), "%s", p->unit ? p->unit : "");
	text_put(r->user, sizeof(r->user), "%s", p->user ? p->user : "");
	text_put(r->who, sizeof(r->who), "%s%s%s", a, b[0] ? "/" : "", b);
	where_row(r, e);
}

static void place_row(struct row *r, const struct event *e)
{
	const struct place *p = e->place;
	char law[3] = "", region[48];

	if (!p)
		return;
	r->known = p->status == PLACE_KNOWN;
	country_text(p->jurisdiction, law);
	text_escape(region, sizeof(region), e->region ? e->region : "", SIZE_MAX);
	text_put(r->place, sizeof(r->place), "%s%s%s%s%s, law: %s",
		 place_status_name((enum place_status)p->status), p->grade ? ", by " : "",
		 place_grade_name((enum place_grade)p->grade), *region ? ", region " : "", region,
		 *law ? law : "unknown");
}

static void rule_row(struct row *r, const struct event *e)
{
	char line[160], text[160];

	r->line = e->rule ? e->rule->line : 0;

	if (!e->rule) {
		text_put(r->rule, sizeof(r->rule), "no rule matches");
		return;
	}
	text_escape(text, sizeof(text),
		    text_squeeze(line, sizeof(line), e->rule->text ? e->rule->text : ""), SIZE_MAX);
	text_put(r->rule, sizeof(r->rule), "%u: %s", e->rule->line, text);
}

const char *top_verdict(const struct row *r)
{
	if (r->verdict == DECIDE_BLOCK)
		return r->enforced ? "BLOCKED" : "would block";
	return r->verdict == DECIDE_ALERT   ? "alert"
	       : r->verdict == DECIDE_LOCAL ? "local"
					    : "allow";
}

void top_peer(char *buf, size_t size, const struct flow_key *k)
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

	top_peer(peer, sizeof(peer), &r->key);
	fprintf(l->to, "%-11s %s -> %s %s %s [%s]\n", top_verdict(r), r->process, peer, r->where,
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
	r->by_peer = e->opened == OPENED_PEER;
	name_row(r, e);
	place_row(r, e);
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

	if (!r)
		return;
	r->over = !e->packets; /* a refused call has no flow */
	update(l, r, e, r->done_packets + e->packets, r->done_bytes + e->bytes);
}

void top_end(struct top *l, const struct event *e)
{
	struct row *r = e->verdict == DECIDE_LOCAL ? NULL : find_or_add(l, e);

	if (!r)
		return;
	r->over = true;
	r->done_packets += e->packets;
	r->done_bytes += e->bytes;
	update(l, r, e, r->done_packets, r->done_bytes);
}

int top_rank(const struct row *r)
{
	return r->verdict == DECIDE_BLOCK ? 0 : r->verdict == DECIDE_ALERT ? 1 : 2;
}

static int by_bytes(const struct row *x, const struct row *y)
{
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static int by_verdict(const struct row *x, const struct row *y)
{
	return top_rank(x) != top_rank(y) ? top_rank(x) - top_rank(y) : by_bytes(x, y);
}

static int by_age(const struct row *x, const struct row *y) /* the newest first */
{
	return (x->first_ns < y->first_ns) - (x->first_ns > y->first_ns);
}

static int by_process(const struct row *x, const struct row *y)
{
	return strcmp(x->process, y->process);
}

static int by_destination(const struct row *x, const struct row *y)
{
	return ip_cmp(&x->key.dst, &y->key.dst);
}

static const struct {
	const char *name;
	int (*compare)(const struct row *x, const struct row *y);
} sorts[TOP_SORTS] = {
	[SORT_VERDICT] = {"verdict", by_verdict},
	[SORT_BYTES] = {"bytes", by_bytes},
	[SORT_AGE] = {"age", by_age},
	[SORT_PROCESS] = {"process", by_process},
	[SORT_DESTINATION] = {"destination", by_destination},
};

const char *top_sort_name(const struct top *l)
{
	return sorts[l->sort].name;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
	const struct top *l = arg;
	int r = sorts[l->sort].compare(x, y);

	if (r)
		return r;
	r = x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
	return r ? r : (x > y) - (x < y);
}

static bool wanted(const struct top *l, const struct row *r)
{
	char peer[80];

	if (!*l->filter)
		return true;
	top_peer(peer, sizeof(peer), &r->key);
	return strcasestr(r->process, l->filter) || strcasestr(r->who, l->filter) ||
	       strcasestr(r->where, l->filter) || strcasestr(peer, l->filter) ||
	       strcasestr(top_verdict(r), l->filter) || strcasestr(r->rule, l->filter);
}

/* A flow that lives stays, however long it is silent. */
static uint64_t stays(const struct row *r)
{
	if (!r->over)
		return IDLE_NS;
	return top_rank(r) == 2 ? GONE_NS : STAYS_NS;
}

unsigned top_collect(struct top *l, uint64_t now_ns, unsigned count[3])
{
	unsigned n = 0;

	for (unsigned i = 0; i < TOP_FLOWS_MAX; i++) {
		struct row *r = &l->row[i];

		if (!r->used)
			continue;
		if (now_ns > r->put_ns + stays(r)) {
			drop(l, r);
			continue;
		}
		if (!wanted(l, r))
			continue;
		count[top_rank(r)]++;
		l->order[n++] = r;
	}
	qsort_r(l->order, n, sizeof(l->order[0]), compare, l);
	return n;
}
