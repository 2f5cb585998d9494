/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle_install.c - a bundle's files become a directory, whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "geo/facts/bundle.h"
#include "geo/facts/facts_private.h"

static int told(struct diag_sink *d, const char *path, const char *what, int error)
{
	diag_error(d, path, 0, "cannot be %s: %s", what, strerror(error));
	return -error;
}

/* Files only: nothing in it makes directories. What is not there is removed already. */
static int remove_directory(const char *path, struct diag_sink *d)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return errno == ENOENT ? 0 : told(d, path, "removed", errno);
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
	return rmdir(path) ? told(d, path, "removed", errno) : 0;
}

static int write_file(int dir, const char *name, const char *bytes, size_t n)
{
	_close_ int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return -errno;
	while (n) {
		ssize_t w = write(fd, bytes, n);

		if (w < 0 && errno != EINTR)
			return -errno;
		bytes += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
	return fsync(fd) ? -errno : 0;
}

static int unpack(const struct bundle *b, const char *path, struct diag_sink *d)
{
	_close_ int dir = -1;
	int r;

	if (mkdir(path, 0755))
		return told(d, path, "made", errno);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return told(d, path, "opened", errno);
	r = write_file(dir, MANIFEST_NAME, b->bytes + b->facts, b->facts_size);
	for (size_t i = 0; i < b->manifest.n && !r; i++)
		r = write_file(dir, b->manifest.files[i].name, b->bytes + b->offset[i],
			       b->manifest.files[i].size);
	if (!r && fsync(dir))
		r = -errno;
	return r ? told(d, path, "written", -r) : 0;
}

static int sync_parent(const char *path)
{
	char parent[256];
	_close_ int fd = -1;
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash)
		snprintf(parent, sizeof(parent), ".");
	else
		slash[slash == parent] = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}

/* Both names exist at every moment; where that cannot be done, the old one is out of the way for a
 * moment, and a program that starts then takes the shipped facts. */
static int swap(const char *fresh, const char *path, const char *old)
{
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST && errno != EINVAL)
		return -errno;
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
		return rename(fresh, old) ? -errno : 0;
	if (errno == ENOENT)
		return rename(fresh, path) ? -errno : 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	return rename(path, old) || rename(fresh, path) ? -errno : 0;
}

int bundle_install(const struct bundle *b, const char *directory, uint64_t newest,
		   struct diag_sink *d)
{
	char fresh[256], old[256];
	int r;

	if (strlen(directory) + sizeof(".new") > sizeof(fresh))
		return told(d, directory, "used", ENAMETOOLONG);
	if (b->manifest.serial <= newest) {
		diag_error(d, directory, 0,
			   "serial %llu of the bundle does not rise above %llu, which is in use",
			   (unsigned long long)b->manifest.serial, (unsigned long long)newest);
		return -EEXIST;
	}
	snprintf(fresh, sizeof(fresh), "%s.new", directory);
	snprintf(old, sizeof(old), "%s.old", directory);
	r = remove_directory(fresh, d);
	if (!r)
		r = unpack(b, fresh, d);
	if (!r)
		r = facts_try(fresh, d);
	if (!r)
		r = remove_directory(old, d);
	if (!r) {
		r = swap(fresh, directory, old);
		r = r ? told(d, directory, "replaced", -r) : 0;
	}
	if (r) {
		remove_directory(fresh, NULL);
		return r;
	}
	remove_directory(old, NULL);
	r = sync_parent(directory);
	return r ? told(d, directory, "synced", -r) : 0;
}
