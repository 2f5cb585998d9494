/* SPDX-License-Identifier: BSD-2-Clause */
/* minute.c - the rows of one minute in memory: a hash table, and the texts of its keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/ledger/ledger_private.h"
#include "rules/decide.h"

#define TEXTS_FIRST (64u << 10)
#define TEXTS_MAX   (32u << 20)

int minute_new(struct minute **ret)
{
	struct minute *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->row = calloc(MINUTE_SLOTS, sizeof(*m->row));
	m->texts = malloc(TEXTS_FIRST);
	m->texts_room = TEXTS_FIRST;
	if (!m->row || !m->texts) {
		minute_free(m);
		return -ENOMEM;
	}
	minute_clear(m, 0);
	*ret = m;
	return 0;
}

void minute_free(struct minute *m)
{
	if (!m)
		return;
	free(m->row);
	free(m->texts);
	free(m->memory);
	free(m);
}

void minute_clear(struct minute *m, int64_t start)
{
	if (m->rows)
		memset(m->row, 0, MINUTE_SLOTS * sizeof(*m->row));
	free(m->memory);
	m->memory = NULL;
	m->memory_size = 0;
	m->rows = 0;
	m->start = start;
	m->texts[0] = 0;
	m->texts_used = 1;
	memset(m->other, 0, sizeof(m->other));
	memset(&m->sum, 0, sizeof(m->sum));
}

static const char *const *texts_of(const struct ledger_key *k, const char *ret[LEDGER_TEXTS])
{
	ret[TEXT_UNIT] = k->unit;
	ret[TEXT_CONTAINER] = k->container;
	ret[TEXT_EXE] = k->exe;
	ret[TEXT_USER] = k->user;
	ret[TEXT_COUNTRY] = k->country;
	ret[TEXT_PROVIDER] = k->provider;
	ret[TEXT_REGION] = k->region;
	ret[TEXT_OPERATOR] = k->operator;
	ret[TEXT_LAW] = k->law;
	ret[TEXT_GRADE] = k->grade;
	ret[TEXT_RULE] = k->rule;
	ret[TEXT_NAME] = k->name;
	for (unsigned i = 0; i < LEDGER_TEXTS; i++)
		if (!ret[i])
			ret[i] = "";
	return ret;
}

static struct cidr prefix_of(const struct ip *ip)
{
	struct cidr c = {.addr = *ip, .len = ip->v == 4 ? 24 : 48};
	unsigned keep = c.len / 8;

	memset(c.addr.b + keep, 0, sizeof(c.addr.b) - keep);
	return c;
}

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3ull;
	return h;
}

static uint64_t hash_of(const struct row *r, const char *const *text)
{
	uint64_t h = mix(0xcbf29ce484222325ull, &r->prefix.addr, sizeof(r->prefix.addr));
	uint8_t rest[6] = {(uint8_t)(r->port >> 8),
			   (uint8_t)r->port,
			   r->proto,
			   r->verdict,
			   r->enforced,
			   r->by_peer};

	h = mix(h, rest, sizeof(rest));
	for (unsigned i = 0; i < LEDGER_TEXTS; i++)
		if (i != TEXT_NAME || *text[i]) /* as before there were names */
			h = mix(h, text[i], strnlen(text[i], LEDGER_TEXT_MAX) + 1);
	return h ? h : 1;
}

static bool same(const struct minute *m, const struct row *a, const struct row *b,
		 const char *const *text)
{
	if (a->hash != b->hash || a->port != b->port || a->proto != b->proto ||
	    a->verdict != b->verdict || a->enforced != b->enforced || a->by_peer != b->by_peer ||
	    a->prefix.len != b->prefix.len || ip_cmp(&a->prefix.addr, &b->prefix.addr) != 0)
		return false;
	for (unsigned i = 0; i < LEDGER_TEXTS; i++)
		if (strncmp(minute_text(m, a->text[i]), text[i], LEDGER_TEXT_MAX) != 0)
			return false;
	return true;
}

/* Offset of the text, kept with the minute; 0 and false when there is no room. */
static bool keep_text(struct minute *m, const char *s, uint32_t *ret)
{
	size_t n = strnlen(s, LEDGER_TEXT_MAX);

	*ret = 0;
	if (!n)
		return true;
	if (m->texts_used + n + 1 > m->texts_room) {
		char *more =
			m->texts_room < TEXTS_MAX ? realloc(m->texts, m->texts_room * 2u) : NULL;

		if (!more)
			return false;
		m->texts = more;
		m->texts_room *= 2;
	}
	*ret = m->texts_used;
	memcpy(m->texts + m->texts_used, s, n);
	m->texts[m->texts_used + n] = 0;
	m->texts_used += (uint32_t)n + 1;
	return true;
}

static bool keep_texts(struct minute *m, struct row *r, const char *const *text)
{
	for (unsigned i = 0; i < LEDGER_TEXTS; i++)
		if (!keep_text(m, text[i], &r->text[i]))
			return false;
	return true;
}

/* The row of this key, made when there is none; NULL when the minute is full. */
static struct row *row_of(struct minute *m, const struct row *key, const char *const *text)
{
	struct row *r;
	uint64_t at = key->hash;

	for (;; at++) {
		r = &m->row[at % MINUTE_SLOTS];
		if (!r->hash)
			break;
		if (same(m, r, key, text))
			return r;
	}
	if (m->rows == LEDGER_KEYS)
		return NULL;
	*r = *key;
	if (!keep_texts(m, r, text)) {
		*r = (struct row){0};
		return NULL;
	}
	m->rows++;
	return r;
}

static void sum_add(struct ledger_sum *to, const struct ledger_sum *s)
{
	to->packets += s->packets;
	to->bytes += s->bytes;
	to->attempts += s->attempts;
	to->flows += s->flows;
	if (!to->first_ns || s->first_ns < to->first_ns)
		to->first_ns = s->first_ns;
	if (s->last_ns > to->last_ns)
		to->last_ns = s->last_ns;
}

static void sample_add(struct row *r, const struct ip *ip)
{
	for (unsigned i = 0; i < r->samples; i++)
		if (ip_cmp(&r->sample[i], ip) == 0)
			return;
	if (r->samples < LEDGER_SAMPLES)
		r->sample[r->samples++] = *ip;
}

bool minute_add(struct minute *m, const struct ledger_key *k, const struct ledger_sum *s)
{
	const char *text[LEDGER_TEXTS];
	struct row key = {.prefix = prefix_of(&k->dst),
			  .port = k->port,
			  .proto = k->proto,
			  .verdict = k->verdict < LEDGER_VERDICTS ? k->verdict : 0,
			  .enforced = k->enforced,
			  .by_peer = k->by_peer};
	struct row *r;
	bool passed;

	key.hash = hash_of(&key, texts_of(k, text));
	r = row_of(m, &key, text);
	passed = key.verdict == DECIDE_BLOCK && !key.enforced;
	m->sum.packets[key.verdict] += s->packets;
	m->sum.bytes[key.verdict] += s->bytes;
	if (passed) {
		m->sum.packets[LEDGER_PASSED] += s->packets;
		m->sum.bytes[LEDGER_PASSED] += s->bytes;
	}
	if (!r) {
		sum_add(&m->other[passed ? LEDGER_PASSED : key.verdict].sum, s);
		return false;
	}
	sum_add(&r->sum, s);
	sample_add(r, &k->dst);
	return true;
}
