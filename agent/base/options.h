/* SPDX-License-Identifier: BSD-2-Clause */
/* options.h - getopt_long, with a complaint that names the option and the nearest one there is. */
#ifndef AGENT_BASE_OPTIONS_H
#define AGENT_BASE_OPTIONS_H
#include <getopt.h>

/* As getopt_long; '?' is returned after a line on standard error has said what is wrong with which
 * option of 'verb': the caller returns EXIT_USAGE. "p:" and "h" among shorts are the usual ones. */
int options_next(const char *verb, int argc, char *const argv[], const char *shorts,
		 const struct option *longs);
#endif
