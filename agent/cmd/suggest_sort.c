/* SPDX-License-Identifier: BSD-2-Clause */
/* suggest_sort.c - which flows a rule may allow, by whom and to how narrow a place; the others, and why not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/suggest.h"
#include "geo/facts/zone.h"

static const char *text(const struct suggest_flow *f, enum ledger_column c)
{
	return f->flow->key.text[c];
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && memcmp(s + n - m, end, m) == 0;
}

/* Can the policy name it, and only it? The text of a rule is a glob. */
static bool nameable(const char *s)
{
	size_t n = strlen(s);

	if (!n || n >= LEDGER_TEXT_MAX - 1)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f || strchr("*?", *s))
			return false;
	return true;
}

/* A scope's name is of one session or one container: the next one has another. */
static void name_sender(struct suggest_flow *f)
{
	const char *unit = text(f, COLUMN_UNIT), *user = text(f, COLUMN_USER);

	f->who = WHO_ANYONE;
	f->name = "";
	if (nameable(unit) && !ends_with(unit, ".scope")) {
		f->who = WHO_UNIT;
		f->name = unit;
	} else if (nameable(user)) {
		f->who = WHO_USER;
		f->name = user;
	}
}

static bool private_prefix(const struct suggest_flow *f)
{
	struct cidr c = {0};
	const uint8_t *b = c.addr.b;

	if (cidr_parse(&c, text(f, COLUMN_PREFIX)) < 0)
		return false;
	if (c.addr.v == 6)
		return (b[0] & 0xfe) == 0xfc;
	return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	       (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static enum suggest_why of_grade(const struct suggest_flow *f)
{
	static const struct {
		const char *grade;
		enum suggest_why why;
	} not_known[] = {{"disputed", WHY_DISPUTED},
			 {"unprovable", WHY_UNPROVABLE},
			 {"stale", WHY_OLD},
			 {"refuted", WHY_REFUTED}};
	const char *grade = text(f, COLUMN_GRADE);

	for (unsigned i = 0; i < sizeof(not_known) / sizeof(not_known[0]); i++)
		if (!strcmp(grade, not_known[i].grade))
			return not_known[i].why;
	for (int g = GRADE_NONE + 1; g < GRADES; g++)
		if (!strcmp(grade, place_grade_name((enum place_grade)g)))
			return WHY_ALLOWED;
	return private_prefix(f) ? WHY_PRIVATE : WHY_UNKNOWN;
}

static enum suggest_why why_not(const struct suggest_flow *f, int64_t now)
{
	const struct ledger_key_row *k = &f->flow->key;
	const char *cc = text(f, COLUMN_COUNTRY);
	uint16_t country = country_code(cc, strlen(cc));
	enum suggest_why why = of_grade(f);

	if (why != WHY_ALLOWED)
		return why;
	if (!country)
		return WHY_UNKNOWN;
	if (!zone_has(ZONE_EEA, country, now))
		return WHY_OUTSIDE;
	if (k->enforced)
		return WHY_BLOCKED;
	if (!k->proto || ((k->proto == 6 || k->proto == 17) && !k->port))
		return WHY_PORT;
	return f->who == WHO_ANYONE && (*text(f, COLUMN_UNIT) || *text(f, COLUMN_USER))
		       ? WHY_SENDER
		       : WHY_ALLOWED;
}

static bool word(const char *s)
{
	for (const char *c = s; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._",
			    *c))
			return false;
	return *s != 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_region(const void *a, const void *b)
{
	const struct suggest_flow *x = *(struct suggest_flow *const *)a,
				  *y = *(struct suggest_flow *const *)b;
	int r = strcmp(text(x, COLUMN_PROVIDER), text(y, COLUMN_PROVIDER));

	return r ? r : strcmp(text(x, COLUMN_REGION), text(y, COLUMN_REGION));
}

/* Flows of one region: its name is a rule's place unless something there is elsewhere, or nobody knows where. */
static void name_region(struct suggest_flow **v, size_t n)
{
	bool whole = word(text(v[0], COLUMN_PROVIDER)) && nameable(text(v[0], COLUMN_REGION));

	for (size_t i = 0; i < n; i++)
		whole &= text(v[i], COLUMN_COUNTRY) == text(v[0], COLUMN_COUNTRY) &&
			 (v[i]->why == WHY_ALLOWED || v[i]->why >= WHY_PORT);
	for (size_t i = 0; i < n; i++)
		v[i]->to = whole ? TO_REGION : TO_COUNTRY;
}

static int name_regions(struct suggest *s)
{
	struct suggest_flow **v = calloc(s->n + 1, sizeof(struct suggest_flow *));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		v[i] = &s->flows[i];
	qsort(v, s->n, sizeof(struct suggest_flow *), by_region);
	for (size_t i = 0, end; i < s->n; i = end) {
		for (end = i + 1; end < s->n && by_region(&v[i], &v[end]) == 0;)
			end++;
		name_region(&v[i], end - i);
	}
	free(v);
	return 0;
}

static int by_service(const struct suggest_flow *a, const struct suggest_flow *b)
{
	const struct ledger_key_row *x = &a->flow->key, *y = &b->flow->key;
	int r = compare_numbers(a->who, b->who);

	r = r ? r : strcmp(a->name, b->name);
	r = r ? r : compare_numbers(x->proto, y->proto);
	r = r ? r : compare_numbers(x->port, y->port);
	r = r ? r : compare_numbers(x->by_peer, y->by_peer);
	r = r ? r : compare_numbers(a->to, b->to);
	return r || a->to == TO_REGION ? r : strcmp(text(a, COLUMN_LAW), text(b, COLUMN_LAW));
}

static int by_rule(const struct suggest_flow *a, const struct suggest_flow *b)
{
	int r = by_service(a, b);

	if (!r && a->to == TO_REGION) {
		r = strcmp(text(a, COLUMN_PROVIDER), text(b, COLUMN_PROVIDER));
		r = r ? r : strcmp(text(a, COLUMN_REGION), text(b, COLUMN_REGION));
	}
	if (!r && a->to == TO_COUNTRY)
		r = strcmp(text(a, COLUMN_COUNTRY), text(b, COLUMN_COUNTRY));
	return r;
}

static int by_bytes(const struct suggest_flow *a, const struct suggest_flow *b)
{
	int r = compare_numbers(b->flow->sum.bytes, a->flow->sum.bytes);

	for (int i = 0; i < LEDGER_COLUMNS && !r; i++)
		r = strcmp(a->flow->key.text[i], b->flow->key.text[i]);
	r = r ? r : compare_numbers(a->flow->key.proto, b->flow->key.proto);
	return r ? r : compare_numbers(a->flow->key.port, b->flow->key.port);
}

static int order(const void *a, const void *b)
{
	const struct suggest_flow *x = a, *y = b;
	int r = compare_numbers(x->why != WHY_ALLOWED, y->why != WHY_ALLOWED);

	if (!r)
		r = x->why == WHY_ALLOWED ? by_rule(x, y) : compare_numbers(x->why, y->why);
	return r ? r : by_bytes(x, y);
}

bool suggest_same(const struct suggest_flow *a, const struct suggest_flow *b)
{
	return by_rule(a, b) == 0;
}

/* A policy has few subjects: those that sent most stay. */
struct sender {
	enum suggest_who who;
	const char *name;
	uint64_t bytes;
};

static int most(const void *a, const void *b)
{
	const struct sender *x = a, *y = b;
	int r = compare_numbers(y->bytes, x->bytes);

	r = r ? r : compare_numbers(x->who, y->who);
	return r ? r : strcmp(x->name, y->name);
}

static bool among(const struct sender *v, size_t n, const struct suggest_flow *f)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].who == f->who && !strcmp(v[i].name, f->name))
			return true;
	return false;
}

static int limit_senders(struct suggest *s)
{
	struct sender *v = calloc(s->n + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->n && s->flows[i].why == WHY_ALLOWED; i++) {
		const struct suggest_flow *f = &s->flows[i];

		if (f->who == WHO_ANYONE)
			continue;
		if (!n || !among(&v[n - 1], 1, f)) /* they are in order */
			v[n++] = (struct sender){f->who, f->name, 0};
		v[n - 1].bytes += f->flow->sum.bytes;
	}
	if (n > DECIDE_SUBJECTS_MAX) {
		qsort(v, n, sizeof(*v), most);
		for (size_t i = 0; i < s->n; i++)
			if (s->flows[i].why == WHY_ALLOWED && s->flows[i].who != WHO_ANYONE &&
			    !among(v, DECIDE_SUBJECTS_MAX, &s->flows[i]))
				s->flows[i].why = WHY_SUBJECTS;
	}
	free(v);
	return 0;
}

/* Many countries under one service become the zone. In order of rules. */
static void widen(struct suggest *s)
{
	for (size_t i = 0, end; i < s->n && s->flows[i].why == WHY_ALLOWED; i = end) {
		size_t countries = 1;

		for (end = i + 1; end < s->n && s->flows[end].why == WHY_ALLOWED &&
				  by_service(&s->flows[i], &s->flows[end]) == 0;
		     end++)
			countries += text(&s->flows[end], COLUMN_COUNTRY) !=
				     text(&s->flows[end - 1], COLUMN_COUNTRY);
		if (s->flows[i].to == TO_COUNTRY && countries >= SUGGEST_COUNTRIES)
			for (size_t k = i; k < end; k++)
				s->flows[k].to = TO_ZONE;
	}
}

static void sum_add(struct ledger_sum *to, const struct ledger_sum *s)
{
	to->packets += s->packets;
	to->bytes += s->bytes;
	to->attempts += s->attempts;
	to->flows += s->flows;
}

static void choose(struct suggest *s)
{
	for (size_t i = 0; i < s->seen.n; i++) {
		const struct seen_flow *f = &s->seen.flows[i];

		if (!seen_in_period(f))
			continue;
		if (f->key.kind != LEDGER_FLOW) {
			sum_add(f->key.kind == LEDGER_OTHER ? &s->other : &s->unattributed,
				&f->sum);
			continue;
		}
		s->flows[s->n].flow = f;
		name_sender(&s->flows[s->n]);
		s->flows[s->n].why = why_not(&s->flows[s->n], s->now);
		s->n++;
	}
}

int suggest_sort(struct suggest *s)
{
	s->flows = calloc(s->seen.n + 1, sizeof(*s->flows));
	if (!s->flows)
		return -ENOMEM;
	choose(s);
	if (name_regions(s) < 0)
		return -ENOMEM;
	qsort(s->flows, s->n, sizeof(*s->flows), order);
	if (limit_senders(s) < 0)
		return -ENOMEM;
	qsort(s->flows, s->n, sizeof(*s->flows), order);
	widen(s);
	qsort(s->flows, s->n, sizeof(*s->flows), order);
	while (s->allowed < s->n && s->flows[s->allowed].why == WHY_ALLOWED)
		s->allowed++;
	return 0;
}

size_t suggest_rules(const struct suggest *s)
{
	size_t n = s->allowed > 0;

	for (size_t i = 1; i < s->allowed; i++)
		n += !suggest_same(&s->flows[i - 1], &s->flows[i]);
	return n;
}
