/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_name.h - what is known of a name: who is behind it, and where it was seen to be. Resolves
 * nothing. */
#ifndef AGENT_CMD_EXPLAIN_NAME_H
#define AGENT_CMD_EXPLAIN_NAME_H
#include <stdbool.h>

/* "api.example.com": labels with a dot between them, a letter in the last one. */
bool explain_is_name(const char *s);
/* On standard output. events: JSON lines as replay writes them, or NULL: the host's journal, when
 * there is one. An exit code. */
int explain_name(const char *name, const char *events, bool json);
#endif
