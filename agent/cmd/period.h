/* SPDX-License-Identifier: BSD-2-Clause */
/* period.h - --since and --until of the verbs that read back: 24h, 14d, 2026-11-25, or an RFC 3339
 * time. */
#ifndef AGENT_CMD_PERIOD_H
#define AGENT_CMD_PERIOD_H
#include <stdint.h>

/* Unix seconds. A duration counts back from now; a date is its first second, UTC. 0 or -EINVAL. */
int period_parse(int64_t *ret, const char *text, int64_t now);
#endif
