/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue_spool.c - the queue in a directory.
 *
 * The loop appends to the last segment with one write a line; a write that stopped in the middle is taken back, one that a
 * crash tore is cut off at the next start. The thread reads the segments with a stream of its own, removes those whose lines
 * are all confirmed, and writes the cursor once a second: after SIGKILL up to a second of lines comes again, with the same
 * ids.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/queue_private.h"

#define SEGMENT_BYTES (16u << 20)
#define SEGMENTS_MAX  512u

struct segment {
	uint64_t first; /* number of its first line */
	uint64_t bytes;
};

struct spool {
	struct queue q;
	int dir, cursor, last; /* owned; last: the segment that is written */
	uint64_t max, bytes;
	struct segment segment[SEGMENTS_MAX]; /* oldest first; under the lock */
	unsigned n;
	bool cut; /* a write was taken back: what the reader read ahead may be gone */
	/* the thread's */
	FILE *in;	  /* owned; NULL: to be opened where 'taken' stands */
	uint64_t in_next; /* number of the line that in stands at */
	uint64_t in_first;
	char *line; /* owned */
	size_t room;
	uint64_t saved;
};

static void segment_path(char ret[40], uint64_t first)
{
	text_put(ret, 40, "%020" PRIu64 ".lines", first);
}

/* ---- the loop's end ---- */

static int segment_begin(struct spool *s, uint64_t first)
{
	char path[40];
	int fd;

	if (s->n == SEGMENTS_MAX)
		return -ENOBUFS;
	segment_path(path, first);
	fd = openat(s->dir, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	pthread_mutex_lock(&s->q.lock);
	if (s->last >= 0)
		close(s->last);
	s->last = fd;
	s->segment[s->n++] = (struct segment){first, 0};
	pthread_mutex_unlock(&s->q.lock);
	return 0;
}

/* A line that did not get in whole is taken back. */
static int append(struct spool *s, const char *line, size_t len, uint64_t at)
{
	struct iovec v[2] = {{(void *)(uintptr_t)line, len}, {(void *)(uintptr_t) "\n", 1}};
	ssize_t n;
	int error;

	do
		n = writev(s->last, v, 2);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len + 1)
		return 0;
	error = n < 0 ? errno : ENOSPC;
	if (n > 0) {
		bool torn = ftruncate(s->last, (off_t)at) < 0;

		pthread_mutex_lock(&s->q.lock);
		s->cut = true;
		if (torn) /* nothing more may follow it there */
			s->segment[s->n - 1].bytes = SEGMENT_BYTES;
		pthread_mutex_unlock(&s->q.lock);
	}
	return -error;
}

static int spool_put(struct queue *q, const char *line, size_t len)
{
	struct spool *s = (struct spool *)q;
	uint64_t bytes, put, at;
	int r;

	pthread_mutex_lock(&q->lock);
	bytes = s->bytes;
	put = q->put;
	at = s->segment[s->n - 1].bytes;
	pthread_mutex_unlock(&q->lock);
	if (len >= QUEUE_LINE || bytes + len + 1 > s->max || memchr(line, '\n', len))
		return -ENOBUFS;
	if (at >= SEGMENT_BYTES) {
		r = segment_begin(s, put);
		if (r < 0)
			return r;
		at = 0;
	}
	r = append(s, line, len, at);
	if (r < 0)
		return r;
	pthread_mutex_lock(&q->lock);
	s->segment[s->n - 1].bytes += len + 1;
	s->bytes += len + 1;
	q->put++;
	pthread_mutex_unlock(&q->lock);
	return 0;
}

/* ---- the thread's end ---- */

static void in_close(struct spool *s)
{
	if (s->in)
		fclose(s->in);
	s->in = NULL;
}

/* The segment that holds line n. */
static uint64_t segment_of(struct spool *s, uint64_t n)
{
	uint64_t first = 0;

	pthread_mutex_lock(&s->q.lock);
	for (unsigned i = 0; i < s->n && s->segment[i].first <= n; i++)
		first = s->segment[i].first;
	pthread_mutex_unlock(&s->q.lock);
	return first;
}

static int in_line(struct spool *s, size_t *len)
{
	ssize_t n;

	clearerr(s->in);
	n = getline(&s->line, &s->room, s->in);
	if (n < 1 || s->line[n - 1] != '\n')
		return ferror(s->in) ? -EIO : -ENODATA;
	*len = (size_t)n - 1;
	s->in_next++;
	return 0;
}

/* Opens the segment of line n and reads up to it. */
static int in_seek(struct spool *s, uint64_t n)
{
	uint64_t first = segment_of(s, n);
	char path[40];
	size_t len;
	int fd, r = 0;

	in_close(s);
	segment_path(path, first);
	fd = openat(s->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	s->in = fdopen(fd, "r");
	if (!s->in) {
		close(fd);
		return -ENOMEM;
	}
	s->in_first = s->in_next = first;
	while (r == 0 && s->in_next < n)
		r = in_line(s, &len);
	if (r < 0)
		in_close(s);
	return r;
}

static int spool_take(struct queue *q, const char **line, size_t *len)
{
	struct spool *s = (struct spool *)q;
	bool empty, cut;
	uint64_t n;
	int r = 0;

	pthread_mutex_lock(&q->lock);
	n = q->taken;
	empty = n == q->put;
	cut = s->cut;
	s->cut = false;
	pthread_mutex_unlock(&q->lock);
	if (empty && !cut)
		return 0;
	if (cut)
		in_close(s);
	if (empty)
		return 0;
	if (!s->in || s->in_next != n || s->in_first != segment_of(s, n))
		r = in_seek(s, n);
	if (r == 0)
		r = in_line(s, len);
	if (r < 0) {
		in_close(s);
		return r;
	}
	*line = s->line;
	return 1;
}

/* Under the lock: segments before the one of the first line that is not confirmed go. */
static void spool_confirm(struct queue *q, uint64_t n)
{
	struct spool *s = (struct spool *)q;
	uint64_t confirmed = q->confirmed + n;
	unsigned gone = 0;

	while (gone + 1 < s->n && s->segment[gone + 1].first <= confirmed) {
		char path[40];

		segment_path(path, s->segment[gone].first);
		unlinkat(s->dir, path, 0);
		s->bytes -= s->segment[gone++].bytes;
	}
	s->n -= gone;
	memmove(s->segment, s->segment + gone, s->n * sizeof(*s->segment));
}

static void spool_rewind(struct queue *q)
{
	(void)q; /* the next take finds that in_next is another line */
}

static void spool_save(struct queue *q)
{
	struct spool *s = (struct spool *)q;
	uint64_t confirmed;
	char text[32];
	size_t len;
	int last;

	pthread_mutex_lock(&q->lock);
	confirmed = q->confirmed;
	last = fcntl(s->last, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&q->lock);
	if (last >= 0) {
		fdatasync(last);
		close(last);
	}
	if (confirmed == s->saved)
		return;
	len = text_put(text, sizeof(text), "%020" PRIu64 "\n", confirmed);
	if (pwrite(s->cursor, text, len, 0) == (ssize_t)len && fdatasync(s->cursor) == 0)
		s->saved = confirmed;
}

static void spool_free(struct queue *q)
{
	struct spool *s = (struct spool *)q;

	in_close(s);
	free(s->line);
	if (s->last >= 0)
		close(s->last);
	if (s->cursor >= 0)
		close(s->cursor);
	if (s->dir >= 0)
		close(s->dir);
	free(s);
}

static const struct queue_ops spool_ops = {spool_put,	 spool_take, spool_confirm,
					   spool_rewind, spool_save, spool_free};

/* ---- what is there at the start ---- */

static int by_first(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int list_segments(struct spool *s)
{
	int fd = fcntl(s->dir, F_DUPFD_CLOEXEC, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return -errno;
	}
	rewinddir(d);
	while ((e = readdir(d)) && s->n < SEGMENTS_MAX) {
		uint64_t first;
		char want[40];

		if (sscanf(e->d_name, "%20" SCNu64 ".lines", &first) != 1)
			continue;
		segment_path(want, first);
		if (!strcmp(want, e->d_name))
			s->segment[s->n++].first = first;
	}
	closedir(d);
	qsort(s->segment, s->n, sizeof(*s->segment), by_first);
	return 0;
}

/* Its size, and how many lines end in it; bytes after the last end are cut off when it is the last segment. */
static int count_segment(struct spool *s, unsigned i, uint64_t *lines)
{
	static const size_t chunk = 1u << 16;
	_free_ char *buf = malloc(chunk);
	char path[40];
	uint64_t size = 0, whole = 0;
	ssize_t n;
	int fd;

	if (!buf)
		return -ENOMEM;
	segment_path(path, s->segment[i].first);
	fd = openat(s->dir, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*lines = 0;
	while ((n = read(fd, buf, chunk)) > 0) {
		for (ssize_t at = 0; at < n; at++) {
			size++;
			if (buf[at] == '\n') {
				++*lines;
				whole = size;
			}
		}
	}
	if (n == 0 && whole < size && ftruncate(fd, (off_t)whole) < 0)
		n = -1;
	close(fd);
	s->segment[i].bytes = whole;
	s->bytes += whole;
	return n < 0 ? -EIO : 0;
}

/* A crash of the machine may have lost the end of a segment that was not the last: those after it move down. */
static int move_segment(struct spool *s, struct segment *to, uint64_t first)
{
	char old[40], now[40];

	segment_path(old, to->first);
	segment_path(now, first);
	s->q.missing += to->first - first;
	if (renameat(s->dir, old, s->dir, now) < 0)
		return -errno;
	to->first = first;
	return 0;
}

static int read_segments(struct spool *s, uint64_t confirmed)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct segment *g = &s->segment[i];
		uint64_t lines = 0;
		int r = 0;

		if (i && g->first > confirmed && g->first > s->q.put)
			r = move_segment(s, g, s->q.put);
		else if (i && g->first < s->q.put)
			return -EBADMSG;
		r = r < 0 ? r : count_segment(s, i, &lines);
		if (r < 0)
			return r;
		s->q.put = g->first + lines;
	}
	return 0;
}

static int read_spool(struct spool *s)
{
	uint64_t cursor = 0;
	char text[32] = "";
	int r = list_segments(s);

	if (pread(s->cursor, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "%20" SCNu64, &cursor);
	s->saved = cursor;
	if (s->n && cursor < s->segment[0].first)
		cursor = s->segment[0].first;
	s->q.confirmed = s->q.taken = cursor;
	r = r < 0 ? r : read_segments(s, cursor);
	if (r < 0 || (s->n && cursor <= s->q.put))
		return r;
	s->q.put = cursor; /* none, or fewer than were confirmed: no number is given twice */
	return segment_begin(s, cursor);
}

static int open_last(struct spool *s)
{
	char path[40];

	if (s->last >= 0)
		return 0;
	segment_path(path, s->segment[s->n - 1].first);
	s->last = openat(s->dir, path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	return s->last < 0 ? -errno : 0;
}

static int open_spool(struct spool *s, const char *dir)
{
	int r;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->dir < 0)
		return -errno;
	if (flock(s->dir, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	s->cursor = openat(s->dir, "cursor", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->cursor < 0)
		return -errno;
	r = read_spool(s);
	return r < 0 ? r : open_last(s);
}

int queue_spool(struct queue **ret, const char *dir, uint64_t max)
{
	struct spool *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->dir = s->cursor = s->last = -1;
	s->max = max ? max : QUEUE_SPOOL;
	s->q.ops = &spool_ops;
	pthread_mutex_init(&s->q.lock, NULL);
	r = open_spool(s, dir);
	if (r < 0) {
		pthread_mutex_destroy(&s->q.lock);
		spool_free(&s->q);
		return r;
	}
	*ret = &s->q;
	return 0;
}
