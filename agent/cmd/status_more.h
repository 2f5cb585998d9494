/* SPDX-License-Identifier: BSD-2-Clause */
/* status_more.h - parts of the status: who can send frames, how much has left under 'over', whether recipients have names. */
#ifndef AGENT_CMD_STATUS_MORE_H
#define AGENT_CMD_STATUS_MORE_H
#include <jansson.h>

/* Lines; none for NULL. */
void status_frames(const json_t *frames);
void status_meters(const json_t *meters);
void status_names(const json_t *names);
#endif
