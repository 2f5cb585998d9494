/* SPDX-License-Identifier: BSD-2-Clause */
/* queue_private.h - what a queue is to queue.c: numbers of lines, and a row of functions. */
#ifndef AGENT_FEED_QUEUE_PRIVATE_H
#define AGENT_FEED_QUEUE_PRIVATE_H
#include <pthread.h>
#include "agent/feed/queue.h"

struct queue_ops {
	int (*put)(struct queue *q, const char *line, size_t len);
	int (*take)(struct queue *q, const char **line, size_t *len);
	void (*confirm)(struct queue *q, uint64_t n);
	void (*rewind)(struct queue *q);
	void (*save)(struct queue *q);
	void (*free)(struct queue *q); /* the whole of it */
};
struct queue {
	const struct queue_ops *ops;
	pthread_mutex_t lock; /* over the three numbers, and what each kind says */
	uint64_t confirmed, taken, put;
	uint64_t missing; /* lost before it was opened */
};
#endif
