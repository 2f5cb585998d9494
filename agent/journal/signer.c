/* SPDX-License-Identifier: BSD-2-Clause */
/* signer.c - the thread behind signer.h: wait, sync, sign, write the checkpoint, hand it over. */
#include "agent/journal/signer.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/journal/journal_private.h"

enum work { IDLE, WANTED, BUSY, QUIT };

struct signer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int dirfd;
	const struct note_key *key;
	const char *origin;
	/* under the lock */
	enum work work;
	struct signer_work w; /* descriptors are duplicates of its own; tiles: partial below */
	struct signer_done done;
	bool have;
	/* the thread's */
	struct merkle_hash partial[TILE_LEVELS][TILE_WIDTH];
	uint64_t partial_of; /* size of the tree whose partial tiles are on disk; 0: none */
};

static void partial_path(char path[TILE_PATH_MAX], unsigned level, uint64_t records)
{
	uint64_t n = records >> (TILE_HEIGHT * level);
	char name[4];

	snprintf(name, sizeof(name), "%u", level);
	tile_path(path, name, n / TILE_WIDTH, (unsigned)(n % TILE_WIDTH));
}

/* A level whose last tile is full or empty has no partial one. */
static bool has_partial(unsigned level, uint64_t records)
{
	return (records >> (TILE_HEIGHT * level)) % TILE_WIDTH != 0;
}

/* Of the last checkpoint, but for what this one has as well. */
static void drop_partial(struct signer *s)
{
	char path[TILE_PATH_MAX], now[TILE_PATH_MAX], *slash;

	for (unsigned l = 0; l < TILE_LEVELS && s->partial_of; l++) {
		if (!has_partial(l, s->partial_of))
			continue;
		partial_path(path, l, s->partial_of);
		partial_path(now, l, s->w.records);
		if (has_partial(l, s->w.records) && strcmp(path, now) == 0)
			continue;
		unlinkat(s->dirfd, path, 0);
		slash = strrchr(path, '/');
		*slash = 0;
		unlinkat(s->dirfd, path, AT_REMOVEDIR); /* when it is empty now */
	}
	s->partial_of = 0;
}

static int write_partial(struct signer *s)
{
	char path[TILE_PATH_MAX];
	int r = 0;

	for (unsigned l = 0; l < TILE_LEVELS && r == 0; l++) {
		uint64_t width = (s->w.records >> (TILE_HEIGHT * l)) % TILE_WIDTH;

		if (!width)
			continue;
		partial_path(path, l, s->w.records);
		r = tile_write(s->dirfd, path, s->partial[l], width * MERKLE_HASH);
	}
	return r;
}

static int sync_files(const struct signer_work *w)
{
	if (!w->sync)
		return 0;
	if (w->fd_before >= 0 && fdatasync(w->fd_before) < 0)
		return -errno;
	return w->fd >= 0 && fdatasync(w->fd) < 0 ? -errno : 0;
}

/* The note is on disk before anybody sees it. */
static int make(struct signer *s, struct signer_done *done)
{
	char text[NOTE_NAME_MAX + 128];
	uint64_t before = s->partial_of;
	int n, r = sync_files(&s->w);

	r = r ? r : write_partial(s);
	if (r < 0)
		return r;
	n = checkpoint_text(text, sizeof(text), s->origin, s->w.records, &s->w.root);
	r = n < 0 ? n : note_sign(&done->note, s->key, text, (size_t)n);
	if (r == 0)
		r = tile_write(s->dirfd, "checkpoint", done->note, strlen(done->note));
	if (r == 0 && s->w.sync && fsync(s->dirfd) < 0)
		r = -errno;
	if (r == 0 && before != s->w.records) {
		drop_partial(s);
		s->partial_of = s->w.records;
	}
	if (r < 0) {
		free(done->note);
		done->note = NULL;
	}
	return r;
}

static void *run(void *arg)
{
	struct signer *s = arg;
	struct signer_done done;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->work != WANTED && s->work != QUIT)
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->work == QUIT)
			break;
		s->work = BUSY;
		pthread_mutex_unlock(&s->lock);
		done = (struct signer_done){.records = s->w.records};
		done.error = make(s, &done);
		if (s->w.fd >= 0)
			close(s->w.fd);
		if (s->w.fd_before >= 0)
			close(s->w.fd_before);
		pthread_mutex_lock(&s->lock);
		free(s->done.note); /* nobody took it: the newer one says more */
		s->done = done;
		s->have = true;
		s->work = IDLE;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct signer *s)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int signer_new(struct signer **ret, int dirfd, const struct note_key *key, const char *origin,
	       uint64_t signed_records)
{
	struct signer *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->dirfd = dirfd;
	s->key = key;
	s->origin = origin;
	s->partial_of = signed_records;
	s->w.fd = s->w.fd_before = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	r = start_thread(s);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	signer_wait(s);
	pthread_mutex_lock(&s->lock);
	s->work = QUIT;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s->done.note);
	free(s);
}

bool signer_idle(struct signer *s)
{
	bool idle;

	pthread_mutex_lock(&s->lock);
	idle = s->work == IDLE;
	pthread_mutex_unlock(&s->lock);
	return idle;
}

void signer_start(struct signer *s, const struct signer_work *w)
{
	pthread_mutex_lock(&s->lock);
	s->w = *w;
	s->w.fd = w->fd < 0 ? -1 : fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
	s->w.fd_before = w->fd_before < 0 ? -1 : fcntl(w->fd_before, F_DUPFD_CLOEXEC, 0);
	s->w.tiles = NULL;
	memcpy(s->partial, w->tiles, sizeof(s->partial));
	s->work = WANTED;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void signer_wait(struct signer *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->work == WANTED || s->work == BUSY)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

bool signer_take(struct signer *s, struct signer_done *ret)
{
	bool have;

	pthread_mutex_lock(&s->lock);
	have = s->have;
	*ret = s->done;
	s->done = (struct signer_done){0};
	s->have = false;
	pthread_mutex_unlock(&s->lock);
	return have;
}
