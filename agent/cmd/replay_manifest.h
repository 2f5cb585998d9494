/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_manifest.h - the chain of custody of one replay. */
#ifndef AGENT_CMD_REPLAY_MANIFEST_H
#define AGENT_CMD_REPLAY_MANIFEST_H
#include "agent/cmd/replay.h"

/* Writes r->manifest, signed with r->key where there is one (made when it is not there). After all
 * other outputs. 0, or an exit code after a sentence. */
int replay_manifest(struct replay *r, int exit_code);
#endif
