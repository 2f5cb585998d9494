/* SPDX-License-Identifier: BSD-2-Clause */
/* road_file.c - whole lines or none into a file; into a pipe as fast as its reader reads. */
#include "agent/feed/road_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "geo/base/cleanup.h"

struct file {
	char *path; /* owned; NULL: standard output */
	int fd;	    /* owned, but standard output */
	bool regular;
	dev_t dev;
	ino_t ino;
	size_t done; /* of the line that a pipe took in part */
};

/* A crash may have left half a line: end it, so that the next one is whole. */
static void end_torn_line(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last;

	if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n' &&
	    write(fd, "\n", 1) < 0)
		return; /* the first line tells what is wrong */
}

static bool ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Every directory from the root down: who owns one may put another below it. */
static int check_folders(const char *path)
{
	const char *slash = strrchr(path, '/');
	_free_ char *name = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	_free_ char *real = name ? realpath(name, NULL) : NULL;
	struct stat st;

	if (!real)
		return name ? -errno : -ENOMEM;
	for (char *end = real + 1, *next;; end = next + 1) {
		char cut;

		next = end + strcspn(end, "/");
		cut = *next;
		*next = 0;
		if (stat(real, &st) < 0)
			return -errno;
		if (!ours(&st) || ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)))
			return -EPERM;
		if (!cut)
			return 0;
		*next = cut;
	}
}

/* The root itself is the system's. A device belongs to whom udev says. */
static int check_file(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISCHR(st->st_mode) || ours(st) ? 0 : -EPERM;
}

int road_file_check(const char *path)
{
	struct stat st;
	int r = check_folders(path);

	if (r < 0 || lstat(path, &st) < 0)
		return r;
	return check_file(&st);
}

const char *road_file_error(int error)
{
	switch (error) {
	case ELOOP:
		return "it is a symbolic link, which might lead anywhere";
	case EPERM:
		return "the file or a directory above it belongs to somebody else, or others may write there";
	default:
		return strerror(error);
	}
}

static int open_path(const char *path)
{
	const int flags = O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
	int fd = open(path, O_RDWR | O_CREAT | flags, 0640);

	if (fd < 0 && (errno == EACCES || errno == ENXIO)) /* write-only files, pipes */
		fd = open(path, O_WRONLY | flags);
	return fd < 0 ? -errno : fd;
}

static void file_close(void *self)
{
	struct file *f = self;

	if (f->path && f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->done = 0;
}

/* Takes fd when it may be written to. */
static int adopt(struct file *f, int fd)
{
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : f->path ? check_file(&st) : 0;

	if (r < 0)
		return r;
	f->fd = fd;
	f->done = 0;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->regular = S_ISREG(st.st_mode);
	if (f->regular && f->path)
		end_torn_line(fd);
	return 0;
}

static int file_open(void *self)
{
	struct file *f = self;
	int fd, r;

	if (!f->path) {
		int mode = fcntl(STDOUT_FILENO, F_GETFL);

		return mode < 0 || (mode & O_ACCMODE) == O_RDONLY ? -EBADF
								  : adopt(f, STDOUT_FILENO);
	}
	r = road_file_check(f->path);
	fd = r < 0 ? r : open_path(f->path);
	if (fd < 0)
		return fd;
	r = adopt(f, fd);
	if (r < 0)
		close(fd);
	return r;
}

/* A short write (the disk filled up in the middle) is taken back: nobody may read half a line. */
static int send_whole(struct file *f, const char *line, size_t len)
{
	struct iovec v[2] = {{(void *)(uintptr_t)line, len}, {(void *)(uintptr_t) "\n", 1}};
	struct stat st;
	ssize_t n;

	do
		n = writev(f->fd, v, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == len + 1)
		return 0;
	if (fstat(f->fd, &st) == 0 && st.st_size >= n && ftruncate(f->fd, st.st_size - n) == 0)
		return -ENOSPC;
	return -EIO;
}

/* A pipe that says it is ready takes PIPE_BUF bytes without waiting, even one that blocks (standard output's mode is
 * shared with others and not ours to change). */
static int send_part(struct file *f, const char *line, size_t len)
{
	struct pollfd p = {.fd = f->fd, .events = POLLOUT};

	while (f->done < len + 1) {
		size_t left = len - f->done;
		ssize_t n;

		if (poll(&p, 1, 0) == 0)
			return -EAGAIN;
		if (left)
			n = write(f->fd, line + f->done, left < PIPE_BUF ? left : PIPE_BUF);
		else
			n = write(f->fd, "\n", 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		f->done += n > 0 ? (size_t)n : 0;
	}
	f->done = 0;
	return 0;
}

static int file_send(void *self, const char *line, size_t len)
{
	struct file *f = self;

	return f->regular ? send_whole(f, line, len) : send_part(f, line, len);
}

static int file_tick(void *self)
{
	struct file *f = self;
	struct stat st;
	int r;

	if (!f->path || (lstat(f->path, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino))
		return 0;
	if (f->done)
		return 0; /* the pipe's reader has half a line: its end goes there too */
	file_close(f);
	r = file_open(f);
	return r < 0 ? r : 1;
}

static void file_free(void *self)
{
	struct file *f = self;

	free(f->path);
	free(f);
}

int road_file_open(struct road **ret, const char *path)
{
	static const struct road_end end = {.open = file_open,
					    .send = file_send,
					    .tick = file_tick,
					    .close = file_close,
					    .free = file_free,
					    .early = true};
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->fd = -1;
	f->path = strcmp(path, "-") ? strdup(path) : NULL;
	if (strcmp(path, "-") && !f->path) {
		free(f);
		return -ENOMEM;
	}
	return road_open(ret, &end, f, NULL, path);
}
