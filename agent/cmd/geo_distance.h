/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_distance.h - 'cordon geo show --distance': what a round-trip time proves from home. */
#ifndef AGENT_CMD_GEO_DISTANCE_H
#define AGENT_CMD_GEO_DISTANCE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* policy: path; NULL: the default. Reads the policy for its home, prints to stdout. An enum
 * exit_code. */
int geo_distance(const char *policy, bool json);
/* The printing alone. at: Unix seconds, the date for 'who is in the EEA'. 0, or -EDOM: that is no
 * place on Earth. */
int geo_distance_print(FILE *to, double lat, double lon, const char *name, int64_t at, bool json);
#endif
