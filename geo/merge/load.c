/* SPDX-License-Identifier: BSD-2-Clause */
/* load.c - loads all sources that a configuration names and merges them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "geo/claims/store.h"
#include "geo/facts/facts.h"
#include "geo/facts/manifest.h"
#include "geo/merge/merge.h"
#include "geo/source/source.h"

/* What 'cordon geo update' made, which holds the shipped lists too. One that is there and not
 * readable is no reason to say nothing. */
static bool built(struct diag_sink *d)
{
	if (access(PLACES_BUILT, R_OK) == 0)
		return true;
	if (errno == EACCES)
		diag_at(d, DIAG_WARNING, PLACES_BUILT, 0, 0, 0,
			"not readable for you: the agent uses it, here the shipped lists speak");
	else if (errno != ENOENT && errno != ENOTDIR)
		return true; /* reading it says what is wrong */
	return false;
}

/* The shipped lists first: of one kind, the first given speaks first. */
static const char *const *shipped_files(size_t *n)
{
	static const char *const databases[] = {"/usr/share/tor/geoip", "/usr/share/tor/geoip6"};
	static const char *all[MANIFEST_FILES_MAX + 2];
	size_t nlists;
	const char *const *lists = facts_lists(&nlists);

	*n = 0;
	for (size_t i = 0; i < nlists; i++)
		all[(*n)++] = lists[i];
	for (size_t i = 0; i < 2; i++)
		if (access(databases[i], R_OK) == 0)
			all[(*n)++] = databases[i];
	return all;
}

const char *const *places_default_files(size_t *n, struct diag_sink *d)
{
	static const char *const one[] = {PLACES_BUILT};

	if (!built(d))
		return shipped_files(n);
	*n = 1;
	return one;
}

static bool nat64_length(unsigned len)
{
	return len == 96 || (len >= 32 && len <= 64 && len % 8 == 0);
}

static int copy_nat64(struct places *p, const struct places_config *cfg, struct diag_sink *d)
{
	char text[IP_STRLEN];

	if (!cfg->nnat64)
		return 0;
	if (cfg->nnat64 > PLACES_NAT64_MAX) {
		diag_error(d, "nat64", 0, "more than %d NAT64 prefixes", PLACES_NAT64_MAX);
		return -E2BIG;
	}
	for (size_t i = 0; i < cfg->nnat64; i++) {
		const struct cidr *c = &cfg->nat64[i];

		if (c->addr.v == 6 && nat64_length(c->len))
			continue;
		diag_error(d, "nat64", 0,
			   "%s is no NAT64 prefix: its length must be 32, 40, 48, 56, 64 or 96",
			   cidr_format(text, c));
		return -EINVAL;
	}
	p->nat64 = calloc(cfg->nnat64, sizeof(*p->nat64));
	if (!p->nat64)
		return -ENOMEM;
	memcpy(p->nat64, cfg->nat64, cfg->nnat64 * sizeof(*p->nat64));
	p->nnat64 = cfg->nnat64;
	return 0;
}

static int load_all(struct places *p, const struct places_config *cfg, struct diag_sink *d)
{
	const char *const *files = cfg->files;
	size_t n = cfg->nfiles;
	int r = copy_nat64(p, cfg, d);

	if (!n && !cfg->no_files)
		files = places_default_files(&n, d);
	if (!r && !n && !cfg->nlines && !cfg->no_files) {
		diag_error(d, "places", 0,
			   "no source of places: name one with 'geo \"FILE\"', or install "
			   "tor-geoipdb");
		r = -ENOENT;
	}
	if (!r)
		r = source_place_lines(p, cfg->lines, cfg->nlines, d);
	for (size_t i = 0; i < n && !r; i++)
		r = source_load(p, files[i], cfg->dates ? cfg->dates[i] : 0, d);
	return r ? r : places_merge(p, d);
}

int places_load(struct places **ret, const struct places_config *cfg, struct diag_sink *d)
{
	struct places *p = places_new();
	unsigned errors = d ? d->errors : 0;
	int r;

	if (!p)
		return -ENOMEM;
	r = facts_open(d); /* without them every region and operator would be a stranger */
	if (!r)
		r = load_all(p, cfg, d);
	if (r && d && d->errors == errors)
		diag_error(d, "places", 0, "cannot be loaded: %s", strerror(-r));
	if (r) {
		places_free(p);
		return r;
	}
	*ret = p;
	return 0;
}
