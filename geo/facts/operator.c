/* SPDX-License-Identifier: BSD-2-Clause */
/* operator.c - finds operators by key, name, AS organisation and AS number in the tables of
 * geo/data. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "geo/facts/country.h"
#include "geo/facts/operator.h"

static const struct operator_entry rows[] = {
#define OPERATOR(key, name, a, b, u, v, kind, flags, on, note, source)                             \
	{key,                                                                                      \
	 name,                                                                                     \
	 CC(a, b),                                                                                 \
	 {CC(a, b), (a) == (u) && (b) == (v) ? 0 : CC(u, v)},                                      \
	 (kind) == 1,                                                                              \
	 (kind) == 2,                                                                              \
	 ((flags)&1) != 0,                                                                         \
	 ((flags)&2) != 0,                                                                         \
	 on,                                                                                       \
	 note,                                                                                     \
	 source},
#include "geo/data/operators.def"
#undef OPERATOR
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct as_row {
	uint32_t asn;
	const char *key;
} asns[] = {
#define OPERATOR_ASN(asn, key) {asn, key},
#include "geo/data/operator_asns.def"
#undef OPERATOR_ASN
};

static const struct name_row {
	const char *words, *key;
} names[] = {
#define OPERATOR_NAME(words, key) {words, key},
#include "geo/data/operator_names.def"
#undef OPERATOR_NAME
};

static const struct operator_hds hds[] = {
#define HDS(key, status, date, source) {key, status, date, source},
#include "geo/data/hds.def"
#undef HDS
};

const struct operator_entry *operator_by_key(const char *key)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strcmp(rows[i].key, key))
			return &rows[i];
	return NULL;
}

/* "ovh" begins "OVH SAS" and "ovh, inc", not "ovhazard": the word must end there. */
static bool begins(const char *name, const char *words)
{
	size_t n = strlen(words);

	return !strncasecmp(name, words, n) && !isalnum((unsigned char)name[n]);
}

const struct operator_entry *operator_find(const char *name)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strcasecmp(rows[i].key, name) || !strcasecmp(rows[i].name, name))
			return &rows[i];
	for (size_t i = 0; i < COUNT(names); i++)
		if (begins(name, names[i].words))
			return operator_by_key(names[i].key);
	return NULL;
}

const struct operator_entry *operator_by_asn(uint32_t asn)
{
	size_t low = 0, high = COUNT(asns);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (asns[mid].asn == asn)
			return operator_by_key(asns[mid].key);
		if (asns[mid].asn < asn)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
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
	return i < COUNT(rows) ? &rows[i] : NULL;
}

uint32_t operator_asn_row(size_t i, const char **key)
{
	if (i >= COUNT(asns))
		return 0;
	*key = asns[i].key;
	return asns[i].asn;
}

const struct operator_hds *operator_hds(const char *key)
{
	for (size_t i = 0; i < COUNT(hds); i++)
		if (!strcmp(hds[i].key, key))
			return &hds[i];
	return NULL;
}
