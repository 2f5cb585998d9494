/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_days.c - the places of former days: kept by 'geo update', found by 'replay --places-as-of'. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/cmd/geo_days.h"
#include "agent/base/text.h"
#include "geo/base/cleanup.h"
#include "geo/source/mmdb_meta.h"

#define DAY_LEN 10 /* 2026-11-26: sorts as the days do */

struct days {
	char (*day)[DAY_LEN + 1]; /* owned */
	size_t n;
};

static bool is_day(const char *s)
{
	static const char shape[] = "0000-00-00";

	if (strlen(s) != DAY_LEN)
		return false;
	for (size_t i = 0; i < DAY_LEN; i++)
		if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != '-')
			return false;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(b, a);
}

static int add(struct days *l, const char *day)
{
	void *more = reallocarray(l->day, l->n + 1, sizeof(*l->day));

	if (!more)
		return -ENOMEM;
	l->day = more;
	memcpy(l->day[l->n++], day, DAY_LEN + 1);
	return 0;
}

static int read_days(struct days *l, DIR *dir, const char *name)
{
	size_t len = strlen(name);
	const struct dirent *e;
	int r = 0;

	while (r == 0 && (e = readdir(dir)))
		if (!strncmp(e->d_name, name, len) && e->d_name[len] == '.' &&
		    is_day(e->d_name + len + 1))
			r = add(l, e->d_name + len + 1);
	return r;
}

/* The days that are kept of a database, the newest first. l->day is free()d by the caller in any case. */
static int list(struct days *l, const char *path, struct diag_sink *d)
{
	const char *slash = strrchr(path, '/');
	_free_ char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	DIR *dir = folder ? opendir(folder) : NULL;
	int r = dir ? read_days(l, dir, slash ? slash + 1 : path) : folder ? -errno : -ENOMEM;

	if (dir)
		closedir(dir);
	if (r < 0)
		diag_error(d, path, 0, "cannot see which former days are kept: %s", strerror(-r));
	else if (l->n)
		qsort(l->day, l->n, sizeof(*l->day), newest_first);
	return r;
}

static int name_of(char ret[GEO_DAYS_PATH], const char *path, const char *day, const char *end)
{
	int n = snprintf(ret, GEO_DAYS_PATH, "%s.%s%s", path, day, end);

	return n < GEO_DAYS_PATH ? 0 : -ENAMETOOLONG;
}

/* By rename: a crash leaves the day's former database or the new one. */
static int link_day(const char *path, const char *day)
{
	char to[GEO_DAYS_PATH], fresh[GEO_DAYS_PATH];
	int r = name_of(to, path, day, "");

	if (r == 0)
		r = name_of(fresh, path, day, ".new");
	if (r < 0)
		return r;
	(void)unlink(fresh);
	if (link(path, fresh) < 0)
		return -errno;
	if (rename(fresh, to) < 0)
		r = -errno;
	(void)unlink(fresh); /* of two names of one file, rename leaves both */
	return r;
}

int geo_days_keep(const char *path, int64_t now, unsigned n, struct diag_sink *d)
{
	struct days l = {0};
	char today[TEXT_SHORT], old[GEO_DAYS_PATH];
	int r = n ? link_day(path, text_date(today, now)) : 0;

	if (r < 0)
		diag_error(d, path, 0, "cannot be kept as the places of %s: %s", today,
			   strerror(-r));
	else
		r = list(&l, path, d);
	for (size_t i = n; r == 0 && i < l.n; i++) {
		r = name_of(old, path, l.day[i], "");
		if (r == 0 && unlink(old) < 0)
			r = -errno;
		if (r < 0)
			diag_error(d, path, 0, "the places of %s, which are too many, stay: %s",
				   l.day[i], strerror(-r));
	}
	free(l.day);
	return r;
}

/* When the database itself was made, as a day; "": it does not say. */
static const char *made(char buf[TEXT_SHORT], const char *path)
{
	struct diag_sink silent = {0}; /* a list of ranges is no database, and says no day */
	struct mmdb_meta m;

	if (mmdb_meta_read(&m, path, &silent) < 0 || !m.build_epoch || m.build_epoch > INT64_MAX)
		return "";
	return text_date(buf, (int64_t)m.build_epoch);
}

static int none(const char *path, const char *want, const char *own, const struct days *l,
		struct diag_sink *d)
{
	if (l->n)
		diag_error(d, path, 0,
			   "no places of %s or before are kept: the oldest are of %s (%s.%s)", want,
			   l->day[l->n - 1], path, l->day[l->n - 1]);
	else
		diag_error(
			d, path, 0,
			"no places of %s or before are kept: the file itself %s%s, and no %s.YYYY-MM-DD "
			"stands beside it; 'cordon geo update' keeps them",
			want, *own ? "is of " : "does not say when it was made", own, path);
	return -ENOENT;
}

int geo_days_find(char ret[GEO_DAYS_PATH], const char *path, int64_t as_of, struct diag_sink *d)
{
	char want[TEXT_SHORT], buf[TEXT_SHORT];
	const char *own = made(buf, path);
	struct days l = {0};
	size_t i = 0;
	int r = list(&l, path, d);

	text_date(want, as_of);
	while (i < l.n && strcmp(l.day[i], want) > 0)
		i++;
	if (r == 0 && *own && strcmp(own, want) <= 0 && (i == l.n || strcmp(own, l.day[i]) >= 0))
		r = snprintf(ret, GEO_DAYS_PATH, "%s", path) < GEO_DAYS_PATH ? 0 : -ENAMETOOLONG;
	else if (r == 0)
		r = i < l.n ? name_of(ret, path, l.day[i], "") : none(path, want, own, &l, d);
	free(l.day);
	return r;
}
