/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger_key.h - an event as a key of the ledger: the same from the kernel and from a capture. */
#ifndef AGENT_SOURCE_LEDGER_KEY_H
#define AGENT_SOURCE_LEDGER_KEY_H
#include "agent/event/event.h"
#include "agent/ledger/ledger.h"

struct ledger_key_texts { /* lives as long as the key */
	char country[3], law[3];
};
void ledger_key_of(struct ledger_key *ret, const struct event *e, struct ledger_key_texts *t);
#endif
