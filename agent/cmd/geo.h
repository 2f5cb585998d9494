/* SPDX-License-Identifier: BSD-2-Clause */
/* geo.h - the verbs below 'cordon geo'. argv[0] is the verb's own name; each returns an enum
 * exit_code. */
#ifndef AGENT_CMD_GEO_H
#define AGENT_CMD_GEO_H
#include <stdbool.h>
#include "geo/places.h"

#define GEO_OUTPUT	   PLACES_BUILT
#define GEO_CONF	   "/etc/cordon/geo.conf"
#define GEO_SHRINK_PERCENT 20 /* a source that lost more than this is refused */

int geo_build(int argc, char **argv);
int geo_update(int argc, char **argv);
int geo_show(int argc, char **argv);
int geo_bundle(int argc, char **argv);

extern const char geo_build_help[], geo_update_help[], geo_show_help[], geo_bundle_help[];

/* True when now is more than GEO_SHRINK_PERCENT less than before. */
static inline bool geo_shrank(uint64_t before, uint64_t now)
{
	return now < before && (before - now) * 100 > before * GEO_SHRINK_PERCENT;
}
/* Sources that the output, as it is, has more of than p: says so for each, returns how many are not
 * accepted. */
unsigned geo_check_shrink(const struct places *p, const char *output, const char *const *accept,
			  size_t naccept);
/* Loads the files (dates: as in places_config) and replaces output; prints what was made. An enum
 * exit_code. */
int geo_make(const char *const *files, const int64_t *dates, size_t n, const char *output,
	     bool force, bool json);
#endif
