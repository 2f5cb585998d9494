/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_why.c - 'explain --why-not ZONE': what keeps an address from being taken for a place in the zone. */
#include <errno.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/cmd/explain.h"
#include "geo/facts/zone.h"

/* A zone of the policy, a built-in one, or a country. */
struct asked {
	const struct zone_def *own;
	int zone; /* enum zone, or < 0 */
	uint16_t country;
};

static int find(struct asked *ret, const struct policy *p, const char *name)
{
	*ret = (struct asked){.zone = -1};
	for (size_t i = 0; i < p->nzones; i++)
		if (!strcmp(p->zones[i]->name, name))
			ret->own = p->zones[i];
	if (!ret->own)
		ret->zone = zone_find(name);
	if (!ret->own && ret->zone < 0)
		ret->country = country_code(name, strlen(name));
	return ret->own || ret->zone >= 0 || ret->country ? 0 : -ENOENT;
}

bool explain_why_known(const struct engine *e, const char *name)
{
	struct asked a;

	return !find(&a, e->policy, name);
}

/* Members stand before what is made of them, so this ends. */
static bool own_has(const struct zone_def *z, uint16_t country, int64_t now)
{
	if (z->builtin >= 0)
		return zone_has((enum zone)z->builtin, country, now);
	for (size_t i = 0; i < z->natoms; i++)
		if (z->atoms[i].type == ATOM_ZONE ? own_has(z->atoms[i].zone, country, now)
						  : z->atoms[i].country == country)
			return true;
	return false;
}

static bool has(const struct asked *a, uint16_t country, int64_t now)
{
	if (a->own)
		return own_has(a->own, country, now);
	return a->zone >= 0 ? zone_has((enum zone)a->zone, country, now) : a->country == country;
}

static void add(json_t *list, const char *text)
{
	char safe[512];

	json_array_append_new(list, json_string(text_escape(safe, sizeof(safe), text, SIZE_MAX)));
}

/* Who says what, where they differ. */
static void add_claims(json_t *list, const struct engine *e, const struct ip *ip)
{
	struct claim_of k[EXPLAIN_CLAIMS_MAX];
	size_t n = places_claims(e->places, ip, k, EXPLAIN_CLAIMS_MAX);
	char text[512], cc[3];

	for (size_t i = 0; i < n; i++) {
		if (!k[i].claim.country)
			continue;
		text_put(text, sizeof(text), "%s %s %s (%s%s%s)", k[i].source->format,
			 k[i].source->kind == SOURCE_REFUTED ? "denies" : "says",
			 country_text(k[i].claim.country, cc), k[i].source->path,
			 *k[i].key ? ", " : "", k[i].key);
		add(list, text);
	}
}

static void why_status(json_t *list, const struct engine *e, const struct ip *ip,
		       const struct place *p)
{
	char text[512];

	switch (p->status) {
	case PLACE_UNKNOWN:
		add(list, p->scope == SCOPE_GLOBAL
				  ? "no source says where it is"
				  : "no 'place' line says where it is, and no other source may");
		break;
	case PLACE_UNPROVABLE:
		text_put(text, sizeof(text), "nobody can say where it is: %s",
			 place_reason_text((enum place_reason)p->reason));
		add(list, text);
		break;
	case PLACE_DISPUTED:
		add(list, "its sources differ on inside or outside, or distance refuted them:");
		add_claims(list, e, ip);
		break;
	default:
		break;
	}
}

json_t *explain_why_not(const struct engine *e, const struct ip *ip, const struct place *p,
			const char *name, int64_t now)
{
	json_t *list = json_array(), *o;
	char text[512], cc[3];
	struct asked a;
	bool in;

	if (find(&a, e->policy, name)) {
		json_decref(list);
		return json_null();
	}
	in = p->country && has(&a, p->country, now);
	why_status(list, e, ip, p);
	if (p->country && !in) {
		text_put(text, sizeof(text), "%s, %s, is not in %s", country_text(p->country, cc),
			 country_name(p->country), name);
		add(list, text);
		if (p->status == PLACE_KNOWN)
			add_claims(list, e, ip);
	}
	if (in && p->flags & PLACE_EU_DIFFERS)
		add(list,
		    "sources name two countries of the EEA, one outside of the EU: only a zone of the whole EEA takes it");
	if (in && e->stale && p->flags & PLACE_STALE)
		add(list,
		    "what says where it is is older than the policy's max-age, which says 'stale block'");
	o = json_object();
	json_object_set_new(o, "zone", json_string(name));
	json_object_set_new(o, "in", json_boolean(in && p->status == PLACE_KNOWN));
	json_object_set_new(o, "reasons", list);
	return o;
}
