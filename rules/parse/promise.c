/* SPDX-License-Identifier: BSD-2-Clause */
/* promise.c - 'promise provider': what a provider says of where it keeps data, and under whose law. */
#include <string.h>
#include "geo/facts/zone.h"
#include "rules/parse/parse.h"

void parse_promise_start(struct parse *ps, const struct word *key, const struct word *provider)
{
	const struct policy_promise *all = ps->promises.items;

	ps->promise = (struct policy_promise){.provider = provider->s,
					      .file = parse_file(ps, key->at.source),
					      .line = key->at.line};
	ps->stays = (struct list){0};
	ps->parts = 0;
	if (!*provider->s)
		parse_error(ps, &provider->at, "an empty name");
	if (ps->promises.n == POLICY_PROMISES_MAX)
		parse_error(ps, &key->at, "more than %d promises", POLICY_PROMISES_MAX);
	for (size_t i = 0; i < ps->promises.n; i++)
		if (strcmp(all[i].provider, provider->s) == 0)
			parse_error(ps, &provider->at,
				    "%s has a promise of '%s' already; one line names all of its "
				    "places: stays DE, FR",
				    parse_line(ps, all[i].file, all[i].line, &provider->at),
				    provider->s);
}

void parse_promise_stays(struct parse *ps, const struct word *w)
{
	const struct zone_def *z = NULL;

	if (strcmp(w->s, "unknown") == 0)
		parse_error(ps, &w->at, "a promise names countries or zones: stays DE, FR");
	else
		z = name_zone(ps, w);
	if (z)
		PARSE_PUSH(ps, &ps->stays, z);
}

void parse_promise_part(struct parse *ps, enum promise_part part, const struct word *w)
{
	if (ps->parts & 1u << part)
		parse_error(ps, &w->at, "this stands twice on one line");
	ps->parts |= 1u << part;
	if (part == PROMISE_NOTE)
		ps->promise.note = w->s;
	else if (strcmp(w->s, "unknown") == 0)
		parse_error(ps, &w->at, "a promise names a law: under FR, under eea");
	else
		ps->promise.under = name_zone(ps, w);
}

void parse_promise_end(struct parse *ps)
{
	if (ps->promises.n == POLICY_PROMISES_MAX)
		return;
	ps->promise.stays = ps->stays.items;
	ps->promise.nstays = ps->stays.n;
	PARSE_PUSH(ps, &ps->promises, ps->promise);
}

/* Zones in zones are at most ZONE_DEPTH_MAX deep, and none holds itself (names.c). */
bool policy_zone_has(const struct zone_def *z, uint16_t country, int64_t at)
{
	if (z->builtin >= 0)
		return zone_has((enum zone)z->builtin, country, at);
	for (size_t i = 0; country && i < z->natoms; i++)
		if (z->atoms[i].type == ATOM_ZONE ? policy_zone_has(z->atoms[i].zone, country, at)
						  : z->atoms[i].country == country)
			return true;
	return false;
}

const char *policy_zone_text(const struct zone_def *z, char buf[3])
{
	return z->name ? z->name : country_text(z->atoms[0].country, buf);
}
