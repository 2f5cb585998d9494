/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_diff.c - the same flows under another policy: per source, and per pair of the lines that
 * decide, how many flows and bytes get another verdict.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay_diff.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define LINES_MAX 65536u /* what has no room is added to the first */

struct change {
	struct ip host;
	uint16_t rule[2]; /* index + 1; 0: default */
	uint8_t action[2];
	uint64_t flows, packets, bytes;
};
struct replay_diff {
	struct engine_config config;
	struct engine **engine; /* owned */
	size_t nengines;
	const struct policy *before; /* the replay's own */
	struct change *change;	     /* owned */
	size_t nchanges, room;
	uint64_t same_flows, same_bytes;
};

static int load(struct replay_diff *d, int64_t unix_s)
{
	struct engine **to = reallocarray(d->engine, d->nengines + 1, sizeof(struct engine *));
	struct diag_print print;
	int r;

	if (!to)
		return -ENOMEM;
	d->engine = to;
	d->config.now = unix_s;
	diag_print_init(&print, stderr);
	r = engine_load(&to[d->nengines], &d->config, d->nengines ? to[d->nengines - 1] : NULL,
			&print.sink);
	diag_print_done(&print);
	d->nengines += r == 0;
	return r;
}

int replay_diff_open(struct replay_diff **ret, const struct replay *r, const char *policy)
{
	struct replay_diff *d = calloc(1, sizeof(*d));
	int result;

	if (!d)
		return EXIT_FAILED;
	d->config = r->config;
	d->config.policy = policy;
	d->before = r->engines[0]->policy;
	result = load(d, (int64_t)(r->now_ns / 1000000000));
	if (result < 0) {
		replay_diff_free(d);
		return result == -EINVAL ? EXIT_POLICY : EXIT_FAILED;
	}
	*ret = d;
	return 0;
}

void replay_diff_free(struct replay_diff *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->nengines; i++)
		engine_free(d->engine[i]);
	free(d->engine);
	free(d->change);
	free(d);
}

static int engine_of(struct replay_diff *d, uint64_t time_ns, const struct engine **ret)
{
	int64_t s = (int64_t)(time_ns / 1000000000);
	int r;

	for (size_t i = 0; i < d->nengines; i++)
		if (s >= d->engine[i]->compiled->since && s < d->engine[i]->compiled->next_change) {
			*ret = d->engine[i];
			return 0;
		}
	r = load(d, s);
	if (r == 0)
		*ret = d->engine[d->nengines - 1];
	return r;
}

static void ask(const struct engine *e, const struct pipeline_flow *f, struct engine_verdict *v)
{
	const struct flow_key *k = &f->record->flow;
	struct engine_query q = {.dst = &k->dst,
				 .src = &k->src,
				 .final = f->record->final.v ? &f->record->final : NULL,
				 .proto = k->proto,
				 .opened = f->record->opened,
				 .has_port = k->sport || k->dport,
				 .port = f->record->opened == OPENED_HERE ? k->dport : k->sport,
				 .known = KNOWN_NOBODY,
				 .now_ns = f->record->first_ns};

	engine_decide(e, &q, v);
}

static int add(struct replay_diff *d, const struct change *what)
{
	struct change *c;

	for (size_t i = d->nchanges; i-- > 0;) {
		c = &d->change[i];
		if (memcmp(c->rule, what->rule, sizeof(c->rule)) ||
		    memcmp(c->action, what->action, sizeof(c->action)) ||
		    ip_cmp(&c->host, &what->host))
			continue;
		c->flows += what->flows;
		c->packets += what->packets;
		c->bytes += what->bytes;
		return 0;
	}
	if (d->nchanges == LINES_MAX) {
		d->change[0].flows += what->flows;
		d->change[0].packets += what->packets;
		d->change[0].bytes += what->bytes;
		return 0;
	}
	if (d->nchanges == d->room) {
		size_t room = d->room ? d->room * 2 : 64;

		c = reallocarray(d->change, room, sizeof(*c));
		if (!c)
			return -ENOMEM;
		d->change = c;
		d->room = room;
	}
	d->change[d->nchanges++] = *what;
	return 0;
}

int replay_diff_flow(struct replay_diff *d, const struct pipeline_flow *f)
{
	const struct record *r = f->record;
	const struct engine *e = NULL;
	struct engine_verdict v = {0};
	struct change c = {.host = r->flow.src,
			   .rule = {r->verdict.rule, 0},
			   .action = {r->verdict.action, DECIDE_LOCAL},
			   .flows = 1,
			   .packets = r->packets,
			   .bytes = r->bytes};
	int result = engine_of(d, f->judged_ns, &e);

	if (result < 0 || f->arrived)
		return result;
	if (engine_egress(e, &r->flow.src, &r->flow.dst)) {
		ask(e, f, &v);
		c.action[1] = (uint8_t)v.action;
		c.rule[1] = v.decision->rule;
	}
	if (c.action[0] == c.action[1]) {
		d->same_flows++;
		d->same_bytes += r->bytes;
		return 0;
	}
	return add(d, &c);
}

static int by_bytes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (memcmp(x->rule, y->rule, sizeof(x->rule)))
		return memcmp(x->rule, y->rule, sizeof(x->rule));
	return ip_cmp(&x->host, &y->host);
}

static const char *rule_text(char *buf, size_t size, const struct policy *p, uint16_t rule,
			     uint8_t action)
{
	const struct rule *r = rule && rule <= p->nrules ? &p->rules[rule - 1] : NULL;

	if (action == DECIDE_LOCAL)
		text_put(buf, size, "stays inside");
	else if (r)
		text_put(buf, size, "%s:%u: %s", r->file ? r->file : p->file, r->line, r->text);
	else
		text_put(buf, size, "no rule matches");
	return buf;
}

static void print_json(const struct replay_diff *d, const struct change *c, FILE *to)
{
	const struct policy *p[2] = {d->before, d->engine[0]->policy};
	static const char *const key[2] = {"before", "after"};
	struct json_writer j = {0};
	char text[IP_STRLEN], line[1024];
	const char *out;

	json_writer_open(&j, NULL, '{');
	json_writer_text(&j, "host", ip_format(text, &c->host));
	for (unsigned i = 0; i < 2; i++) {
		json_writer_open(&j, key[i], '{');
		json_writer_text(&j, "verdict", event_verdict_name(c->action[i]));
		json_writer_text(&j, "rule",
				 rule_text(line, sizeof(line), p[i], c->rule[i], c->action[i]));
		json_writer_close(&j, '}');
	}
	json_writer_number(&j, "flows", c->flows);
	json_writer_number(&j, "packets", c->packets);
	json_writer_number(&j, "bytes", c->bytes);
	json_writer_close(&j, '}');
	out = json_writer_done(&j);
	if (out)
		fprintf(to, "%s\n", out);
	json_writer_free(&j);
}

static void print_text(const struct replay_diff *d, const struct change *c, FILE *to)
{
	char host[IP_STRLEN], n[TEXT_SHORT], b[TEXT_SHORT], line[1024];

	fprintf(to, "%s -> %s  %s  %s flows, %s\n", event_verdict_name(c->action[0]),
		event_verdict_name(c->action[1]), ip_format(host, &c->host),
		text_count(n, c->flows), text_bytes(b, c->bytes));
	fprintf(to, "    - %s\n",
		rule_text(line, sizeof(line), d->before, c->rule[0], c->action[0]));
	fprintf(to, "    + %s\n",
		rule_text(line, sizeof(line), d->engine[0]->policy, c->rule[1], c->action[1]));
}

int replay_diff_print(struct replay_diff *d, bool json, FILE *to)
{
	char n[TEXT_SHORT], b[TEXT_SHORT];

	if (d->nchanges)
		qsort(d->change, d->nchanges, sizeof(*d->change), by_bytes);
	for (size_t i = 0; i < d->nchanges; i++)
		(json ? print_json : print_text)(d, &d->change[i], to);
	if (!json)
		fprintf(to, "unchanged: %s flows, %s\n", text_count(n, d->same_flows),
			text_bytes(b, d->same_bytes));
	return ferror(to) ? -EIO : 0;
}
