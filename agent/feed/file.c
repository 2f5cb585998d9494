/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - the alert file: whole lines or none. */
#include "agent/feed/file.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "geo/base/cleanup.h"

#define PIPE_WAIT_MS 200 /* a slower reader loses lines, not the agent its time */

struct feed_file {
	int fd; /* owned, but standard output */
	bool stdout_, regular;
	char *path; /* owned */
	uint64_t lines, bytes, lost, lost_now;
	int error;
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

static int open_path(const char *path, bool *regular)
{
	_close_ int fd =
		open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	struct stat st;

	if (fd < 0 && (errno == EACCES || errno == ENXIO)) /* write-only files, pipes */
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	*regular = S_ISREG(st.st_mode);
	if (*regular)
		end_torn_line(fd);
	return TAKE_FD(fd);
}

int feed_file_open(struct feed_file **ret, const char *path)
{
	struct feed_file *f = calloc(1, sizeof(*f));
	struct stat st;

	if (!f)
		return -ENOMEM;
	f->path = strdup(path);
	f->stdout_ = strcmp(path, "-") == 0;
	if (f->stdout_) {
		f->fd = STDOUT_FILENO;
		f->regular = fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode);
	} else {
		f->fd = open_path(path, &f->regular);
	}
	if (f->fd < 0 || !f->path) {
		int r = f->path ? f->fd : -ENOMEM;

		free(f->path);
		free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void feed_file_close(struct feed_file *f)
{
	if (!f)
		return;
	if (!f->stdout_)
		close(f->fd);
	free(f->path);
	free(f);
}

void feed_file_inherit(struct feed_file *f, const struct feed_file *former)
{
	f->lines = former->lines;
	f->bytes = former->bytes;
	f->lost = former->lost;
	f->lost_now = former->lost_now;
	f->error = former->error;
}

/* A short write (the disk filled up in the middle) is taken back: nobody may read half a line. */
static int write_line(struct feed_file *f, const char *line, size_t len)
{
	struct iovec v[2] = {{(void *)(uintptr_t)line, len}, {(void *)(uintptr_t) "\n", 1}};
	struct pollfd p = {.fd = f->fd, .events = POLLOUT};
	struct stat st;
	ssize_t n;

	if (!f->regular && poll(&p, 1, PIPE_WAIT_MS) == 0)
		return -EAGAIN;
	do
		n = writev(f->fd, v, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == len + 1)
		return 0;
	if (f->regular && fstat(f->fd, &st) == 0 && st.st_size >= n &&
	    ftruncate(f->fd, st.st_size - n) == 0)
		return -ENOSPC;
	return -EIO;
}

int feed_file_write(struct feed_file *f, const char *line, size_t len)
{
	int r = write_line(f, line, len);

	if (r < 0) {
		f->lost++;
		f->lost_now++;
		f->error = -r;
		return r;
	}
	f->lines++;
	f->bytes += len + 1;
	f->lost_now = 0;
	f->error = 0;
	return 0;
}

void feed_file_state(const struct feed_file *f, struct feed_file_state *ret)
{
	*ret = (struct feed_file_state){.path = f->path,
					.lines = f->lines,
					.bytes = f->bytes,
					.lost = f->lost,
					.lost_now = f->lost_now,
					.error = f->error};
}
