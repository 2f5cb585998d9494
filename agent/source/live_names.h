/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live_names.h - the names of this host's flows: the bytes that the kernel copied are read by the same
 * decoders as a capture's, and each record of a flow gets the names that are known by then.
 *
 *     kernel_names_poll --live_names_bytes--> answers: who asked, address     naming.h
 *                                             hellos: the flow's own name
 *     kernel_poll -------live_names_of------> record.names
 *
 * An alert comes with a flow's first packet: it has the name of the answer that led there. What the
 * flow says itself comes after it, and stands in what is told of the flow from then on.
 *
 * Invariants (tests/agent/live_names_test.c): 1. whoever asked is a process (pid and start); another
 * one's answer is never "asked"; 2. a flow is a socket and a peer: no other's bytes name it; 3. what
 * is given up for want of room is counted.
 */
#ifndef AGENT_SOURCE_LIVE_NAMES_H
#define AGENT_SOURCE_LIVE_NAMES_H
#include "agent/names/naming.h"
#include "bpf/load/kernel.h"

#define LIVE_NAMES_FLOWS                                                                           \
	32768 /* with a name or on their way to one; past it the oldest of a bucket goes */
#define LIVE_NAMES_STREAMS 256 /* hellos and messages in several pieces, at a time */

struct live_names;
int live_names_new(struct live_names **ret); /* 0 or -ENOMEM */
void live_names_free(struct live_names *n);  /* NULL is fine */
/* A kernel_bytes_fn; arg: the struct live_names. */
void live_names_bytes(void *arg, const struct kernel_bytes *b);
/* Of the flow of this record; NULL: none is known, or the peer opened it. Lives until the next call. */
const struct event_names *live_names_of(struct live_names *n, const struct kernel_record *k);
void live_names_end(struct live_names *n, const struct kernel_record *k); /* its last record */
struct live_names_counts {
	struct naming_counts naming;
	uint64_t given_up; /* flows and streams that lost their room */
};
void live_names_counts(const struct live_names *n, struct live_names_counts *ret);
#endif
