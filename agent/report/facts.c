/* SPDX-License-Identifier: BSD-2-Clause */
/* facts.c - ledgers as rows by key and part of the period, each with the class of its place and law on that day. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/report/report_private.h"
#include "geo/facts/country.h"
#include "geo/facts/operator.h"
#include "geo/facts/zone.h"

#define TEXTS_MAX (4u << 20)
#define DAY	  86400
#define HISTORY	  (3 * 366 * 86400ll)

struct reader { /* of one ledger */
	struct report_facts *f;
	uint32_t first; /* key of this host */
	uint32_t *at;	/* owned: fact + 1 by key and part */
	uint32_t at_keys;
	uint8_t host;
};

const char *facts_keep(struct report_facts *f, const char *s, size_t n)
{
	uint32_t at;

	if (!n || texts_add(&f->texts, s, n, &at) < 0)
		return "";
	return f->texts.v[at];
}

void *facts_more(void *v, size_t *room, size_t n, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *p;

	if (n < *room)
		return v;
	p = reallocarray(v, more, size);
	if (p)
		*room = more;
	return p;
}

bool fact_left(const struct report_facts *f, const struct fact *x)
{
	const struct fact_key *k = &f->key[x->key];

	return !(k->verdict == 2 && k->enforced);
}

enum report_class report_class_of(const char *country, int64_t at)
{
	uint16_t cc = country_code(country, strlen(country));

	if (!cc)
		return CLASS_UNKNOWN;
	if (zone_has(ZONE_EU, cc, at))
		return CLASS_EU;
	if (zone_has(ZONE_EEA, cc, at))
		return CLASS_EEA;
	if (zone_has(ZONE_ADEQUATE_CONDITIONAL, cc, at))
		return CLASS_CONDITIONAL;
	return zone_has(ZONE_ADEQUATE, cc, at) ? CLASS_ADEQUATE : CLASS_THIRD;
}

/* By the grade of evidence first: a country that is not proven is no place. A row without a grade was
 * written by an agent that did not keep it. */
static enum report_class place_of(const struct fact_key *k, int64_t at)
{
	static const char *const unprovable[] = {"unprovable", "disputed", "refuted"};
	static const char *const unknown[] = {"", "unknown", "stale"};
	const char *grade = k->text[COLUMN_GRADE];

	if (k->kind != LEDGER_FLOW)
		return CLASS_UNKNOWN;
	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(grade, unprovable[i]) == 0)
			return CLASS_UNPROVABLE;
		if (strcmp(grade, unknown[i]) == 0)
			return CLASS_UNKNOWN;
	}
	return report_class_of(k->text[COLUMN_COUNTRY], at);
}

/* Keys come in the order in which they were made: many of one operator after another. */
static const struct operator_entry *operator_of(const struct report_facts *f,
						const struct fact_key *k)
{
	const struct operator_entry *o;

	for (uint32_t i = f->keys - 1; i-- > 0 && i + 16 > f->keys;)
		if (f->key[i].text[COLUMN_OPERATOR] == k->text[COLUMN_OPERATOR] &&
		    f->key[i].text[COLUMN_PROVIDER] == k->text[COLUMN_PROVIDER])
			return f->key[i].op;
	o = *k->text[COLUMN_OPERATOR] ? operator_find(k->text[COLUMN_OPERATOR]) : NULL;
	if (!o && *k->text[COLUMN_PROVIDER])
		o = operator_find(k->text[COLUMN_PROVIDER]);
	return o;
}

static int on_key(void *arg, const struct ledger_key_row *row)
{
	struct reader *r = arg;
	struct report_facts *f = r->f;
	struct fact_key *k;
	int e;

	if (f->keys == REPORT_KEYS)
		return -E2BIG;
	e = FACTS_ROOM(f->key, f->keys_room, f->keys);
	if (e < 0)
		return e;
	k = &f->key[f->keys++];
	*k = (struct fact_key){.id = row->id,
			       .port = row->port,
			       .proto = row->proto,
			       .verdict = row->verdict,
			       .kind = (uint8_t)row->kind,
			       .host = r->host,
			       .enforced = row->enforced,
			       .by_peer = row->by_peer};
	for (unsigned i = 0; i < LEDGER_COLUMNS; i++)
		k->text[i] = facts_keep(f, row->text[i], strlen(row->text[i]));
	k->op = operator_of(f, k);
	return 0;
}

/* Keys come by id, and mostly without a hole. */
static int find_key(const struct reader *r, int64_t id, uint32_t *ret)
{
	const struct fact_key *k = r->f->key + r->first;
	uint32_t low = 0, high = r->f->keys - r->first;

	if (high && id >= k[0].id && id - k[0].id < high && k[id - k[0].id].id == id) {
		*ret = (uint32_t)(id - k[0].id);
		return 0;
	}
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (k[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low;
	return low < r->f->keys - r->first && k[low].id == id ? 0 : -EBADMSG;
}

static unsigned part_of(const struct report_facts *f, int64_t at)
{
	unsigned i = f->parts - 1;

	while (i && at < f->part[i])
		i--;
	return i;
}

static int fact_new(struct reader *r, uint32_t key, unsigned part, struct fact **ret)
{
	struct report_facts *f = r->f;
	uint32_t *at;
	int e;

	if (!r->at) {
		r->at_keys = f->keys - r->first;
		r->at = calloc((size_t)r->at_keys * f->parts, sizeof(*r->at));
		if (!r->at)
			return -ENOMEM;
	}
	at = &r->at[(size_t)key * f->parts + part];
	if (!*at) {
		const struct fact_key *k = &f->key[r->first + key];

		e = FACTS_ROOM(f->fact, f->facts_room, f->facts);
		if (e < 0)
			return e;
		f->fact[f->facts] = (struct fact){
			.key = r->first + key,
			.part = (uint8_t)part,
			.place = (uint8_t)place_of(k, f->part[part]),
			.law = (uint8_t)(k->kind == LEDGER_FLOW
						 ? report_class_of(k->text[COLUMN_LAW],
								   f->part[part])
						 : CLASS_UNKNOWN),
		};
		*at = ++f->facts;
	}
	*ret = &f->fact[*at - 1];
	return 0;
}

static void add_day(struct report_facts *f, const struct fact *x, int64_t start, uint64_t bytes)
{
	int64_t day = start / DAY - f->day_first;

	if (fact_left(f, x) && day >= 0 && day < (int64_t)f->days)
		f->day[(size_t)day * REPORT_CLASSES + x->place] += bytes;
}

static int on_row(void *arg, int64_t id, int64_t start, int64_t seconds, const struct ledger_sum *s)
{
	struct reader *r = arg;
	struct fact *x = NULL;
	uint32_t key;
	int e = find_key(r, id, &key);

	(void)seconds;
	e = e ? e : fact_new(r, key, part_of(r->f, start), &x);
	if (e < 0)
		return e;
	x->sum.packets += s->packets;
	x->sum.bytes += s->bytes;
	x->sum.attempts += s->attempts;
	x->sum.flows += s->flows;
	if (s->first_ns && (!x->sum.first_ns || s->first_ns < x->sum.first_ns))
		x->sum.first_ns = s->first_ns;
	if (s->last_ns > x->sum.last_ns)
		x->sum.last_ns = s->last_ns;
	add_day(r->f, x, start, s->bytes);
	return 0;
}

static int on_span(void *arg, int64_t from, int64_t to)
{
	struct reader *r = arg;
	struct report_facts *f = r->f;
	int e = FACTS_ROOM(f->span, f->spans_room, f->spans);

	if (e < 0)
		return e;
	f->span[f->spans++] = (struct fact_span){from, to, r->host};
	return 0;
}

/* ---- what was there before the period ---- */
static int no_key(void *arg, const struct ledger_key_row *k)
{
	(void)arg;
	(void)k;
	return 0;
}

static int on_history(void *arg, int64_t id, int64_t start, int64_t seconds,
		      const struct ledger_sum *s)
{
	struct reader *r = arg;
	struct fact_key *k;
	uint32_t key;
	int e = find_key(r, id, &key);

	if (e < 0)
		return e;
	if (start + seconds > r->f->from)
		return 0;
	k = &r->f->key[r->first + key];
	k->before += s->bytes;
	if (!k->before_first_ns || s->first_ns < k->before_first_ns)
		k->before_first_ns = s->first_ns;
	return 0;
}

static int read_history(struct reader *r, const char *path, struct diag_sink *d)
{
	struct ledger_scan scan = {.key = no_key, .row = on_history, .arg = r};
	struct ledger_extent e;

	return ledger_scan(&e, path, r->f->from - HISTORY, r->f->from, &scan, d);
}

static int read_ledger(struct report_facts *f, uint8_t host, struct diag_sink *d)
{
	struct fact_host *h = &f->host[host];
	struct reader r = {.f = f, .first = f->keys, .host = host};
	struct ledger_scan scan = {.key = on_key, .row = on_row, .span = on_span, .arg = &r};
	char path[4096];
	int e;

	text_put(path, sizeof(path), "%s/ledger.db", h->state);
	e = ledger_scan(&h->extent, path, f->from, f->to, &scan, d);
	e = e ? e : read_history(&r, path, d);
	free(r.at);
	if (e == -EBADMSG)
		diag_error(d, path, 0, "a row of the ledger names a key that is not there");
	if (e == -E2BIG)
		diag_error(d, path, 0, "more than %u keys: ask for a shorter period", REPORT_KEYS);
	if (e == -ENOMEM)
		diag_error(d, path, 0, "not enough memory for the ledger");
	h->has_ledger = e == 0;
	if (e == 0 && h->extent.host[0])
		h->name = facts_keep(f, h->extent.host, strlen(h->extent.host));
	return e;
}

int facts_read_ledgers(struct report_facts *f, struct diag_sink *d)
{
	int e;

	f->day_first = f->from / DAY;
	f->days = (size_t)((f->to - 1) / DAY - f->day_first + 1);
	f->day = calloc(f->days * REPORT_CLASSES, sizeof(*f->day));
	e = f->day ? 0 : -ENOMEM;
	for (size_t i = 0; i < f->hosts && e == 0; i++)
		if (!f->host[i].silent)
			e = read_ledger(f, (uint8_t)i, d);
	return e;
}

void report_facts_free(struct report_facts *f)
{
	if (!f)
		return;
	texts_drop(&f->texts);
	free(f->key);
	free(f->fact);
	free(f->gap);
	free(f->state);
	free(f->span);
	free(f->day);
	free(f);
}
