/* SPDX-License-Identifier: BSD-2-Clause */
/* input.c - reads a file or pipe in large blocks, through a decompressor when it is compressed,
 * hashing it when asked, ahead when asked. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/base/interrupt.h"
#include "agent/source/input.h"
#include "agent/source/packed.h"
#include "geo/base/sha256.h"

#define RAW_BLOCK (256u << 10)
#define BLOCKS	  3u	     /* one is worked on, two are ahead */
#define AHEAD_MIN (4u << 20) /* a smaller file is read before a thread would have started */

/* Room for what is left of the block before, then the bytes: the window never has a seam. */
struct block {
	uint8_t *mem; /* owned: INPUT_WINDOW, INPUT_BLOCK */
	size_t n;
	int result; /* 1: n bytes; 0: the end; -errno */
};

/* Filled blocks are taken blocks .. filled - 1; the caller holds block taken - 1. */
struct ahead {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct block block[BLOCKS];
	unsigned filled, taken; /* counted, never wrapped in practice: 4 G blocks of 1 MB */
	bool stop;
};

struct input_private {
	int fd;
	EVP_MD_CTX *hash; /* NULL: not asked for */
	bool raw_eof;
	struct packed *packed; /* owned; NULL: not compressed */
	bool member;	       /* inside one, so that an end of input is damage */
	bool searching;	       /* after damage: for the next member */
	uint64_t bad, bad_at;  /* places damaged, and where the first is in the file */
	uint8_t *raw;	       /* compressed bytes: from raw_pos, raw_left of them */
	size_t raw_pos, raw_left;
	uint8_t *own;	     /* the first window */
	struct ahead *ahead; /* owned; while it is there, all above but 'own' is the thread's */
};

int input_open(struct input *in, const char *path)
{
	struct input_private *p;
	struct stat st;

	memset(in, 0, sizeof(*in));
	p = calloc(1, sizeof(*p));
	in->buf = malloc(INPUT_BLOCK + INPUT_WINDOW + INPUT_SLACK);
	if (!p || !in->buf) {
		free(p);
		free(in->buf);
		in->buf = NULL;
		return -ENOMEM;
	}
	in->private = p;
	p->own = in->buf;
	p->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	if (p->fd < 0 || fstat(p->fd, &st) < 0) {
		int r = -errno;

		input_close(in);
		return r;
	}
	if (S_ISDIR(st.st_mode)) {
		input_close(in);
		return -EISDIR;
	}
	if (S_ISREG(st.st_mode)) {
		in->size = (uint64_t)st.st_size;
		(void)posix_fadvise(p->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	return 0;
}

static void ahead_stop(struct input_private *p);

void input_close(struct input *in)
{
	struct input_private *p = in->private;

	if (!p)
		return;
	ahead_stop(p);
	if (p->fd >= 0)
		close(p->fd);
	packed_free(p->packed);
	EVP_MD_CTX_free(p->hash);
	free(p->raw);
	free(p->own);
	free(p);
	memset(in, 0, sizeof(*in));
}

/* 1: some bytes in *n; 0: end of the file; -errno. */
static int raw_read(struct input *in, uint8_t *to, size_t room, size_t *n)
{
	struct input_private *p = in->private;
	ssize_t r;

	*n = 0;
	if (p->raw_eof)
		return 0;
	if (!in->size && interrupt_wait(p->fd) < 0)
		return -EINTR;
	do
		r = read(p->fd, to, room);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (r == 0) {
		p->raw_eof = true;
		return 0;
	}
	*n = (size_t)r;
	in->read += *n;
	if (p->hash && EVP_DigestUpdate(p->hash, to, *n) != 1)
		return -EIO;
	return 1;
}

/* Keep at least the bytes of a magic at hand, so that the next member's is never split. */
static int more_raw(struct input *in)
{
	struct input_private *p = in->private;
	size_t n;
	int r;

	if (p->raw_pos)
		memmove(p->raw, p->raw + p->raw_pos, p->raw_left);
	p->raw_pos = 0;
	r = raw_read(in, p->raw + p->raw_left, RAW_BLOCK, &n);
	p->raw_left += n;
	return r < 0 ? r : 0;
}

static void raw_skip(struct input_private *p, size_t n)
{
	p->raw_pos += n;
	p->raw_left -= n;
}

/* Damage: what follows is searched for another member, for the rest of the file may be whole. */
static void damaged(struct input *in)
{
	struct input_private *p = in->private;

	if (!p->bad++)
		p->bad_at = in->read - p->raw_left;
	p->member = false;
	p->searching = true;
}

/* A member has ended: another one follows, or zeros that fill up a block, or what does not belong
 * there. 1: inside a member; 0: look again; -ENOMEM. */
static int next_member(struct input *in)
{
	struct input_private *p = in->private;
	size_t zeros = 0, at;

	while (!p->searching && zeros < p->raw_left && !p->raw[p->raw_pos + zeros])
		zeros++;
	raw_skip(p, zeros);
	if (!p->raw_left || (p->raw_left < PACKED_MAGIC && !p->raw_eof))
		return 0;
	at = packed_find(p->packed, p->raw + p->raw_pos, p->raw_left);
	if (at && !p->searching)
		damaged(in);
	if (at == p->raw_left) { /* the first bytes of a magic may stand at the end */
		raw_skip(p, p->raw_eof ? at : at - (PACKED_MAGIC - 1));
		return 0;
	}
	raw_skip(p, at);
	p->member = true;
	p->searching = false;
	return packed_reset(p->packed) < 0 ? -ENOMEM : 1;
}

/* One step of the decompressor inside a member. 0 or -ENOMEM. */
static int unpack_step(struct input *in, struct packed_io *io)
{
	struct input_private *p = in->private;

	io->in = p->raw + p->raw_pos;
	io->left = p->raw_left;
	if (!io->left && p->raw_eof) {
		damaged(in);
		return 0;
	}
	switch (packed_run(p->packed, io)) {
	case PACKED_NO_MEMORY:
		return -ENOMEM;
	case PACKED_END:
		p->member = false;
		break;
	case PACKED_BAD:
		raw_skip(p, p->raw_left > io->left ? p->raw_left - io->left : 1);
		damaged(in);
		return 0;
	case PACKED_MORE:
		break;
	}
	raw_skip(p, p->raw_left - io->left);
	return 0;
}

static int packed_read(struct input *in, uint8_t *to, size_t room, size_t *n)
{
	struct input_private *p = in->private;
	struct packed_io io = {.out = to, .room = room};
	int r = 0;

	while (io.room == room && r >= 0) {
		if (p->raw_left < PACKED_MAGIC && !p->raw_eof)
			r = more_raw(in);
		else if (p->member)
			r = unpack_step(in, &io);
		else if (!p->raw_left && p->raw_eof)
			break;
		else
			r = next_member(in);
	}
	*n = room - io.room;
	return r < 0 ? r : *n > 0;
}

/* 1: n bytes; 0: the end; -errno */
static int produce(struct input *in, uint8_t *to, size_t room, size_t *n)
{
	return in->private->packed ? packed_read(in, to, room, n) : raw_read(in, to, room, n);
}

static void *ahead_run(void *arg)
{
	struct input *in = arg;
	struct ahead *a = in->private->ahead;
	int result = 1;

	while (result > 0) {
		struct block *b = &a->block[a->filled % BLOCKS];
		bool stop;

		pthread_mutex_lock(&a->lock);
		while (!a->stop && a->filled - a->taken == BLOCKS - 1)
			pthread_cond_wait(&a->moved, &a->lock);
		stop = a->stop;
		pthread_mutex_unlock(&a->lock);
		if (stop)
			return NULL;
		b->result = result = produce(in, b->mem + INPUT_WINDOW, INPUT_BLOCK, &b->n);
		pthread_mutex_lock(&a->lock);
		a->filled++;
		pthread_cond_signal(&a->moved);
		pthread_mutex_unlock(&a->lock);
	}
	return NULL;
}

static void ahead_free(struct ahead *a)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		free(a->block[i].mem);
	pthread_cond_destroy(&a->moved);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Afterwards everything is the caller's again; what was read ahead is gone (and hashed). */
static void ahead_stop(struct input_private *p)
{
	struct ahead *a = p->ahead;

	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->moved);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	p->ahead = NULL;
	ahead_free(a);
}

void input_ahead(struct input *in)
{
	struct input_private *p = in->private;
	struct ahead *a;
	bool memory = true;

	if (p->ahead || in->eof || (in->size && in->size < AHEAD_MIN))
		return;
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	for (unsigned i = 0; i < BLOCKS; i++) {
		a->block[i].mem = malloc(INPUT_WINDOW + INPUT_BLOCK + INPUT_SLACK);
		memory = memory && a->block[i].mem;
	}
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->moved, NULL);
	p->ahead = a;
	if (!memory || pthread_create(&a->thread, NULL, ahead_run, in) != 0) {
		p->ahead = NULL;
		ahead_free(a);
	}
}

static void at_end(struct input *in)
{
	in->eof = true;
	in->bad = in->private->bad;
	in->bad_at = in->private->bad_at;
}

/* The next block, with what is left of this one put before it. */
static int take_block(struct input *in)
{
	struct ahead *a = in->private->ahead;
	size_t left = input_left(in);
	struct block *b;

	pthread_mutex_lock(&a->lock);
	while (a->filled == a->taken)
		pthread_cond_wait(&a->moved, &a->lock);
	pthread_mutex_unlock(&a->lock);
	b = &a->block[a->taken % BLOCKS];
	if (b->result <= 0) { /* the thread has ended */
		at_end(in);
		return b->result;
	}
	memcpy(b->mem + INPUT_WINDOW - left, in->buf + in->pos, left);
	in->buf = b->mem;
	in->before += in->pos - (INPUT_WINDOW - left);
	in->pos = INPUT_WINDOW - left;
	in->have = INPUT_WINDOW + b->n;
	pthread_mutex_lock(&a->lock);
	a->taken++; /* gives back the block before this one */
	pthread_cond_signal(&a->moved);
	pthread_mutex_unlock(&a->lock);
	return 0;
}

static int read_block(struct input *in)
{
	size_t n = 0, room;
	int r;

	if (in->pos) {
		memmove(in->buf, in->buf + in->pos, input_left(in));
		in->have -= in->pos;
		in->before += in->pos;
		in->pos = 0;
	}
	room = INPUT_BLOCK + INPUT_WINDOW - in->have;
	r = produce(in, in->buf + in->have, room < INPUT_BLOCK ? room : INPUT_BLOCK, &n);
	in->have += n;
	if (r > 0)
		return 0;
	at_end(in);
	return r;
}

int input_want(struct input *in, size_t want)
{
	if (want > INPUT_WINDOW)
		return -EMSGSIZE;
	while (input_left(in) < want && !in->eof) {
		int r = in->private->ahead ? take_block(in) : read_block(in);

		if (r < 0)
			return r;
	}
	return 0;
}

int input_skip(struct input *in, uint64_t bytes)
{
	while (bytes > input_left(in)) {
		int r;

		bytes -= input_left(in);
		in->pos = in->have;
		if (in->eof)
			return 1;
		r = input_want(in, 1);
		if (r < 0)
			return r;
	}
	in->pos += bytes;
	return 0;
}

int input_unpack(struct input *in)
{
	struct input_private *p = in->private;
	size_t left = input_left(in);
	int r = packed_new(&p->packed, in->buf + in->pos, left);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* what has been read already is a block at most: input_want was called once, for the magic */
	p->raw = malloc(RAW_BLOCK + INPUT_BLOCK);
	if (!p->raw || left > INPUT_BLOCK)
		return -ENOMEM;
	memcpy(p->raw, in->buf + in->pos, left);
	p->raw_left = left;
	p->member = true;
	in->pos = in->have = 0;
	in->before = 0;
	in->eof = false;
	return 1;
}

int input_hash(struct input *in)
{
	struct input_private *p = in->private;

	p->hash = EVP_MD_CTX_new();
	if (!p->hash || EVP_DigestInit_ex(p->hash, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return 0;
}

static int digest_text(EVP_MD_CTX *ctx, char ret[65])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n;

	if (EVP_DigestFinal_ex(ctx, md, &n) != 1 || n != 32)
		return -EIO;
	sha256_text(ret, md);
	return 0;
}

int input_sha256(struct input *in, char ret[65])
{
	struct input_private *p = in->private;
	size_t n;
	int r;

	if (!p->hash)
		return -EINVAL;
	ahead_stop(p);
	in->buf = p->own;
	in->pos = in->have = 0;
	while ((r = raw_read(in, in->buf, INPUT_BLOCK, &n)) > 0)
		;
	return r < 0 ? r : digest_text(p->hash, ret);
}
