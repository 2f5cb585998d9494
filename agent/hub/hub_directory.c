/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hub_directory.c - files of lines in a directory and the directories below it, read on as they grow.
 *
 * A file is known by the SHA-256 of its first line, which has an id in it: a rotated or copied file is the same one, and one
 * that was truncated and begun anew is another. How far it was read stands in the database, in the transaction of the lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/hub/hub.h"
#include "geo/base/cleanup.h"
#include "geo/base/sha256.h"

#define DEPTH 3
#define NAME  65

struct directory {
	char *path; /* owned */
	struct hub *hub;
	FTS *walk; /* owned; NULL: between two */
	FILE *f;   /* owned; NULL: no file is open */
	char name[NAME];
	uint64_t at, placed; /* read up to; given to the hub */
	char *line;	     /* owned */
	size_t room;
	bool over, new_lines, packed;
};

static void close_file(struct directory *s)
{
	if (s->f)
		fclose(s->f);
	s->f = NULL;
}

/* A whole line, its newline included: its length; 0: there is none (yet). */
static ssize_t read_line(struct directory *s)
{
	ssize_t n = getline(&s->line, &s->room, s->f);

	return n > 0 && s->line[n - 1] == '\n' ? n : 0;
}

/* 1: there is something to read. */
static int open_file(struct directory *s, const char *path, struct diag_sink *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;
	int r;

	if (fd < 0) {
		diag_warn(d, path, 0, "cannot be read: %s", strerror(errno));
		return 0;
	}
	s->f = fdopen(fd, "r");
	n = s->f ? read_line(s) : 0;
	if (!n) {
		close_file(s);
		return 0;
	}
	sha256_hex(s->name, s->line, (size_t)n);
	r = hub_placed(s->hub, s->name, &s->at, d);
	if (r < 0 || fseeko(s->f, (off_t)s->at, SEEK_SET) < 0) {
		close_file(s);
		return r; /* -EAGAIN, the database is away: on the next walk */
	}
	s->placed = s->at;
	return 1;
}

static bool is_packed(const FTSENT *e)
{
	static const char *const ends[] = {".gz", ".zst", ".xz", ".lz4"};
	size_t n = strlen(e->fts_name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (n > strlen(ends[i]) && strcmp(e->fts_name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* What is packed is a file that was taken before it was rotated, or it was not: said once a run. */
static bool is_wanted(struct directory *s, const FTSENT *e, struct diag_sink *d)
{
	if (e->fts_info != FTS_F || e->fts_name[0] == '.')
		return false;
	if (!is_packed(e))
		return true;
	if (!s->packed)
		diag_warn(
			d, e->fts_path, 0,
			"packed files are not read: unpack those that were not taken before, into a "
			"directory of their own");
	s->packed = true;
	return false;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The next file with something in it: 1; 0: the walk is over. */
static int next_file(struct directory *s, struct diag_sink *d)
{
	char *const paths[] = {s->path, NULL};
	FTSENT *e;
	int r;

	if (!s->walk)
		s->walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (!s->walk)
		return -errno;
	while ((e = fts_read(s->walk))) {
		if (e->fts_level > DEPTH)
			fts_set(s->walk, e, FTS_SKIP);
		if (!is_wanted(s, e, d))
			continue;
		r = open_file(s, e->fts_path, d);
		if (r)
			return r;
	}
	fts_close(s->walk);
	s->walk = NULL;
	return 0;
}

static int place(void *self, struct hub *h)
{
	struct directory *s = self;

	if (!s->f || s->at == s->placed)
		return 0;
	s->placed = s->at;
	return hub_place(h, s->name, s->at);
}

static int next(void *self, const char **line, size_t *n, int ms, struct diag_sink *d)
{
	struct directory *s = self;
	ssize_t got;
	int r;

	for (;;) {
		if (!s->f) {
			r = next_file(s, d);
			if (r < 0)
				return r;
			if (r == 0)
				break;
		}
		got = read_line(s);
		if (got) {
			s->at += (uint64_t)got;
			*line = s->line;
			*n = (size_t)got - 1;
			s->over = false;
			return 1;
		}
		r = place(s, s->hub);
		close_file(s);
		if (r < 0)
			return r;
	}
	if (s->over)
		usleep((useconds_t)ms * 1000u);
	s->over = true;
	return 0;
}

static bool over(void *self)
{
	return ((struct directory *)self)->over;
}

static void drop(void *self)
{
	struct directory *s = self;

	close_file(s);
	if (s->walk)
		fts_close(s->walk);
	free(s->line);
	free(s->path);
	free(s);
}

int hub_directory_open(void **self, const char *path, struct hub *h, struct diag_sink *d)
{
	struct directory *s;
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		diag_error(d, path, 0,
			   "no directory that can be read; or kafka://BROKER:9092/TOPIC");
		return -ENOTDIR;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->hub = h;
	s->path = strdup(path);
	if (!s->path) {
		free(s);
		return -ENOMEM;
	}
	*self = s;
	return 0;
}

const struct hub_source *hub_directory(void)
{
	static const struct hub_source source = {
		.next = next, .over = over, .place = place, .free = drop};

	return &source;
}
