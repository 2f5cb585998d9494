/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_conf.c - reads geo.conf: words and quoted words a line, every error with its line. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/geo.h"
#include "agent/cmd/geo_conf.h"
#include "agent/cmd/geo_days.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/facts/law.h"
#include "geo/facts/operator.h"
#include "geo/base/file.h"

#define CONF_MAX  (1u << 20)
#define WORDS_MAX 8

struct reader {
	struct geo_conf *conf;
	const char *path;
	struct diag_sink *d;
	unsigned line;
	char *words[WORDS_MAX]; /* into the line */
	size_t n;
};

static int bad(struct reader *r, const char *what)
{
	diag_error(r->d, r->path, r->line, "%s", what);
	return -EINVAL;
}

/* Cuts the line into words; a # outside of quotes ends it. */
static int cut(struct reader *r, char *s)
{
	for (r->n = 0;;) {
		char end = ' ';

		s += strspn(s, " \t\r");
		if (!*s || *s == '#')
			return 0;
		if (r->n == WORDS_MAX)
			return bad(r, "too many words");
		if (*s == '"') {
			end = '"';
			s++;
		}
		r->words[r->n++] = s;
		s += end == '"' ? strcspn(s, "\"") : strcspn(s, " \t\r");
		if (end == '"' && !*s)
			return bad(r, "a quote is not closed");
		if (*s)
			*s++ = '\0';
	}
}

static int keep(char **to, const char *s)
{
	free(*to);
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

static int path_line(struct reader *r, char **to)
{
	if (r->n != 2)
		return bad(r, "wants one path");
	if (*r->words[1] != '/')
		return bad(r, "wants an absolute path");
	return keep(to, r->words[1]);
}

/* The name becomes a file's name in the directory. */
static bool name_fits(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.");

	return *s && *s != '.' && !s[n] && n <= GEO_NAME_MAX;
}

static int source_line(struct reader *r)
{
	struct geo_conf *c = r->conf;
	struct geo_conf_source *s = &c->sources[c->nsources];

	if (r->n != 3)
		return bad(r, "wants 'source NAME https://... or /path'");
	if (!name_fits(r->words[1]))
		return bad(r, "a source's name is of a-z 0-9 - _ . and at most 32 bytes");
	for (size_t i = 0; i < c->nsources; i++)
		if (!strcmp(c->sources[i].name, r->words[1]))
			return bad(r, "a second source of that name");
	if (c->nsources == GEO_CONF_SOURCES)
		return bad(r, "more than 64 sources");
	if (!strncmp(r->words[2], "http://", 7))
		return bad(r, "http proves nothing of who answers: use https");
	if (strncmp(r->words[2], "https://", 8) && *r->words[2] != '/')
		return bad(r, "wants an https:// address or an absolute path");
	*s = (struct geo_conf_source){.url = *r->words[2] != '/', .line = r->line};
	c->nsources++;
	return keep(&s->name, r->words[1]) || keep(&s->from, r->words[2]) ? -ENOMEM : 0;
}

static int shipped_line(struct reader *r)
{
	if (r->n != 2 || (strcmp(r->words[1], "yes") && strcmp(r->words[1], "no")))
		return bad(r, "wants 'shipped yes' or 'shipped no'");
	r->conf->no_shipped = *r->words[1] == 'n';
	return 0;
}

static int days_line(struct reader *r)
{
	uint64_t n;

	if (r->n != 2 || text_number(&n, r->words[1], GEO_DAYS_MAX) < 0)
		return bad(r, "wants a number of days from 0 to 3650");
	r->conf->days = (unsigned)n;
	return 0;
}

static bool is_date(const char *s)
{
	static const char shape[] = "0000-00-00";

	if (strlen(s) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != '-')
			return false;
	return true;
}

static int hds_line(struct reader *r)
{
	struct geo_conf_hds *h = &r->conf->hds[r->conf->nhds];

	if (r->n != 7 || strcmp(r->words[3], "as-of") || strcmp(r->words[5], "source"))
		return bad(r, "wants 'hds OPERATOR \"STATUS\" as-of YYYY-MM-DD source \"WHERE\"'");
	if (!operator_by_key(r->words[1]))
		return bad(r, "no operator of that key");
	if (!is_date(r->words[4]))
		return bad(r, "the date is YYYY-MM-DD");
	if (r->conf->nhds == GEO_CONF_HDS)
		return bad(r, "more than 64 hds lines");
	*h = (struct geo_conf_hds){0};
	r->conf->nhds++;
	return keep(&h->key, r->words[1]) || keep(&h->status, r->words[2]) ||
			       keep(&h->date, r->words[4]) || keep(&h->source, r->words[6])
		       ? -ENOMEM
		       : 0;
}

static int one_line(struct reader *r, char *s)
{
	int e = cut(r, s);

	if (e || !r->n)
		return e;
	if (!strcmp(r->words[0], "directory"))
		return path_line(r, &r->conf->directory);
	if (!strcmp(r->words[0], "output"))
		return path_line(r, &r->conf->output);
	if (!strcmp(r->words[0], "ca"))
		return path_line(r, &r->conf->ca);
	if (!strcmp(r->words[0], "source"))
		return source_line(r);
	if (!strcmp(r->words[0], "hds"))
		return hds_line(r);
	if (!strcmp(r->words[0], "shipped"))
		return shipped_line(r);
	if (!strcmp(r->words[0], "days"))
		return days_line(r);
	return bad(r, "no such word: directory, output, ca, source, days, shipped or hds");
}

int geo_conf_read(struct geo_conf *ret, const char *path, struct diag_sink *d)
{
	struct reader r = {.conf = ret, .path = path, .d = d};
	_free_ char *text = NULL;
	size_t len = 0;
	char *s, *next;
	int e;

	*ret = (struct geo_conf){.days = GEO_DAYS_DEFAULT};
	e = file_read(&text, &len, AT_FDCWD, path, CONF_MAX);
	if (e) {
		diag_error(d, path, 0, "cannot be read: %s", strerror(-e));
		return e;
	}
	if (memchr(text, '\0', len))
		return bad(&r, "has a NUL in it");
	if (keep(&ret->directory, "/var/lib/cordon/sources") ||
	    keep(&ret->output, "/var/lib/cordon/places.mmdb"))
		return -ENOMEM;
	for (s = text; s; s = next) {
		int one;

		next = strchr(s, '\n');
		if (next)
			*next++ = '\0';
		r.line++;
		one = one_line(&r, s);
		e = e ? e : one;
	}
	if (!e && !ret->nsources)
		return bad(&r, "names no source");
	return e;
}

void geo_conf_free(struct geo_conf *c)
{
	for (size_t i = 0; i < c->nsources; i++) {
		free(c->sources[i].name);
		free(c->sources[i].from);
	}
	for (size_t i = 0; i < c->nhds; i++) {
		free(c->hds[i].key);
		free(c->hds[i].status);
		free(c->hds[i].date);
		free(c->hds[i].source);
	}
	free(c->directory);
	free(c->output);
	free(c->ca);
	*c = (struct geo_conf){0};
}

static json_t *hds_shipped(const char *key)
{
	const struct law_hds *h = law_hds(key);

	return h ? json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s}", "status", h->status,
			     "version", h->version, "activities", h->activities, "regions",
			     h->regions, "until", h->until, "checked", h->checked, "date", h->date,
			     "source", h->source)
		 : NULL;
}

static json_t *hds_in(const struct geo_conf *c, const char *key)
{
	for (size_t i = 0; i < c->nhds; i++) {
		const struct geo_conf_hds *h = &c->hds[i];

		if (!strcmp(h->key, key))
			return json_pack("{s:s, s:s, s:s}", "status", h->status, "date", h->date,
					 "source", h->source);
	}
	return hds_shipped(key);
}

json_t *geo_conf_hds_of(const struct geo_conf *c, const char *key)
{
	struct diag_sink silent = {0}; /* 'geo update' tells what is wrong with the file */
	struct geo_conf own = {0};
	json_t *ret;

	if (c)
		return hds_in(c, key);
	if (!access(GEO_CONF, R_OK))
		geo_conf_read(&own, GEO_CONF, &silent);
	ret = hds_in(&own, key);
	geo_conf_free(&own);
	return ret;
}
