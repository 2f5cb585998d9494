/* SPDX-License-Identifier: BSD-2-Clause */
/* event_names.c - what the claims of a flow's names come to. */
#include <stddef.h>
#include "agent/event/event_names.h"

static const char *const grades[] = {[NAME_SAID] = "said",
				     [NAME_ASKED] = "asked",
				     [NAME_OUTER] = "outer",
				     [NAME_OTHERS] = "others"};
_Static_assert(sizeof(grades) / sizeof(*grades) == NAME_GRADES, "a word each");

enum name_grade event_name_grade(const struct event_name *n)
{
	if (n->by & NAME_SAYS)
		return NAME_SAID;
	if (n->by & NAME_BY_ANSWER)
		return NAME_ASKED;
	return n->by & NAME_BY_OUTER ? NAME_OUTER : NAME_OTHERS;
}

const char *event_name_grade_text(enum name_grade g)
{
	return g < NAME_GRADES ? grades[g] : "";
}

static unsigned of_grade(const struct event_names *n, enum name_grade g)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n->n; i++)
		found += event_name_grade(&n->v[i]) == g;
	return found;
}

const char *event_names_status(const struct event_names *n)
{
	if (!n || (!n->n && !n->hidden))
		return NULL;
	if (n->hidden)
		return "hidden";
	if (event_name_grade(&n->v[0]) == NAME_SAID) {
		if (n->v[0].by & NAME_BY_ANSWER)
			return "verified";
		return of_grade(n, NAME_ASKED) ? "disputed" : "said";
	}
	if (event_name_grade(&n->v[0]) == NAME_ASKED)
		return of_grade(n, NAME_ASKED) > 1 || n->more ? "ambiguous" : "asked";
	return "others";
}

bool event_names_disputed(const struct event_names *n)
{
	return event_name_grade(&n->v[0]) == NAME_SAID && !(n->v[0].by & NAME_BY_ANSWER) &&
	       of_grade(n, NAME_ASKED);
}

const char *event_names_domain(const struct event_names *n)
{
	if (!n || !n->n)
		return NULL;
	if (event_name_grade(&n->v[0]) == NAME_SAID)
		return n->v[0].name;
	if (event_name_grade(&n->v[0]) != NAME_ASKED || of_grade(n, NAME_ASKED) > 1 || n->more)
		return NULL;
	return n->v[0].name;
}

const struct recipient *event_name_recipient(const struct event_name *n)
{
	const struct recipient *r = recipient_find(n->name);

	for (unsigned i = 0; i < n->naliases && !r; i++)
		r = recipient_find(n->alias[i]);
	return r;
}
