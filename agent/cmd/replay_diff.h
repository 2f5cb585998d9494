/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_diff.h - what another policy would have said of the same flows. */
#ifndef AGENT_CMD_REPLAY_DIFF_H
#define AGENT_CMD_REPLAY_DIFF_H
#include "agent/cmd/replay.h"

struct replay_diff;
/* cfg: the replay's, but for the policy. 0, or an exit code after a sentence. */
int replay_diff_open(struct replay_diff **ret, const struct replay *r, const char *policy);
void replay_diff_free(struct replay_diff *d); /* NULL is fine */
/* Each flow that ended. 0 or -errno. */
int replay_diff_flow(struct replay_diff *d, const struct pipeline_flow *f);
/* What changes, largest first: text, or one JSON object a line. */
int replay_diff_print(struct replay_diff *d, bool json, FILE *to);
#endif
