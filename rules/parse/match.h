/* SPDX-License-Identifier: BSD-2-Clause */
/* match.h - the rows of match.def as tables, and the types that their functions share. */
#ifndef RULES_PARSE_MATCH_H
#define RULES_PARSE_MATCH_H
#include "geo/place.h"
#include "rules/policy.h"
#include "rules/parse/writer.h"

struct parse;
struct word;

#define MATCH_LATER 0u /* understood, not decided by this version: an error */
#define MATCH_LIVE  1u
#define MATCH_WIRE  2u

enum clause {
#define MATCH_CLAUSE(id, ...) CLAUSE_##id,
#include "rules/parse/match.def"
	CLAUSES
};
enum {
#define MATCH_PLACE(id, ...) MATCHED_##id,
#include "rules/parse/match.def"
	PLACE_ROWS
};
enum {
#define MATCH_SUBJECT(id, ...) SUBJECT_ROW_##id,
#include "rules/parse/match.def"
	SUBJECT_ROWS
};

/* Values fill what is being built and report what is wrong; they never fail otherwise. */
struct clause_row {
	const char *id, *keyword, *argument;
	unsigned where;
	void (*value)(struct parse *ps, struct rule *r, const struct word *w);
	void (*print)(struct writer *t, const struct rule *r);
	const char *manual;
};
struct place_row {
	const char *id, *keyword, *argument;
	bool named;
	unsigned where;
	void (*value)(struct parse *ps, struct place_atom *a, const struct word *w);
	void (*print)(struct writer *t, const struct place_atom *a);
	const char *manual;
};
struct subject_row {
	const char *id, *keyword, *argument;
	unsigned where;
	void (*value)(struct parse *ps, struct subject_atom *a, const struct word *w);
	void (*print)(struct writer *t, const struct subject_atom *a);
	const char *manual;
};
const struct clause_row *match_clause(enum clause c);
const struct place_row *match_place(enum place_atom_type t);
const struct subject_row *match_subject(enum subject_type t);

/* The keyword nearest to a misspelt word among n, or NULL when none is near. */
const char *match_nearest(const char *word, const char *const *among, size_t n);
bool match_keyword(const char *word); /* a word of the language, which no name may be */
/* '*' any run, '?' one byte; the whole text. Linear in memory and at worst quadratic in time. */
bool match_glob(const char *glob, const char *text);

#endif
