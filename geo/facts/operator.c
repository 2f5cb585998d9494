/* SPDX-License-Identifier: BSD-2-Clause */
/* operator.c - finds operators by key, name, AS organisation and AS number in the tables of
 * geo/data/facts. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "geo/facts/facts_private.h"

/* "CH AT MX": the chain of laws, and the one of them that a place carries. */
static int read_laws(struct facts_reader *r, const char *text, struct operator_entry *o)
{
	size_t n = 0;

	for (; *text; n++, text += text[2] ? 3 : 2) {
		uint16_t law = country_code(text, 2);

		if (!law || (text[2] && text[2] != ' ') || n == OPERATOR_LAWS)
			return facts_bad(r, "the laws are at most %d countries: 'CH AT MX'",
					 OPERATOR_LAWS);
		o->laws[n] = law;
		if (!o->jurisdiction && !zone_in(r->f, ZONE_EEA, law, INT64_MAX))
			o->jurisdiction = law;
	}
	if (!n)
		return facts_bad(r, "an operator without a law");
	if (!o->jurisdiction)
		o->jurisdiction = o->laws[0];
	return 0;
}

static int read_kind(struct facts_reader *r, const char *text, struct operator_entry *o)
{
	o->platform = !strcmp(text, "platform");
	o->anycast = !strcmp(text, "anycast");
	if (o->platform || o->anycast || !strcmp(text, "infrastructure"))
		return 0;
	return facts_bad(r, "'%.32s' is none of infrastructure, platform, anycast", text);
}

static int read_flags(struct facts_reader *r, const char *text, struct operator_entry *o)
{
	while (*text) {
		size_t n = strcspn(text, ",");

		if (n == 7 && !strncmp(text, "regions", n))
			o->publishes_regions = true;
		else if (n == 8 && !strncmp(text, "registry", n))
			o->registry_says_nothing = true;
		else
			return facts_bad(r, "'%.32s' is none of regions, registry", text);
		text += n + (text[n] == ',');
	}
	return 0;
}

int operator_row_read(struct facts_reader *r, void *out)
{
	struct operator_entry *o = out;
	int e;

	o->key = r->field[0];
	o->name = r->field[1];
	o->on = r->field[5];
	o->note = r->field[6];
	o->source = r->field[7];
	o->date = r->field[8];
	if (facts_yes(r, 9, &o->checked))
		return -EINVAL;
	if (!*o->key || o->key[strspn(o->key, "abcdefghijklmnopqrstuvwxyz0123456789")])
		return facts_bad(r, "'%.32s' is no key: lower case letters and digits", o->key);
	if (!*o->source)
		return facts_bad(r, "%s has no source", o->key);
	e = read_laws(r, r->field[2], o);
	if (!e)
		e = read_kind(r, r->field[3], o);
	return e ? e : read_flags(r, r->field[4], o);
}

int operator_check(struct facts_reader *r)
{
	const struct operator_entry *v = r->f->operators.v;

	for (size_t i = 1; i < r->f->operators.n; i++)
		if (strcmp(v[i - 1].key, v[i].key) >= 0)
			return facts_bad(r, "%s is there twice, or out of order", v[i].key);
	return 0;
}

int operator_asn_read(struct facts_reader *r, void *out)
{
	struct operator_asn *a = out;
	uint64_t v = 0;

	for (const char *s = r->field[0]; *s; s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (!isdigit((unsigned char)*s) || v > UINT32_MAX)
			return facts_bad(r, "'%.16s' is no AS number", r->field[0]);
	}
	a->asn = (uint32_t)v;
	a->key = r->field[1];
	return a->asn ? facts_key(r, 1) : facts_bad(r, "an AS number of 0");
}

int operator_asn_check(struct facts_reader *r)
{
	const struct operator_asn *v = r->f->asns.v;

	for (size_t i = 1; i < r->f->asns.n; i++)
		if (v[i - 1].asn >= v[i].asn)
			return facts_bad(r, "AS%u is there twice, or out of order", v[i].asn);
	return 0;
}

int operator_name_read(struct facts_reader *r, void *out)
{
	struct operator_name *n = out;

	n->words = r->field[0];
	n->key = r->field[1];
	return *n->words ? facts_key(r, 1) : facts_bad(r, "an empty name");
}

int operator_name_check(struct facts_reader *r)
{
	const struct operator_name *v = r->f->names.v;

	for (size_t i = 1; i < r->f->names.n; i++)
		if (strcmp(v[i - 1].words, v[i].words) >= 0)
			return facts_bad(r, "'%.64s' is there twice, or out of order", v[i].words);
	return 0;
}

static int key_order(const void *key, const void *row)
{
	return strcmp(key, ((const struct operator_entry *)row)->key);
}

const struct operator_entry *operator_in(const struct facts *f, const char *key)
{
	return bsearch(key, f->operators.v, f->operators.n, sizeof(struct operator_entry),
		       key_order);
}

const struct operator_entry *operator_by_key(const char *key)
{
	return operator_in(facts(), key);
}

/* "ovh" begins "OVH SAS" and "ovh, inc", not "ovhazard": the word must end there. */
static bool begins(const char *name, const char *words)
{
	size_t n = strlen(words);

	return !strncasecmp(name, words, n) && !isalnum((unsigned char)name[n]);
}

/* The longest words that begin the name: "aws elastic beanstalk" before "aws". */
static const char *key_of_name(const char *name)
{
	const struct facts_vector *t = &facts()->names;
	const struct operator_name *v = t->v;
	const char *key = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t n = strlen(v[i].words);

		if (n > longest && begins(name, v[i].words)) {
			longest = n;
			key = v[i].key;
		}
	}
	return key;
}

const struct operator_entry *operator_find(const char *name)
{
	const struct facts_vector *t = &facts()->operators;
	const struct operator_entry *v = t->v;
	const char *key;

	for (size_t i = 0; i < t->n; i++)
		if (!strcasecmp(v[i].key, name) || !strcasecmp(v[i].name, name))
			return &v[i];
	key = key_of_name(name);
	return key ? operator_by_key(key) : NULL;
}

static int asn_order(const void *key, const void *row)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct operator_asn *)row)->asn;

	return (a > b) - (a < b);
}

const struct operator_entry *operator_by_asn(uint32_t asn)
{
	const struct facts *f = facts();
	const struct operator_asn *row =
		bsearch(&asn, f->asns.v, f->asns.n, sizeof(*row), asn_order);

	return row ? operator_in(f, row->key) : NULL;
}

bool operator_under(const struct operator_entry *o, uint16_t country)
{
	for (size_t i = 0; country && i < OPERATOR_LAWS && o->laws[i]; i++)
		if (o->laws[i] == country)
			return true;
	return false;
}

const struct operator_entry *operator_row(size_t i)
{
	const struct facts_vector *v = &facts()->operators;

	return i < v->n ? (const struct operator_entry *)v->v + i : NULL;
}

uint32_t operator_asn_row(size_t i, const char **key)
{
	const struct facts_vector *t = &facts()->asns;
	const struct operator_asn *v = t->v;

	if (i >= t->n)
		return 0;
	*key = v[i].key;
	return v[i].asn;
}
