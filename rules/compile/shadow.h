/* SPDX-License-Identifier: BSD-2-Clause */
/* shadow.h - does an earlier rule leave nothing for a later one? From the text of both, and over
 * every place there can be. */
#ifndef RULES_COMPILE_SHADOW_H
#define RULES_COMPILE_SHADOW_H
#include "rules/compile/eval.h"

/* Whatever 'later' matches, 'earlier' matches too, as long as later lives: COVER_ALL; or at least
 * where place, sender and port are known: COVER_KNOWN, for an allow rule leaves the others to block
 * and alert rules. Never more than is true; a rule that several earlier ones cover together is
 * found by unreachable_rules. */
enum cover { COVER_NOT, COVER_KNOWN, COVER_ALL };
enum cover shadow_rule(const struct eval *e, const struct rule *earlier, const struct rule *later);

/* Marks the rules that decide for no address, sender, service or side there can be at now:
 * reached[i] is false for them. 0; -E2BIG when there are too many equivalence of address to try (then
 * nothing is marked); -ENOMEM. */
int unreachable_rules(const struct policy *p, int64_t now, bool *reached);
#endif
