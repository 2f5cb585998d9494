/* SPDX-License-Identifier: BSD-2-Clause */
/* queue.c - the numbers of every queue, and the one in memory: a ring of bytes, a length before each line. */
#include "agent/feed/queue.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/feed/queue_private.h"

struct ring {
	struct queue q;
	uint8_t *bytes;		   /* owned, QUEUE_RING */
	uint64_t tail, next, head; /* of the lines confirmed, taken, put */
	char *line;		   /* owned; the one that was taken */
	size_t room;
};

static void ring_write(struct ring *r, const void *bytes, size_t n)
{
	size_t at = r->head & (QUEUE_RING - 1), first = QUEUE_RING - at < n ? QUEUE_RING - at : n;

	memcpy(r->bytes + at, bytes, first);
	memcpy(r->bytes, (const char *)bytes + first, n - first);
	r->head += n;
}

static void ring_read(const struct ring *r, uint64_t from, void *to, size_t n)
{
	size_t at = from & (QUEUE_RING - 1), first = QUEUE_RING - at < n ? QUEUE_RING - at : n;

	memcpy(to, r->bytes + at, first);
	memcpy((char *)to + first, r->bytes, n - first);
}

static int ring_put(struct queue *q, const char *line, size_t len)
{
	struct ring *r = (struct ring *)q;
	int result = -ENOBUFS;

	pthread_mutex_lock(&q->lock);
	if (len < QUEUE_RING && sizeof(len) + len <= QUEUE_RING - (r->head - r->tail)) {
		ring_write(r, &len, sizeof(len));
		ring_write(r, line, len);
		q->put++;
		result = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return result;
}

/* The bytes between tail and head stay as they are: only a confirmed line's are written over. */
static int ring_take(struct queue *q, const char **line, size_t *len)
{
	struct ring *r = (struct ring *)q;
	bool empty;
	size_t n;

	pthread_mutex_lock(&q->lock);
	empty = q->taken == q->put;
	pthread_mutex_unlock(&q->lock);
	if (empty)
		return 0;
	ring_read(r, r->next, &n, sizeof(n));
	if (n > r->room || !r->line) {
		char *more = realloc(r->line, n + 1);

		if (!more)
			return -ENOMEM;
		r->line = more;
		r->room = n;
	}
	ring_read(r, r->next + sizeof(n), r->line, n);
	r->next += sizeof(n) + n;
	*line = r->line;
	*len = n;
	return 1;
}

static void ring_confirm(struct queue *q, uint64_t n)
{
	struct ring *r = (struct ring *)q;

	for (; n; n--) {
		size_t len;

		ring_read(r, r->tail, &len, sizeof(len));
		r->tail += sizeof(len) + len;
	}
}

static void ring_rewind(struct queue *q)
{
	struct ring *r = (struct ring *)q;

	r->next = r->tail;
}

static void ring_save(struct queue *q)
{
	(void)q;
}

static void ring_free(struct queue *q)
{
	struct ring *r = (struct ring *)q;

	free(r->bytes);
	free(r->line);
	free(r);
}

static const struct queue_ops ring_ops = {ring_put,    ring_take, ring_confirm,
					  ring_rewind, ring_save, ring_free};

int queue_ring(struct queue **ret)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->bytes = malloc(QUEUE_RING); /* touched as it fills */
	if (!r->bytes) {
		free(r);
		return -ENOMEM;
	}
	r->q.ops = &ring_ops;
	pthread_mutex_init(&r->q.lock, NULL);
	*ret = &r->q;
	return 0;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	q->ops->save(q);
	pthread_mutex_destroy(&q->lock);
	q->ops->free(q);
}

int queue_put(struct queue *q, const char *line, size_t len)
{
	return q->ops->put(q, line, len);
}

int queue_take(struct queue *q, const char **line, size_t *len)
{
	int r = q->ops->take(q, line, len);

	if (r != 1)
		return r;
	pthread_mutex_lock(&q->lock);
	q->taken++;
	pthread_mutex_unlock(&q->lock);
	return 1;
}

void queue_confirm(struct queue *q, uint64_t n)
{
	pthread_mutex_lock(&q->lock);
	n = n < q->taken - q->confirmed ? n : q->taken - q->confirmed;
	q->ops->confirm(q, n);
	q->confirmed += n;
	pthread_mutex_unlock(&q->lock);
}

void queue_rewind(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->taken = q->confirmed;
	q->ops->rewind(q);
	pthread_mutex_unlock(&q->lock);
}

void queue_save(struct queue *q)
{
	q->ops->save(q);
}

uint64_t queue_waiting(struct queue *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->lock);
	n = q->put - q->confirmed;
	pthread_mutex_unlock(&q->lock);
	return n;
}

uint64_t queue_flight(struct queue *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->lock);
	n = q->taken - q->confirmed;
	pthread_mutex_unlock(&q->lock);
	return n;
}

uint64_t queue_missing(const struct queue *q)
{
	return q->missing;
}

bool queue_durable(const struct queue *q)
{
	return q->ops != &ring_ops;
}
