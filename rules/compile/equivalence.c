/* SPDX-License-Identifier: BSD-2-Clause */
/* equivalence.c - countries, laws and hosts that all rules of a policy treat alike. */
#include <errno.h>
#include <string.h>
#include "rules/compile/equivalence.h"

unsigned equivalence_country_index(uint16_t cc)
{
	unsigned hi = (unsigned)(cc >> 8) - 'A', lo = (unsigned)(cc & 255) - 'A';

	return hi < 26 && lo < 26 ? hi * 26 + lo : cc ? EVAL_COUNTRIES + 1 : EVAL_COUNTRIES;
}

static bool tells_countries(enum place_atom_type t, bool law)
{
	return law ? t == ATOM_JURISDICTION : t == ATOM_COUNTRY || t == ATOM_ZONE || t == ATOM_HERE;
}

/* A byte for each atom of the rules that tells countries (or laws) apart; returns how many. */
static size_t country_key(const struct eval *e, uint16_t cc, bool law, uint8_t *key)
{
	struct place_class c = {
		.place = {.country = cc, .jurisdiction = cc, .status = PLACE_KNOWN}};
	size_t n = 0;

	for (size_t i = 0; i < e->p->nrules; i++) {
		const struct rule *r = &e->p->rules[i];

		if (law && r->under) {
			if (key)
				key[n] = eval_in_zone(e, r->under, cc);
			n++;
		}
		for (size_t j = 0; j < r->nto; j++) {
			if (!tells_countries(r->to[j].type, law))
				continue;
			if (key)
				key[n] = eval_row(e, &r->to[j], &c);
			n++;
		}
	}
	return n;
}

/* None, and what is no code, are equivalence of their own: no other country is 'unknown'. */
static int country_kinds(struct equivalence *k, bool law, uint16_t *kind)
{
	size_t size = country_key(k->eval, 0, law, NULL) + 1;
	uint8_t *key = arena_alloc(k->arena, size, 1);
	struct keys seen;
	int64_t n;

	if (!key)
		return -ENOMEM;
	keys_init(&seen, k->arena, size, EVAL_COUNTRIES);
	kind[EVAL_COUNTRIES] = 0;
	kind[EVAL_COUNTRIES + 1] = 1;
	for (unsigned i = 0; i < EVAL_COUNTRIES; i++) {
		country_key(k->eval, CC('A' + i / 26, 'A' + i % 26), law, key);
		n = keys_add(&seen, key);
		if (n < 0)
			return (int)n;
		kind[i] = (uint16_t)(n + 2);
	}
	return 0;
}

static int collect_providers(struct equivalence *k)
{
	const struct policy *p = k->eval->p;
	struct list l = {0};
	const struct place_atom **slot;

	for (size_t i = 0; i < p->nrules; i++)
		for (size_t j = 0; j < p->rules[i].nto; j++) {
			if (p->rules[i].to[j].type != ATOM_PROVIDER)
				continue;
			slot = list_push(k->arena, &l, sizeof(*slot));
			if (!slot)
				return -ENOMEM;
			*slot = &p->rules[i].to[j];
		}
	k->providers = l.items;
	k->nproviders = l.n;
	return 0;
}

int equivalence_init(struct equivalence *k, struct arena *a, const struct eval *e)
{
	int err;

	memset(k, 0, sizeof(*k));
	k->arena = a;
	k->eval = e;
	err = collect_providers(k);
	keys_init(&k->hosts, a, 3 * sizeof(uint16_t), PLACE_CLASSES_MAX);
	keys_init(&k->host_kinds, a, k->nproviders / 8 + 1, PLACE_CLASSES_MAX);
	err = err ? err : country_kinds(k, false, k->country);
	return err ? err : country_kinds(k, true, k->law);
}

static int64_t new_host(struct equivalence *k, const struct place *p)
{
	uint8_t *bits = arena_alloc(k->arena, k->nproviders / 8 + 1, 1);
	uint32_t *slot = list_push(k->arena, &k->host_kind, sizeof(*slot));
	struct place_class c = {.place = *p};
	int64_t kind;

	if (!bits || !slot)
		return -ENOMEM;
	for (size_t i = 0; i < k->nproviders; i++)
		if (eval_provider(k->eval, k->providers[i], &c))
			bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
	kind = keys_add(&k->host_kinds, bits);
	*slot = (uint32_t)kind;
	return kind;
}

int64_t equivalence_host(struct equivalence *k, const struct place *p)
{
	uint16_t key[3] = {p->provider, p->platform, p->region};
	int64_t before = (int64_t)k->hosts.keys.n, i;

	if (!k->nproviders)
		return 0;
	i = keys_add(&k->hosts, key);
	if (i < 0)
		return i;
	return i == before ? new_host(k, p) : ((const uint32_t *)k->host_kind.items)[i];
}
