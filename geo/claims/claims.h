/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * claims.h - inside geo only: what a reader calls to add what its file says.
 *
 * A reader adds claims in any order; ranges may overlap and repeat. flatten.c sorts them and lets
 * the more specific win, field by field: what the more specific does not say (country 0 and status
 * PLACE_KNOWN, provider 0 ...) comes from the wider one. PLACE_UNPROVABLE *says* something: that
 * nobody can say where. Of equal prefixes the unprovable one wins over a country, else the first
 * one added.
 */
#ifndef GEO_CLAIMS_CLAIMS_H
#define GEO_CLAIMS_CLAIMS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "geo/places.h"

#define SOURCES_MAX	     64		/* files and place lines in one places */
#define SOURCE_CLAIMS_MAX    (1U << 24) /* ranges of one file */
#define PLACES_NAMES_MAX     65535	/* providers, platforms, regions, services: u16 */
#define PLACES_OPERATORS_MAX (1U << 20) /* AS organisations */
#define PLACES_VALUES_MAX    (1U << 22) /* distinct claims without their addresses */

struct claims; /* one source being read */

/* For parsers. All give 0 or -errno, and the diag on failure: hand the value on. first and last
 * are of one family, first <= last; claim.where is the line or record number from 1. The claim is
 * copied. Names and operators are interned: the same text gives the same index; n = 0 gives 0. */
int claims_add(struct claims *c, const struct claim *claim);
int claims_add_cidr(struct claims *c, struct claim *claim,
		    const struct cidr *prefix); /* sets first and last */
int claims_name(struct claims *c, const char *s, size_t n, uint16_t *ret);
int claims_operator(struct claims *c, const char *s, size_t n, uint32_t *ret);
/* provider, platform and jurisdiction, where not yet said, from claim->asn and the organisation's
 * name (operator.h). */
int claims_law(struct claims *c, struct claim *claim, const char *organisation);
void claims_date(
	struct claims *c,
	int64_t unix_seconds); /* what the file says; else its name tells, else its mtime */
/* Files of this format do not say when they were made, and are copied about: the mtime of one is no
 * date. Then its name tells, or whoever fetched it, or nobody (0: counts as stale). */
void claims_undated(struct claims *c);
int claims_version(struct claims *c, const char *s, size_t n); /* syncToken, build epoch */
void claims_kind(struct claims *c,
		 enum source_kind kind); /* when only the content tells (MMDB of ASNs) */
/* The list's name among all lists: the newer of two with one name supersedes the older. */
void claims_series(struct claims *c, const char *series);
/* Where the kind's own grade is not right. */
void claims_grade(struct claims *c, enum place_grade grade);
void claims_vague(struct claims *c); /* sorts after the sources of its kind */
const char *claims_path(const struct claims *c);
uint64_t claims_count(const struct claims *c);
/* Line 0: none. Returns -EINVAL. */
int claims_error(struct claims *c, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void claims_warn(struct claims *c, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The fast way in for big sources: intern what is said once, then add bare ranges. IPv6 as host
 * order halves. */
int claims_value(struct claims *c, const struct claim *claim, uint32_t *ret);
int claims_add4(struct claims *c, uint32_t first, uint32_t last, uint32_t claim_value,
		uint32_t where);
int claims_add6(struct claims *c, const uint64_t first[2], const uint64_t last[2],
		uint32_t claim_value, uint32_t where);
#endif
