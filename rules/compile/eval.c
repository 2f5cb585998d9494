/* SPDX-License-Identifier: BSD-2-Clause */
/* eval.c - does a rule match? The rows' functions of match.def and how a rule combines them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/facts/zone.h"
#include "rules/compile.h"
#include "rules/compile/eval.h"

static unsigned country_index(uint16_t cc)
{
	unsigned hi = (cc >> 8) - 'A', lo = (cc & 255) - 'A';

	return hi < 26 && lo < 26 ? hi * 26 + lo : EVAL_COUNTRIES;
}

static void set_country(uint8_t *bits, uint16_t cc)
{
	unsigned i = country_index(cc);

	if (i < EVAL_COUNTRIES)
		bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

/* A country whose date ends or begins later changes the zone then. */
static void builtin_countries(struct eval *e, enum zone z, uint8_t *bits, int64_t now)
{
	struct zone_row row;

	for (size_t i = 0; zone_row(z, i, &row); i++) {
		if (row.from && row.from > now && row.from < e->next_change)
			e->next_change = row.from;
		if (row.until && row.until > now && row.until < e->next_change)
			e->next_change = row.until;
		if (row.from && row.from <= now && row.from > e->since)
			e->since = row.from;
		if (row.until && row.until <= now && row.until > e->since)
			e->since = row.until;
		if (zone_has(z, row.country, now))
			set_country(bits, row.country);
	}
}

/* Members come before the zone in zone_order, so theirs are made. */
static void own_countries(const struct zone_def *z, uint8_t (*all)[EVAL_ZONE_BYTES])
{
	uint8_t *bits = all[z->id];

	for (size_t i = 0; i < z->natoms; i++) {
		if (z->atoms[i].type == ATOM_COUNTRY)
			set_country(bits, z->atoms[i].country);
		else if (z->atoms[i].type == ATOM_UNKNOWN)
			bits[EVAL_UNKNOWN / 8] |= 1u << (EVAL_UNKNOWN % 8);
		else if (z->atoms[i].type == ATOM_ZONE)
			for (size_t b = 0; b < EVAL_ZONE_BYTES; b++)
				bits[b] |= all[z->atoms[i].zone->id][b];
	}
}

int eval_init(struct eval *e, struct arena *r, const struct policy *p, int64_t now)
{
	uint8_t(*all)[EVAL_ZONE_BYTES] = arena_alloc(r, p->nzone_order + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	*e = (struct eval){.p = p,
			   .zones = (const uint8_t(*)[EVAL_ZONE_BYTES])all,
			   .since = INT64_MIN,
			   .next_change = INT64_MAX};
	for (size_t i = 0; i < p->nzone_order; i++) {
		const struct zone_def *z = p->zone_order[i];

		if (z->builtin >= 0)
			builtin_countries(e, (enum zone)z->builtin, all[z->id], now);
		else
			own_countries(z, all);
	}
	return 0;
}

bool eval_in_zone(const struct eval *e, const struct zone_def *z, uint16_t country)
{
	unsigned i = country ? country_index(country) : EVAL_UNKNOWN;

	return (!country || i < EVAL_COUNTRIES) && (e->zones[z->id][i / 8] >> (i % 8) & 1);
}

bool eval_local(const struct place_class *c)
{
	return c->place.scope == SCOPE_LOCAL || place_class_in(c, POLICY_SET_INSIDE);
}

static bool eval_any(const struct eval *e, const struct place_atom *a, const struct place_class *c)
{
	(void)e, (void)a, (void)c;
	return true;
}

static bool eval_country(const struct eval *e, const struct place_atom *a,
			 const struct place_class *c)
{
	(void)e;
	return c->place.country && c->place.country == a->country;
}

static bool eval_zone(const struct eval *e, const struct place_atom *a, const struct place_class *c)
{
	return eval_in_zone(e, a->zone, c->place.country);
}

static bool eval_set(const struct eval *e, const struct place_atom *a, const struct place_class *c)
{
	(void)e;
	return a->set >= 0 && place_class_in(c, (unsigned)a->set);
}

bool eval_provider(const struct eval *e, const struct place_atom *a, const struct place_class *c)
{
	const char *provider, *platform;

	if (!e->string)
		return false;
	provider = c->place.provider ? e->string(e->arg, c->place.provider) : "";
	platform = c->place.platform ? e->string(e->arg, c->place.platform) : "";
	if (strcmp(provider, a->name) && strcmp(platform, a->name))
		return false;
	return !a->region ||
	       match_glob(a->region, c->place.region ? e->string(e->arg, c->place.region) : "");
}

static bool eval_jurisdiction(const struct eval *e, const struct place_atom *a,
			      const struct place_class *c)
{
	return eval_in_zone(e, a->zone, c->place.jurisdiction);
}

static bool eval_here(const struct eval *e, const struct place_atom *a, const struct place_class *c)
{
	(void)a;
	return e->p->has_home && c->place.country == e->p->home;
}

static bool eval_private(const struct eval *e, const struct place_atom *a,
			 const struct place_class *c)
{
	(void)e, (void)a;
	return c->place.scope == SCOPE_PRIVATE && !c->place.country;
}

/* Multicast, reserved and broken embedded addresses have no place either. */
static bool eval_unknown(const struct eval *e, const struct place_atom *a,
			 const struct place_class *c)
{
	if (eval_private(e, a, c))
		return false;
	return c->place.status == PLACE_UNKNOWN ||
	       (c->place.status == PLACE_KNOWN && !c->place.country);
}

static bool eval_disputed(const struct eval *e, const struct place_atom *a,
			  const struct place_class *c)
{
	(void)e, (void)a;
	return c->place.status == PLACE_DISPUTED;
}

static bool eval_unprovable(const struct eval *e, const struct place_atom *a,
			    const struct place_class *c)
{
	(void)e, (void)a;
	return c->place.status == PLACE_UNPROVABLE;
}

bool eval_under(const struct eval *e, const struct rule *r, const struct place_class *c)
{
	return !r->under || eval_in_zone(e, r->under, c->place.jurisdiction);
}

static const struct place_atom any_place = {.type = ATOM_ANY};

static bool eval_anycast(const struct eval *e, const struct place_atom *a,
			 const struct place_class *c)
{
	(void)e, (void)a;
	return c->place.flags & PLACE_ANYCAST;
}

static bool eval_relay(const struct eval *e, const struct place_atom *a,
		       const struct place_class *c)
{
	(void)e, (void)a;
	return c->place.flags & PLACE_RELAY;
}

typedef bool place_eval(const struct eval *e, const struct place_atom *a,
			const struct place_class *c);
static place_eval *const place_evals[] = {
#define MATCH_PLACE(id, key, arg, raw, named, where, value, eval, print, man) eval,
#include "rules/parse/match.def"
};

bool eval_row(const struct eval *e, const struct place_atom *a, const struct place_class *c)
{
	return place_evals[a->type](e, a, c);
}

/* Does the zone hold all of the EEA? Who has left it (GB) has a row too. */
static bool holds_eea(const struct eval *e, const struct zone_def *z)
{
	struct zone_row row;

	for (size_t i = 0; zone_row(ZONE_EEA, i, &row); i++)
		if (zone_has(ZONE_EEA, row.country, INT64_MAX) && !eval_in_zone(e, z, row.country))
			return false;
	return true;
}

/* May an allow rule take the word of who says where it is? */
static bool trusted(const struct eval *e, const struct place_class *c)
{
	return c->place.status == PLACE_KNOWN && !(e->stale && c->place.flags & PLACE_STALE);
}

bool eval_atom(const struct eval *e, const struct rule *r, const struct place_atom *a,
	       const struct place_class *c)
{
	const struct place_row *row = match_place(a->type);
	bool by_where = !row->named || (r->under && a->type == ATOM_ANY);

	if (r->action == DECIDE_ALLOW && by_where && !trusted(e, c))
		return false;
	if (r->action == DECIDE_ALLOW && !row->named && a->type != ATOM_JURISDICTION &&
	    (c->place.flags & PLACE_EU_DIFFERS) && !(a->type == ATOM_ZONE && holds_eea(e, a->zone)))
		return false;
	return eval_row(e, a, c);
}

bool eval_to(const struct eval *e, const struct rule *r, const struct place_class *c)
{
	if (!eval_under(e, r, c))
		return false;
	if (!r->nto)
		return eval_atom(e, r, &any_place, c);
	for (size_t i = 0; i < r->nto; i++)
		if (eval_atom(e, r, &r->to[i], c))
			return true;
	return false;
}

enum tri eval_service(const struct rule *r, uint8_t proto, bool has_port, uint16_t port)
{
	enum tri ret = TRI_NO;

	if (!r->service)
		return TRI_YES;
	for (size_t i = 0; i < r->service->natoms; i++) {
		const struct service_atom *a = &r->service->atoms[i];

		if (a->proto != proto)
			continue;
		if (a->any_port || (a->first == 0 && a->last == 65535))
			return TRI_YES;
		if (!has_port)
			ret = TRI_DEPENDS;
		else if (port >= a->first && port <= a->last)
			return TRI_YES;
	}
	return ret;
}

unsigned eval_needs(const struct subject_def *s)
{
	static const unsigned needs[] = {[SUBJECT_UNIT] = EVAL_CGROUP,
					 [SUBJECT_USER_UNIT] = EVAL_CGROUP,
					 [SUBJECT_USER] = EVAL_USER,
					 [SUBJECT_CGROUP] = EVAL_CGROUP,
					 [SUBJECT_ADDRESS] = EVAL_SOURCE};
	unsigned ret = 0;

	for (size_t i = 0; i < s->natoms; i++)
		ret |= needs[s->atoms[i].type];
	return ret;
}

enum tri eval_subject(const struct subject_def *s, bool matches, uint8_t known)
{
	unsigned needs = eval_needs(s);
	static const unsigned missing[KNOWN_COUNT] = {
		[KNOWN_USER] = EVAL_CGROUP,
		[KNOWN_NOBODY] = EVAL_CGROUP | EVAL_USER,
		[KNOWN_NO_SOURCE] = EVAL_SOURCE,
		[KNOWN_USER_NO_SOURCE] = EVAL_CGROUP | EVAL_SOURCE,
	};

	if (matches)
		return TRI_YES;
	return known >= KNOWN_COUNT || needs & missing[known] ? TRI_DEPENDS : TRI_NO;
}

/* What the sender asked and what it says must not tell two stories, where one of them is this rule's. */
enum tri eval_name(const struct rule *r, const struct rule_names *n)
{
	bool said, asked = false;

	if (!r->name)
		return TRI_YES;
	if (!n || !n->said)
		return TRI_DEPENDS;
	said = match_glob(r->name, n->said);
	for (unsigned i = 0; i < n->nasked; i++)
		asked |= match_glob(r->name, n->asked[i]);
	if (said)
		return n->disputed ? TRI_DEPENDS : TRI_YES;
	return asked ? TRI_DEPENDS : TRI_NO;
}

bool eval_settle(const struct rule *r, enum tri t)
{
	return t == TRI_YES || (t == TRI_DEPENDS && r->action != DECIDE_ALLOW);
}

static bool ends_with(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(s + len - n, suffix, n);
}

/* A unit that processes run in; slices only hold others. */
static bool names_unit(const char *part, size_t len)
{
	static const char *const kinds[] = {".service", ".scope", ".socket", ".mount", ".swap"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (ends_with(part, len, kinds[i]))
			return true;
	return false;
}

/* One manager's part of the path: its slices and the first unit in them. What stands below is the unit's own doing: a
 * directory there may have any name. Returns what follows that unit; *found: the glob is one of those names. A level
 * that is named like neither (a container's) is passed over. */
static const char *match_manager(const char *path, const char *glob, bool *found)
{
	char part[256];

	while (path && *path) {
		size_t len;
		bool unit;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		unit = names_unit(path, len);
		if (len && len < sizeof(part)) {
			memcpy(part, path, len);
			part[len] = '\0';
			*found |= match_glob(glob, part);
		}
		path += len;
		if (unit)
			break;
	}
	return path;
}

static bool eval_unit(const struct subject_atom *a, const struct sender *s)
{
	bool found = false;

	match_manager(s->cgroup, a->text, &found);
	return found;
}

/* The system manager starts a user's as user@UID.service; what that one starts stands below it. */
static bool eval_user_unit(const struct subject_atom *a, const struct sender *s)
{
	bool manager = false, found = false;
	const char *rest = match_manager(s->cgroup, "user@*.service", &manager);

	if (manager)
		match_manager(rest, a->text, &found);
	return found;
}

static bool eval_user(const struct subject_atom *a, const struct sender *s)
{
	char number[12];

	if (s->user && !strcmp(s->user, a->text))
		return true;
	if (!s->has_uid)
		return false;
	snprintf(number, sizeof(number), "%u", s->uid);
	return !strcmp(number, a->text);
}

static bool eval_cgroup(const struct subject_atom *a, const struct sender *s)
{
	size_t len = strlen(a->text);

	while (len > 1 && a->text[len - 1] == '/')
		len--;
	if (!s->cgroup || strncmp(s->cgroup, a->text, len))
		return false;
	return len == 1 || s->cgroup[len] == '\0' || s->cgroup[len] == '/';
}

/* NULL: by the source's sets */
typedef bool subject_eval(const struct subject_atom *a, const struct sender *s);
static subject_eval *const subject_evals[] = {
#define MATCH_SUBJECT(id, key, arg, raw, where, value, eval, print, man) eval,
#include "rules/parse/match.def"
};

bool eval_sender(const struct subject_def *s, const struct sender *who)
{
	for (size_t i = 0; i < s->natoms; i++) {
		subject_eval *fn = subject_evals[s->atoms[i].type];

		if (fn && fn(&s->atoms[i], who))
			return true;
	}
	return false;
}
