/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * equivalence.h - what a policy tells apart: countries, laws and hosts that all of its rules treat alike
 * are of one kind.
 *
 * A database knows 250 countries and thousands of regions; a policy usually tells five equivalence of
 * country apart. Judging equivalence instead of places keeps the compiler's work small whatever the
 * database holds.
 */
#ifndef RULES_COMPILE_EQUIVALENCE_H
#define RULES_COMPILE_EQUIVALENCE_H
#include "rules/compile/eval.h"
#include "rules/compile/keys.h"

#define KINDS_COUNTRIES (EVAL_COUNTRIES + 2) /* and none, and what is no code */

struct equivalence {
	struct arena *arena;
	const struct eval *eval;
	uint16_t country[KINDS_COUNTRIES], law[KINDS_COUNTRIES];
	const struct place_atom **providers; /* every provider atom of the rules */
	size_t nproviders;
	struct keys hosts;	/* provider, platform, region as seen */
	struct list host_kind;	/* uint32_t: the kind of each */
	struct keys host_kinds; /* bitmaps over providers */
};
/* 0 or -ENOMEM. The arena and e must outlive k. */
int equivalence_init(struct equivalence *k, struct arena *a, const struct eval *e);
unsigned equivalence_country_index(uint16_t cc); /* in country[] and law[] */
/* The kind of the place's provider, platform and region; -E2BIG, -ENOMEM. */
int64_t equivalence_host(struct equivalence *k, const struct place *p);
#endif
