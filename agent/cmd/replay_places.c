/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_places.c - --places-as-of: the databases as they were kept on a day, instead of those of today. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/geo_days.h"
#include "agent/cmd/replay.h"
#include "geo/places.h"

static int choose(struct replay *r, const char *path, struct diag_sink *d)
{
	char file[GEO_DAYS_PATH], day[TEXT_SHORT], name[REPLAY_NAME];
	int64_t as_of = (int64_t)(r->places_ns / 1000000000ull);
	int result = geo_days_find(file, path, as_of, d);
	char **more, *copy;

	if (result < 0)
		return result;
	more = reallocarray(r->places, r->nplaces + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->places = more;
	copy = strdup(file);
	if (!copy)
		return -ENOMEM;
	more[r->nplaces++] = copy;
	diag_say("places as of %s: %s", text_date(day, as_of), replay_name(name, file));
	return 0;
}

static int choose_all(struct replay *r, const char *const *path, size_t n, struct diag_sink *d)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < n; i++)
		result = choose(r, path[i], d);
	return result;
}

/* The policy's geo lines, and without any the default files: what would be read today. */
static int choose_of_policy(struct replay *r, struct diag_sink *d)
{
	struct engine_config cfg = r->config;
	struct engine *e = NULL;
	const char *const *files;
	size_t n;
	int result;

	cfg.no_geo = true;
	cfg.now = (int64_t)(r->now_ns / 1000000000ull);
	result = engine_load(&e, &cfg, NULL, d);
	if (result < 0)
		return result;
	for (size_t i = 0; result == 0 && i < e->policy->ngeo; i++)
		if (*e->policy->geo[i].path)
			result = choose(r, e->policy->geo[i].path, d);
	if (result == 0 && !r->nplaces) {
		files = places_default_files(&n, d);
		result = files ? choose_all(r, files, n, d) : -ENOENT;
	}
	engine_free(e);
	return result;
}

int replay_places(struct replay *r)
{
	struct diag_print print;
	int result;

	if (!r->places_ns)
		return 0;
	diag_print_init(&print, stderr);
	result = r->config.ngeo ? choose_all(r, r->config.geo, r->config.ngeo, &print.sink)
				: choose_of_policy(r, &print.sink);
	diag_print_done(&print);
	if (result == -ENOMEM)
		diag_say("not enough memory");
	if (result < 0)
		return result == -EINVAL ? EXIT_POLICY : EXIT_FAILED;
	r->config.geo = (const char *const *)r->places;
	r->config.ngeo = r->nplaces;
	return 0;
}

void replay_places_free(struct replay *r)
{
	for (size_t i = 0; i < r->nplaces; i++)
		free(r->places[i]);
	free(r->places);
}
