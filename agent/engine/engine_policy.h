/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_policy.h - inside the engine only: reads and parses the policy. */
#ifndef AGENT_ENGINE_ENGINE_POLICY_H
#define AGENT_ENGINE_ENGINE_POLICY_H
#include "agent/engine/engine.h"

/* Fills e->policy, with what is in quarantine before its rules; of a quarantine that cannot be read, what old (may be
 * NULL) holds stays in force. 0; -EINVAL: the policy is wrong; another -errno. All after a diag but -ENOMEM. */
int engine_load_policy(struct engine *e, const struct engine_config *cfg, const struct engine *old,
		       struct diag_sink *d);
#endif
