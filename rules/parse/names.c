/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - zones, subjects and services by name: used before or after their line, each defined
 * once, no cycles. */
#include <ctype.h>
#include <string.h>
#include "geo/facts/zone.h"
#include "rules/parse/hint.h"
#include "rules/parse/parse.h"

static const char *const equivalence[NAME_KINDS] = {"zone", "subject", "service", "list"};
static const size_t sizes[NAME_KINDS] = {sizeof(struct zone_def), sizeof(struct subject_def),
					 sizeof(struct service_def), sizeof(struct list_def)};
_Static_assert(ZONE_COUNT <= sizeof(((struct parse *)0)->builtin) / sizeof(struct zone_def *),
	       "room for built-ins");

static unsigned bucket(enum name_kind kind, const char *s)
{
	uint32_t h = 2166136261u + kind;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h % NAME_BUCKETS;
}

static struct name *find(struct parse *ps, enum name_kind kind, const char *s)
{
	struct name *n = ps->names[bucket(kind, s)];

	while (n && (n->kind != kind || strcmp(n->s, s)))
		n = n->next;
	return n;
}

static struct name *find_or_add(struct parse *ps, enum name_kind kind, const struct word *w)
{
	struct name *n = find(ps, kind, w->s), **at = &ps->names[bucket(kind, w->s)];

	if (n)
		return n;
	n = arena_alloc(ps->arena, 1, sizeof(*n));
	if (!n || !(n->def = arena_alloc(ps->arena, 1, sizes[kind]))) {
		ps->failed = true;
		return NULL;
	}
	if (++ps->nnames == NAMES_MAX + 1)
		parse_error(ps, &w->at, "more than %d names of zones, subjects, services and lists",
			    NAMES_MAX);
	n->kind = kind;
	n->s = w->s;
	n->next = *at;
	*at = n;
	return n;
}

static const struct zone_def *zone_add(struct parse *ps, const struct zone_def *from)
{
	struct zone_def *z = arena_alloc(ps->arena, 1, sizeof(*z));
	const struct zone_def **slot = list_push(ps->arena, &ps->all_zones, sizeof(*slot));

	if (!z || !slot) {
		ps->failed = true;
		return NULL;
	}
	*z = *from;
	*slot = z;
	return z;
}

static const struct zone_def *builtin_zone(struct parse *ps, int which)
{
	if (!ps->builtin[which])
		ps->builtin[which] = (struct zone_def *)(uintptr_t)zone_add(
			ps,
			&(struct zone_def){.name = zone_name((enum zone)which), .builtin = which});
	return ps->builtin[which];
}

void *name_use(struct parse *ps, enum name_kind kind, const struct word *w)
{
	int which = kind == NAME_ZONE ? zone_find(w->s) : -1;
	struct name_use *use;
	struct name *n;

	if (which >= 0)
		return (void *)(uintptr_t)builtin_zone(ps, which);
	n = find_or_add(ps, kind, w);
	use = n ? list_push(ps->arena, &ps->uses, sizeof(*use)) : NULL;
	if (!use) {
		ps->failed = true;
		return NULL;
	}
	*use = (struct name_use){n, w->at, ps->in_to};
	return n->def;
}

/* Names are of letters, digits and . _ -, start with a letter, and are no word of the language and
 * no country. */
static bool name_is_good(struct parse *ps, enum name_kind kind, const struct word *w)
{
	size_t len = strlen(w->s);

	if (match_keyword(w->s))
		parse_error(ps, &w->at, "'%s' is a word of the language; choose another name",
			    w->s);
	else if ((kind == NAME_ZONE || kind == NAME_LIST) && zone_find(w->s) >= 0)
		parse_error(ps, &w->at, "'%s' is a built-in zone; choose another name", w->s);
	else if ((kind == NAME_ZONE || kind == NAME_LIST) && len == 2 &&
		 isupper((unsigned char)w->s[0]) && isupper((unsigned char)w->s[1]))
		parse_error(ps, &w->at, "'%s' looks like a country; choose another name", w->s);
	else if (!isalpha((unsigned char)*w->s) || (unsigned char)*w->s > 127 ||
		 strspn(w->s,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
		parse_error(ps, &w->at, "'%s' is no name: a letter, then letters, digits and . _ -",
			    w->s);
	else
		return true;
	return false;
}

/* Zones and lists stand in the same places, so they share their names. */
static bool other_has_it(struct parse *ps, enum name_kind kind, const struct word *w)
{
	enum name_kind other = kind == NAME_ZONE ? NAME_LIST : NAME_ZONE;
	const struct name *n =
		kind == NAME_ZONE || kind == NAME_LIST ? find(ps, other, w->s) : NULL;

	if (!n || !n->defined)
		return false;
	parse_error(ps, &w->at, "'%s' is the %s of %s already", w->s, equivalence[other],
		    parse_where(ps, &n->at, &w->at));
	return true;
}

void *name_define(struct parse *ps, enum name_kind kind, const struct word *w)
{
	struct name *n;

	if (!name_is_good(ps, kind, w))
		return NULL;
	n = find_or_add(ps, kind, w);
	if (!n)
		return NULL;
	if (other_has_it(ps, kind, w))
		return NULL;
	if (n->defined) {
		parse_error(ps, &w->at, "%s '%s' is defined already, in %s", equivalence[kind],
			    w->s, parse_where(ps, &n->at, &w->at));
		return NULL;
	}
	n->defined = true;
	n->at = w->at;
	return n->def;
}

const struct zone_def *name_zone(struct parse *ps, const struct word *w)
{
	bool unknown = !strcmp(w->s, "unknown"); /* a class of its own: nobody's law is known */
	struct place_atom *a;
	uint16_t cc = 0;

	if (!unknown && (strlen(w->s) != 2 || !isupper((unsigned char)w->s[0]) ||
			 !isupper((unsigned char)w->s[1])))
		return name_use(ps, NAME_ZONE, w);
	if (!unknown && !value_parse_country(ps, &cc, w))
		return NULL;
	a = arena_alloc(ps->arena, 1, sizeof(*a));
	if (!a) {
		ps->failed = true;
		return NULL;
	}
	*a = (struct place_atom){.type = unknown ? ATOM_UNKNOWN : ATOM_COUNTRY,
				 .country = cc,
				 .source = w->at.source,
				 .line = w->at.line,
				 .column = w->at.column,
				 .length = w->at.length};
	return zone_add(ps, &(struct zone_def){.builtin = -1,
					       .atoms = a,
					       .natoms = 1,
					       .file = parse_file(ps, w->at.source),
					       .line = w->at.line});
}

/* The nearer of a candidate and the best so far. */
static const char *nearer(const char *wanted, const char *candidate, const char *best)
{
	const char *pair[2] = {best ? best : candidate, candidate};

	return match_nearest(wanted, pair, 2);
}

/* The words that may stand where the name stands. */
static const char *nearest_word(enum name_kind kind, const char *wanted, const char *best)
{
	for (unsigned i = 0; kind == NAME_ZONE && i < PLACE_ROWS; i++)
		if (match_place((enum place_atom_type)i)->keyword)
			best = nearer(wanted, match_place((enum place_atom_type)i)->keyword, best);
	for (unsigned i = 0; kind == NAME_SUBJECT && i < SUBJECT_ROWS; i++)
		best = nearer(wanted, match_subject((enum subject_type)i)->keyword, best);
	for (int z = 0; kind == NAME_ZONE && z < ZONE_COUNT; z++)
		best = nearer(wanted, zone_name((enum zone)z), best);
	return best;
}

/* What the writer may have meant by a name that no line defines; NULL when nothing is near. */
static const char *nearest_name(struct parse *ps, const struct name *wanted)
{
	const char *best = nearest_word(wanted->kind, wanted->s, NULL);
	const struct name *n;

	for (size_t i = 0; i < NAME_BUCKETS; i++)
		for (n = ps->names[i]; n; n = n->next)
			if (n->defined && (n->kind == wanted->kind ||
					   (wanted->kind == NAME_ZONE && n->kind == NAME_LIST)))
				best = nearer(wanted->s, n->s, best);
	return best;
}

static const unsigned hint_kind[] = {[NAME_ZONE] = HINT_PLACE,
				     [NAME_SUBJECT] = HINT_SUBJECT,
				     [NAME_SERVICE] = HINT_SERVICE,
				     [NAME_LIST] = HINT_PLACE};

static void undefined(struct parse *ps, const struct name_use *use)
{
	const struct name *n = use->name;
	const char *near = ps->errors < POLICY_ERRORS_MAX ? nearest_name(ps, n) : NULL;
	const char *hint = hint_find(ps->arena, hint_kind[n->kind], n->s);
	char up[3] = "";

	for (size_t i = 0; strlen(n->s) == 2 && i < 2; i++)
		up[i] = (char)toupper((unsigned char)n->s[i]);
	if (n->kind == NAME_ZONE && country_code(up, strlen(up)))
		parse_error(ps, &use->at,
			    "unknown zone '%s'; country codes are written in capitals: '%s'", n->s,
			    up);
	else if (n->kind == NAME_ZONE && (!strcmp(up, "UK") || !strcmp(up, "EL")))
		parse_error(ps, &use->at, "unknown zone '%s'; did you mean '%s'?", n->s,
			    *up == 'U' ? "GB" : "GR");
	else if (hint && (!near || n->kind != NAME_SUBJECT))
		parse_error(ps, &use->at, "unknown %s '%s'; %s", equivalence[n->kind], n->s, hint);
	else if (near)
		parse_error(ps, &use->at, "unknown %s '%s'; did you mean '%s'?",
			    equivalence[n->kind], n->s, near);
	else
		parse_error(ps, &use->at, "unknown %s '%s'; no '%s' line defines it",
			    equivalence[n->kind], n->s, equivalence[n->kind]);
}

/* Depth of a zone, members first; puts zones in order as it goes. 0 when it is in a cycle or too
 * deep (reported). */
struct zone_state {
	const struct zone_def *zone;
	unsigned depth;
	bool open;
};
struct zone_walk {
	struct parse *ps;
	struct zone_state *states;
	const struct zone_def **order;
	size_t n, ordered;
	bool too_deep; /* reported */
};

static struct spot atom_spot(const struct place_atom *a)
{
	return (struct spot){a->line, a->column, a->length, a->source};
}

static void zone_error(struct zone_walk *k, const struct zone_def *z, const struct place_atom *from,
		       bool cycle)
{
	struct spot at = from ? atom_spot(from)
			      : (struct spot){z->line, 1, 1, z->natoms ? z->atoms[0].source : 0};

	if (cycle)
		parse_error(k->ps, &at, "zone '%s' contains itself", z->name);
	else if (!k->too_deep)
		parse_error(k->ps, &at, "zones are nested deeper than %d", ZONE_DEPTH_MAX);
	k->too_deep |= !cycle;
}

static unsigned zone_depth(struct zone_walk *k, const struct zone_def *z,
			   const struct place_atom *from, unsigned level)
{
	struct zone_state *s = &k->states[z->id];
	unsigned deepest = 0, d;

	if (s->depth)
		return s->depth;
	if (s->open || level > ZONE_DEPTH_MAX) {
		zone_error(k, z, from, s->open);
		return 0;
	}
	s->open = true;
	for (size_t i = 0; i < z->natoms; i++)
		if (z->atoms[i].type == ATOM_ZONE && z->atoms[i].zone) {
			d = zone_depth(k, z->atoms[i].zone, &z->atoms[i], level + 1);
			deepest = d > deepest ? d : deepest;
		}
	s->open = false;
	if (deepest >= ZONE_DEPTH_MAX)
		zone_error(k, z, from, false);
	s->depth = deepest + 1;
	k->order[k->ordered++] = z;
	return s->depth;
}

static void zones_order(struct parse *ps)
{
	struct zone_def **all = ps->all_zones.items;
	size_t n = ps->all_zones.n;
	struct zone_walk k = {.ps = ps, .n = n};

	k.states = arena_alloc(ps->arena, n + 1, sizeof(*k.states));
	k.order = arena_alloc(ps->arena, n + 1, sizeof(*k.order));
	if (!k.states || !k.order) {
		ps->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		all[i]->id = (unsigned)i;
	for (size_t i = 0; i < n; i++)
		zone_depth(&k, all[i], NULL, 1);
	for (size_t i = 0; i < k.ordered; i++)
		((struct zone_def *)(uintptr_t)k.order[i])->id = (unsigned)i;
	ps->p->zone_order = k.order;
	ps->p->nzone_order = n;
}

/* What was read as the name of a zone or a subject and is a list's. */
static const struct list_def *list_of(struct parse *ps, const struct name_use *u)
{
	bool may = u->name->kind == NAME_ZONE || u->name->kind == NAME_SUBJECT;
	const struct name *n = may ? find(ps, NAME_LIST, u->name->s) : NULL;

	return n && n->defined ? n->def : NULL;
}

static void use_resolve(struct parse *ps, const struct name_use *u)
{
	const struct list_def *l = u->name->defined ? NULL : list_of(ps, u);

	if (l && u->name->kind == NAME_SUBJECT)
		parse_error(ps, &u->at, "'%s' is a list of addresses; write: from address %s",
			    l->name, l->name);
	else if (l && u->in_to)
		((struct zone_def *)u->name->def)->list = l;
	else if (l)
		parse_error(ps, &u->at,
			    "'%s' is a list of addresses, which stands in 'to' and 'address'; here "
			    "a zone or a country is meant",
			    l->name);
	else if (!u->name->defined)
		undefined(ps, u);
}

static void lists_resolve(struct parse *ps)
{
	struct rule *rules = ps->rules.items;

	for (size_t i = 0; i < ps->rules.n; i++)
		for (size_t j = 0; j < rules[i].nto; j++) {
			struct place_atom *a = (struct place_atom *)(uintptr_t)&rules[i].to[j];

			if (a->type != ATOM_ZONE || !a->zone || !a->zone->list)
				continue;
			a->type = ATOM_LIST;
			a->list = a->zone->list;
			a->zone = NULL;
		}
}

/* Each subject holds a copy of what its lists hold. */
static void copies_bound(struct parse *ps)
{
	struct subject_def *const *subjects = ps->subjects.items;
	size_t n = 0;

	for (size_t i = 0; i < ps->subjects.n; i++)
		for (size_t j = 0; j < subjects[i]->natoms; j++)
			n += subjects[i]->atoms[j].list ? subjects[i]->atoms[j].list->ncidrs : 0;
	if (n > POLICY_LISTED_MAX)
		parse_error(ps, &(struct spot){0},
			    "the subjects' lists hold %zu prefixes together; at most %d are taken",
			    n, POLICY_LISTED_MAX);
}

void names_resolve(struct parse *ps)
{
	const struct name_use *uses = ps->uses.items;
	struct zone_def **slot;
	struct name *n;

	for (size_t i = 0; i < ps->uses.n; i++)
		use_resolve(ps, &uses[i]);
	lists_resolve(ps);
	copies_bound(ps);
	for (size_t i = 0; i < NAME_BUCKETS; i++)
		for (n = ps->names[i]; n; n = n->next) {
			if (n->kind != NAME_ZONE || ((struct zone_def *)n->def)->list)
				continue;
			slot = list_push(ps->arena, &ps->all_zones, sizeof(*slot));
			if (!slot) {
				ps->failed = true;
				return;
			}
			*slot = n->def;
		}
	if (!ps->failed)
		zones_order(ps);
}
