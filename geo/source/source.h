/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source.h - inside geo only: how a file becomes claims. A format is a row of geo/data/formats.def
 * and two functions.
 *
 *     file --source_read--> bytes --probe of every row in order--> parse --> claims of that source
 */
#ifndef GEO_SOURCE_SOURCE_H
#define GEO_SOURCE_SOURCE_H
#include "geo/claims/claims.h"

#define SOURCE_BYTES_MAX    (1ULL << 30)
#define SOURCE_UNPACKED_MAX (512u << 20) /* of one that came as gzip */

struct bytes {
	const uint8_t *p; /* not NUL-terminated */
	size_t n;
};

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

/* A file, or the place lines of the policy, as one more source of p. dated: of which day it is, where
 * that is known from elsewhere, else 0. 0 or -errno with a diag. */
int source_load(struct places *p, const char *path, int64_t dated, struct diag_sink *d);
int source_place_lines(struct places *p, const struct place_line *lines, size_t n,
		       struct diag_sink *d);
/* The whole file, regular and at most SOURCE_BYTES_MAX, in memory of its own; source_unread()
 * frees. */
int source_read(struct bytes *ret, int64_t *mtime, const char *path, struct diag_sink *d);
void source_unread(struct bytes *b);
/* What came as gzip, unpacked in its place; anything else stays. 0; -EFBIG: over SOURCE_UNPACKED_MAX;
 * -EBADMSG: damaged or cut; -ENODATA: nothing in it; -ENOMEM. */
int source_unpack(struct bytes *b);
/* One line at a time, without its end (\n or \r\n); false at the end. *number counts from 1. */
struct source_line {
	const char *p;
	size_t n;
	unsigned number;
};
bool source_next_line(const struct bytes *b, size_t *at, struct source_line *ret);
#endif
