/* SPDX-License-Identifier: BSD-2-Clause */
/* status_names.h - of the status: whether recipients have names. */
#ifndef AGENT_CMD_STATUS_NAMES_H
#define AGENT_CMD_STATUS_NAMES_H
#include <jansson.h>

void status_names(const json_t *names); /* a line; NULL: none */
#endif
