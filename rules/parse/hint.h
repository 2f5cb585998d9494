/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hint.h - what somebody meant who wrote a word that the language does not have: of another
 * firewall's language, a name instead of a code, two things in one word. A hint says what to write
 * instead.
 */
#ifndef RULES_PARSE_HINT_H
#define RULES_PARSE_HINT_H
#include "rules/parse/arena.h"

enum hint_where { /* where the word stands; bits */
		  HINT_STATEMENT = 1,
		  HINT_PLACE = 2,
		  HINT_SUBJECT = 4,
		  HINT_SERVICE = 8,
		  HINT_PORT = 16,
		  HINT_PROTO = 32,
		  HINT_RULE = 64,  /* between the parts of a rule */
		  HINT_BARE = 128, /* and no list goes on there */
};
/* A sentence without a full stop, in the region or constant; NULL: nothing is known of the word. */
const char *hint_find(struct arena *r, unsigned where, const char *word);
#endif
