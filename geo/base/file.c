/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - writes beside, syncs, renames; what was there stays until the new file is whole on
 * the disk. What is no regular file is written through. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

static int failed(struct file_write *w, const char *what, int error, struct diag_sink *d)
{
	diag_error(d, w->path, 0, "cannot %s: %s", what, strerror(error));
	file_abandon(w);
	return error ? -error : -EIO;
}

/* A name below /proc (/dev/stdout and /dev/fd/3 lead there) stands for an open file: replacing what it
 * points to would leave the one who opened it with the old file. */
static bool names_descriptor(const char *path)
{
	char link[PATH_MAX];
	const char *slash = strrchr(path, '/');
	_free_ char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
	_free_ char *real = folder ? realpath(folder, NULL) : NULL;
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	link[n > 0 ? n : 0] = 0;
	return (real && !strncmp(real, "/proc/", 6)) || !strncmp(link, "/proc/", 6);
}

/* Sets w->path, links followed, and *mode for the new file. True: rename over it. */
static bool replaceable(struct file_write *w, const char *path, mode_t *mode)
{
	_free_ char *real = NULL;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		w->path = strdup(path);
	else if (!names_descriptor(path) && (real = realpath(path, NULL)))
		w->path = TAKE_PTR(real);
	else
		w->path = strdup(path);
	*mode = 0644;
	if (!w->path || lstat(w->path, &st) < 0)
		return true; /* to be made; what is wrong with the folder is said when that fails */
	*mode = st.st_mode & 07777;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
}

static int open_beside(struct file_write *w, mode_t mode)
{
	_close_ int fd = -1;
	int r = 0;

	if (asprintf(&w->temporary, "%s.new.XXXXXX", w->path) < 0) {
		w->temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(w->temporary, O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		free(TAKE_PTR(w->temporary));
		return r;
	}
	w->f = fchmod(fd, mode) ? NULL : fdopen(fd, "w");
	if (!w->f)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

static int open_memory(struct file_write *w)
{
	_close_ int fd = memfd_create("cordon", MFD_CLOEXEC);

	w->f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!w->f)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

int file_open(struct file_write *w, const char *path, struct diag_sink *d)
{
	mode_t mode;
	int r;

	*w = (struct file_write){0};
	r = replaceable(w, path, &mode) ? open_beside(w, mode) : open_memory(w);
	if (!w->path)
		r = -ENOMEM;
	return r < 0 ? failed(w, "be written", -r, d) : 0;
}

void file_abandon(struct file_write *w)
{
	if (w->f)
		fclose(w->f);
	if (w->temporary)
		unlink(w->temporary);
	free(w->temporary);
	free(w->path);
	*w = (struct file_write){0};
}

/* The rename itself is only safe against a power cut once the folder is on the disk too. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

static int copy_out(int from, int to)
{
	char buf[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, buf, sizeof(buf), at)) > 0) {
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(to, buf + done, (size_t)(n - done));
			if (w < 0 && errno == EINTR)
				w = 0;
			else if (w <= 0)
				return w < 0 ? -errno : -EIO;
		}
		at += n;
	}
	return n < 0 ? -errno : 0;
}

/* A reader that is not there yet is waited for, as by '>' of a shell. */
static int write_through(const struct file_write *w)
{
	_close_ int to = open(w->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
	int r = to < 0 ? -errno : fflush(w->f) ? -errno : copy_out(fileno(w->f), to);

	/* the kernel may have taken what the medium then refuses */
	return r < 0 ? r : close(TAKE_FD(to)) < 0 ? -errno : 0;
}

static int put_in_place(struct file_write *w)
{
	int r = 0;

	if (fflush(w->f) || ferror(w->f) || fsync(fileno(w->f)))
		r = errno ? -errno : -EIO;
	if (fclose(w->f) && !r)
		r = -errno;
	w->f = NULL;
	if (!r && rename(w->temporary, w->path))
		r = -errno;
	return r;
}

int file_commit(struct file_write *w, struct diag_sink *d)
{
	int r = w->temporary ? put_in_place(w) : write_through(w);

	if (r < 0)
		return failed(w, "be written", -r, d);
	if (w->temporary) {
		free(TAKE_PTR(w->temporary));
		sync_folder(w->path);
	}
	file_abandon(w);
	return 0;
}

int file_replace(const char *path, const void *bytes, size_t n, struct diag_sink *d)
{
	struct file_write w;
	int r = file_open(&w, path, d);

	if (r)
		return r;
	if (n && fwrite(bytes, 1, n, w.f) != n)
		return failed(&w, "be written", errno ? errno : EIO, d);
	return file_commit(&w, d);
}

int file_read(char **ret, size_t *len, int dirfd, const char *path, size_t max)
{
	_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_free_ char *buf = NULL;
	size_t size = 4096, have = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *bigger =
			have + 1 >= size || !buf ? realloc(buf, buf ? size *= 2 : size) : buf;
		ssize_t n;

		if (!bigger)
			return -ENOMEM;
		buf = bigger;
		n = read(fd, buf + have, size - have - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		have += (size_t)n;
		if (have > max)
			return -EFBIG;
		if (n == 0)
			break;
	}
	buf[have] = 0;
	*ret = TAKE_PTR(buf);
	*len = have;
	return 0;
}
