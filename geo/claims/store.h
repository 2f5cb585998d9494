/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h - inside geo only: how claims are kept, from the bare spans of a file to the merged
 * ranges.
 *
 *     span  = first..last, what is said (a number), where in the file      \  a source
 *     flat  = the same, disjoint: the more specific has won                /
 *     merge = all sources and the special ranges in one sweep -> places, disjoint ranges that
 *             cover the family
 *
 * What is said of a range is interned (struct claim_value), for a country database says 250 things
 * of 660,000 ranges.
 */
#ifndef GEO_CLAIMS_STORE_H
#define GEO_CLAIMS_STORE_H
#include "geo/base/intern.h"
#include "geo/claims/claims.h"
#include "geo/claims/span.h"

struct claim_value { /* claim_value 0 is all zero: nothing */
	uint32_t asn, operator;
	uint16_t country, jurisdiction, provider, platform, region, service;
	uint8_t status;
	uint8_t grade, reason, flags;
	uint8_t inner, pad[3];
};
_Static_assert(sizeof(struct claim_value) == 28, "no hidden padding: it is hashed");

/* A claim that a places.mmdb carries of the file it was built from: shown by explain, not merged
 * again. */
struct evidence {
	uint32_t record; /* as span.where */
	uint32_t order;	 /* among those of its record */
	uint32_t claim_value;
	uint32_t inner; /* index in inner */
	uint32_t key;	/* text index, or 0: then the line */
	uint32_t line;
};
#define EVIDENCE_MAX (1U << 22)

struct source_data {
	struct source pub;
	void (*key)(char buf[64],
		    const struct claim *claim); /* where a claim stands; NULL: "line N" */
	struct spans raw[2];			/* as read, sorted; [0] IPv4, [1] IPv6 */
	/* disjoint; where = index in raw; empty when raw is disjoint already */
	struct spans flat[2];
	bool disjoint[2];
	bool undated;			   /* claims_undated() */
	bool asns;			   /* some claim names an ASN */
	struct source *inner[SOURCES_MAX]; /* the files that a places.mmdb was built from */
	size_t ninner;
	struct evidence *evidence; /* sorted by record */
	size_t nevidence, evidence_room;
	struct intern claim_offsets; /* while it is read: claims met, and what they are */
	struct evidence *known;
	size_t known_room;
};
static inline const struct spans *source_flat(const struct source_data *s, int is6)
{
	return s->disjoint[is6] ? &s->raw[is6] : &s->flat[is6];
}

/* Precedence: lower speaks first. By kind, the vague ones of a kind last; then as given. */
#define SOURCE_RANKS (2 * SOURCE_KINDS)
static inline int source_rank(const struct source_data *s)
{
	return 2 * (int)s->pub.kind + s->pub.vague;
}

struct places {
	struct texts names, operators;
	struct intern claim_values; /* struct claim_value */
	struct intern places;	    /* struct place */
	struct source_data *sources[SOURCES_MAX];
	size_t nsources;
	struct range4 *r4;
	size_t n4;
	struct range6 *r6;
	size_t n6;
	struct cidr *nat64;
	size_t nnat64;
	char **files; /* of the place lines */
	size_t nfiles;
};
static inline const struct claim_value *places_claim_value(const struct places *p, uint32_t i)
{
	return intern_get(&p->claim_values, i);
}

struct claims { /* one source being read */
	struct places *p;
	struct source_data *s;
	struct diag_sink *d;
};
int claims_open(struct places *p, const char *path, enum source_kind kind, struct claims *ret,
		struct diag_sink *d); /* a new source of p, to be filled */

/* evidence.c: what a places.mmdb carries; evidence_of: that of a record, in order. */
int evidence_add(struct source_data *s, const struct evidence *e); /* -ENOMEM, -E2BIG */
void evidence_sort(struct source_data *s);
size_t evidence_of(const struct source_data *s, uint32_t record, const struct evidence **ret);
void evidence_drop(struct source_data *s);
/* flatten.c: sorts raw and fills flat. 0, -E2BIG (more than FLATTEN_DEPTH_MAX ranges over one
 * address), -ENOMEM. */
#define FLATTEN_DEPTH_MAX 512
int claims_flatten(struct claims *c);

struct places *places_new(void); /* NULL: no memory */
#endif
