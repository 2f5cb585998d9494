/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_build.c - 'cordon geo build': source files in, one MaxMind DB out, or the old one stays. */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/cmd/geo.h"
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/source/mmdb_meta.h"
#include "geo/mmdb/mmdb_write.h"

const char geo_build_help[] =
	"usage: cordon geo build [options] FILE...\n"
	"  -o, --output FILE    write this (default " GEO_OUTPUT ")\n"
	"  -f, --force          also when a source has lost over 20% of the prefixes it has in FILE now\n"
	"      --json           print what was made as one JSON object\n"
	"Reads every FILE (formats are told by content), merges them by precedence, and replaces the output\n"
	"as a whole. When anything is wrong the output stays as it was, and the exit code is 1.\n";

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static uint64_t claims_in(const struct places *p, const struct mmdb_meta_source *old)
{
	uint64_t n = 0;

	for (size_t i = 0; i < places_sources(p); i++) {
		const struct source *s = places_source(p, i);

		if (!strcmp(s->format, old->source) && !strcmp(file_name(s->path), old->file))
			n += s->claims;
	}
	return n;
}

static bool accepted(const char *name, const char *const *accept, size_t naccept)
{
	for (size_t i = 0; i < naccept; i++)
		if (!strcmp(accept[i], name))
			return true;
	return false;
}

/* A source that is not given any more is left out on purpose; one that came back smaller may be
 * damaged. */
unsigned geo_check_shrink(const struct places *p, const char *output, const char *const *accept,
			  size_t naccept)
{
	struct mmdb_meta old;
	struct diag_sink silent = {0};
	unsigned refused = 0;
	struct stat st;

	/* a pipe or a device holds no former places */
	if (stat(output, &st) < 0 || !S_ISREG(st.st_mode) || mmdb_meta_read(&old, output, &silent))
		return 0;
	for (size_t i = 0; i < old.n; i++) {
		const struct mmdb_meta_source *s = &old.sources[i];
		uint64_t now = claims_in(p, s);
		char a[TEXT_SHORT], b[TEXT_SHORT];

		if (!now || !geo_shrank(s->claims, now) || accepted(s->file, accept, naccept))
			continue;
		diag_say("%s (%s): %s prefixes, %s in %s now: over %d%% lost", s->file, s->source,
			 text_count(a, now), text_count(b, s->claims), output, GEO_SHRINK_PERCENT);
		refused++;
	}
	return refused;
}

static json_t *stats_json(const char *output, const struct places *p, const struct mmdb_stats *st)
{
	return json_pack("{s:s, s:I, s:I, s:i, s:I, s:I}", "output", output, "sources",
			 (json_int_t)places_sources(p), "records", (json_int_t)st->records,
			 "record_bits", (int)st->record_bits, "nodes", (json_int_t)st->nodes,
			 "bytes", (json_int_t)st->file_bytes);
}

static void print_stats(const char *output, const struct places *p, const struct mmdb_stats *st,
			bool json)
{
	char size[TEXT_SHORT], records[TEXT_SHORT];

	if (json) {
		_json_ json_t *j = stats_json(output, p, st);

		json_dumpf(j, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	printf("%s: %zu sources, %s distinct records, %s, records of %u bits\n", output,
	       places_sources(p), text_count(records, st->records),
	       text_bytes(size, st->file_bytes), st->record_bits);
}

int geo_make(const char *const *files, const int64_t *dates, size_t n, const char *output,
	     bool force, bool json)
{
	struct places_config cfg = {.files = files, .nfiles = n, .dates = dates};
	struct diag_print print;
	struct places *p = NULL;
	struct mmdb_stats st;
	struct mmdb_options o = {.build_epoch = time(NULL)};
	int r;

	diag_print_init(&print, stderr);
	r = places_load(&p, &cfg, &print.sink);
	if (!r)
		places_warn_regions(p, &print.sink);
	if (!r && !force && geo_check_shrink(p, output, NULL, 0)) {
		diag_say("%s stays as it is; --force takes the smaller sources", output);
		r = -ERANGE;
	}
	if (!r)
		r = mmdb_write(p, output, &o, &st, &print.sink);
	if (!r)
		print_stats(output, p, &st, json);
	places_free(p);
	diag_print_done(&print);
	return r ? EXIT_FAILED : EXIT_DONE;
}

/* A list that a typing mistake replaced by the database made of it would be gone. */
static bool overwrites(const char *output, char *const *files, int n)
{
	struct stat out, in;

	if (stat(output, &out) < 0 || !S_ISREG(out.st_mode))
		return false;
	for (int i = 0; i < n; i++)
		if (stat(files[i], &in) == 0 && in.st_ino == out.st_ino && in.st_dev == out.st_dev)
			return true;
	return false;
}

int geo_build(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"force", no_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	const char *output = GEO_OUTPUT;
	bool force = false, json = false;
	int c;

	optind = 0;
	while ((c = options_next("geo build", argc, argv, "o:f", options)) >= 0) {
		if (c == 'o')
			output = optarg;
		else if (c == 'f')
			force = true;
		else if (c == 'j')
			json = true;
		else
			return EXIT_USAGE;
	}
	if (optind == argc)
		return diag_usage("geo build", "no source file given");
	if (overwrites(output, argv + optind, argc - optind))
		return diag_usage("geo build", "--output %s would overwrite a source", output);
	return geo_make((const char *const *)argv + optind, NULL, (size_t)(argc - optind), output,
			force, json);
}
