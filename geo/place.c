/* SPDX-License-Identifier: BSD-2-Clause */
/* place.c - the words for what is known of a place. */
#include "geo/place.h"

static const char *const status_names[] = {
	[PLACE_UNKNOWN] = "unknown",
	[PLACE_KNOWN] = "known",
	[PLACE_DISPUTED] = "disputed",
	[PLACE_UNPROVABLE] = "unprovable",
};
static const char *const scope_names[] = {
	[SCOPE_GLOBAL] = "global",     [SCOPE_LOCAL] = "local",
	[SCOPE_PRIVATE] = "private",   [SCOPE_MULTICAST] = "multicast",
	[SCOPE_EMBEDDED] = "embedded", [SCOPE_RESERVED] = "reserved",
};
_Static_assert(sizeof(status_names) / sizeof(status_names[0]) == PLACE_UNPROVABLE + 1,
	       "status names");
_Static_assert(sizeof(scope_names) / sizeof(scope_names[0]) == SCOPE_RESERVED + 1, "scope names");

const char *place_status_name(enum place_status s)
{
	return (unsigned)s <= PLACE_UNPROVABLE ? status_names[s] : "";
}

const char *place_scope_name(enum place_scope s)
{
	return (unsigned)s <= SCOPE_RESERVED ? scope_names[s] : "";
}

static const char *const grade_names[] = {
	[GRADE_NONE] = "",
	[GRADE_CONFIGURED] = "configured",
	[GRADE_OPERATOR] = "operator-list",
	[GRADE_GEOFEED] = "operator-geofeed",
	[GRADE_THIRD_PARTY] = "geofeed",
	[GRADE_MEASURED] = "measured",
	[GRADE_REGISTRY] = "registry",
};
_Static_assert(sizeof(grade_names) / sizeof(grade_names[0]) == GRADES, "grade names");

const char *place_grade_name(enum place_grade g)
{
	return (unsigned)g < GRADES ? grade_names[g] : "";
}

static const struct {
	const char *name, *text;
} reasons[] = {
	[REASON_NONE] = {"", ""},
	[REASON_ANYCAST] = {"anycast", "anycast or global: it stands in many places at once"},
	[REASON_REGION] = {"region-unknown", "its region is in no table of regions"},
	[REASON_UNLISTED] = {"unlisted", "its operator publishes where its prefixes are, and does "
					 "not list this one"},
	[REASON_REGISTRY] = {"registry", "its operator's registry country says nothing of where "
					 "machines are"},
	[REASON_WITHHELD] = {"withheld", "a geofeed asks not to place it"},
	[REASON_TWICE] = {"listed-twice", "its operator publishes it in two places"},
	[REASON_SOURCES] = {"sources-differ", "sources differ on inside or outside of the EEA"},
	[REASON_DISTANCE] = {"distance", "the distance refutes the country"},
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == REASONS, "reason names");

const char *place_reason_name(enum place_reason r)
{
	return (unsigned)r < REASONS ? reasons[r].name : "";
}

const char *place_reason_text(enum place_reason r)
{
	return (unsigned)r < REASONS ? reasons[r].text : "";
}
