/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unreachable.c - which rules decide for nothing at all, found by compiling the policy against every
 * kind of place.
 *
 * A policy tells places apart by few things: which of its countries and zones hold, which
 * operators' laws, which providers it names, which of its prefixes and ASNs. One made-up place for
 * each combination is the whole universe; a rule that is in no cell of the matrix over it can
 * decide for no packet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rules/compile.h"
#include "rules/compile/shadow.h"
#include "rules/compile/equivalence.h"

#define UNIVERSE_MAX 20000 /* equivalence of place: above, only shadow_rule tells */

struct universe {
	struct arena *arena;
	const struct policy *p;
	struct eval eval;
	struct equivalence equivalence;
	unsigned flags;		     /* PLACE_ANYCAST, PLACE_RELAY: named by a rule */
	struct list countries, laws; /* uint16_t */
	struct list sets;	     /* uint64_t[PLACE_SETS_MAX / 64] */
	struct list names;	     /* const char *: provider and region strings, [0] is "" */
	struct list hosts;	     /* struct place: provider, platform and region only */
	struct list classes;	     /* struct place_class */
};
struct set_bits {
	uint64_t w[PLACE_SETS_MAX / 64];
};

static const char *name_of(void *arg, uint16_t index)
{
	const struct universe *u = arg;

	return index < u->names.n ? ((const char **)u->names.items)[index] : "";
}

#define PUSH(u, list, value) (list_add((u)->arena, (list), &(value), sizeof(value)) ? 0 : -ENOMEM)

/* One country of each kind; 0 (none) is a kind of its own. */
static int equivalence_of_country(struct universe *u, struct list *ret, const uint16_t *kind)
{
	bool seen[KINDS_COUNTRIES] = {false};
	uint16_t cc = 0;

	if (PUSH(u, ret, cc))
		return -ENOMEM;
	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++) {
			cc = CC(a, b);
			if (!country_code((const char[]){a, b}, 2) ||
			    seen[kind[equivalence_country_index(cc)]])
				continue;
			seen[kind[equivalence_country_index(cc)]] = true;
			if (PUSH(u, ret, cc))
				return -ENOMEM;
		}
	return 0;
}

static int64_t add_name(struct universe *u, const char *s)
{
	const char **names = u->names.items;

	for (size_t i = 0; i < u->names.n; i++)
		if (!strcmp(names[i], s))
			return (int64_t)i;
	if (u->names.n > 1000)
		return -E2BIG;
	return PUSH(u, &u->names, s) ? -ENOMEM : (int64_t)u->names.n - 1;
}

/* Providers as infrastructure and as platform, with a region that the rule's glob takes, and with
 * none. */
static int equivalence_of_host(struct universe *u)
{
	struct place none = {0}, h;
	const char *empty = "";
	int64_t name, region;
	char *example;

	if (PUSH(u, &u->names, empty) || PUSH(u, &u->hosts, none))
		return -ENOMEM;
	for (size_t i = 0; i < u->p->nrules; i++)
		for (size_t j = 0; j < u->p->rules[i].nto; j++) {
			const struct place_atom *a = &u->p->rules[i].to[j];

			u->flags |= a->type == ATOM_ANYCAST ? PLACE_ANYCAST
				    : a->type == ATOM_RELAY ? PLACE_RELAY
							    : 0;
			if (a->type != ATOM_PROVIDER)
				continue;
			example = arena_copy(u->arena, a->region ? a->region : "",
					     strlen(a->region ? a->region : ""));
			if (!example)
				return -ENOMEM;
			for (char *s = example; *s; s++)
				*s = *s == '*' || *s == '?' ? 'x' : *s;
			name = add_name(u, a->name);
			region = add_name(u, example);
			if (name < 0 || region < 0)
				return (int)(name < 0 ? name : region);
			h = (struct place){.provider = (uint16_t)name, .region = (uint16_t)region};
			if (PUSH(u, &u->hosts, h))
				return -ENOMEM;
			h = (struct place){.platform = (uint16_t)name, .region = (uint16_t)region};
			if (PUSH(u, &u->hosts, h))
				return -ENOMEM;
		}
	return 0;
}

static bool set_has(const struct policy_set *s, const struct ip *ip)
{
	for (size_t i = 0; i < s->ncidrs; i++)
		if (cidr_has(&s->cidrs[i], ip))
			return true;
	return false;
}

static int add_sets(struct universe *u, struct keys *seen, const struct ip *ip, int asn)
{
	struct set_bits b = {0};
	int64_t before = (int64_t)seen->keys.n, i;

	for (size_t s = 0; s < u->p->nsets; s++)
		if ((ip->v && set_has(&u->p->sets[s], ip)) || (int)s == asn)
			b.w[s / 64] |= 1ull << (s % 64);
	i = keys_add(seen, &b);
	if (i < 0)
		return (int)i;
	return i == before && PUSH(u, &u->sets, b) ? -ENOMEM : 0;
}

/* An address with each ASN that is named, and with none. */
static int add_address(struct universe *u, struct keys *seen, const struct ip *ip)
{
	int err = add_sets(u, seen, ip, -1);

	for (size_t s = 1; s < u->p->nsets && !err; s++)
		if (u->p->sets[s].asn)
			err = add_sets(u, seen, ip, (int)s);
	return err;
}

/* Which sets an address is in changes only at a prefix's first address and after its last. */
static int equivalence_of_set(struct universe *u)
{
	struct keys seen;
	struct ip ip = {0};
	int err;

	if (u->p->nsets > PLACE_SETS_MAX)
		return -E2BIG;
	keys_init(&seen, u->arena, sizeof(struct set_bits), UNIVERSE_MAX);
	err = add_address(u, &seen, &ip);
	for (size_t s = 0; s < u->p->nsets && !err; s++)
		for (size_t i = 0; i < u->p->sets[s].ncidrs && !err; i++) {
			ip = cidr_first(&u->p->sets[s].cidrs[i]);
			err = add_address(u, &seen, &ip);
			ip = cidr_last(&u->p->sets[s].cidrs[i]);
			if (!err && ip_next(&ip))
				err = add_address(u, &seen, &ip);
		}
	return err;
}

static int add_class(struct universe *u, const struct place *p, const struct set_bits *sets)
{
	struct place_class c = {*p, sets->w};

	if (u->classes.n >= UNIVERSE_MAX)
		return -E2BIG;
	return PUSH(u, &u->classes, c);
}

/* Every status, what sources note that some rule names, and a private address that no line places. */
static int add_places(struct universe *u, struct place p, const struct set_bits *sets)
{
	int err = 0;

	for (unsigned status = PLACE_UNKNOWN; status <= PLACE_UNPROVABLE && !err; status++) {
		p.status = (uint8_t)status;
		if (status != PLACE_UNKNOWN || !p.country) /* a source that says where, speaks */
			err = add_class(u, &p, sets);
	}
	p.status = PLACE_KNOWN;
	for (unsigned flag = 1; flag <= PLACE_RELAY && !err; flag *= 2) {
		p.flags = (uint8_t)flag;
		if (u->flags & flag)
			err = add_class(u, &p, sets);
	}
	p.flags = 0;
	p.status = PLACE_UNKNOWN;
	p.scope = SCOPE_PRIVATE;
	return err || p.country ? err : add_class(u, &p, sets);
}

static int combine(struct universe *u)
{
	const uint16_t *countries = u->countries.items, *laws = u->laws.items;
	const struct set_bits *sets = u->sets.items;
	const struct place *hosts = u->hosts.items;
	struct place p;
	int err = 0;

	if (u->countries.n * u->laws.n > UNIVERSE_MAX || u->sets.n * u->hosts.n > UNIVERSE_MAX)
		return -E2BIG;
	for (size_t s = 0; s < u->sets.n; s++)
		for (size_t h = 0; h < u->hosts.n; h++)
			for (size_t c = 0; c < u->countries.n; c++)
				for (size_t l = 0; l < u->laws.n && !err; l++) {
					p = hosts[h];
					p.country = countries[c];
					p.jurisdiction = laws[l];
					err = add_places(u, p, &sets[s]);
				}
	return err;
}

static int decide_all(struct universe *u, int64_t now, bool *reached)
{
	struct diag_sink quiet = {0};
	struct compile_env env = {
		.classes = u->classes.items,
		.nclasses = u->classes.n,
		.string = name_of,
		.arg = u,
		.now = now,
		.nameless = 1, /* a rule below one with a name decides for all others */
		.live = 1};
	struct compiled *c;
	int err = policy_compile(&c, u->p, &env, &quiet);

	if (err)
		return err;
	memset(reached, 0, u->p->nrules * sizeof(*reached));
	for (uint32_t i = 0; i < c->header.decisions; i++)
		if (c->decisions[i].rule)
			reached[c->decisions[i].rule - 1] = true;
	for (size_t i = 0; i < u->p->nrules; i++)
		reached[i] |= u->p->rules[i].name != NULL;
	compiled_free(c);
	return 0;
}

int unreachable_rules(const struct policy *p, int64_t now, bool *reached)
{
	struct arena *a = arena_new();
	struct universe u = {.arena = a, .p = p};
	int err;

	for (size_t i = 0; i < p->nrules; i++)
		reached[i] = true;
	if (!a)
		return -ENOMEM;
	err = eval_init(&u.eval, a, p, now);
	err = err ? err : equivalence_init(&u.equivalence, a, &u.eval);
	err = err ? err : equivalence_of_country(&u, &u.countries, u.equivalence.country);
	err = err ? err : equivalence_of_country(&u, &u.laws, u.equivalence.law);
	err = err ? err : equivalence_of_host(&u);
	err = err ? err : equivalence_of_set(&u);
	err = err ? err : combine(&u);
	err = err ? err : decide_all(&u, now, reached);
	arena_free(a);
	return err;
}
