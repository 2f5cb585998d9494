/* SPDX-License-Identifier: BSD-2-Clause */
/* print.c - the canonical text of a policy: it parses back to the same policy, and prints the same again. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "geo/facts/zone.h"
#include "rules/parse/calendar.h"
#include "rules/parse/print.h"
#include "rules/parse/proto.h"
#include "rules/parse/size.h"

#define LISTED_ON_A_LINE 6

static const char *const actions[] = {"allow", "alert", "block"};
static const char *const severities[] = {"", "low", "medium", "high", "critical"};

static void print_cc(struct writer *t, uint16_t cc)
{
	char buf[3];

	writer_add(t, "%s", country_text(cc, buf));
}

/* 'under US', 'under unknown' */
static void print_law(struct writer *t, const struct place_atom *a)
{
	if (a->type == ATOM_UNKNOWN)
		print_bare(t, a);
	else
		print_cc(t, a->country);
}

/* A zone where a country may stand too. */
static void print_zone_name(struct writer *t, const struct zone_def *z)
{
	if (z->name)
		writer_add(t, "%s", z->name);
	else
		print_law(t, &z->atoms[0]);
}

void print_bare(struct writer *t, const struct place_atom *a)
{
	writer_add(t, "%s", match_place(a->type)->keyword);
}

void print_country(struct writer *t, const struct place_atom *a)
{
	print_cc(t, a->country);
}

void print_zone(struct writer *t, const struct place_atom *a)
{
	print_zone_name(t, a->zone);
}

/* A single address is written without its length. */
static void print_prefix(struct writer *t, const struct cidr *c)
{
	char buf[IP_STRLEN];

	if (c->len == (c->addr.v == 4 ? 32 : 128))
		writer_add(t, "%s", ip_format(buf, &c->addr));
	else
		writer_add(t, "%s", cidr_format(buf, c));
}

void print_cidr(struct writer *t, const struct place_atom *a)
{
	print_prefix(t, &a->cidr);
}

void print_list(struct writer *t, const struct place_atom *a)
{
	writer_add(t, "%s", a->list->name);
}

void print_provider(struct writer *t, const struct place_atom *a)
{
	writer_add(t, "provider %s", a->name);
	if (a->region) {
		writer_add(t, " region ");
		writer_quote(t, a->region);
	}
}

void print_asn(struct writer *t, const struct place_atom *a)
{
	writer_add(t, "asn %u", a->asn);
}

void print_jurisdiction(struct writer *t, const struct place_atom *a)
{
	writer_add(t, "jurisdiction ");
	print_zone_name(t, a->zone);
}

void print_subject_text(struct writer *t, const struct subject_atom *a)
{
	writer_add(t, "%s ", match_subject(a->type)->keyword);
	if (a->type == SUBJECT_USER && !strpbrk(a->text, " \t{},\"#\\"))
		writer_add(t, "%s", a->text);
	else
		writer_quote(t, a->text);
}

void print_subject_cidr(struct writer *t, const struct subject_atom *a)
{
	writer_add(t, "address ");
	if (a->list)
		writer_add(t, "%s", a->list->name);
	else
		print_prefix(t, &a->cidr);
}

void print_from(struct writer *t, const struct rule *r)
{
	for (size_t i = 0; i < r->nfrom; i++) {
		writer_add(t, "%s", i ? ", " : " from ");
		if (r->from[i]->name)
			writer_add(t, "%s", r->from[i]->name);
		else
			match_subject(r->from[i]->atoms[0].type)->print(t, &r->from[i]->atoms[0]);
	}
}

void print_to(struct writer *t, const struct rule *r)
{
	for (size_t i = 0; i < r->nto; i++) {
		writer_add(t, "%s", i ? ", " : " to ");
		match_place(r->to[i].type)->print(t, &r->to[i]);
	}
}

void print_under(struct writer *t, const struct rule *r)
{
	if (!r->under)
		return;
	writer_add(t, " under ");
	print_zone_name(t, r->under);
}

void print_service(struct writer *t, const struct rule *r)
{
	if (r->service && r->service->name)
		writer_add(t, " service %s", r->service->name);
}

static void print_proto_name(struct writer *t, uint8_t proto)
{
	if (proto_name(proto))
		writer_add(t, "%s", proto_name(proto));
	else
		writer_add(t, "%u", proto);
}

static void print_ports(struct writer *t, const struct service_atom *a)
{
	writer_add(t, " %u", a->first);
	if (a->last != a->first)
		writer_add(t, "-%u", a->last);
}

/* 'port' without 'proto': each port stands twice, for tcp and for udp. */
static bool of_both(const struct service_def *s)
{
	return s->natoms > 1 && s->atoms[0].proto != s->atoms[1].proto;
}

void print_proto(struct writer *t, const struct rule *r)
{
	if (!r->service || r->service->name || of_both(r->service))
		return;
	writer_add(t, " proto ");
	print_proto_name(t, r->service->atoms[0].proto);
}

void print_port(struct writer *t, const struct rule *r)
{
	if (!r->service || r->service->name || r->service->atoms[0].any_port)
		return;
	writer_add(t, " port");
	for (size_t i = 0; i < r->service->natoms; i += of_both(r->service) ? 2 : 1)
		print_ports(t, &r->service->atoms[i]);
}

void print_opened(struct writer *t, const struct rule *r)
{
	if (r->opened != RULE_OPENED_ANY)
		writer_add(t, " opened by %s", r->opened == RULE_OPENED_HERE ? "here" : "peer");
}

static void print_duration(struct writer *t, const char *word, int64_t seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {
		{'d', 86400},
		{'h', 3600},
		{'m', 60},
		{'s', 1},
	};
	size_t i = 0;

	if (!seconds)
		return;
	while (seconds % units[i].seconds)
		i++;
	writer_add(t, " %s %lld%c", word, (long long)(seconds / units[i].seconds), units[i].unit);
}

void print_over(struct writer *t, const struct rule *r)
{
	char buf[SIZE_STRLEN];

	if (!r->over)
		return;
	writer_add(t, " over %s", size_format(buf, r->over));
	print_duration(t, "per", r->per);
}

void print_quiet(struct writer *t, const struct rule *r)
{
	if (r->quiet)
		writer_add(t, " quiet");
}

void print_severity(struct writer *t, const struct rule *r)
{
	if (r->severity)
		writer_add(t, " severity %s", severities[r->severity]);
}

void print_name(struct writer *t, const struct rule *r)
{
	if (r->name)
		writer_add(t, " name \"%s\"", r->name);
}

void print_label(struct writer *t, const struct rule *r)
{
	if (r->label)
		writer_add(t, " label %s", r->label);
}

void print_purpose(struct writer *t, const struct rule *r)
{
	if (r->purpose)
		writer_add(t, " purpose %s", r->purpose);
}

void print_basis(struct writer *t, const struct rule *r)
{
	if (r->basis)
		writer_add(t, " basis %s", r->basis);
}

void print_until(struct writer *t, const struct rule *r)
{
	char buf[CALENDAR_STRLEN];

	if (r->until)
		writer_add(t, " until %s", calendar_format(buf, r->until));
}

void print_because(struct writer *t, const struct rule *r)
{
	if (!r->because)
		return;
	writer_add(t, " because ");
	writer_quote(t, r->because);
}

static void print_rule(struct writer *t, const struct rule *r)
{
	writer_add(t, "%s", actions[r->action]);
	for (unsigned c = 0; c < CLAUSES; c++)
		if (match_clause((enum clause)c)->print)
			match_clause((enum clause)c)->print(t, r);
}

char *rule_print(const struct rule *r)
{
	struct writer t = {0};

	print_rule(&t, r);
	return writer_take(&t);
}

/* The shortest decimal that reads back as the same number. */
static void print_degrees(struct writer *t, double v)
{
	char buf[32];

	for (int digits = 0; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*f", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	writer_add(t, " %s", buf);
}

static void print_home(struct writer *t, const struct policy *p)
{
	if (!p->has_home)
		return;
	writer_add(t, "home ");
	print_cc(t, p->home);
	if (!isnan(p->home_lat)) {
		print_degrees(t, p->home_lat);
		print_degrees(t, p->home_lon);
	}
	if (p->home_name) {
		writer_add(t, " ");
		writer_quote(t, p->home_name);
	}
	writer_add(t, "\n");
}

/* A statement for each prefix: no line grows over the limit. */
static void print_prefixes(struct writer *t, const char *word, const struct cidr *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		writer_add(t, "%s ", word);
		print_prefix(t, &c[i]);
		writer_add(t, "\n");
	}
}

static void print_named(struct writer *t, const char *word, const char *s)
{
	if (!s)
		return;
	writer_add(t, "%s ", word);
	writer_quote(t, s);
}

static void print_place(struct writer *t, const struct policy_place *l)
{
	writer_add(t, "place ");
	print_prefix(t, &l->prefix);
	writer_add(t, " is ");
	print_cc(t, l->country);
	print_named(t, " provider", l->provider);
	print_named(t, " platform", l->platform);
	print_named(t, " region", l->region);
	if (l->jurisdiction) {
		writer_add(t, " under ");
		print_cc(t, l->jurisdiction);
	}
	if (l->note) {
		writer_add(t, " ");
		writer_quote(t, l->note);
	}
	writer_add(t, "\n");
}

static void print_zone_line(struct writer *t, const struct zone_def *z)
{
	writer_add(t, "zone %s {", z->name);
	for (size_t i = 0; i < z->natoms; i++) {
		writer_add(t, " ");
		match_place(z->atoms[i].type)->print(t, &z->atoms[i]);
	}
	writer_add(t, " }\n");
}

static void print_service_line(struct writer *t, const struct service_def *s)
{
	writer_add(t, "service %s {", s->name);
	for (size_t i = 0; i < s->natoms; i++) {
		writer_add(t, " ");
		if (!proto_name(s->atoms[i].proto))
			writer_add(t, "proto ");
		print_proto_name(t, s->atoms[i].proto);
		if (!s->atoms[i].any_port)
			print_ports(t, &s->atoms[i]);
	}
	writer_add(t, " }\n");
}

/* A prefix a line where there are many: no line grows over the limit. */
static void print_list_line(struct writer *t, const struct list_def *l)
{
	writer_add(t, "list %s {", l->name);
	for (size_t i = 0; i < l->ncidrs; i++) {
		writer_add(t, l->ncidrs > LISTED_ON_A_LINE ? "\n\t" : " ");
		print_prefix(t, &l->cidrs[i]);
	}
	writer_add(t, l->ncidrs > LISTED_ON_A_LINE ? "\n}\n" : " }\n");
}

static void print_subject_line(struct writer *t, const struct subject_def *s)
{
	writer_add(t, "subject %s {", s->name);
	for (size_t i = 0; i < s->natoms; i++) {
		writer_add(t, " ");
		match_subject(s->atoms[i].type)->print(t, &s->atoms[i]);
	}
	writer_add(t, " }\n");
}

static void print_promise(struct writer *t, const struct policy_promise *m)
{
	print_named(t, "promise provider", m->provider);
	for (size_t i = 0; i < m->nstays; i++) {
		writer_add(t, i ? ", " : " stays ");
		print_zone_name(t, m->stays[i]);
	}
	if (m->under) {
		writer_add(t, " under ");
		print_zone_name(t, m->under);
	}
	print_named(t, "", m->note);
	writer_add(t, "\n");
}

/* In the largest unit that it is a whole number of: "12 months" reads as it was written. */
static void print_span(struct writer *t, const char *word, int64_t seconds)
{
	const int64_t year = 366 * 86400ll, month = 31 * 86400ll;

	if (!seconds || (seconds % year && seconds % month))
		print_duration(t, word, seconds);
	else if (seconds % year == 0)
		writer_add(t, " %s %lld year%s", word, (long long)(seconds / year),
			   seconds == year ? "" : "s");
	else
		writer_add(t, " %s %lld month%s", word, (long long)(seconds / month),
			   seconds == month ? "" : "s");
}

static void print_settings(struct writer *t, const struct policy *p)
{
	writer_add(t, "mode %s\n", p->mode == MODE_ENFORCE ? "enforce" : "monitor");
	if (p->boot)
		writer_add(t, "boot %s\n", p->boot == BOOT_CLOSED ? "closed" : "open");
	for (size_t i = 0; i < p->ngeo; i++) {
		if (*p->geo[i].path)
			print_named(t, "geo", p->geo[i].path);
		else
			writer_add(t, "geo");
		print_duration(t, "max-age", p->geo[i].max_age);
		writer_add(t, "%s\n", p->geo[i].stale == DECIDE_BLOCK ? " stale block" : "");
	}
	if (p->journal) {
		print_named(t, "journal", p->journal);
		print_span(t, "keep", p->journal_keep);
		writer_add(t, "%s\n", p->journal_unsynced ? " sync none" : "");
	}
	for (size_t i = 0; i < p->nfeeds; i++) {
		const struct policy_feed *f = &p->feeds[i];

		writer_add(t, "feed %s", f->transport);
		if (f->target) {
			writer_add(t, " ");
			writer_quote(t, f->target);
		}
		if (f->format)
			writer_add(t, " format %s", f->format);
		print_named(t, " topic", f->topic);
		print_named(t, " ca", f->ca);
		print_named(t, " cert", f->cert);
		print_named(t, " key", f->key);
		print_named(t, " name", f->name);
		print_named(t, " config", f->config);
		if (f->ledger)
			writer_add(t, " ledger %s", f->ledger == 3600 ? "hour" : "day");
		writer_add(t, "\n");
	}
}

char *policy_print(const struct policy *p)
{
	struct writer t = {0};

	print_home(&t, p);
	print_prefixes(&t, "inside", p->inside, p->ninside);
	print_prefixes(&t, "nat64", p->nat64, p->nnat64);
	for (size_t i = 0; i < p->nplaces; i++)
		print_place(&t, &p->places[i]);
	for (size_t i = 0; i < p->nzones; i++)
		print_zone_line(&t, p->zones[i]);
	for (size_t i = 0; i < p->nlists; i++)
		print_list_line(&t, p->lists[i]);
	for (size_t i = 0; i < p->nservices; i++)
		print_service_line(&t, p->services[i]);
	for (size_t i = 0; i < p->nsubjects; i++)
		print_subject_line(&t, p->subjects[i]);
	for (size_t i = 0; i < p->npromises; i++)
		print_promise(&t, &p->promises[i]);
	print_settings(&t, p);
	for (size_t i = 0; i < p->nrules; i++) {
		print_rule(&t, &p->rules[i]);
		writer_add(&t, "\n");
	}
	return writer_take(&t);
}
