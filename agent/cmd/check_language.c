/* SPDX-License-Identifier: BSD-2-Clause */
/* check_language.c - 'check --language': what a rule can ask, straight from the matchers' table. */
#include <stdio.h>
#include <string.h>
#include "agent/cmd/check.h"
#include "rules/parse/match.h"

#define INDENT 34
#define WIDTH  100

/* A head, and a text beside it in lines of words. */
static void entry(FILE *to, const char *keyword, const char *argument, unsigned where,
		  const char *text)
{
	int column = fprintf(to, "  %s%s%s", keyword ? keyword : "",
			     keyword && *argument ? " " : "", argument);
	size_t word;

	if (column < INDENT)
		fprintf(to, "%*s", INDENT - column, "");
	else
		fprintf(to, "\n%*s", INDENT, "");
	column = INDENT;
	for (; *text; text += word + strspn(text + word, " ")) {
		word = strcspn(text, " ");
		if (column > INDENT && column + 1 + (int)word > WIDTH) {
			fprintf(to, "\n%*s", INDENT, "");
			column = INDENT;
		}
		column += fprintf(to, "%s%.*s", column > INDENT ? " " : "", (int)word, text);
	}
	fputs(where == MATCH_LATER  ? " (not decided by this version: an error)\n"
	      : where == MATCH_LIVE ? " (live; not known in captures)\n"
				    : "\n",
	      to);
}

void check_print_language(FILE *to)
{
	fputs("A rule, the first that matches decides:\n  allow|alert|block", to);
	for (unsigned i = 0; i < CLAUSES; i++)
		if (match_clause((enum clause)i)->where != MATCH_LATER)
			fprintf(to, " [%s %s]", match_clause((enum clause)i)->keyword,
				match_clause((enum clause)i)->argument);
	fputs("\n\nParts of a rule\n", to);
	for (unsigned i = 0; i < CLAUSES; i++) {
		const struct clause_row *r = match_clause((enum clause)i);

		entry(to, r->keyword, r->argument, r->where, r->manual);
	}
	fputs("\nPlaces; several with commas: or\n", to);
	for (unsigned i = 0; i < PLACE_ROWS; i++) {
		const struct place_row *r = match_place((enum place_atom_type)i);

		entry(to, r->keyword, r->argument, r->where, r->manual);
	}
	fputs("\nAn allow rule matches a country, a zone, a jurisdiction, 'under' or 'here' only where the place is known:\n"
	      "what is disputed, unprovable or unknown is allowed only by a rule that names the address, the ASN, the\n"
	      "provider or the status, or by 'allow to any'. Block and alert rules match by the likeliest claim.\n"
	      "\nSubjects; several with commas: or\n",
	      to);
	for (unsigned i = 0; i < SUBJECT_ROWS; i++) {
		const struct subject_row *r = match_subject((enum subject_type)i);

		entry(to, r->keyword, r->argument, r->where, r->manual);
	}
}
