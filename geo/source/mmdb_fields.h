/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_fields.h - inside geo only: a record of a MaxMind DB's data section -> the fields that
 * places are made of. */
#ifndef GEO_SOURCE_MMDB_FIELDS_H
#define GEO_SOURCE_MMDB_FIELDS_H
#include <stdbool.h>
#include "geo/source/source.h"

struct mmdb_text {
	const char *p;
	size_t n;
}; /* into the file; not checked to be UTF-8 */

/* One claim inside cordon.sources of our own places.mmdb. */
struct mmdb_evidence {
	struct mmdb_text source, file, version, sha256, key, country, region, service, provider,
		platform, jurisdiction, status, operator;
	uint64_t date, asn, line;
};
#define MMDB_EVIDENCE_MAX SOURCES_MAX

/* What a record says; texts are empty and numbers 0 where it says nothing. */
struct mmdb_fields {
	struct mmdb_text country,
		country_code; /* country.iso_code (or a flat country), country_code */
	struct mmdb_text organisation, asn_text; /* "AS15169" */
	struct mmdb_text provider, platform, region, jurisdiction, status, grade,
		reason; /* cordon.* */
	uint64_t asn;
	uint64_t decided_by; /* cordon.decided_by: which of cordon.sources said where, from 1 */
	uint64_t data_epoch; /* cordon.data_epoch of our own metadata: how old the data is */
	bool in_eu, anycast, relay[5], satellite, hosting, eu_differs; /* relay: any of them */
	size_t nevidence;
	uint32_t evidence[MMDB_EVIDENCE_MAX]; /* cordon.sources: offsets for mmdb_evidence_read() */
};

/* The data section behind a checked cursor. steps bounds the work that a hostile file can ask for.
 */
struct mmdb_section {
	const uint8_t *p;
	size_t n;
	uint64_t steps;
};

/* 0 or -EINVAL with *why a sentence's end: "has a pointer past the end of its data". */
int mmdb_fields_read(struct mmdb_section *s, size_t offset, struct mmdb_fields *ret,
		     const char **why);
/* The claim at an offset of struct mmdb_fields. Many records share one. */
int mmdb_evidence_read(struct mmdb_section *s, uint32_t offset, struct mmdb_evidence *ret,
		       const char **why);
/* mmdb_evidence.c: keeps what a record carries with the source that is read; *decided_by is which of its
 * files said where, from 1, 0 when the record does not say. */
int mmdb_evidence_add(struct claims *c, struct mmdb_section *s, const struct mmdb_fields *f,
		      uint32_t record, uint8_t *decided_by);
#endif
