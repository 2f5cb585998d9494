/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - a file becomes a source: read whole, told by content, parsed into claims. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "geo/base/sha256.h"
#include "geo/claims/store.h"
#include "geo/source/source.h"

#define DIGITS "0123456789"

static const struct source_format formats[] = {
#define FORMAT(name, text, kind, has_key)                                                          \
	{text, kind, name##_probe, name##_parse, FORMAT_KEY_##has_key(name)},
#include "geo/data/formats.def"
#undef FORMAT
};

const struct source_format *source_format_row(size_t i)
{
	return i < sizeof(formats) / sizeof(formats[0]) ? &formats[i] : NULL;
}

const struct source_format *source_format_of(const struct bytes *b)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].probe(b))
			return &formats[i];
	return NULL;
}

static int read_error(struct diag_sink *d, const char *path, int error)
{
	diag_error(d, path, 0, "cannot be read: %s", strerror(error));
	return -error;
}

static int check_file(const struct stat *st, const char *path, struct diag_sink *d)
{
	if (!S_ISREG(st->st_mode)) {
		diag_error(d, path, 0, "is not a regular file");
		return -EINVAL;
	}
	if (st->st_size == 0) {
		diag_error(d, path, 0, "is empty");
		return -EINVAL;
	}
	if ((uint64_t)st->st_size > SOURCE_BYTES_MAX) {
		diag_error(d, path, 0, "has %lld bytes; at most %llu are read",
			   (long long)st->st_size, (unsigned long long)SOURCE_BYTES_MAX);
		return -EFBIG;
	}
	return 0;
}

/* Reads size bytes into fresh pages. A copy, not a file mapping: a file cut under us must not be a
 * SIGBUS. */
static int read_pages(struct bytes *ret, int fd, size_t size)
{
	size_t n = 0;
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return ENOMEM;
	/* 25 MB of text would be 6,000 page faults; where this is refused they are */
	madvise(p, size, MADV_HUGEPAGE);
	while (n < size) {
		ssize_t r = read(fd, p + n, size - n);

		if (r <= 0 && !(r < 0 && errno == EINTR)) {
			int error = r < 0 ? errno : EIO;

			munmap(p, size);
			return error;
		}
		n += r > 0 ? (size_t)r : 0;
	}
	*ret = (struct bytes){p, size};
	return 0;
}

int source_read(struct bytes *ret, int64_t *mtime, const char *path, struct diag_sink *d)
{
	struct stat st;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return read_error(d, path, errno);
	if (fstat(fd, &st) < 0) {
		r = read_error(d, path, errno);
	} else {
		r = check_file(&st, path, d);
		if (!r) {
			r = read_pages(ret, fd, (size_t)st.st_size);
			r = r ? read_error(d, path, r) : 0;
		}
	}
	close(fd);
	if (!r)
		*mtime = st.st_mtime;
	return r;
}

void source_unread(struct bytes *b)
{
	if (b->p)
		munmap((void *)(uintptr_t)b->p, b->n);
	*b = (struct bytes){0};
}

bool source_next_line(const struct bytes *b, size_t *at, struct source_line *ret)
{
	const char *start = (const char *)b->p + *at, *end;

	if (*at >= b->n)
		return false;
	end = memchr(start, '\n', b->n - *at);
	ret->p = start;
	ret->n = end ? (size_t)(end - start) : b->n - *at;
	ret->number++;
	*at += ret->n + (end ? 1 : 0);
	if (ret->n && start[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

/* The same bytes twice are a mistake, and would count as two witnesses. */
static int check_new(const struct places *p, const struct source_data *s, struct diag_sink *d)
{
	for (size_t i = 0; i < p->nsources; i++) {
		const struct source_data *o = p->sources[i];

		if (o == s || strcmp(o->pub.sha256, s->pub.sha256))
			continue;
		diag_error(d, s->pub.path, 0, "is the same file as %s, given twice", o->pub.path);
		return -EEXIST;
	}
	return 0;
}

static int parse(struct claims *c, const struct bytes *b)
{
	const struct source_format *f;
	struct source_data *s = c->s;
	int r;

	f = source_format_of(b);
	if (!f)
		return claims_error(c, 0,
				    "is of no known format (first bytes are neither an "
				    "MMDB, nor a provider's range file, a geofeed, a CSV "
				    "of prefixes or tor-geoipdb's text)");
	s->key = f->key;
	claims_kind(c, f->kind);
	s->pub.format = f->name;
	r = f->parse(c, b);
	if (r)
		return r;
	s->pub.v4_ranges = s->raw[0].n;
	s->pub.v6_ranges = s->raw[1].n;
	s->pub.claims = s->raw[0].n + s->raw[1].n;
	if (!s->pub.claims)
		return claims_error(c, 0, "has no ranges (%s)", f->name);
	return claims_flatten(c);
}

static int unpack(struct bytes *b, const char *path, struct diag_sink *d)
{
	int r = source_unpack(b);

	if (r == -EFBIG)
		diag_error(d, path, 0, "gzip of over %u bytes: too large for a source",
			   SOURCE_UNPACKED_MAX);
	else if (r == -EBADMSG)
		diag_error(d, path, 0, "gzip that is damaged, or ends too early");
	else if (r == -ENODATA)
		diag_error(d, path, 0, "gzip of nothing");
	return r;
}

int64_t places_name_date(const char *path)
{
	const char *slash = strrchr(path, '/'), *s = slash ? slash + 1 : path;

	for (; *s; s += strspn(s, DIGITS) ? strspn(s, DIGITS) : 1) {
		size_t n = strspn(s, DIGITS);
		struct tm tm = {.tm_mday = 1};
		const char *end = NULL;

		if (s[0] != '2' || s[1] != '0')
			continue;
		if (n == 8)
			end = strptime(s, "%Y%m%d", &tm);
		else if (n == 4 && s[4] == '-' && strspn(s + 5, DIGITS) == 2)
			end = strptime(s, s[7] == '-' ? "%Y-%m-%d" : "%Y-%m", &tm);
		if (end)
			return (int64_t)timegm(&tm);
	}
	return 0;
}

/* When it was made: what it says, else what is known of it, else its name, else the day of the file,
 * but not where files are copied about without a date of their own. */
static void settle_date(struct source_data *s, int64_t dated, int64_t mtime)
{
	if (!s->pub.date)
		s->pub.date = dated;
	if (!s->pub.date)
		s->pub.date = places_name_date(s->pub.path);
	if (!s->pub.date && !s->undated)
		s->pub.date = mtime;
}

int source_load(struct places *p, const char *path, int64_t dated, struct diag_sink *d)
{
	struct bytes b = {0};
	struct claims c;
	int64_t mtime;
	unsigned errors = d ? d->errors : 0;
	int r = source_read(&b, &mtime, path, d);

	if (r)
		return r;
	r = claims_open(p, path, SOURCE_MMDB, &c, d);
	if (!r)
		r = sha256_hex(c.s->pub.sha256, b.p, b.n);
	if (!r)
		r = check_new(p, c.s, d);
	if (!r)
		r = unpack(&b, path, d);
	if (!r)
		r = parse(&c, &b);
	if (!r)
		settle_date(c.s, dated, mtime);
	source_unread(&b);
	if (r && d && d->errors == errors)
		diag_error(d, path, 0, "cannot be loaded: %s", strerror(-r));
	return r;
}
