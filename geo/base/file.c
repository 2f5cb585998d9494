/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - writes beside, syncs, renames; what was there stays until the new file is whole on
 * the disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/base/file.h"

static int failed(struct file_write *w, const char *what, int error, struct diag_sink *d)
{
	diag_error(d, w->path, 0, "cannot %s: %s", what, strerror(error));
	file_abandon(w);
	return error ? -error : -EIO;
}

int file_open(struct file_write *w, const char *path, struct diag_sink *d)
{
	int fd;

	*w = (struct file_write){.path = strdup(path)};
	if (!w->path || asprintf(&w->temporary, "%s.new.XXXXXX", path) < 0) {
		w->temporary = NULL;
		return failed(w, "be written", ENOMEM, d);
	}
	fd = mkostemp(w->temporary, O_CLOEXEC);
	if (fd < 0) {
		int error = errno;

		free(w->temporary);
		w->temporary = NULL;
		return failed(w, "be written", error, d);
	}
	w->f = fchmod(fd, 0644) ? NULL : fdopen(fd, "w");
	if (!w->f) {
		int error = errno;

		close(fd);
		return failed(w, "be written", error, d);
	}
	return 0;
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

int file_commit(struct file_write *w, struct diag_sink *d)
{
	int error = 0;

	if (fflush(w->f) || ferror(w->f) || fsync(fileno(w->f)))
		error = errno ? errno : EIO;
	if (fclose(w->f) && !error)
		error = errno;
	w->f = NULL;
	if (!error && rename(w->temporary, w->path))
		error = errno;
	if (error)
		return failed(w, "be written", error, d);
	free(w->temporary);
	w->temporary = NULL;
	sync_folder(w->path);
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
