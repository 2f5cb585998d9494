/* SPDX-License-Identifier: BSD-2-Clause */
/* places_fixture.h - what tests of sources share: fixtures by name, texts as files, and the
 * diagnostics that came. */
#ifndef TESTS_GEO_PLACES_FIXTURE_H
#define TESTS_GEO_PLACES_FIXTURE_H
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "geo/places.h"

struct said {
	unsigned errors;
	unsigned line; /* of the first error, else of the last warning */
	char text[1024];
};

static void fixture_say(void *arg, const struct diag *d)
{
	struct said *s = arg;

	if (s->errors && d->level != DIAG_ERROR)
		return;
	s->errors += d->level == DIAG_ERROR;
	s->line = d->line;
	snprintf(s->text, sizeof(s->text), "%s: %s", d->file, d->text);
}

static inline int fixture_load(struct places **ret, struct said *said, const char *const *files,
			       size_t n)
{
	struct diag_sink d = {.fn = fixture_say, .arg = said};
	struct places_config cfg = {.files = files, .nfiles = n};

	return places_load(ret, &cfg, &d);
}

static inline struct places *fixture_places(const char *const *files, size_t n)
{
	struct said said = {0};
	struct places *p = NULL;
	int r = fixture_load(&p, &said, files, n);

	cr_assert_eq(r, 0, "%s", said.text);
	return p;
}

/* A file of that text; the caller unlinks. */
static inline void fixture_file(char path[64], const void *text, size_t len)
{
	int fd;

	snprintf(path, 64, "/tmp/cordon-test-XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static inline struct ip fixture_ip(const char *text)
{
	struct ip ip;

	cr_assert_eq(ip_parse(&ip, text), 0, "%s", text);
	return ip;
}

static inline const struct place *fixture_place(const struct places *p, const char *address)
{
	struct ip ip = fixture_ip(address);

	return places_get(p, places_lookup(p, &ip));
}
#endif
