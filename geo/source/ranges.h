/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ranges.h - what the readers of published lists share, inside geo only: a growing list of claims
 * that is settled before it goes to source.h, JSON members with errors that name their path, and
 * the cursor over comma separated lines.
 *
 * A reader adds claims in any order; ranges_settle() then decides between claims of one file about
 * the very same prefix.
 */
#ifndef GEO_SOURCE_RANGES_H
#define GEO_SOURCE_RANGES_H
#include <jansson.h>
#include "geo/facts/operator.h"
#include "geo/source/source.h"

struct ranges {
	struct claims *to; /* where settled claims, names, errors, date and version go */
	const char *text;  /* the whole file, the caller's; not NUL terminated */
	size_t len;
	struct claim *v; /* owned; ranges_free() */
	size_t n, capacity;
	int failed; /* -errno of a name that could not be kept; told already */
};

/* All: 0 or -errno after an error that names the file and the place in it. */
int ranges_add(struct ranges *c, const struct claim *claim); /* -ENOMEM, -E2BIG */
void ranges_free(struct ranges *c);
int ranges_error(struct ranges *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));	       /* -EINVAL */
uint16_t ranges_name(struct ranges *c, const char *s); /* 0 and c->failed when there is no room */
uint32_t ranges_operator(struct ranges *c, const char *s); /* likewise */
void ranges_version(struct ranges *c, const char *s);
/* A claim for the prefix in text, everything else zero. -EINVAL; host bits set are -EDOM. No diag.
 */
int ranges_claim_prefix(struct claim *ret, const char *text);
/* Provider, platform and law of an operator: a platform fills the infrastructure it is known to run
 * on as well. */
void ranges_claim_operator(struct ranges *c, struct claim *ret, const struct operator_entry *op);
/* Country of a region by region.h; a region that nobody placed leaves the claim unprovable. */
void ranges_claim_region(struct ranges *c, struct claim *ret, const char *provider,
			 const char *region);
/*
 * One claim a prefix, sorted by first address, wider first. The same place said twice keeps the
 * service that is named. Two regions of one country leave the country without a region, two
 * countries an unprovable place; both with a warning. A claim with neither region nor country takes
 * those of the narrowest claim around it when silent_inherits: Azure names services without a
 * region inside regions. A claim left without a service gets generic (NULL: none).
 */
int ranges_settle(struct ranges *c, const char *generic, bool silent_inherits);
/* "2026-08-22-15-17-05", ISO 8601 with or without fraction and zone, or 10, 13 or 16 digits since
 * 1970; 0 when none. */
int64_t ranges_parse_date(const char *text);
void ranges_date(struct ranges *c, const char *text); /* nothing when there is none in it */
/* Hands the settled claims on. */
int ranges_finish(struct ranges *c);

/* A published JSON document, with errors that name the JSON path. Nesting over 64, duplicate keys,
 * bytes after the end and a NUL in a string are errors. */
int json_open(struct ranges *c, json_t **ret);
/* The member of a wanted type at path.key; NULL after an error. */
json_t *json_array_at(struct ranges *c, const json_t *object, const char *path, const char *key);
/* A string member: "" when it is not there and optional; NULL after an error. */
const char *json_text_at(struct ranges *c, const json_t *object, const char *path, const char *key,
			 bool optional);
/* ranges_claim_prefix() with the error told: "not a prefix", at path. */
int json_prefix(struct ranges *c, struct claim *ret, const char *text, const char *path);

/* A cursor over lines of comma separated fields (RFC 4180 quotes, # comments, CRLF, a byte order
 * mark). */
#define CSV_FIELDS 16
#define CSV_LINE   4096
struct csv {
	const char *text, *end;
	unsigned line; /* of the fields, from 1 */
	unsigned nfields;
	char *field[CSV_FIELDS]; /* into buffer; spaces around are cut */
	char buffer[CSV_LINE];
};
void csv_open(struct csv *c, const char *text, size_t len);
/* 1: a record; 0: the end; -EINVAL: unclosed quote or a NUL; -E2BIG: a line or a record over the
 * limit. */
int csv_next(struct csv *c);
#endif
