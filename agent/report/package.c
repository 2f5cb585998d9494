/* SPDX-License-Identifier: BSD-2-Clause */
/* package.c - libarchive reads it, a folder as well as a ZIP; nothing is written anywhere. */
#include "agent/report/package.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define ENTRIES_MAX 4096

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcasecmp(s + n - m, end) == 0 && (n == m || s[n - m - 1] == '/');
}

static int read_entry(struct archive *a, char **ret, size_t *len)
{
	size_t room = 1u << 16, n = 0;
	char *buf = malloc(room + 1);
	la_ssize_t got = 0;

	while (buf && (got = archive_read_data(a, buf + n, room - n)) > 0) {
		n += (size_t)got;
		if (n < room)
			continue;
		if (room >= PACKAGE_FILE_MAX) {
			free(buf);
			return -EFBIG;
		}
		room *= 2;
		char *p = realloc(buf, room + 1);
		if (!p)
			free(buf);
		buf = p;
	}
	if (!buf)
		return -ENOMEM;
	if (got < 0) {
		free(buf);
		return -EBADMSG;
	}
	buf[n] = 0;
	*ret = buf;
	*len = n;
	return 0;
}

static int table(struct csv *t, struct archive *a, const char *path, const char *name,
		 struct diag_sink *d)
{
	char *text = NULL;
	size_t n = 0;
	int e = t->columns ? -EEXIST : read_entry(a, &text, &n);

	if (e == 0 && memchr(text, 0, n)) {
		free(text);
		e = -EBADMSG;
	} else if (e == 0) {
		e = csv_read(t, text, n);
	}
	if (e < 0)
		diag_error(d, path, 0, "%s: %s", name,
			   e == -EEXIST	   ? "stands twice in it"
			   : e == -EBADMSG ? "is no CSV as RFC 4180 has it"
					   : strerror(-e));
	return e;
}

static int entries(struct archive *a, struct csv *tables, const char *const *names, size_t n,
		   const char *path, struct diag_sink *d)
{
	struct archive_entry *entry;
	unsigned seen = 0;
	int rc, e = 0;

	while (e == 0 && (rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		if (++seen > ENTRIES_MAX) {
			diag_error(d, path, 0, "more than %u files", ENTRIES_MAX);
			return -E2BIG;
		}
		if (archive_entry_filetype(entry) == AE_IFDIR)
			archive_read_disk_descend(a); /* of a folder; a ZIP does not mind */
		for (size_t i = 0; i < n && e == 0; i++)
			if (name && ends_with(name, names[i]))
				e = table(&tables[i], a, path, name, d);
	}
	if (e == 0 && rc != ARCHIVE_EOF) {
		diag_error(d, path, 0, "cannot be read: %s", archive_error_string(a));
		e = -EBADMSG;
	}
	return e;
}

static int open_it(struct archive **ret, const char *path)
{
	struct stat st;
	bool folder;
	struct archive *a;
	int rc;

	if (stat(path, &st) < 0)
		return -errno;
	folder = S_ISDIR(st.st_mode);
	a = folder ? archive_read_disk_new() : archive_read_new();
	if (!a)
		return -ENOMEM;
	if (folder) {
		archive_read_disk_set_symlink_physical(a); /* links are not followed */
		rc = archive_read_disk_open(a, path);
	} else {
		archive_read_support_format_zip(a);
		rc = archive_read_open_filename(a, path, 1u << 16);
	}
	*ret = a;
	return rc == ARCHIVE_OK ? 0 : -EBADMSG;
}

int package_read(struct csv *tables, const char *const *names, size_t n, const char *path,
		 struct diag_sink *d)
{
	struct archive *a = NULL;
	int e = open_it(&a, path);

	memset(tables, 0, n * sizeof(*tables));
	if (e < 0)
		diag_error(d, path, 0, "%s", a ? archive_error_string(a) : strerror(-e));
	else
		e = entries(a, tables, names, n, path, d);
	if (a)
		archive_read_free(a);
	for (size_t i = 0; i < n && e < 0; i++)
		csv_drop(&tables[i]);
	return e;
}
