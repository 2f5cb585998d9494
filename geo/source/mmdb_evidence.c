/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_evidence.c - the claims that a places.mmdb carries of the files it was built from, kept for
 * explain. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/claims/store.h"
#include "geo/source/mmdb_fields.h"

static bool same(const char *s, const struct mmdb_text *t)
{
	return strlen(s) == t->n && (!t->n || !memcmp(s, t->p, t->n));
}

static void set_format(struct claims *c, struct source *s, const struct mmdb_text *name)
{
	const struct source_format *f;
	uint16_t i = 0;

	s->kind = SOURCE_MMDB;
	for (size_t k = 0; (f = source_format_row(k)); k++) {
		if (same(f->name, name)) {
			s->kind = f->kind;
			s->format = f->name;
			return;
		}
	}
	if (same("place lines", name))
		s->kind = SOURCE_PLACE_LINES;
	s->format = claims_name(c, name->p, name->n, &i) ? "" : places_string(c->p, i);
}

static int new_inner(struct claims *c, const struct mmdb_evidence *e, uint32_t *ret)
{
	struct source_data *s = c->s;
	struct source *n;

	if (s->ninner == SOURCES_MAX)
		return claims_error(c, 0, "names more than %d files it was built from",
				    SOURCES_MAX);
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->path = strndup(e->file.p ? e->file.p : "", e->file.n);
	n->version = e->version.n ? strndup(e->version.p, e->version.n) : NULL;
	n->date = e->date <= INT64_MAX ? (int64_t)e->date : 0;
	memcpy(n->sha256, e->sha256.p ? e->sha256.p : "", e->sha256.n < 64 ? e->sha256.n : 64);
	set_format(c, n, &e->source);
	s->inner[s->ninner] = n;
	*ret = (uint32_t)s->ninner++;
	return n->path ? 0 : -ENOMEM;
}

static int find_inner(struct claims *c, const struct mmdb_evidence *e, uint32_t *ret)
{
	for (uint32_t i = 0; i < c->s->ninner; i++) {
		const struct source *s = c->s->inner[i];

		if (same(s->path, &e->file) &&
		    !strncmp(s->sha256, e->sha256.p ? e->sha256.p : "", e->sha256.n) &&
		    same(s->format, &e->source)) {
			*ret = i;
			return 0;
		}
	}
	return new_inner(c, e, ret);
}

static int name(struct claims *c, const struct mmdb_text *t, uint16_t *ret)
{
	return t->n ? claims_name(c, t->p, t->n, ret) : 0;
}

static uint8_t status(const struct mmdb_text *t)
{
	for (int s = PLACE_UNKNOWN; s <= PLACE_UNPROVABLE; s++)
		if (same(place_status_name((enum place_status)s), t))
			return (uint8_t)s;
	return PLACE_KNOWN;
}

static int said(struct claims *c, const struct mmdb_evidence *e, uint32_t *ret)
{
	struct claim claim = {
		.country = country_from_source(e->country.p, e->country.n),
		.jurisdiction = country_from_source(e->jurisdiction.p, e->jurisdiction.n),
		.status = status(&e->status),
		.asn = e->asn <= UINT32_MAX ? (uint32_t)e->asn : 0,
	};
	int r = name(c, &e->provider, &claim.provider);

	if (!r)
		r = name(c, &e->platform, &claim.platform);
	if (!r)
		r = name(c, &e->region, &claim.region);
	if (!r)
		r = name(c, &e->service, &claim.service);
	if (!r && e->operator.n)
		r = claims_operator(c, e->operator.p, e->operator.n, &claim.operator);
	return r ? r : claims_value(c, &claim, ret);
}

/* A claim as it stands in the file. Keys differ from range to range: among the organisations there
 * is room for them. */
static int decode(struct claims *c, struct mmdb_section *section, uint32_t offset,
		  struct evidence *ret)
{
	struct mmdb_evidence from;
	const char *why;
	int r;

	if (mmdb_evidence_read(section, offset, &from, &why))
		return claims_error(c, 0, "%s (claim at data offset %u)", why, offset);
	*ret = (struct evidence){.line = from.line <= UINT32_MAX ? (uint32_t)from.line : 0};
	r = find_inner(c, &from, &ret->inner);
	if (!r)
		r = said(c, &from, &ret->claim_value);
	if (!r && from.key.n)
		r = claims_operator(c, from.key.p, from.key.n, &ret->key);
	return r;
}

/* The same, decoded once however many records have it. */
static int known(struct claims *c, struct mmdb_section *section, uint32_t offset,
		 struct evidence *ret)
{
	struct source_data *s = c->s;
	size_t before = s->claim_offsets.n;
	uint32_t i;
	int r = intern_add(&s->claim_offsets, &offset, &i);

	if (r)
		return r;
	if (i >= s->known_room) {
		size_t room = s->known_room ? 2 * s->known_room : 1024;
		struct evidence *v = realloc(s->known, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->known = v;
		s->known_room = room;
	}
	if (i >= before)
		r = decode(c, section, offset, &s->known[i]);
	*ret = s->known[i];
	return r;
}

int mmdb_evidence_add(struct claims *c, struct mmdb_section *section, const struct mmdb_fields *f,
		      uint32_t record, uint8_t *decided_by)
{
	int r = 0;

	if (!c->s->claim_offsets.max)
		r = intern_init(&c->s->claim_offsets, sizeof(uint32_t), EVIDENCE_MAX);
	for (size_t i = 0; i < f->nevidence && !r; i++) {
		struct evidence e;

		r = known(c, section, f->evidence[i], &e);
		e.record = record;
		e.order = (uint32_t)i;
		if (!r && i + 1 == f->decided_by)
			*decided_by = (uint8_t)(e.inner + 1);
		if (!r)
			r = evidence_add(c->s, &e);
		if (r == -E2BIG)
			claims_error(c, 0, "carries more than %u claims", EVIDENCE_MAX);
	}
	return r;
}
