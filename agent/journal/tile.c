/* SPDX-License-Identifier: BSD-2-Clause */
/* tile.c - files of the journal: segments by name, tiles of the tree by path, checkpoints' text. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/journal/journal_private.h"
#include "geo/base/cleanup.h"

#define PREFIX "segment-"
#define SUFFIX ".jsonl"
#define DIGITS 20

void segment_name(char ret[SEGMENT_NAME_MAX], uint64_t first)
{
	snprintf(ret, SEGMENT_NAME_MAX, PREFIX "%020" PRIu64 SUFFIX, first);
}

/* Exactly the name that segment_name makes. */
static bool segment_parse(const char *name, uint64_t *first)
{
	char again[SEGMENT_NAME_MAX];
	uint64_t n = 0;

	if (strlen(name) != strlen(PREFIX) + DIGITS + strlen(SUFFIX) ||
	    strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	for (unsigned i = 0; i < DIGITS; i++) {
		unsigned digit = (unsigned)(unsigned char)name[strlen(PREFIX) + i] - '0';

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	segment_name(again, n);
	*first = n;
	return strcmp(again, name) == 0;
}

static int by_first(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int segment_add(struct segments *s, size_t *room, uint64_t first, uint64_t bytes)
{
	if (s->n == *room) {
		size_t more = *room ? *room * 2 : 64;
		struct segment *v = reallocarray(s->v, more, sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->v = v;
		*room = more;
	}
	s->v[s->n++] = (struct segment){first, bytes};
	return 0;
}

int segments_list(struct segments *ret, int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct segments s = {0};
	struct dirent *e;
	size_t room = 0;
	uint64_t first;
	struct stat st;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(dir)))
		if (segment_parse(e->d_name, &first) &&
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			r = segment_add(&s, &room, first, (uint64_t)st.st_size);
	closedir(dir);
	if (r < 0) {
		segments_drop(&s);
		return r;
	}
	if (s.n)
		qsort(s.v, s.n, sizeof(*s.v), by_first);
	*ret = s;
	return 0;
}

void segments_drop(struct segments *s)
{
	free(s->v);
	*s = (struct segments){0};
}

void tile_path(char ret[TILE_PATH_MAX], const char *level, uint64_t index, unsigned width)
{
	uint16_t part[8];
	unsigned n = 0, at;

	do {
		part[n++] = (uint16_t)(index % 1000);
		index /= 1000;
	} while (index);
	at = (unsigned)snprintf(ret, TILE_PATH_MAX, "tile/%s/", level);
	while (n-- > 1)
		at += (unsigned)snprintf(ret + at, TILE_PATH_MAX - at, "x%03u/", part[n]);
	at += (unsigned)snprintf(ret + at, TILE_PATH_MAX - at, "%03u", part[0]);
	if (width < TILE_WIDTH)
		snprintf(ret + at, TILE_PATH_MAX - at, ".p/%u", width);
}

int tile_read(int dirfd, unsigned level, uint64_t index, struct merkle_hash *ret, unsigned n)
{
	char path[TILE_PATH_MAX], name[4];
	_close_ int fd = -1;
	ssize_t got;

	snprintf(name, sizeof(name), "%u", level);
	tile_path(path, name, index, TILE_WIDTH);
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	got = pread(fd, ret, n * sizeof(*ret), 0);
	if (got < 0)
		return -errno;
	return (size_t)got == n * sizeof(*ret) ? 0 : -ENOENT; /* cut: as if it were not there */
}

static int make_directories(int dirfd, const char *path)
{
	char part[TILE_PATH_MAX + 8];

	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		if (mkdirat(dirfd, part, 0750) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int tile_write(int dirfd, const char *path, const void *bytes, size_t n)
{
	char tmp[TILE_PATH_MAX + 8];
	_close_ int fd = -1;
	int r;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 && errno == ENOENT) {
		r = make_directories(dirfd, path);
		if (r < 0)
			return r;
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			    0640);
	}
	if (fd < 0)
		return -errno;
	r = write_all(fd, bytes, n);
	if (r == 0 && renameat(dirfd, tmp, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	return r;
}

void tile_root(struct merkle_hasher *h, struct merkle_hash *ret, const struct merkle_hash *v,
	       unsigned height)
{
	struct merkle_hash t[TILE_WIDTH];

	memcpy(t, v, sizeof(*t) << height);
	for (unsigned n = 1u << height; n > 1; n /= 2)
		for (unsigned i = 0; i < n / 2; i++)
			merkle_node(h, &t[i], &t[2 * i], &t[2 * i + 1]);
	*ret = t[0];
}

void hash_base64(char ret[BASE64_HASH], const struct merkle_hash *h)
{
	EVP_EncodeBlock((unsigned char *)ret, h->b, MERKLE_HASH);
}

int checkpoint_text(char *buf, size_t size, const char *origin, uint64_t records,
		    const struct merkle_hash *root)
{
	char b64[BASE64_HASH];
	int n;

	hash_base64(b64, root);
	n = snprintf(buf, size, "%s\n%" PRIu64 "\n%s\n", origin, records, b64);
	return n < 0 || (size_t)n >= size ? -EMSGSIZE : n;
}

/* "123\n": decimal, no leading zero. Where it ends, or NULL. */
static const char *number_line(const char *p, const char *end, uint64_t *ret)
{
	uint64_t n = 0;
	const char *start = p;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return NULL;
		n = n * 10 + digit;
	}
	if (p == start || p == end || *p != '\n' || (*start == '0' && p - start > 1))
		return NULL;
	*ret = n;
	return p + 1;
}

static int root_line(const char *p, const char *end, struct merkle_hash *ret)
{
	uint8_t buf[MERKLE_HASH + 1]; /* the padding decodes to one byte more */

	if (end - p < BASE64_HASH || p[BASE64_HASH - 1] != '\n' ||
	    memchr(p, '\n', BASE64_HASH - 1) ||
	    EVP_DecodeBlock(buf, (const unsigned char *)p, BASE64_HASH - 1) != sizeof(buf))
		return -EINVAL;
	memcpy(ret->b, buf, MERKLE_HASH);
	return 0;
}

int journal_checkpoint_parse(struct journal_checkpoint *ret, const char *note, size_t n)
{
	struct journal_checkpoint c = {.len = n};
	const char *end = note + n, *nl = memchr(note, '\n', n), *p;

	if (!nl || nl == note || (size_t)(nl - note) >= sizeof(c.origin))
		return -EINVAL;
	memcpy(c.origin, note, (size_t)(nl - note));
	p = number_line(nl + 1, end, &c.size);
	if (!p || root_line(p, end, &c.root) < 0)
		return -EINVAL;
	c.note = strndup(note, n);
	if (!c.note)
		return -ENOMEM;
	*ret = c;
	return 0;
}

int journal_checkpoint_read(struct journal_checkpoint *ret, const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[8192];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(buf) ? -EINVAL : journal_checkpoint_parse(ret, buf, (size_t)n);
}

void journal_checkpoint_drop(struct journal_checkpoint *c)
{
	free(c->note);
	*c = (struct journal_checkpoint){0};
}
