/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sets.c - the sets of addresses and ASNs that a policy names, each once, in an order that depends
 * on nothing else.
 *
 * Set 0 is 'inside'. Then come the prefix lists (all prefixes of one 'to', all of one subject, a list),
 * then the ASNs. Two policies with equal sets share a place table, so an edit that names no new
 * address is swapped in without a rebuild.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rules/compile.h"
#include "rules/parse/parse.h"

static int cidr_order(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int order = ip_cmp(&x->addr, &y->addr);

	return order ? order : (int)x->len - (int)y->len;
}

static int set_order(const void *a, const void *b)
{
	const struct policy_set *x = a, *y = b;
	int order;

	if (x->asn != y->asn)
		return x->asn < y->asn ? -1 : 1; /* prefix lists have asn 0 and come first */
	for (size_t i = 0; x->cidrs != y->cidrs && i < x->ncidrs && i < y->ncidrs; i++) {
		order = cidr_order(&x->cidrs[i], &y->cidrs[i]);
		if (order)
			return order;
	}
	return x->ncidrs == y->ncidrs ? 0 : x->ncidrs < y->ncidrs ? -1 : 1;
}

/* Sorted, each once. */
static void normalize(struct policy_set *s, struct cidr *cidrs, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(cidrs, n, sizeof(*cidrs), cidr_order);
	for (size_t i = 0; i < n; i++)
		if (!kept || cidr_order(&cidrs[kept - 1], &cidrs[i]))
			cidrs[kept++] = cidrs[i];
	s->cidrs = cidrs;
	s->ncidrs = kept;
}

/* The prefixes of a rule's 'to' as one set; ncidrs 0 when it names none. */
static int set_of_rule(struct arena *g, struct policy_set *s, const struct rule *r)
{
	struct cidr *cidrs = arena_alloc(g, r->nto, sizeof(*cidrs));
	size_t n = 0;

	if (!cidrs)
		return -ENOMEM;
	for (size_t i = 0; i < r->nto; i++)
		if (r->to[i].type == ATOM_CIDR)
			cidrs[n++] = r->to[i].cidr;
	*s = (struct policy_set){0};
	normalize(s, cidrs, n);
	return 0;
}

/* Its own prefixes and those of its lists; names_resolve has bounded them. */
static int gather(struct arena *g, struct subject_def *d)
{
	struct policy_set s = {0};
	struct cidr *cidrs;
	size_t n = 0;

	for (size_t i = 0; i < d->natoms; i++)
		n += d->atoms[i].list ? d->atoms[i].list->ncidrs : 1;
	cidrs = arena_alloc(g, n, sizeof(*cidrs));
	if (!cidrs)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < d->natoms; i++) {
		const struct list_def *l = d->atoms[i].list;

		if (l && l->ncidrs)
			memcpy(cidrs + n, l->cidrs, l->ncidrs * sizeof(*cidrs));
		if (l)
			n += l->ncidrs;
		else if (d->atoms[i].type == SUBJECT_ADDRESS)
			cidrs[n++] = d->atoms[i].cidr;
	}
	normalize(&s, cidrs, n);
	d->cidrs = s.cidrs;
	d->ncidrs = s.ncidrs;
	return 0;
}

/* Gathered once, however many rules name it; a list alone is its own set. */
static int set_of_subject(struct arena *g, struct policy_set *s, const struct subject_def *subject)
{
	struct subject_def *d = (struct subject_def *)(uintptr_t)subject;
	const struct list_def *l = d->natoms == 1 ? d->atoms[0].list : NULL;

	*s = (struct policy_set){0};
	if (l) {
		d->cidrs = l->cidrs;
		d->ncidrs = l->ncidrs;
	} else if (!d->gathered && gather(g, d)) {
		return -ENOMEM;
	}
	d->gathered = true;
	s->cidrs = d->cidrs;
	s->ncidrs = d->ncidrs;
	return 0;
}

static int add(struct arena *g, struct list *sets, const struct policy_set *s)
{
	struct policy_set *slot;

	if (!s->ncidrs && !s->asn)
		return 0;
	slot = list_push(g, sets, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = *s;
	return 0;
}

/* Of what has a set of its own: an ASN or a list. */
static struct policy_set set_of_atom(const struct place_atom *a)
{
	struct policy_set s = {0};

	if (a->type == ATOM_ASN)
		s.asn = a->asn;
	if (a->type == ATOM_LIST)
		s = (struct policy_set){.cidrs = a->list->cidrs, .ncidrs = a->list->ncidrs};
	return s;
}

/* Everything the policy names, with repeats. */
static int collect(struct policy *p, struct list *sets)
{
	struct policy_set s;

	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		if (set_of_rule(p->arena, &s, r) || add(p->arena, sets, &s))
			return -ENOMEM;
		for (size_t j = 0; j < r->nto; j++) {
			s = set_of_atom(&r->to[j]);
			if (add(p->arena, sets, &s))
				return -ENOMEM;
		}
		for (size_t j = 0; j < r->nfrom; j++)
			if (set_of_subject(p->arena, &s, r->from[j]) || add(p->arena, sets, &s))
				return -ENOMEM;
	}
	return 0;
}

static int find(const struct policy *p, const struct policy_set *s)
{
	const struct policy_set *found;

	if (!s->ncidrs && !s->asn)
		return -1;
	found = bsearch(s, p->sets + 1, p->nsets - 1, sizeof(*s), set_order);
	return found ? (int)(found - p->sets) : -1;
}

/* Writes the index into what names the set; the policy is still ours to write. */
static int mark(struct policy *p)
{
	struct policy_set s;

	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];
		struct place_atom *to = (struct place_atom *)(uintptr_t)r->to;

		if (set_of_rule(p->arena, &s, r))
			return -ENOMEM;
		for (size_t j = 0; j < r->nto; j++) {
			struct policy_set own = set_of_atom(&to[j]);

			to[j].set = find(p, to[j].type == ATOM_CIDR ? &s : &own);
		}
		for (size_t j = 0; j < r->nfrom; j++) {
			if (set_of_subject(p->arena, &s, r->from[j]))
				return -ENOMEM;
			((struct subject_def *)(uintptr_t)r->from[j])->set = find(p, &s);
		}
	}
	return 0;
}

static void sort_lists(struct policy *p)
{
	for (size_t i = 0; i < p->nlists; i++) {
		struct list_def *l = (struct list_def *)(uintptr_t)p->lists[i];
		struct policy_set s;

		normalize(&s, (struct cidr *)(uintptr_t)l->cidrs, l->ncidrs);
		l->ncidrs = s.ncidrs;
	}
}

int sets_make(struct policy *p)
{
	struct list sets = {0};
	struct policy_set *all = list_push(p->arena, &sets, sizeof(*all)), inside = {0};
	struct cidr *copy = arena_alloc(p->arena, p->ninside, sizeof(*copy));
	size_t n = 1;

	if (!all || !copy)
		return -ENOMEM;
	if (p->ninside)
		memcpy(copy, p->inside, p->ninside * sizeof(*copy));
	normalize(&inside, copy, p->ninside);
	sort_lists(p);
	if (collect(p, &sets))
		return -ENOMEM;
	all = sets.items;
	all[POLICY_SET_INSIDE] = inside;
	if (sets.n > 1)
		qsort(all + 1, sets.n - 1, sizeof(*all), set_order);
	for (size_t i = 1; i < sets.n; i++)
		if (n == 1 || set_order(&all[n - 1], &all[i]))
			all[n++] = all[i];
	p->sets = all;
	p->nsets = n;
	return mark(p);
}

size_t policy_sets(const struct policy *p, const struct policy_set **ret)
{
	*ret = p->sets;
	return p->nsets;
}

int policy_sets_equal(const struct policy *a, const struct policy *b)
{
	if (a->nsets != b->nsets)
		return 0;
	for (size_t i = 0; i < a->nsets; i++)
		if (set_order(&a->sets[i], &b->sets[i]))
			return 0;
	return 1;
}
