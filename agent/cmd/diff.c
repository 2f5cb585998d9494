/* SPDX-License-Identifier: BSD-2-Clause */
/* diff.c - 'cordon diff': which of the flows that were seen another policy would decide otherwise. */
#include "agent/cmd/diff.h"
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/period.h"

#define GEO_MAX 64
#define SINCE	(30 * 86400ll)
#define SENDERS 4096 /* remembered: a name is looked up once */

struct diff_options {
	const char *policy[DIFF_POLICIES], *geo[GEO_MAX];
	size_t ngeo;
	int64_t since, now;
	bool captures, json;
	char **paths;
	size_t npaths;
};
/* Who sent, to both policies. */
struct sender {
	const char *unit, *user; /* of the texts of 'seen': by pointer; NULL: no sender yet */
	uint64_t mask[DIFF_POLICIES];
};

void diff_sum(struct ledger_sum *to, const struct ledger_sum *s)
{
	to->packets += s->packets;
	to->bytes += s->bytes;
	to->attempts += s->attempts;
	to->flows += s->flows;
}

static uint32_t uid_of(const char *user)
{
	struct passwd pw, *found = NULL;
	uint64_t uid = UINT32_MAX;
	char buf[4096];

	if (getpwnam_r(user, &pw, buf, sizeof(buf), &found) == 0 && found)
		return pw.pw_uid;
	return text_number(&uid, user, UINT32_MAX) < 0 ? UINT32_MAX : (uint32_t)uid;
}

static void look_up(const struct diff *d, struct sender *s)
{
	char path[LEDGER_TEXT_MAX + 32];
	uint32_t uid = *s->user ? uid_of(s->user) : UINT32_MAX;

	text_put(path, sizeof(path), "/system.slice/%s", s->unit);
	for (int i = 0; i < DIFF_POLICIES; i++) {
		s->mask[i] = *s->unit ? compiled_cgroup_mask(d->engine[i]->compiled, path) : 0;
		if (*s->user)
			s->mask[i] |= compiled_user_mask(d->engine[i]->compiled, s->user, uid);
	}
}

static const struct sender *sender_of(const struct diff *d, struct sender *known,
				      const struct seen_flow *f)
{
	const char *unit = f->key.text[COLUMN_UNIT], *user = f->key.text[COLUMN_USER];
	size_t h = ((uintptr_t)unit >> 4) * 31 + ((uintptr_t)user >> 4);
	struct sender *s = &known[h % SENDERS];

	if (s->unit != unit || s->user != user) {
		*s = (struct sender){.unit = unit, .user = user};
		look_up(d, s);
	}
	return s;
}

static enum decide_known known_of(const struct sender *s)
{
	if (*s->unit)
		return KNOWN_ALL;
	return *s->user ? KNOWN_USER : KNOWN_NOBODY;
}

static void ask(const struct diff *d, const struct sender *s, const struct ip *dst, int64_t now,
		struct diff_flow *ret)
{
	const struct ledger_key_row *k = &ret->flow->key;
	struct engine_verdict v;

	for (int i = 0; i < DIFF_POLICIES; i++) {
		const struct engine *e = d->engine[i];
		struct engine_query q = {.dst = dst,
					 .port = k->port,
					 .proto = k->proto,
					 .has_port = k->port != 0,
					 .opened = k->by_peer ? OPENED_PEER : OPENED_HERE,
					 .known = known_of(s),
					 .mask = s->mask[i],
					 .now_ns = (uint64_t)now * 1000000000ull};

		ret->action[i] = DECIDE_LOCAL;
		ret->rule[i] = 0;
		if (!engine_leaves(engine_reach(e, dst), NULL))
			continue;
		engine_decide(e, &q, &v);
		ret->action[i] = (uint8_t)v.action;
		ret->rule[i] = v.rule ? (uint16_t)(v.rule - e->policy->rules + 1) : 0;
	}
}

/* The addresses that were seen speak for their network: it changes when one of them does. False: its row names no
 * address. */
static bool judge(const struct diff *d, struct sender *known, const struct seen_flow *f,
		  int64_t now, struct diff_flow *ret)
{
	const struct sender *s = sender_of(d, known, f);
	struct cidr c;

	*ret = (struct diff_flow){.flow = f};
	if (!f->sample[0].v) {
		if (cidr_parse(&c, f->key.text[COLUMN_PREFIX]) < 0)
			return false;
		ask(d, s, &c.addr, now, ret);
		return true;
	}
	for (unsigned i = 0; i < LEDGER_SAMPLES && f->sample[i].v; i++) {
		ask(d, s, &f->sample[i], now, ret);
		if (ret->action[DIFF_OLD] != ret->action[DIFF_NEW])
			break;
	}
	return true;
}

static int compare(struct diff *d, int64_t now)
{
	struct sender *known = calloc(SENDERS, sizeof(*known));

	d->flows = calloc(d->seen.n + 1, sizeof(*d->flows));
	if (!known || !d->flows) {
		free(known);
		return -ENOMEM;
	}
	for (size_t i = 0; i < d->seen.n; i++) {
		const struct seen_flow *f = &d->seen.flows[i];

		if (!seen_in_period(f))
			continue;
		if (f->key.kind != LEDGER_FLOW || !judge(d, known, f, now, &d->flows[d->n]))
			diff_sum(&d->unjudged, &f->sum);
		else if (d->flows[d->n].action[DIFF_OLD] == d->flows[d->n].action[DIFF_NEW])
			diff_sum(&d->same, &f->sum);
		else
			d->n++;
	}
	free(known);
	return 0;
}

/* What a policy asks and neither ledger nor capture can say. */
static void warn(const struct diff_options *o, const struct engine *e)
{
	const struct policy *p = e->policy;
	bool cgroup = false, address = false;

	for (size_t i = 0; i < p->nrules; i++)
		for (size_t k = 0; k < p->rules[i].nfrom; k++)
			for (size_t a = 0; a < p->rules[i].from[k]->natoms; a++) {
				enum subject_type t = p->rules[i].from[k]->atoms[a].type;

				cgroup |= t == SUBJECT_CGROUP || t == SUBJECT_USER_UNIT;
				address |= t == SUBJECT_ADDRESS;
			}
	if (o->captures && e->needs_subject)
		diag_say(
			"%s names units, users or cgroups, which a capture does not know: there, block and "
			"alert rules match and allow rules do not",
			p->file);
	else if (cgroup)
		diag_say(
			"%s names cgroups or users' units, which a ledger does not know: no rule matches by them",
			p->file);
	if (address)
		diag_say(
			"%s names senders by address, which a ledger does not know: no rule matches by them",
			p->file);
}

static int load(struct diff *d, const struct diff_options *o, struct engine_config *cfg)
{
	struct diag_print p;
	int e = 0;

	for (int i = 0; i < DIFF_POLICIES && e == 0; i++) {
		cfg->policy = o->policy[i];
		diag_print_init(&p, stderr);
		e = engine_load(&d->engine[i], cfg, i ? d->engine[0] : NULL, &p.sink);
		diag_print_done(&p);
		if (e == 0)
			warn(o, d->engine[i]);
	}
	cfg->policy = o->policy[DIFF_OLD];
	return e == -EINVAL ? EXIT_POLICY : e ? EXIT_FAILED : 0;
}

static int diff(struct diff *d, const struct diff_options *o)
{
	struct engine_config cfg = {.geo = o->geo, .ngeo = o->ngeo, .now = o->now, .live = true};
	const struct seen_from from = {.ledger = o->npaths ? o->paths[0] : LEDGER_PATH,
				       .captures = o->captures ? o->paths : NULL,
				       .ncaptures = o->npaths,
				       .config = &cfg,
				       .since = o->since,
				       .until = o->now + 60};
	int r = load(d, o, &cfg);

	cfg.live = !o->captures;
	r = r ? r : seen_read(&d->seen, &from);
	if (r)
		return r;
	if (compare(d, o->now) < 0) {
		diag_say("not enough memory");
		return EXIT_FAILED;
	}
	return diff_print(d, o->json, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int set(struct diff_options *o, int code)
{
	switch (code) {
	case 'g':
		if (o->ngeo == GEO_MAX)
			return diag_usage("diff", "more than %d places databases", GEO_MAX);
		o->geo[o->ngeo++] = optarg;
		return 0;
	case 's':
		if (period_parse(&o->since, optarg, o->now) == 0)
			return 0;
		return diag_usage("diff",
				  "--since %s: a duration (90m, 24h, 14d) or a date (2026-11-25)",
				  optarg);
	case 'f':
		o->captures = !strcmp(optarg, "capture");
		return o->captures || !strcmp(optarg, "ledger")
			       ? 0
			       : diag_usage("diff", "--from %s: ledger or capture", optarg);
	case 'j':
		o->json = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

static int parse(struct diff_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"geo", required_argument, NULL, 'g'},
		{"since", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int code, r;

	while ((code = options_next("diff", argc, argv, "", options)) != -1) {
		r = set(o, code);
		if (r)
			return r;
	}
	if (argc - optind < DIFF_POLICIES)
		return diag_usage("diff", "two policies are needed: the old one and the new one");
	o->policy[DIFF_OLD] = argv[optind];
	o->policy[DIFF_NEW] = argv[optind + 1];
	o->paths = argv + optind + DIFF_POLICIES;
	o->npaths = (size_t)(argc - optind - DIFF_POLICIES);
	if (o->captures && !o->npaths)
		return diag_usage("diff", "--from capture: which captures?");
	if (!o->captures && o->npaths > 1)
		return diag_usage("diff", "'%s' is one ledger too many", o->paths[1]);
	return 0;
}

int cmd_diff(int argc, char **argv)
{
	struct diff_options o = {.now = time(NULL)};
	struct diff d = {0};
	int r;

	o.since = o.now - SINCE;
	r = parse(&o, argc, argv);
	if (r)
		return r;
	r = diff(&d, &o);
	for (int i = 0; i < DIFF_POLICIES; i++)
		engine_free(d.engine[i]);
	seen_free(&d.seen);
	free(d.flows);
	return r;
}
