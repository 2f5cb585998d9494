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
