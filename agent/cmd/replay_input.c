/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_input.c - which captures are read: files, directories, patterns, lists; each once, whatever
 * its name. What cannot be read is told and is not the end of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/base/file.h"
#include "agent/cmd/replay.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "geo/base/cleanup.h"

#define DEPTH_MAX 16 /* of directories */
#define LINE_MAX_ 4096

const char *replay_name(char buf[REPLAY_NAME], const char *path)
{
	return text_escape(buf, REPLAY_NAME, path, SIZE_MAX);
}

/* Part of what was asked for is not there: told, and the exit code says so. */
static void unread(struct replay *r, const char *path, const char *why)
{
	char name[REPLAY_NAME];

	diag_say("%s: %s: not read", replay_name(name, path), why);
	r->unread++;
}

static int add_path(struct replay *r, const char *path, const struct stat *st, bool listed)
{
	struct replay_capture *c;
	char name[REPLAY_NAME], other[REPLAY_NAME];

	for (size_t i = 0; st && S_ISREG(st->st_mode) && i < r->ncaptures; i++)
		if (r->captures[i].inode == st->st_ino && r->captures[i].device == st->st_dev) {
			diag_say("%s: the same file as %s: counted once", replay_name(name, path),
				 replay_name(other, r->captures[i].path));
			r->twice++;
			return 0;
		}
	c = reallocarray(r->captures, r->ncaptures + 1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	r->captures = c;
	c += r->ncaptures;
	*c = (struct replay_capture){.path = strdup(path), .listed = listed};
	if (!c->path)
		return -ENOMEM;
	if (st && S_ISREG(st->st_mode)) {
		c->regular = true;
		c->size = (uint64_t)st->st_size;
		c->inode = st->st_ino;
		c->device = st->st_dev;
	}
	r->all_bytes += c->size;
	r->ncaptures++;
	return 0;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* A directory that is being read, and those that it stands in: a link may lead back to one of them. */
struct within {
	const struct within *up;
	dev_t device;
	ino_t inode;
};

static int add_tree(struct replay *r, const char *path, unsigned depth, const struct within *up);

/* A directory's entries in the order of their names, directories below it where their name stands.
 */
static int add_directory(struct replay *r, const char *path, unsigned depth,
			 const struct within *here)
{
	struct dirent **entry;
	int n = scandir(path, &entry, visible, alphasort), result = 0;

	if (n < 0) {
		unread(r, path, strerror(errno));
		return 0;
	}
	for (int i = 0; i < n; i++) {
		_free_ char *sub = NULL;

		if (result == 0 && asprintf(&sub, "%s/%s", path, entry[i]->d_name) < 0)
			result = -ENOMEM;
		if (result == 0)
			result = add_tree(r, sub, depth + 1, here);
		free(entry[i]);
	}
	free(entry);
	return result;
}

static int add_tree(struct replay *r, const char *path, unsigned depth, const struct within *up)
{
	struct stat st;

	if (depth > DEPTH_MAX) {
		unread(r, path, "too many directories in each other");
		return 0;
	}
	if (stat(path, &st) < 0) {
		struct stat link;
		int error = errno;

		unread(r, path,
		       lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && error == ENOENT
			       ? "a link to nothing"
			       : strerror(error));
		r->failed |= !depth;
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		const struct within here = {up, st.st_dev, st.st_ino};
		char name[REPLAY_NAME];

		for (const struct within *w = up; w; w = w->up)
			if (w->device == st.st_dev && w->inode == st.st_ino) {
				diag_say(
					"%s: leads back to a directory that is being read: not followed",
					replay_name(name, path));
				return 0;
			}
		return add_directory(r, path, depth, &here);
	}
	/* a socket that stands in a directory is nobody's request */
	return depth && !S_ISREG(st.st_mode) ? 0 : add_path(r, path, &st, !depth);
}

int replay_add(struct replay *r, const char *path)
{
	struct stat st;
	glob_t g;
	int result = 0;

	if (!strcmp(path, "-"))
		return add_path(r, path, NULL, true);
	if (lstat(path, &st) == 0 || !strpbrk(path, "*?[") || glob(path, 0, NULL, &g) != 0)
		return add_tree(r, path, 0, NULL);
	for (size_t i = 0; i < g.gl_pathc && result == 0; i++)
		result = add_tree(r, g.gl_pathv[i], 0, NULL);
	globfree(&g);
	return result;
}

/* A path a line; or, where there is a NUL in it, each ended by one, as 'find -print0' writes. */
int replay_add_list(struct replay *r, const char *list)
{
	_free_ char *text = NULL;
	size_t len;
	int result = file_read(&text, &len, AT_FDCWD, list, 64u << 20);
	char end = '\n';

	if (result < 0) {
		diag_say("%s: %s", list, strerror(-result));
		return result;
	}
	if (memchr(text, 0, len))
		end = 0;
	for (char *p = text, *stop = text + len; p < stop && result == 0;) {
		char *e = memchr(p, end, (size_t)(stop - p));

		e = e ? e : stop;
		*e = 0;
		if (*p)
			result = replay_add(r, p);
		p = e + 1;
	}
	return result;
}

static int sum_of(const char *path, uint8_t md[EVP_MAX_MD_SIZE])
{
	_free_ uint8_t *buf = malloc(1u << 20);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (buf && ctx && fd >= 0 && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		while ((n = read(fd, buf, 1u << 20)) > 0)
			EVP_DigestUpdate(ctx, buf, (size_t)n);
	if (n == 0)
		EVP_DigestFinal_ex(ctx, md, NULL);
	EVP_MD_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	return n == 0 ? 0 : -EIO;
}

/* Files of the same size may be the same capture under two names; only those are read for it. */
void replay_find_copies(struct replay *r)
{
	uint8_t a[EVP_MAX_MD_SIZE], b[EVP_MAX_MD_SIZE];
	char name[REPLAY_NAME], other[REPLAY_NAME];

	for (size_t i = 1; i < r->ncaptures; i++) {
		struct replay_capture *c = &r->captures[i];

		for (size_t k = 0; c->regular && c->size && k < i; k++) {
			const struct replay_capture *o = &r->captures[k];

			if (!o->regular || o->state == REPLAY_COPY || o->size != c->size ||
			    sum_of(c->path, a) < 0 || sum_of(o->path, b) < 0 || memcmp(a, b, 32))
				continue;
			diag_say("%s: the same bytes as %s: counted once",
				 replay_name(name, c->path), replay_name(other, o->path));
			c->state = REPLAY_COPY;
			r->twice++;
			break;
		}
	}
}

static bool named_like_a_capture(const char *path)
{
	static const char *const ends[] = {".pcap", ".pcapng",	".cap",	     ".dmp",
					   ".etl",  ".snoop",	".erf",	     ".trc",
					   ".ntar", ".pcap.gz", ".pcapng.gz"};
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t len = strlen(ends[i]);

		if (n > len && !strcasecmp(path + n - len, ends[i]))
			return true;
	}
	return strstr(path, ".pcap") != NULL;
}

static void keep_text(void *arg, const struct diag *d)
{
	text_put(arg, REPLAY_NAME, "%s", d->text);
}

/* In a directory, what is no capture may stand beside captures; what is named like one, or is one of
 * another kind, may not be passed over in silence. */
struct capture *replay_open(struct replay *r, struct replay_capture *c)
{
	char why[REPLAY_NAME] = "", name[REPLAY_NAME];
	struct diag_sink sink = {.fn = keep_text, .arg = why};
	struct capture *reader = NULL;
	int result = capture_open(&reader, c->path, r->sums, &sink);

	if (result == 0)
		return reader;
	c->state = REPLAY_UNREAD;
	replay_name(name, c->path);
	if (result == -EINVAL && !c->listed && !named_like_a_capture(c->path)) {
		diag_say("%s: passed over: %s", name, why);
		c->state = REPLAY_PASSED;
		r->skipped++;
	} else if (result == -EINTR) {
		c->state = REPLAY_WAITING;
	} else {
		diag_say("%s: %s", name, why);
		r->unread++;
		r->failed |= c->listed;
	}
	return NULL;
}
