/* SPDX-License-Identifier: BSD-2-Clause */
/* once.h - has this been told before? A small table that forgets: at worst a thing is told twice. */
#ifndef AGENT_EVENT_ONCE_H
#define AGENT_EVENT_ONCE_H
#include <stdbool.h>
#include <stdint.h>
#include "geo/base/ip.h"

#define ONCE_MAX 4096
struct once {			 /* all zero: nothing was told */
	uint64_t told[ONCE_MAX]; /* hashes */
};
/* True the first time, as far as the table knows. */
bool once_first(struct once *o, const struct ip *address, uint16_t country);
#endif
