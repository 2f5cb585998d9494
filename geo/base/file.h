/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h - a file that is replaced whole or not at all: written beside, synced, renamed.
 *
 * Only a regular file is replaced so, or a name that does not exist yet; a symbolic link to one keeps standing and
 * its target is replaced. Anything else (a device, a pipe, /dev/stdout) is what the user wants written to, not
 * replaced: the text is kept in memory and goes there in one go at the commit.
 */
#ifndef GEO_BASE_FILE_H
#define GEO_BASE_FILE_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "geo/base/diag.h"

struct file_write {
	FILE *f;
	char *path;	 /* owned: the file itself, links followed */
	char *temporary; /* owned; NULL: written through */
};
/* All: 0 or -errno after a diag. After a failure of file_open only, there is nothing to abandon. */
int file_open(struct file_write *w, const char *path, struct diag_sink *d);
int file_commit(struct file_write *w,
		struct diag_sink *d);	 /* frees w in any case; path is old or new, never half */
void file_abandon(struct file_write *w); /* removes what was written; fine after commit */
int file_replace(const char *path, const void *bytes, size_t n, struct diag_sink *d);

/* The whole of a file (or /proc file), at most max bytes, ended with a NUL that *len does not
 * count. malloc'ed. -EFBIG when longer. dirfd: as openat. */
int file_read(char **ret, size_t *len, int dirfd, const char *path, size_t max);
#endif
