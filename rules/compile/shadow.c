/* SPDX-License-Identifier: BSD-2-Clause */
/* shadow.c - whether one rule leaves nothing for another, told from the text of the two. */
#include <string.h>
#include "rules/compile/shadow.h"

static bool zone_covers(const struct eval *e, const struct zone_def *big,
			const struct zone_def *small)
{
	for (size_t i = 0; i < EVAL_ZONE_BYTES; i++)
		if (e->zones[small->id][i] & ~e->zones[big->id][i])
			return false;
	return true;
}

static bool cidr_covers(const struct cidr *big, const struct cidr *small)
{
	return big->addr.v == small->addr.v && big->len <= small->len &&
	       cidr_has(big, &small->addr);
}

/* The countries a place atom stands for, as a zone would; false when it speaks of something else.
 */
static bool atom_countries(const struct eval *e, const struct place_atom *a,
			   uint8_t bits[EVAL_ZONE_BYTES])
{
	uint16_t cc = a->type == ATOM_COUNTRY ? a->country : a->type == ATOM_HERE ? e->p->home : 0;
	unsigned i = ((unsigned)(cc >> 8) - 'A') * 26 + (unsigned)(cc & 255) - 'A';

	memset(bits, 0, EVAL_ZONE_BYTES);
	if (a->type == ATOM_ZONE)
		memcpy(bits, e->zones[a->zone->id], EVAL_ZONE_BYTES);
	else if (cc && i < EVAL_COUNTRIES)
		bits[i / 8] = (uint8_t)(1u << (i % 8));
	else
		return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool atom_covers(const struct eval *e, const struct place_atom *big,
			const struct place_atom *small)
{
	uint8_t b[EVAL_ZONE_BYTES], s[EVAL_ZONE_BYTES];

	if (big->type == ATOM_ANY)
		return true;
	if (atom_countries(e, big, b) && atom_countries(e, small, s)) {
		for (size_t i = 0; i < EVAL_ZONE_BYTES; i++)
			if (s[i] & ~b[i])
				return false;
		return true;
	}
	if (big->type != small->type)
		return false;
	switch (big->type) {
	case ATOM_CIDR:
		return cidr_covers(&big->cidr, &small->cidr);
	case ATOM_LIST:
		return big->list == small->list;
	case ATOM_PROVIDER:
		return !strcmp(big->name, small->name) &&
		       (!big->region || same_text(big->region, small->region));
	case ATOM_ASN:
		return big->asn == small->asn;
	case ATOM_JURISDICTION:
		return zone_covers(e, big->zone, small->zone);
	default:
		return true; /* the words */
	}
}

/* An allow rule by where a place is leaves the places that are not known to block and alert rules
 * (eval.h, 2). */
static bool by_where(const struct rule *r, const struct place_atom *a)
{
	return r->action == DECIDE_ALLOW &&
	       (!match_place(a->type)->named || (r->under && a->type == ATOM_ANY));
}

static const struct place_atom any_place = {.type = ATOM_ANY};

static bool places_cover(const struct eval *e, const struct rule *big, const struct rule *small,
			 bool known)
{
	size_t nbig = big->nto ? big->nto : 1, nsmall = small->nto ? small->nto : 1, j;

	for (size_t i = 0; i < nsmall; i++) {
		const struct place_atom *s = small->nto ? &small->to[i] : &any_place;

		for (j = 0; j < nbig; j++) {
			const struct place_atom *b = big->nto ? &big->to[j] : &any_place;

			if (atom_covers(e, b, s) &&
			    (known || !by_where(big, b) || by_where(small, s)))
				break;
		}
		if (j == nbig)
			return false;
	}
	return !big->under || (small->under && zone_covers(e, big->under, small->under));
}

static bool sender_covers(const struct subject_atom *big, const struct subject_atom *small)
{
	if (big->type != small->type)
		return false;
	if (big->type != SUBJECT_ADDRESS)
		return same_text(big->text, small->text);
	return big->list || small->list ? big->list == small->list
					: cidr_covers(&big->cidr, &small->cidr);
}

static bool subject_covers(const struct subject_def *big, const struct subject_def *small)
{
	size_t j;

	if (big == small)
		return true;
	for (size_t i = 0; i < small->natoms; i++) {
		const struct subject_atom *s = &small->atoms[i];

		for (j = 0; j < big->natoms; j++)
			if (sender_covers(&big->atoms[j], s))
				break;
		if (j == big->natoms)
			return false;
	}
	return true;
}

/* What is not known of the sender or the port slips past a rule to a stricter one (eval.h, 1). */
static bool slips_past(const struct rule *big, const struct rule *small)
{
	return small->action > big->action;
}

static bool senders_cover(const struct rule *big, const struct rule *small, bool known)
{
	size_t j;

	if (!big->nfrom)
		return true;
	if (!small->nfrom)
		return false;
	for (size_t i = 0; i < small->nfrom; i++) {
		for (j = 0; j < big->nfrom && !subject_covers(big->from[j], small->from[i]); j++)
			;
		if (j == big->nfrom ||
		    (!known && slips_past(big, small) && eval_needs(small->from[i])))
			return false;
	}
	return true;
}

static bool services_cover(const struct rule *big, const struct rule *small, bool known)
{
	size_t j;

	if (!big->service)
		return true;
	if (!small->service)
		return false;
	for (size_t i = 0; !known && slips_past(big, small) && i < big->service->natoms; i++)
		if (!big->service->atoms[i].any_port)
			return false;
	for (size_t i = 0; i < small->service->natoms; i++) {
		const struct service_atom *s = &small->service->atoms[i];

		for (j = 0; j < big->service->natoms; j++) {
			const struct service_atom *b = &big->service->atoms[j];

			if (b->proto == s->proto &&
			    (b->any_port ||
			     (!s->any_port && b->first <= s->first && b->last >= s->last)))
				break;
		}
		if (j == big->service->natoms)
			return false;
	}
	return true;
}

static bool covers(const struct eval *e, const struct rule *earlier, const struct rule *later,
		   bool known)
{
	return places_cover(e, earlier, later, known) && senders_cover(earlier, later, known) &&
	       services_cover(earlier, later, known);
}

enum cover shadow_rule(const struct eval *e, const struct rule *earlier, const struct rule *later)
{
	if (earlier->until && (!later->until || later->until > earlier->until))
		return COVER_NOT;
	/* until so much has left, the later one decides; two of one window: the smaller comes first */
	if (earlier->over &&
	    (!later->over || later->per != earlier->per || later->over < earlier->over))
		return COVER_NOT;
	if (earlier->opened != RULE_OPENED_ANY && earlier->opened != later->opened)
		return COVER_NOT;
	if (earlier->name && !same_text(earlier->name, later->name))
		return COVER_NOT;
	return !(earlier->name && slips_past(earlier, later)) && covers(e, earlier, later, false)
		       ? COVER_ALL
	       : covers(e, earlier, later, true) ? COVER_KNOWN
						 : COVER_NOT;
}
