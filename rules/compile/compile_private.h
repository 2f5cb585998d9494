/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_private.h - what the compiler's files share: the policy as bitmaps of rules, one a property of a
 * packet. */
#ifndef RULES_COMPILE_COMPILE_PRIVATE_H
#define RULES_COMPILE_COMPILE_PRIVATE_H
#include "rules/compile.h"
#include "rules/compile/eval.h"
#include "rules/compile/keys.h"

/* Kept with the compiled policy, for explain. */
struct compile_core {
	struct arena *arena;
	struct eval eval;
};

/*
 * A build. Every property (place, service, sender, who opened) is a bitmap of the rules that do not
 * exclude it; a cell of the matrix is the first rule in the intersection of four bitmaps. Equal
 * bitmaps are interned: equal rows, services and columns are one.
 */
struct build {
	struct compiled *c;
	struct arena *keep, *scratch;
	const struct compile_env *env;
	const struct policy *p;
	struct eval *eval;
	struct diag_sink *d;
	size_t words;	 /* 64-bit words of a bitmap */
	uint64_t *alive; /* rules that are not past their date */
	uint64_t *opened[OPENED_COUNT];
	uint64_t *named; /* rules that ask for a name: no packet is known to have it */
	uint8_t *meter;	 /* of each rule with 'over': index + 1 */
	uint64_t from[POLICY_RULES_MAX]; /* subjects of each rule: bits; 0 = anybody */
	bool wide;			 /* decide.h: a column for each subject */
	struct keys services, columns, rows,
		decisions; /* services and columns: see compile_maybe */
};

/* A service or column class is two bitmaps behind each other: the rules that may match, and of those
 * the ones that certainly do. An allow rule that only may match is in neither: being the mildest it
 * could not decide. */
uint64_t *compile_maybe(struct build *b); /* zeroed scratch; NULL when there is no memory */
void compile_maybe_add(const struct build *b, uint64_t *bits, size_t rule, enum tri matches);
uint64_t *compile_bits(struct build *b); /* zeroed scratch; NULL when there is no memory */
static inline void compile_set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= 1ull << (i % 64);
}
int compile_too_big(struct build *b, const char *what, size_t max); /* reports; -E2BIG */

/* Two subjects that say the same share a bit of the mask, whatever they are called. */
bool compile_same_subject(const struct subject_def *a, const struct subject_def *b);

/* Which of the rule's subjects the sender is; *by is the one that tells. */
enum tri compiled_sender(const struct compiled *c, const struct rule *r,
			 const struct decide_packet *pkt, const struct subject_def **by);

int compile_meters(struct build *b);
int compile_subjects(struct build *b);
int compile_services(struct build *b);
int compile_columns(struct build *b);
int compile_rows(struct build *b);
int compile_matrix(struct build *b);

/* cell.c: what one cell of the matrix holds */
/* rule: index + 1, 0 = the default; until: Unix seconds, 0 = for ever. Gives back an index. */
struct decide_decision compile_decision(const struct build *b, size_t rule, uint64_t until,
					uint16_t next);
int64_t compile_decision_add(struct build *b, const struct decide_decision *d);
struct cell {
	const uint64_t *row, *service, *column,
		*opened;      /* bitmaps, of the two in the middle both */
	uint64_t *may, *sure; /* scratch, words each */
};
int64_t compile_cell(struct build *b, const struct cell *c); /* index of the decision, or -errno */
#endif
