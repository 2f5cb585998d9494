/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo_days.h - the places of former days: beside a database FILE stand FILE.2026-11-26, a day each, as
 * 'geo update' made it last on that day (UTC), so that a capture can be judged by what was known then.
 */
#ifndef AGENT_CMD_GEO_DAYS_H
#define AGENT_CMD_GEO_DAYS_H
#include <stdint.h>
#include "geo/base/diag.h"

#define GEO_DAYS_DEFAULT 14   /* how many 'geo update' keeps */
#define GEO_DAYS_MAX	 3650 /* and at most */
#define GEO_DAYS_PATH	 4096

/* Keeps the database that was just made as that of the day of 'now', and the newest n days in all; 0
 * keeps none. A link: no byte is copied. 0, or -errno after a diag. */
int geo_days_keep(const char *path, int64_t now, unsigned n, struct diag_sink *d);
/* The newest of path and its former days that is of the day of as_of or of one before. 0; -ENOENT: none is
 * kept, and another -errno: after a diag. */
int geo_days_find(char ret[GEO_DAYS_PATH], const char *path, int64_t as_of, struct diag_sink *d);
#endif
