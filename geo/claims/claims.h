/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * claims.h - inside geo only: how claims are kept, from the bare spans of a file to the merged
 * ranges.
 *
 *     span  = first..last, what is said (a number), where in the file      \  a source
 *     flat  = the same, disjoint: the more specific has won                /
 *     merge = all sources and the special ranges in one sweep -> places, disjoint ranges that cover
 *             the family
 *
 * What is said of a range is interned (struct claim_value), for a country database says 250 things of
 * 660,000 ranges. Both families are swept as 128-bit numbers; IPv4 spans are kept small, as they
 * are many.
 */
#ifndef GEO_CLAIMS_CLAIMS_H
#define GEO_CLAIMS_CLAIMS_H
#include "geo/base/intern.h"
#include "geo/source/source.h"

struct claim_value { /* claim_value 0 is all zero: nothing */
	uint32_t asn, operator;
	uint16_t country, jurisdiction, provider, platform, region, service;
	uint8_t status;
	uint8_t zero[3];
};
_Static_assert(sizeof(struct claim_value) == 24, "no hidden padding: it is hashed");

struct span4 {
	uint32_t first, last, claim_value, where;
};
struct span6 {
	u128 first, last;
	uint32_t claim_value, where;
};
struct spans { /* of one family: v4 or v6 is used */
	struct span4 *v4;
	struct span6 *v6;
	size_t n, room;
	bool is6;
};
/* Any span, as the sweeps see it. */
struct span {
	u128 first, last;
	uint32_t claim_value, where;
};
static inline struct span spans_get(const struct spans *s, size_t i)
{
	if (s->is6) {
		const struct span6 *p = &s->v6[i];

		return (struct span){p->first, p->last, p->claim_value, p->where};
	}
	return (struct span){s->v4[i].first, s->v4[i].last, s->v4[i].claim_value, s->v4[i].where};
}
int spans_add(struct spans *s, const struct span *span); /* 0 or -ENOMEM */
void spans_drop(struct spans *s);
/* The span of a disjoint, sorted list that holds the address, or SIZE_MAX. */
size_t spans_find(const struct spans *s, u128 address);

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
	const struct source_format *format; /* NULL: place lines */
	struct spans raw[2];		    /* as read, sorted; [0] IPv4, [1] IPv6 */
	/* disjoint; where = index in raw; empty when raw is disjoint already */
	struct spans flat[2];
	bool disjoint[2];
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
static inline const struct claim_value *places_saying(const struct places *p, uint32_t i)
{
	return intern_get(&p->claim_values, i);
}

struct claims { /* one source being read */
	struct places *p;
	struct source_data *s;
	struct diag_sink *d;
};

/* source.c */
int source_load(struct places *p, const char *path, struct diag_sink *d);
int source_new(struct places *p, const char *path, enum source_kind kind, struct claims *ret,
	       struct diag_sink *d);
/* mmdb_evidence.c: adds what a record carries; sorts it when all are there; those of a record. */
struct mmdb_fields;
struct mmdb_section;
int evidence_add(struct claims *c, struct mmdb_section *s, const struct mmdb_fields *f,
		 uint32_t record);
void evidence_sort(struct source_data *s);
size_t evidence_of(const struct source_data *s, uint32_t record, const struct evidence **ret);
void evidence_drop(struct source_data *s);
/* source_place_lines.c */
int source_place_lines(struct places *p, const struct place_line *lines, size_t n,
		       struct diag_sink *d);
/* flatten.c: sorts raw and fills flat. 0, -E2BIG (more than FLATTEN_DEPTH_MAX ranges over one
 * address), -ENOMEM. */
#define FLATTEN_DEPTH_MAX 512
int source_flatten(struct places *p, struct source_data *s, struct diag_sink *d);
/* merge.c: all sources -> r4, r6, places. */
int places_merge(struct places *p, struct diag_sink *d);
#endif
