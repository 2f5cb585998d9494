/* SPDX-License-Identifier: BSD-2-Clause */
/* diff_print.c - what changes: by both verdicts, both deciding lines and the sender, with where it goes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/cmd/diff.h"
#include "agent/event/event_text.h"
#include "rules/parse/proto.h"

#define SHOWN	   8   /* destinations of a group */
#define SHOWN_JSON 100 /* of its JSON */
#define SHOWN_TEXT 160 /* bytes of a foreign text */

struct group { /* flows that change in the same way, next to each other */
	const struct diff_flow *flow;
	size_t n;
	struct ledger_sum sum;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static const char *sender(const struct diff_flow *f, enum ledger_column c)
{
	return f->flow->key.text[c];
}

static int by_group(const struct diff_flow *x, const struct diff_flow *y)
{
	int r = memcmp(x->action, y->action, sizeof(x->action));

	for (int i = 0; i < DIFF_POLICIES && !r; i++)
		r = compare_numbers(x->rule[i], y->rule[i]);
	r = r ? r : strcmp(sender(x, COLUMN_UNIT), sender(y, COLUMN_UNIT));
	return r ? r : strcmp(sender(x, COLUMN_USER), sender(y, COLUMN_USER));
}

static int by_where(const struct diff_flow *x, const struct diff_flow *y)
{
	const struct ledger_key_row *a = &x->flow->key, *b = &y->flow->key;
	int r = strcmp(a->text[COLUMN_PREFIX], b->text[COLUMN_PREFIX]);

	r = r ? r : compare_numbers(a->proto, b->proto);
	r = r ? r : compare_numbers(a->port, b->port);
	return r ? r : compare_numbers((uint64_t)a->id, (uint64_t)b->id);
}

static int order(const void *a, const void *b)
{
	const struct diff_flow *x = a, *y = b;
	int r = by_group(x, y);

	r = r ? r : compare_numbers(y->flow->sum.bytes, x->flow->sum.bytes);
	return r ? r : by_where(x, y);
}

static int by_bytes(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int r = compare_numbers(y->sum.bytes, x->sum.bytes);

	return r ? r : by_group(x->flow, y->flow);
}

static size_t groups_of(const struct diff *d, struct group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (!n || by_group(g[n - 1].flow, &d->flows[i]))
			g[n++] = (struct group){.flow = &d->flows[i]};
		g[n - 1].n++;
		diff_sum(&g[n - 1].sum, &d->flows[i].flow->sum);
	}
	qsort(g, n, sizeof(*g), by_bytes);
	return n;
}

static const char *rule_text(char *buf, size_t size, const struct diff *d, const struct group *g,
			     int which)
{
	const struct policy *p = d->engine[which]->policy;
	uint16_t rule = g->flow->rule[which];

	if (g->flow->action[which] == DECIDE_LOCAL)
		text_put(buf, size, "stays inside");
	else if (rule)
		text_put(buf, size, "%s:%u: %s", p->file, p->rules[rule - 1].line,
			 p->rules[rule - 1].text);
	else
		text_put(buf, size, "no rule matches");
	return buf;
}

static const char *service(char *buf, size_t size, const struct ledger_key_row *k)
{
	const char *name = proto_name(k->proto);
	char number[8];

	text_put(number, sizeof(number), "%u", k->proto);
	if (k->port)
		text_put(buf, size, "%s %u", name ? name : number, k->port);
	else
		text_put(buf, size, "%s", name ? name : number);
	return buf;
}

static void put(FILE *to, const char *before, const char *s)
{
	char buf[SHOWN_TEXT];

	if (*s)
		fprintf(to, "%s%s", before, text_escape(buf, sizeof(buf), s, SIZE_MAX));
}

static void put_sum(FILE *to, const struct ledger_sum *s)
{
	char n[TEXT_SHORT], b[TEXT_SHORT];

	fprintf(to, "%s flows, %s", text_count(n, s->flows), text_bytes(b, s->bytes));
	if (s->attempts)
		fprintf(to, ", %s refused calls", text_count(n, s->attempts));
	fputc('\n', to);
}

static void put_destinations(const struct group *g, FILE *to)
{
	struct ledger_sum rest = {0};
	char text[64];

	for (size_t i = 0; i < g->n; i++) {
		const struct ledger_key_row *k = &g->flow[i].flow->key;

		if (i >= SHOWN) {
			diff_sum(&rest, &g->flow[i].flow->sum);
			continue;
		}
		put(to, "    ", k->text[COLUMN_PREFIX]);
		fprintf(to, "  %s%s", service(text, sizeof(text), k),
			k->by_peer ? " opened by peer" : "");
		put(to, "  ", k->text[COLUMN_COUNTRY]);
		put(to, " ", k->text[COLUMN_PROVIDER]);
		put(to, " ", k->text[COLUMN_REGION]);
		fputs("  ", to);
		put_sum(to, &g->flow[i].flow->sum);
	}
	if (g->n > SHOWN) {
		fprintf(to, "    and %zu more  ", g->n - SHOWN);
		put_sum(to, &rest);
	}
}

static void print_text(const struct diff *d, const struct group *g, FILE *to)
{
	const struct diff_flow *f = g->flow;
	char line[1024];

	fprintf(to, "%s -> %s ", event_verdict_name(f->action[0]),
		event_verdict_name(f->action[1]));
	put(to, " unit ", sender(f, COLUMN_UNIT));
	put(to, " user ", sender(f, COLUMN_USER));
	if (!*sender(f, COLUMN_UNIT) && !*sender(f, COLUMN_USER))
		fputs(" sender not known", to);
	fputs("  ", to);
	put_sum(to, &g->sum);
	fprintf(to, "    - %s\n", rule_text(line, sizeof(line), d, g, DIFF_OLD));
	fprintf(to, "    + %s\n", rule_text(line, sizeof(line), d, g, DIFF_NEW));
	put_destinations(g, to);
}

static void sum_json(struct json_writer *j, const struct ledger_sum *s)
{
	json_writer_number(j, "flows", s->flows);
	json_writer_number(j, "packets", s->packets);
	json_writer_number(j, "bytes", s->bytes);
	json_writer_number(j, "attempts", s->attempts);
}

static void destinations_json(struct json_writer *j, const struct group *g)
{
	char text[64];

	json_writer_number(j, "destinations_all", g->n);
	json_writer_open(j, "destinations", '[');
	for (size_t i = 0; i < g->n && i < SHOWN_JSON; i++) {
		const struct ledger_key_row *k = &g->flow[i].flow->key;

		json_writer_open(j, NULL, '{');
		json_writer_text(j, "prefix", k->text[COLUMN_PREFIX]);
		json_writer_text(j, "service", service(text, sizeof(text), k));
		json_writer_text(j, "opened", k->by_peer ? "peer" : "here");
		json_writer_text(j, "country", k->text[COLUMN_COUNTRY]);
		json_writer_text(j, "provider", k->text[COLUMN_PROVIDER]);
		json_writer_text(j, "region", k->text[COLUMN_REGION]);
		sum_json(j, &g->flow[i].flow->sum);
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
}

static void print_json(const struct diff *d, const struct group *g, FILE *to)
{
	static const char *const key[] = {"before", "after"};
	struct json_writer j = {0};
	char line[1024];
	const char *out;

	json_writer_open(&j, NULL, '{');
	json_writer_text(&j, "unit", sender(g->flow, COLUMN_UNIT));
	json_writer_text(&j, "user", sender(g->flow, COLUMN_USER));
	for (int i = 0; i < DIFF_POLICIES; i++) {
		json_writer_open(&j, key[i], '{');
		json_writer_text(&j, "verdict", event_verdict_name(g->flow->action[i]));
		json_writer_text(&j, "rule", rule_text(line, sizeof(line), d, g, i));
		json_writer_close(&j, '}');
	}
	sum_json(&j, &g->sum);
	destinations_json(&j, g);
	json_writer_close(&j, '}');
	out = json_writer_done(&j);
	if (out)
		fprintf(to, "%s\n", out);
	json_writer_free(&j);
}

int diff_print(struct diff *d, bool json, FILE *to)
{
	struct group *g;
	size_t n;

	qsort(d->flows, d->n, sizeof(*d->flows), order);
	g = calloc(d->n + 1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	n = groups_of(d, g);
	for (size_t i = 0; i < n; i++)
		(json ? print_json : print_text)(d, &g[i], to);
	free(g);
	if (!json) {
		fputs("unchanged: ", to);
		put_sum(to, &d->same);
		if (d->unjudged.flows || d->unjudged.packets) {
			fputs("not judged, for their rows name no flow: ", to);
			put_sum(to, &d->unjudged);
		}
	}
	return ferror(to) ? -EIO : 0;
}
