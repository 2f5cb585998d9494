/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stderr_queue.h - standard error that never waits: what nobody reads is kept up to a limit, then
 * dropped by whole messages, counted, and the count is said when there is a reader again.
 */
#ifndef AGENT_BASE_STDERR_QUEUE_H
#define AGENT_BASE_STDERR_QUEUE_H
#include <stdint.h>

#define STDERR_QUEUE_BYTES 16384

/* From here on everything that goes to stderr goes through the queue. Once a process; 0 or -errno. */
int stderr_queue_start(void);
void stderr_queue_flush(void);	  /* tries again: once a second, and at the end */
uint64_t stderr_queue_lost(void); /* messages dropped since the start */
#endif
