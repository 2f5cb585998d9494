/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_regions.c - regions that no table places are said once: not again at each start with the same lists. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"
#include "geo/base/sha256.h"
#include "geo/facts/facts.h"

#define TOLD_FILE "regions.told"

/* What was read: the sums of all files, and the tables that they are held against. */
static int sum_of(const struct places *p, char ret[65])
{
	size_t n = places_sources(p), at, size = 65 * n + 32;
	_free_ char *all = malloc(size);

	if (!all)
		return -ENOMEM;
	at = text_put(all, size, "%llu\n", (unsigned long long)facts_serial());
	for (size_t i = 0; i < n; i++)
		at += text_put(all + at, size - at, "%s\n", places_source(p, i)->sha256);
	return sha256_hex(ret, all, at);
}

static bool was_told(const char *path, const char *sum)
{
	_free_ char *text = NULL;
	size_t n;

	return file_read(&text, &n, AT_FDCWD, path, 64) == 0 && strcmp(text, sum) == 0;
}

void daemon_regions_tell(const struct daemon *d, const struct places *p, struct diag_sink *sink)
{
	char path[512], sum[65];
	bool kept = d->cfg.state && strlen(d->cfg.state) < 400 && access(d->cfg.state, W_OK) == 0 &&
		    sum_of(p, sum) == 0;

	if (kept) {
		text_put(path, sizeof(path), "%s/" TOLD_FILE, d->cfg.state);
		if (was_told(path, sum))
			return;
	}
	places_warn_regions(p, sink);
	if (kept)
		file_replace(path, sum, 64, sink);
}
