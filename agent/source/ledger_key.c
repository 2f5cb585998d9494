/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger_key.c - where, under whose law, how well that is known, by which rule. */
#include "agent/source/ledger_key.h"
#include "geo/facts/country.h"

static const char *law_of(const struct place *p, char buf[3])
{
	return p && p->jurisdiction ? country_text(p->jurisdiction, buf) : NULL;
}

/* How well the place is known: the grade of its evidence, else why it counts as no place. */
static const char *grade_of(const struct event *e)
{
	const struct place *p = e->place;

	if (!p)
		return place_status_name(PLACE_UNKNOWN);
	if (e->refuted)
		return "refuted";
	if (p->status != PLACE_KNOWN)
		return place_status_name((enum place_status)p->status);
	return p->flags & PLACE_STALE ? "stale" : place_grade_name((enum place_grade)p->grade);
}

void ledger_key_of(struct ledger_key *ret, const struct event *e, struct ledger_key_texts *t)
{
	bool peer = e->opened == OPENED_PEER;

	*ret = (struct ledger_key){
		.unit = e->process.unit,
		.exe = e->process.exe,
		.user = e->process.user,
		.country = e->place && e->place->country
				   ? country_text(e->place->country, t->country)
				   : NULL,
		.provider = e->provider,
		.region = e->region,
		.operator= e->operator_name,
		.law = law_of(e->place, t->law),
		.grade = grade_of(e),
		.rule = e->rule ? e->rule->text : "default: no rule matches",
		.name = event_names_domain(e->names),
		.dst = e->flow.dst,
		.port = peer ? e->flow.sport : e->flow.dport,
		.proto = e->flow.proto,
		.verdict = (uint8_t)e->verdict,
		.enforced = e->enforced != 0,
		.by_peer = peer,
	};
}
