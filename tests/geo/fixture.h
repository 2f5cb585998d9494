/* SPDX-License-Identifier: BSD-2-Clause */
/* fixture.h - what the tests of geo share: files of their own, what was said, and the real data
 * beside the clone. */
#ifndef TESTS_GEO_FIXTURE_H
#define TESTS_GEO_FIXTURE_H
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/lib/leaks.h"
#include "geo/places.h"

struct said {
	struct diag_sink sink;
	char file[256], text[512]; /* of the first error */
	char warning[512];	   /* the first */
	unsigned line;
};

static inline void said_fn(void *arg, const struct diag *d)
{
	struct said *s = arg;

	if (d->level == DIAG_WARNING && !*s->warning)
		snprintf(s->warning, sizeof(s->warning), "%s", d->text);
	if (d->level != DIAG_ERROR || *s->text)
		return;
	snprintf(s->file, sizeof(s->file), "%s", d->file ? d->file : "");
	snprintf(s->text, sizeof(s->text), "%s", d->text);
	s->line = d->line;
}

static inline void said_init(struct said *s)
{
	memset(s, 0, sizeof(*s));
	s->sink.fn = said_fn;
	s->sink.arg = s;
}

/* A file with these bytes; buf holds its path. The caller unlinks. */
static inline const char *temp_file(char buf[64], const void *bytes, size_t n)
{
	int fd;

	snprintf(buf, 64, "%.40s/cordon-geo-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	fd = mkstemp(buf);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	return buf;
}

/* The path of a file in shared/, or NULL when there is none beside the clone. */
static inline const char *shared_file(char buf[512], const char *name)
{
	const char *dir = getenv("SHARED");

	snprintf(buf, 512, "%s/%s", dir && *dir ? dir : "../shared", name);
	return access(buf, R_OK) == 0 ? buf : NULL;
}

static inline struct cidr prefix(const char *text)
{
	struct cidr c;

	cr_assert_eq(cidr_parse(&c, text), 0, "%s", text);
	return c;
}

static inline struct ip address(const char *text)
{
	struct ip ip;

	cr_assert_eq(ip_parse(&ip, text), 0, "%s", text);
	return ip;
}

static inline struct place_line line_of(const char *cidr, const char *country)
{
	return (struct place_line){.prefix = prefix(cidr),
				   .country = CC(country[0], country[1]),
				   .file = "test.conf",
				   .line = 1};
}

static inline struct places *load(const struct places_config *cfg)
{
	struct places *p = NULL;
	struct said s;
	int r;

	said_init(&s);
	r = places_load(&p, cfg, &s.sink);
	cr_assert_eq(r, 0, "%s:%u: %s", s.file, s.line, s.text);
	return p;
}

/* With no database but one range, 1.0.0.0/24 in AU; without any file places_load would take the
 * installed ones. */
static inline struct places *load_alone(struct places_config cfg)
{
	char path[64];
	const char *const files[] = {temp_file(path, "16777216,16777471,AU\n", 21)};
	struct places *p;

	cfg.files = files;
	cfg.nfiles = 1;
	p = load(&cfg);
	unlink(path);
	return p;
}

static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
#endif
