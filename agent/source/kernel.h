/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - the kernel as a source: its records, with the process, unit and user, become events
 * and go to the feeds.
 *
 *     kernel record -> attribute -> decide() -> aggregate (violations), top (all)
 *
 * The kernel reports the first packet of a flow that is blocked or alerted on and counts the rest:
 * what is stopped in its fold, what passes in its socket. Every record holds only what none before it
 * had, so every byte is in exactly one event and nothing is kept here; kernel_source_counts fetches
 * what is counted. Each kernel verdict is decided again; a difference is counted and reported.
 */
#ifndef AGENT_SOURCE_KERNEL_H
#define AGENT_SOURCE_KERNEL_H
#include "agent/engine/decide.h"
#include "agent/event/once.h"
#include "agent/feed/aggregate.h"
#include "agent/feed/top.h"
#include "agent/host/cgroup.h"
#include "agent/host/process.h"
#include "agent/source/kernel_ledger.h"
#include "agent/source/live_names.h"
#include "bpf/load/kernel.h"

#define KERNEL_SOURCE_IDLE_NS (60ull * 1000000000ull) /* a flow that was quiet this long is over */

struct kernel_source;
struct kernel_source_config {
	struct kernel *kernel;
	struct processes *processes;
	struct cgroups *cgroups; /* NULL: no cgroup2, paths come from /proc */
	struct aggregate *aggregate;
	struct top *top;	      /* NULL: nobody looks */
	struct kernel_ledger *ledger; /* NULL: none is kept */
	struct live_names *names;     /* NULL: names are not looked for */
	/* A place that distance refutes: an event that is not folded. */
	void (*refuted)(void *arg, struct event *e);
	/* Something that an operator must know; detail lives for the call. */
	void (*alarm)(void *arg, const char *action, const char *detail);
	void *arg;
};
int kernel_source_new(struct kernel_source **ret, const struct kernel_source_config *cfg);
void kernel_source_free(struct kernel_source *r); /* NULL is fine */
/* The engine that the kernel's generation was made from; records of another generation are not
 * compared. */
void kernel_source_engine(struct kernel_source *r, const struct engine *e, uint32_t generation);
/* The kernel was told of another user just now: verdicts of before are not compared. */
void kernel_source_users(struct kernel_source *r, uint64_t unix_ns);
bool kernel_source_poll(struct kernel_source *r); /* true: there may be more */
void kernel_source_counts(struct kernel_source *r);
bool kernel_source_more(const struct kernel_source *r); /* call counts and distances again soon */

/* What of a subject the kernel is told: bits for this cgroup path. */
uint64_t kernel_source_cgroup_mask(const struct engine *e, const char *path);

/* Every flow that the kernel has now, decided and attributed. With verdicts of the running policy.
 */
typedef void kernel_source_flow_fn(void *arg, const struct event *e);
int kernel_source_flows(struct kernel_source *r, kernel_source_flow_fn *fn, void *arg);

/* How many of them, by the verdict that the kernel gave; cheap. */
int kernel_source_count(struct kernel_source *r, uint64_t by_verdict[4]);

/* The flows that live and sent something: their round-trip times, for a connection that stays open
 * for weeks is not judged only at its end, and their counts for the ledger. */
void kernel_source_active(struct kernel_source *r);

struct kernel_source_state {
	uint64_t records, mismatches, dead_processes, unresolved;
	uint64_t cut; /* TCP sockets ended because the policy stopped them */
};
void kernel_source_state(const struct kernel_source *r, struct kernel_source_state *ret);
#endif
