/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_files.c - what a policy includes, read line by line; the statements themselves are rules/parse's. */
#include "agent/policy/policy_files.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/base/text.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"
#include "rules/policy.h"

#define MARK "#@"

struct reader {
	const char *path; /* of the policy */
	size_t dir;	  /* of path: the length of its folder, with the slash */
	FILE *out;
	struct diag_sink *d;
	size_t bytes;
	unsigned files, errors;
	bool includes;
	struct {
		dev_t dev;
		ino_t ino;
	} open[POLICY_FILES_DEPTH]; /* the files that are being read, each within the one before */
	unsigned depth;
};
/* A line of a file, and what has been read of it. */
struct line {
	const char *file; /* relative to the policy's folder; "": the policy */
	unsigned number;
	const char *start, *at, *end;
};

/* Where a file is. */
static const char *path_of(char to[PATH_MAX], const struct reader *r, const char *file)
{
	if (!*file)
		text_put(to, PATH_MAX, "%s", r->path);
	else
		text_put(to, PATH_MAX, "%.*s%s", *file == '/' ? 0 : (int)r->dir, r->path, file);
	return to;
}

static void complain(struct reader *r, const struct line *l, const char *at, size_t len,
		     const char *what, const char *name, const char *why)
{
	char path[PATH_MAX];

	r->errors++;
	diag_at(r->d, DIAG_ERROR, path_of(path, r, l->file), l->number,
		(unsigned)(at - l->start) + 1, (unsigned)len, "%s%s%s%s%s", what, *what ? " " : "",
		name, *why ? ": " : "", why);
}

/* "#@ "FILE" N": the next line is line N of FILE. */
static void mark(struct reader *r, const char *file, unsigned line)
{
	fputs(MARK " \"", r->out);
	for (; *file; file++) {
		if (*file == '"' || *file == '\\')
			fputc('\\', r->out);
		fputc(*file, r->out);
	}
	fprintf(r->out, "\" %u\n", line);
}

/* The next word, which is what is wanted; NULL: any. 0 when there is none. */
static size_t take_word(struct line *l, const char *wanted)
{
	size_t len = 0;

	while (l->at < l->end && strchr(" \t", *l->at))
		l->at++;
	while (l->at + len < l->end && !strchr(" \t\r\n{},\"#", l->at[len]))
		len++;
	if (wanted && (len != strlen(wanted) || memcmp(l->at, wanted, len) != 0))
		return 0;
	l->at += len;
	return len;
}

/* A string that nothing but a comment follows. */
static bool take_string(struct line *l, char *to, size_t size)
{
	size_t n = 0;

	take_word(l, "");
	if (l->at == l->end || *l->at++ != '"')
		return false;
	for (; l->at < l->end && *l->at != '"'; l->at++) {
		if (*l->at == '\\' && ++l->at == l->end)
			return false;
		if (n + 1 < size)
			to[n++] = *l->at;
	}
	to[n] = 0;
	if (l->at++ >= l->end || n + 1 >= size)
		return false;
	l->at += strspn(l->at, " \t\r");
	return l->at >= l->end || *l->at == '\n' || *l->at == '#';
}

static int read_file(struct reader *r, char **ret, size_t *len, const char *path, struct stat *st)
{
	int err;

	if (++r->files > POLICY_FILES_MAX)
		return -EMFILE;
	if (stat(path, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EBADF;
	err = file_read(ret, len, AT_FDCWD, path, POLICY_FILES_BYTES);
	if (!err && (r->bytes += *len) > POLICY_FILES_BYTES)
		err = -EFBIG;
	return err;
}

static const char *why_not(int err)
{
	switch (err) {
	case -EMFILE:
		return "more than 256 files";
	case -EBADF:
		return "no regular file";
	case -EFBIG:
		return "the policy is larger than 4 MiB with it";
	case -ELOOP:
		return "it includes itself";
	case -ENAMETOOLONG:
		return "files within files, more than 8 deep";
	case -EILSEQ:
		return "a name with control characters";
	default:
		return strerror(-err);
	}
}

static void put_file(struct reader *r, const char *file, const char *text, size_t len);

static int enter(struct reader *r, const struct stat *st)
{
	for (unsigned i = 0; i < r->depth; i++)
		if (r->open[i].dev == st->st_dev && r->open[i].ino == st->st_ino)
			return -ELOOP;
	if (r->depth == POLICY_FILES_DEPTH)
		return -ENAMETOOLONG;
	r->open[r->depth].dev = st->st_dev;
	r->open[r->depth++].ino = st->st_ino;
	return 0;
}

static bool printable(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			return false;
	return true;
}

static int include_one(struct reader *r, const char *path)
{
	const char *file = strncmp(path, r->path, r->dir) ? path : path + r->dir;
	_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;
	int err = printable(path) ? read_file(r, &text, &len, path, &st) : -EILSEQ;

	if (!err)
		err = enter(r, &st);
	if (err)
		return err;
	mark(r, file, 1);
	put_file(r, file, text, len);
	r->depth--;
	return 0;
}

static int on_error(const char *path, int err)
{
	(void)path;
	return err != ENOENT; /* no folder: nothing in it */
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder's own name is no pattern. */
static void pattern_of(char to[2 * PATH_MAX], const char *path, size_t folder)
{
	size_t n = 0;

	for (size_t i = 0; path[i]; i++) {
		if (i < folder && strchr("*?[\\", path[i]))
			to[n++] = '\\';
		to[n++] = path[i];
	}
	to[n] = 0;
}

static void cleanup_glob(glob_t *g)
{
	globfree(g);
}

static void include_all(struct reader *r, const struct line *l, const char *at, const char *path,
			size_t folder)
{
	_cleanup_(cleanup_glob) glob_t g = {0};
	char pattern[2 * PATH_MAX];
	int err;

	pattern_of(pattern, path, folder);
	err = glob(pattern, GLOB_NOSORT, on_error, &g);
	if (err && err != GLOB_NOMATCH)
		complain(r, l, at, (size_t)(l->at - at), path, "cannot be read", strerror(errno));
	if (g.gl_pathc)
		qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_name);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		err = include_one(r, g.gl_pathv[i]);
		if (err)
			complain(r, l, at, (size_t)(l->at - at), g.gl_pathv[i],
				 "cannot be included", why_not(err));
	}
}

/* A name beside the file that has the line. Returns the length of the folder in it. */
static size_t beside(char to[PATH_MAX], const struct reader *r, const struct line *l,
		     const char *name)
{
	char own[PATH_MAX];
	const char *slash = strrchr(path_of(own, r, l->file), '/');
	size_t folder = *name == '/' || !slash ? 0 : (size_t)(slash - own) + 1;

	text_put(to, PATH_MAX, "%.*s%s", (int)folder, own, name);
	return folder;
}

/* True when the line is the statement, whatever came of it. */
static bool include(struct reader *r, struct line l)
{
	char name[PATH_MAX], path[PATH_MAX];
	const char *at;
	size_t folder;
	int err;

	if (!take_word(&l, "include"))
		return false;
	at = l.at + strspn(l.at, " \t");
	if (!take_string(&l, name, sizeof(name)) || !*name)
		return false;
	r->includes = true;
	folder = beside(path, r, &l, name);
	fprintf(r->out, "# %.*s\n", (int)strcspn(l.start, "\r\n"), l.start);
	if (strpbrk(name, "*?[")) {
		include_all(r, &l, at, path, folder);
	} else {
		err = include_one(r, path);
		if (err)
			complain(r, &l, at, strlen(name) + 2, path, "cannot be included",
				 why_not(err));
	}
	mark(r, l.file, l.number + 1);
	return true;
}

/* Prefixes and comments, and nothing that a policy could take for more. */
static void put_listed(struct reader *r, struct line l, const char *text, size_t len)
{
	const char *end = text + len;
	size_t n;

	l.start = text;
	l.number = 1;
	for (; text < end; text += n) {
		n = 1;
		if (*text == '\n') {
			l.number++;
			l.start = text + 1;
		} else if (*text == '#') {
			while (text + n < end && text[n] != '\n')
				n++;
			continue; /* comments stay where they are */
		} else if (!strchr(" \t\r,", *text) || !*text) {
			while (text + n < end && text[n] && !strchr(" \t\r\n,#", text[n]))
				n++;
			if (!*text || strspn(text, "0123456789abcdefABCDEF:./") < n) {
				_free_ char *word = strndup(text, n > 64 ? 64 : n);

				complain(r, &l, text, n,
					 "a list's file holds addresses and prefixes; not",
					 word ? word : "", "");
			}
		}
		fwrite(text, 1, n, r->out);
	}
}

static bool list(struct reader *r, struct line l)
{
	char name[PATH_MAX], path[PATH_MAX];
	_free_ char *text = NULL;
	const char *word, *at;
	size_t n, len = 0;
	struct line own;
	struct stat st;
	int err;

	if (!take_word(&l, "list") || !(n = take_word(&l, NULL)))
		return false;
	word = l.at - n;
	if (!take_word(&l, "file"))
		return false;
	at = l.at + strspn(l.at, " \t");
	if (!take_string(&l, name, sizeof(name)) || !*name)
		return false;
	r->includes = true;
	beside(path, r, &l, name);
	err = printable(path) ? read_file(r, &text, &len, path, &st) : -EILSEQ;
	if (err)
		complain(r, &l, at, strlen(name) + 2, path, "cannot be read", why_not(err));
	own = (struct line){.file = strncmp(path, r->path, r->dir) ? path : path + r->dir};
	fprintf(r->out, "list %.*s {\n", (int)n, word);
	mark(r, own.file, 1);
	if (!err)
		put_listed(r, own, text, len);
	fputc('\n', r->out);
	mark(r, l.file, l.number);
	fputs("}\n", r->out);
	return true;
}

/* Only text that is read here may say where it stands. */
static void put_line(struct reader *r, const struct line *l)
{
	bool marks = l->end - l->start >= 2 && !memcmp(l->start, MARK, 2);

	if (marks)
		fputs("# ", r->out);
	fwrite(l->start + marks, 1, (size_t)(l->end - l->start) - marks, r->out);
}

static void put_file(struct reader *r, const char *file, const char *text, size_t len)
{
	struct line l = {.file = file, .at = text, .end = text};
	const char *stop = text + len, *nl;

	while (l.end < stop) {
		l.start = l.at = l.end;
		nl = memchr(l.start, '\n', (size_t)(stop - l.start));
		l.end = nl ? nl + 1 : stop;
		l.number++;
		if (!include(r, l) && !list(r, l))
			put_line(r, &l);
	}
	if (len && text[len - 1] != '\n')
		fputc('\n', r->out);
}

static char *copy(const char *text, size_t n)
{
	char *to = malloc(n + 1);

	if (to) {
		memcpy(to, text, n);
		to[n] = 0;
	}
	return to;
}

int policy_files_whole(char **ret, size_t *len, const char *path, const char *text, size_t n,
		       struct diag_sink *d)
{
	const char *slash = strrchr(path, '/');
	struct reader r = {.path = path, .dir = slash ? (size_t)(slash - path) + 1 : 0, .d = d};
	bool whole = n >= strlen(POLICY_WHOLE) && !memcmp(text, POLICY_WHOLE, strlen(POLICY_WHOLE));
	_free_ char *put = NULL;
	struct stat st;
	size_t size = 0;

	if (!whole) {
		r.out = open_memstream(&put, &size);
		if (!r.out)
			return -ENOMEM;
		if (stat(path, &st) == 0)
			enter(&r, &st);
		r.bytes = n;
		fputs(POLICY_WHOLE, r.out);
		mark(&r, "", 1);
		put_file(&r, "", text, n);
		if (fclose(r.out))
			return -ENOMEM;
	}
	if (r.errors)
		return -EINVAL;
	if (r.includes && size > POLICY_FILES_BYTES)
		return -EFBIG;
	if (!r.includes) {
		free(put);
		put = copy(text, n);
		size = n;
	}
	if (!put)
		return -ENOMEM;
	*ret = TAKE_PTR(put);
	*len = size;
	return 0;
}

int policy_files_read(char **ret, size_t *len, const char *path, struct diag_sink *d)
{
	_free_ char *text = NULL;
	size_t n = 0;
	int err = file_read(&text, &n, AT_FDCWD, path, POLICY_FILES_BYTES);

	if (err)
		return err == -EINVAL ? -EIO : err;
	return policy_files_whole(ret, len, path, text, n, d);
}

unsigned policy_files_lines(const char *text, size_t len)
{
	static const char own[] = MARK " \"\" ";
	const char *end = text + len, *nl;
	unsigned n = 0;

	for (; text < end; text = nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		nl = nl ? nl : end;
		if ((size_t)(nl - text) > strlen(own) && !memcmp(text, own, strlen(own)))
			n = (unsigned)strtoul(text + strlen(own), NULL, 10) - 1;
		else
			n++;
	}
	return n;
}
