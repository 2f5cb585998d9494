/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_ledger.h - what of each flow's counts stands in the ledger already, so that every packet is
 * added once: while the flow lives, and at its end.
 *
 * A turn of a flow (one socket's packets to one destination, from the first to the last) is known by
 * its key, its cgroup and the kernel's time of its first packet, which no clock change moves. The turns are saved
 * with each minute of the ledger: a flow that outlives its agent is not added again by the next one.
 */
#ifndef AGENT_SOURCE_KERNEL_LEDGER_H
#define AGENT_SOURCE_KERNEL_LEDGER_H
#include "agent/event/event.h"
#include "agent/ledger/ledger.h"
#include "bpf/load/kernel.h"

#define KERNEL_LEDGER_FLOWS 131072 /* turns; past it a flow is added at its end only */

struct kernel_ledger; /* owned by the caller */
/* The ledger stays the caller's; epoch as of ledger_minute(). */
int kernel_ledger_new(struct kernel_ledger **ret, struct ledger *ledger, uint64_t epoch);
void kernel_ledger_free(struct kernel_ledger *l); /* NULL is fine */
/* Is there anything new in this record? Cheap: before the process is looked up. */
bool kernel_ledger_new_in(const struct kernel_ledger *l, const struct kernel_record *k);
/* Adds what is new in it, as the event describes it. ended: this turn's last record. */
void kernel_ledger_add(struct kernel_ledger *l, const struct kernel_record *k,
		       const struct event *e, bool ended);
#endif
