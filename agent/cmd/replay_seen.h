/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_seen.h - captures as a ledger, and nothing else of them: for the verbs that ask what was seen. */
#ifndef AGENT_CMD_REPLAY_SEEN_H
#define AGENT_CMD_REPLAY_SEEN_H
#include "agent/engine/engine.h"

#define SEEN_NAMES_END ".names" /* behind the ledger's path: "ADDRESS PORT PROTOCOL NAME" a line */

/* The captures, judged as 'replay' does with this policy and these places, into a new ledger. What was damaged is
 * said, and what was readable is in it. 0, or an exit code after a sentence. */
int replay_seen(const struct engine_config *config, char *const *paths, size_t n,
		const char *ledger);
#endif
