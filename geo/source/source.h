/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source.h - inside geo only: how a file becomes claims. A format is a row of geo/data/formats.def
 * and two functions.
 *
 *     file --source_read--> bytes --probe of every row in order--> parse --> claims of that source
 *
 * A parser adds claims in any order; ranges may overlap and repeat. source.c sorts them and lets
 * the more specific win, field by field: what the more specific does not say (country 0 and status
 * PLACE_KNOWN, provider 0 ...) comes from the wider one. PLACE_UNPROVABLE *says* something: that
 * nobody can say where. Of equal prefixes the unprovable one wins over a country, else the first
 * one added.
 */
#ifndef GEO_SOURCE_SOURCE_H
#define GEO_SOURCE_SOURCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "geo/places.h"

#define SOURCES_MAX	     64 /* files and place lines in one places */
#define SOURCE_BYTES_MAX     (1ULL << 30)
#define SOURCE_CLAIMS_MAX    (1U << 24) /* ranges of one file */
#define SOURCE_LINE_MAX	     4096
#define PLACES_NAMES_MAX     65535	/* providers, platforms, regions, services: u16 */
#define PLACES_OPERATORS_MAX (1U << 20) /* AS organisations */
#define PLACES_VALUES_MAX    (1U << 22) /* distinct claims without their addresses */

struct bytes {
	const uint8_t *p; /* not NUL-terminated */
	size_t n;
};
struct claims; /* one source being read */

struct source_format {
	const char *name;
	enum source_kind kind;
	bool (*probe)(const struct bytes *b); /* by content, cheaply: the first few KB should do */
	int (*parse)(struct claims *c,
		     const struct bytes *b); /* 0, or -errno after claims_error() */
	void (*key)(char buf[64],
		    const struct claim *claim); /* the claim's key from .where; NULL: "line N" */
};
const struct source_format *source_format_row(size_t i); /* NULL past the end */
const struct source_format *source_format_of(const struct bytes *b);

/* FORMAT(name, kind, key): the parser's functions are NAME_probe, NAME_parse and, if key is 1,
 * NAME_key. */
#define FORMAT_KEY_0(name) NULL
#define FORMAT_KEY_1(name) name##_key
#define FORMAT(name, text, kind, key)                                                              \
	bool name##_probe(const struct bytes *b);                                                  \
	int name##_parse(struct claims *c, const struct bytes *b);                                 \
	void name##_key(char buf[64], const struct claim *claim);
#include "geo/data/formats.def"
#undef FORMAT

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
void claims_date(struct claims *c,
		 int64_t unix_seconds); /* what the file says; else its mtime stays */
int claims_version(struct claims *c, const char *s, size_t n); /* syncToken, build epoch */
void claims_kind(struct claims *c,
		 enum source_kind kind); /* when only the content tells (MMDB of ASNs) */
void claims_vague(struct claims *c);	 /* sorts after the sources of its kind */
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

/* The whole file, regular and at most SOURCE_BYTES_MAX, in memory of its own; source_unread()
 * frees. */
int source_read(struct bytes *ret, int64_t *mtime, const char *path, struct diag_sink *d);
void source_unread(struct bytes *b);
/* One line at a time, without its end (\n or \r\n); false at the end. *number counts from 1. */
struct source_line {
	const char *p;
	size_t n;
	unsigned number;
};
bool source_next_line(const struct bytes *b, size_t *at, struct source_line *ret);
#endif
