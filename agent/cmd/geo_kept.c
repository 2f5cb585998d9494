/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_kept.c - keeps the last good copy of a source: nothing unread or shrunken takes its place. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "agent/cmd/geo.h"
#include "agent/cmd/geo_kept.h"
#include "agent/cmd/geo_moves.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/base/file.h"
#include "geo/base/sha256.h"

#define STATE_MAX (64u << 10)
#define COPY_MAX  (1u << 30)

int geo_digest_file(char hex[65], const char *path)
{
	_free_ char *text = NULL;
	size_t n = 0;
	int r = file_read(&text, &n, AT_FDCWD, path, COPY_MAX);

	return r ? r : sha256_hex(hex, text, n);
}

static void take(char *to, size_t size, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	snprintf(to, size, "%s", s ? s : "");
}

static void read_state(struct geo_kept *k, const struct geo_conf_source *s)
{
	_free_ char *text = NULL;
	_json_ json_t *o = NULL;
	char sum[65], from[4096];
	json_error_t e;
	size_t n = 0;

	if (file_read(&text, &n, AT_FDCWD, k->state_path, STATE_MAX) ||
	    geo_digest_file(sum, k->path))
		return;
	o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
	take(k->sha256, sizeof(k->sha256), o, "sha256");
	take(from, sizeof(from), o, "from");
	if (strcmp(sum, k->sha256))
		return;
	k->there = true;
	k->claims = (uint64_t)json_integer_value(json_object_get(o, "claims"));
	k->dated = json_integer_value(json_object_get(o, "date"));
	take(k->format, sizeof(k->format), o, "format");
	if (!strcmp(from, s->from))
		take(k->etag, sizeof(k->etag), o, "etag");
}

int geo_kept_open(struct geo_kept *ret, const char *directory, const struct geo_conf_source *s)
{
	struct geo_kept k = {0};

	if (asprintf(&k.path, "%s/%s", directory, s->name) < 0)
		k.path = NULL;
	if (asprintf(&k.state_path, "%s/%s.state", directory, s->name) < 0)
		k.state_path = NULL;
	if (asprintf(&k.candidate, "%s/%s.new", directory, s->name) < 0)
		k.candidate = NULL;
	if (!k.path || !k.state_path || !k.candidate) {
		geo_kept_close(&k);
		return -ENOMEM;
	}
	read_state(&k, s);
	*ret = k;
	return 0;
}

void geo_kept_close(struct geo_kept *k)
{
	free(k->path);
	free(k->state_path);
	free(k->candidate);
	*k = (struct geo_kept){0};
}

static void set_date(const char *path, int64_t modified)
{
	struct timespec t[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = modified}};

	if (modified)
		utimensat(AT_FDCWD, path, t, 0);
}

/* Reads the candidate as geo build would, alone. */
static int check(struct geo_kept *now, const char *path, struct places **ret, struct diag_sink *d)
{
	const char *files[1] = {path};
	struct places_config cfg = {.files = files, .nfiles = 1, .dates = &now->dated};
	const struct source *s;
	struct places *p = NULL;
	int r = places_load(&p, &cfg, d);

	if (r)
		return r;
	s = places_source(p, 0);
	now->claims = s->claims;
	now->dated = s->date;
	snprintf(now->sha256, sizeof(now->sha256), "%s", s->sha256);
	snprintf(now->format, sizeof(now->format), "%s", s->format);
	*ret = p;
	return 0;
}

static int write_state(const struct geo_kept *k, const struct geo_conf_source *s,
		       struct diag_sink *d)
{
	_json_ json_t *o =
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "from", s->from, "etag", k->etag,
			  "sha256", k->sha256, "format", k->format, "claims", (json_int_t)k->claims,
			  "date", (json_int_t)k->dated, "taken", (json_int_t)time(NULL));
	_free_ char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;

	return text ? file_replace(k->state_path, text, strlen(text), d) : -ENOMEM;
}

static int refuse(const struct geo_conf_source *s, struct diag_sink *d, const char *what)
{
	diag_error(d, s->from, 0, "%s: refused; --accept %s takes it", what, s->name);
	return -ERANGE;
}

static int compare_counts(const struct geo_kept *old, const struct geo_kept *now,
			  const struct geo_conf_source *s, struct diag_sink *d)
{
	char what[256], a[TEXT_SHORT], b[TEXT_SHORT];

	if (strcmp(old->format, now->format)) {
		text_put(what, sizeof(what), "was of format %s, is of %s now", old->format,
			 now->format);
		return refuse(s, d, what);
	}
	if (!geo_shrank(old->claims, now->claims))
		return 0;
	text_put(what, sizeof(what), "%s prefixes, had %s: over %d%% lost",
		 text_count(a, now->claims), text_count(b, old->claims), GEO_SHRINK_PERCENT);
	return refuse(s, d, what);
}

static int compare_editions(const struct source *old, const struct source *now,
			    const struct geo_conf_source *s, struct diag_sink *d)
{
	char what[256], a[TEXT_SHORT], b[TEXT_SHORT];

	if (source_newer(now, old) <= 0)
		return 0;
	if (now->date && old->date)
		text_put(what, sizeof(what), "is of %s, older than the copy, which is of %s",
			 text_date(a, now->date), text_date(b, old->date));
	else
		text_put(what, sizeof(what), "is edition %.60s, older than the copy's %.60s",
			 now->version, old->version);
	return refuse(s, d, what);
}

/* Against the copy that it would replace: how many prefixes, which edition, what it moves. */
static int compare(const struct geo_kept *old, const struct geo_kept *now, const struct places *p,
		   const struct geo_conf_source *s, bool accept, struct diag_sink *d)
{
	struct geo_kept was = *old;
	struct diag_sink silent = {0};
	struct places *before = NULL;
	struct geo_moves m;
	int r;

	if (!old->there || !strcmp(old->sha256, now->sha256))
		return 0;
	r = accept ? 0 : compare_counts(old, now, s, d);
	if (r || check(&was, old->path, &before, &silent))
		return r; /* what cannot be read any more holds nothing back */
	r = accept ? 0 : compare_editions(places_source(before, 0), places_source(p, 0), s, d);
	if (!r) {
		geo_moves(&m, before, p);
		r = geo_moves_tell(&m, s->from, s->name, accept, d) ? -ERANGE : 0;
	}
	places_free(before);
	return r;
}

int geo_kept_replace(struct geo_kept *k, const struct geo_conf_source *s, const void *bytes,
		     size_t n, const char *etag, int64_t modified, bool accept, struct diag_sink *d)
{
	struct geo_kept now = *k;
	struct places *p = NULL;
	int r = file_replace(k->candidate, bytes, n, d);

	if (r)
		return r;
	set_date(k->candidate, modified);
	now.dated = s->url ? modified : places_name_date(s->from);
	r = check(&now, k->candidate, &p, d);
	if (!r)
		r = compare(k, &now, p, s, accept, d);
	places_free(p);
	if (!r && rename(k->candidate, k->path)) {
		r = -errno;
		diag_error(d, k->path, 0, "cannot be written: %s", strerror(-r));
	}
	if (r) {
		unlink(k->candidate);
		return r;
	}
	now.there = true;
	snprintf(now.etag, sizeof(now.etag), "%s", etag);
	*k = now;
	return write_state(k, s, d);
}
