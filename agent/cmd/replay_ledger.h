/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_ledger.h - captures as a ledger, as the agent of a host would have written it. */
#ifndef AGENT_CMD_REPLAY_LEDGER_H
#define AGENT_CMD_REPLAY_LEDGER_H
#include "agent/cmd/replay.h"
#include "agent/ledger/import.h"

/* 0 or an exit code, after a message. */
int replay_ledger_open(struct replay *r);
int replay_ledger_close(struct replay *r);
/* 0 or -errno. */
int replay_ledger_flow(struct replay *r, const struct engine *e, const struct pipeline_flow *f);
#endif
