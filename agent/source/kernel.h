/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - the kernel as a source: its records become events on the one road, with the process,
 * unit and user.
 *
 * The kernel tells the first packet of a flow that is blocked or alerted on and counts the rest:
 * what is stopped in its fold, what passes in its socket. kernel_source_counts fetches the counts and hands
 * on what is new, so that every byte is in exactly one event. Each kernel verdict is decided again
 * by the pipeline; a difference is counted and told.
 */
#ifndef AGENT_SOURCE_KERNEL_H
#define AGENT_SOURCE_KERNEL_H
#include "agent/flow/pipeline.h"
#include "agent/feed/aggregate.h"
#include "agent/host/cgroup.h"
#include "agent/host/process.h"
#include "bpf/load/kernel.h"

/* violating flows whose counts are followed; twice what the kernel folds */
#define KERNEL_SOURCE_FLOWS_MAX 32768
#define KERNEL_SOURCE_IDLE_NS	(60ull * 1000000000ull) /* a flow that was quiet this long is over */

struct kernel_source;
struct kernel_source_config {
	struct kernel *kernel;
	struct pipeline *pipeline;
	struct processes *processes;
	struct cgroups *cgroups; /* NULL: no cgroup2, paths come from /proc */
	struct aggregate *fold;
	bool *quiet; /* set while a flow goes down the road that the sink must not tell */
	const uint64_t *handle; /* the pipeline's sink leaves aggregate_event's answer here */
	/* Something that an operator must know; detail lives for the call. */
	void (*alarm)(void *arg, const char *action, const char *detail);
	/* A flow that ended, or that a socket left for another, decided, with its counts; NULL: not
	 * wanted. */
	void (*ended)(void *arg, const struct event *e);
	void *arg;
};
int kernel_source_new(struct kernel_source **ret, const struct kernel_source_config *cfg);
void kernel_source_free(struct kernel_source *r); /* NULL is fine */
/* The engine that the kernel's generation was made from; records of another generation are not
 * compared. */
void kernel_source_engine(struct kernel_source *r, const struct engine *e, uint32_t generation);
void kernel_source_poll(struct kernel_source *r);
void kernel_source_counts(struct kernel_source *r);
/* handles became void: aggregate_flush was called */
void kernel_source_forget(struct kernel_source *r);

/* What of a subject the kernel is told: bits for this cgroup path. */
uint32_t kernel_source_cgroup_mask(const struct engine *e, const char *path);

/* Every flow that the kernel has now, decided and attributed. With verdicts of the running policy.
 */
typedef void kernel_source_flow_fn(void *arg, const struct event *e);
int kernel_source_flows(struct kernel_source *r, kernel_source_flow_fn *fn, void *arg);

/* The round-trip times of the flows that live: a connection that stays open for weeks is not judged
 * only at its end. */
void kernel_source_distances(struct kernel_source *r);

struct kernel_source_state {
	uint64_t records, mismatches, dead_processes, unresolved;
	uint64_t following; /* violating flows now */
};
void kernel_source_state(const struct kernel_source *r, struct kernel_source_state *ret);
#endif
