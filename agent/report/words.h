/* words.h - the clauses of a rule as its text has them: for rules of policies that are not in force any more. */
#ifndef AGENT_REPORT_WORDS_H
#define AGENT_REPORT_WORDS_H
#include <stdbool.h>
#include <stddef.h>

/* What follows the word outside of quotes: `basis` of 'allow to CH basis art45'; a text without its quotes. */
bool rule_word(const char *rule, const char *word, const char **ret, size_t *n);
#endif
